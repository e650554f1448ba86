from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.features import describe
from nightdub.tasks.plan_dp import RATE
from nightdub.tasks.protocols import Request
from nightdub.tasks.rows import Pause, SpokenSound
from nightdub.tasks.sound import resample, write_sound
from nightdub.tasks.stretch import scale_sounds, stretch, stretch_file

SINE = (0.5 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("factor", [0.77, 1.0, 1.05])
def test_the_length_is_exact_and_twice_the_same(factor: float) -> None:
    wanted = round(SINE.size * factor) + 1
    made = stretch(SINE, wanted)
    assert made.size == wanted
    assert np.array_equal(made, stretch(SINE, wanted))


@pytest.mark.parametrize("size", [1, 480, 4800])
def test_the_shortest_sounds_have_exact_lengths_too(size: int) -> None:
    assert stretch(SINE[:size], size + 7).size == size + 7


def test_pitch_and_level_stay() -> None:
    (spoken,) = Espeak().speak([Request("Todas las líneas están ocupadas.", "es")])
    line = resample(spoken.sound, spoken.sample_rate, RATE)
    before, after = describe(line, RATE, "a"), describe(stretch(line, round(line.size / 1.2)), RATE, "a")
    assert after.pitch_median == pytest.approx(before.pitch_median, rel=0.03)
    assert after.level == pytest.approx(before.level, abs=1.0)


def test_a_file_becomes_48_khz_mono_of_exact_length(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.wav", np.stack([SINE, SINE])[:, :22_050], 22_050)
    stretch_file(source, tmp_path / "b.wav", 43_210)
    facts = soundfile.info(tmp_path / "b.wav")
    assert (facts.samplerate, facts.channels, facts.frames, facts.subtype) == (RATE, 1, 43_210, "PCM_16")


def test_pauses_are_silence_in_their_place_and_the_length_stays_exact(tmp_path: Path) -> None:
    """One second, played in 0.8 s, with 0.25 s of silence where its middle comes to lie: at 0.4 s."""
    source = write_sound(tmp_path / "a.wav", SINE, RATE)
    stretch_file(source, tmp_path / "b.wav", round(1.05 * RATE), [Pause(0.5, 0.25)])
    made, _ = soundfile.read(tmp_path / "b.wav")
    assert made.size == round(1.05 * RATE)
    silent = made[round(0.4 * RATE) : round(0.65 * RATE)]
    assert not silent.any()
    assert abs(made[: round(0.39 * RATE)]).max() > 0.3
    assert abs(made[round(0.66 * RATE) :]).max() > 0.3


def test_a_sound_of_the_right_length_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert stretch(SINE, SINE.size) is SINE


def test_nothing_cannot_be_stretched() -> None:
    with pytest.raises(EngineError, match="0 samples"):
        stretch(SINE[:0], 100)
    with pytest.raises(EngineError, match="made 0"):
        stretch(SINE, 0)


def test_an_absent_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MachineLacks, match="apt-get install rubberband-cli"):
        stretch(SINE, 100)


def test_phonemes_move_with_their_sound() -> None:
    assert scale_sounds([SpokenSound("a", 0.5, 1.0)], 1.25) == (SpokenSound("a", 0.4, 0.8),)
