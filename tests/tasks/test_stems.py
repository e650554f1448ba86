"""Stems: a delivered M&E wins where it fits, separation moves dialogue and bed apart, and nothing is lost between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.tasks.engines.centre_hpss import CentreHpss
from nightdub.tasks.protocols import Sound
from nightdub.tasks.sound import resample
from nightdub.tasks.stems import SILENT, split

RATE = 48_000
Sounds = npt.NDArray[np.float32]  # (samples, channels)


@pytest.fixture(scope="module")
def speech(prompt: Callable[[str], tuple[Sound, str]]) -> Sound:
    """Return 20 s of recorded speech with a second of silence between its sentences."""
    lines = [np.pad(resample(prompt(name)[0], 16_000, RATE), (0, RATE)) for name in ("agent-pass", "all-circuits-busy-now", "vm-goodbye")]
    return np.tile(np.concatenate(lines), 4)[: 20 * RATE] / 2


@pytest.fixture(scope="module")
def music() -> Sounds:
    """Return 20 s of chords that change every two seconds, panned, over a bass."""
    time = np.arange(20 * RATE) / RATE
    bed = np.zeros((2, time.size))
    for number in range(10):
        at = slice(number * 2 * RATE, (number + 1) * 2 * RATE)
        root = 220 * 2 ** (-(number % 4) / 6)
        for ratio, left in ((1.0, 0.2), (1.26, 0.5), (1.5, 0.8), (0.25, 0.5)):
            tone = sum(np.sin(2 * np.pi * root * ratio * harmonic * time[at]) / harmonic for harmonic in (1, 2, 3))
            bed[:, at] += np.array([[1 - left], [left]]) * tone
    return (0.06 * bed.T).astype(np.float32)


def write(path: Path, sound: npt.NDArray[np.float32]) -> Path:
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    return path


def si_sdr(wanted: npt.NDArray[np.float32], got: npt.NDArray[np.float32]) -> float:
    a, b = wanted.ravel().astype(float), got.ravel().astype(float)
    scale = (a @ b) / (a @ a)
    return float(10 * np.log10(scale**2 * (a @ a) / ((b - scale * a) ** 2).sum()))


@pytest.mark.parametrize("channels", [2, 1])
def test_separation_moves_dialogue_and_bed_apart_and_loses_nothing(tmp_path: Path, speech: Sound, music: Sounds, channels: int) -> None:
    bed = music if channels == 2 else music.mean(axis=1, keepdims=True)
    mix = bed + speech[:, None]
    facts = split(write(tmp_path / "mix.wav", mix), tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss())
    dialogue, rest = (soundfile.read(tmp_path / name, dtype="float32", always_2d=True)[0] for name in ("d.wav", "me.wav"))
    wanted = np.repeat(speech[:, None], channels, axis=1)
    assert facts.method == facts.dialogue == "separated:centre-hpss"
    assert si_sdr(wanted, dialogue) > si_sdr(wanted, mix) + 6
    assert si_sdr(bed, rest) > si_sdr(bed, mix) + 6
    assert np.abs(dialogue + rest - mix).max() < 3 / 32768
    if channels == 2:  # in mono the bed sinks under speech, and nothing can be said
        left = 20 * np.log10(abs(float((rest * wanted).sum() / (wanted**2).sum())))
        assert facts.leakage == pytest.approx(left, abs=6)


def test_pieces_join_without_a_seam(tmp_path: Path, speech: Sound, music: Sounds, monkeypatch: pytest.MonkeyPatch) -> None:
    mix = write(tmp_path / "mix.wav", music + speech[:, None])
    split(mix, tmp_path / "whole.wav", tmp_path / "me.wav", None, CentreHpss())
    monkeypatch.setattr("nightdub.tasks.separated._PIECE", 7.0)
    split(mix, tmp_path / "pieces.wav", tmp_path / "me.wav", None, CentreHpss())
    whole, pieces = (soundfile.read(tmp_path / name)[0] for name in ("whole.wav", "pieces.wav"))
    assert len(whole) == len(pieces) == 20 * RATE
    assert si_sdr(whole, pieces) > 25
    assert np.abs(np.diff(pieces, axis=0)).max() < 1.05 * np.abs(np.diff(whole, axis=0)).max()


@pytest.mark.parametrize(("lag", "gain"), [(0, 1.0), (960, 0.5), (-1500, 1.4)])
def test_delivered_bed_is_aligned_levelled_and_subtracted(tmp_path: Path, speech: Sound, music: Sounds, lag: int, gain: float) -> None:
    mix = write(tmp_path / "mix.wav", music + speech[:, None])
    delivered = write(tmp_path / "delivered.wav", np.roll(music, -lag, axis=0) / gain)
    facts = split(mix, tmp_path / "d.wav", tmp_path / "me.wav", delivered, CentreHpss())
    dialogue = soundfile.read(tmp_path / "d.wav", dtype="float32")[0]
    assert (facts.method, facts.dialogue, facts.warnings) == ("delivered", "difference", ())
    assert facts.offset == pytest.approx(lag / RATE)
    assert facts.gain == pytest.approx(20 * np.log10(gain), abs=0.06)
    inside = slice(2000, -2000)
    assert si_sdr(np.repeat(speech[:, None], 2, axis=1)[inside], dialogue[inside]) > 25


def test_delivered_bed_of_another_film_is_not_used(tmp_path: Path, speech: Sound, music: Sounds, rng: np.random.Generator) -> None:
    other = write(tmp_path / "other.wav", (0.05 * rng.standard_normal(music.shape)).astype(np.float32))
    facts = split(write(tmp_path / "mix.wav", music + speech[:, None]), tmp_path / "d.wav", tmp_path / "me.wav", other, CentreHpss())
    assert facts.method == "separated:centre-hpss"
    assert "delivered M&E not used" in facts.warnings[0]


def test_remixed_bed_is_kept_and_dialogue_separated(tmp_path: Path, speech: Sound, music: Sounds, rng: np.random.Generator) -> None:
    foley = 0.35 * music.std() * rng.standard_normal(music.shape)
    delivered = write(tmp_path / "delivered.wav", (music + foley).astype(np.float32))
    facts = split(write(tmp_path / "mix.wav", music + speech[:, None]), tmp_path / "d.wav", tmp_path / "me.wav", delivered, CentreHpss())
    assert (facts.method, facts.dialogue) == ("delivered", "separated:centre-hpss")
    assert "dialogue was separated" in facts.warnings[0]
    assert si_sdr(soundfile.read(delivered)[0], soundfile.read(tmp_path / "me.wav")[0]) > 25


@pytest.mark.parametrize(("frames", "channels"), [(12 * RATE, 2), (20 * RATE, 1)])
def test_delivered_bed_of_another_kind_is_not_used(tmp_path: Path, speech: Sound, music: Sounds, frames: int, channels: int) -> None:
    delivered = write(tmp_path / "delivered.wav", music[:frames, :channels])
    facts = split(write(tmp_path / "mix.wav", music + speech[:, None]), tmp_path / "d.wav", tmp_path / "me.wav", delivered, CentreHpss())
    assert facts.method == "separated:centre-hpss"
    assert "not used" in facts.warnings[0]


# ---------------------------------------------------------------- delivered dialogue, 5.1, silence


def five(voice: Sound, music: Sounds, voice_in: int = 2) -> tuple[Sounds, Sounds]:
    """Return dialogue and bed of 5.1: a voice in one channel, music in all but the LFE, which rumbles."""
    dialogue, bed = np.zeros((len(music), 6), np.float32), np.zeros((len(music), 6), np.float32)
    dialogue[:, voice_in] = voice
    bed[:, :2], bed[:, 4:] = music, music[:, ::-1] / 2
    bed[:, 2] = music.mean(axis=1) / 2
    bed[:, 3] = 0.1 * np.sin(2 * np.pi * 40 * np.arange(len(music)) / RATE)
    return dialogue, bed


def read(path: Path) -> Sounds:
    return np.asarray(soundfile.read(path, dtype="float32", always_2d=True)[0])


def test_dialogue_and_bed_that_add_up_are_used_as_they_are(tmp_path: Path, speech: Sound, music: Sounds) -> None:
    voice = np.repeat(speech[:, None], 2, axis=1)
    paths = [write(tmp_path / f"{name}.wav", sound) for name, sound in (("mix", music + voice), ("bed", music), ("voice", voice))]
    facts = split(paths[0], tmp_path / "d.wav", tmp_path / "me.wav", paths[1], CentreHpss(), paths[2])
    assert (facts.method, facts.dialogue, facts.warnings) == ("delivered", "delivered", ())
    assert facts.clean_bed
    assert facts.true_dialogue
    assert (read(tmp_path / "d.wav") == read(paths[2])).all()
    assert (read(tmp_path / "me.wav") == read(paths[1])).all()


def test_stems_that_do_not_add_up_are_warned_of_and_the_bed_is_kept(tmp_path: Path, speech: Sound, music: Sounds) -> None:
    voice = np.repeat(speech[:, None], 2, axis=1)
    paths = [write(tmp_path / f"{name}.wav", sound) for name, sound in (("mix", music + voice), ("bed", music), ("voice", voice / 2))]
    facts = split(paths[0], tmp_path / "d.wav", tmp_path / "me.wav", paths[1], CentreHpss(), paths[2])
    assert (facts.method, facts.dialogue) == ("delivered", "difference")
    assert "delivered dialogue not used: with the M&E it leaves" in facts.warnings[0]
    assert si_sdr(voice, read(tmp_path / "d.wav")) > 40


@pytest.mark.parametrize(("lag", "gain"), [(0, 1.0), (960, 0.5)])
def test_delivered_dialogue_is_aligned_levelled_and_leaves_the_bed(
    tmp_path: Path, speech: Sound, music: Sounds, lag: int, gain: float
) -> None:
    voice = np.repeat(speech[:, None], 2, axis=1)
    mix = write(tmp_path / "mix.wav", music + voice)
    delivered = write(tmp_path / "voice.wav", np.roll(voice, -lag, axis=0) / gain)
    facts = split(mix, tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss(), delivered)
    assert (facts.method, facts.dialogue, facts.warnings) == ("difference", "delivered", ())
    assert facts.clean_bed
    assert facts.offset == pytest.approx(lag / RATE)
    assert facts.gain == pytest.approx(20 * np.log10(gain), abs=0.5)  # what the music has in common with the voice
    assert si_sdr(music[2000:-2000], read(tmp_path / "me.wav")[2000:-2000]) > 15


def test_dialogue_of_another_film_is_not_used(tmp_path: Path, speech: Sound, music: Sounds) -> None:
    other = write(tmp_path / "other.wav", np.repeat(np.roll(speech, 5 * RATE)[:, None], 2, axis=1))
    mix = write(tmp_path / "mix.wav", music + speech[:, None])
    facts = split(mix, tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss(), other)
    assert facts.method == "separated:centre-hpss"
    assert "delivered dialogue not used" in facts.warnings[0]


def test_of_five_one_the_centre_is_separated_and_the_rest_is_bed(tmp_path: Path, speech: Sound, music: Sounds) -> None:
    voice, bed = five(speech, music)
    facts = split(write(tmp_path / "mix.wav", voice + bed), tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss())
    dialogue, rest = read(tmp_path / "d.wav"), read(tmp_path / "me.wav")
    assert facts.method == "separated:centre-hpss"
    assert not dialogue[:, [0, 1, 3, 4, 5]].any()
    assert np.abs(rest - bed)[:, [0, 1, 3, 4, 5]].max() < 1 / 32768
    assert si_sdr(voice, dialogue) > si_sdr(voice[:, 2], (voice + bed)[:, 2]) + 4
    assert np.abs(dialogue + rest - voice - bed).max() < 2 / 32768


def test_where_the_centre_is_empty_left_and_right_are_separated(tmp_path: Path, speech: Sound, music: Sounds) -> None:
    voice, bed = five(speech, music, voice_in=0)
    voice[:, 1], bed[:, 2] = voice[:, 0], 0
    split(write(tmp_path / "mix.wav", voice + bed), tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss())
    dialogue = read(tmp_path / "d.wav")
    assert not dialogue[:, 2:].any()
    assert si_sdr(voice[:, :2], dialogue[:, :2]) > si_sdr(voice[:, :2], (voice + bed)[:, :2]) + 6


def test_a_delivered_bed_of_five_one_is_subtracted_in_every_channel(tmp_path: Path, speech: Sound, music: Sounds) -> None:
    voice, bed = five(speech, music)
    voice[:, 4] = voice[:, 2] / 3  # a voice that comes from the side as well
    mix, delivered = write(tmp_path / "mix.wav", voice + bed), write(tmp_path / "bed.wav", bed)
    facts = split(mix, tmp_path / "d.wav", tmp_path / "me.wav", delivered, CentreHpss())
    assert (facts.method, facts.dialogue, facts.warnings) == ("delivered", "difference", ())
    assert si_sdr(voice, read(tmp_path / "d.wav")) > 30


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_silent_source_is_split_into_silence_and_said_to_be(tmp_path: Path, channels: int) -> None:
    mix = write(tmp_path / "mix.wav", np.zeros((3 * RATE, channels), np.float32))
    facts = split(mix, tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss())
    assert facts.warnings == (SILENT,)
    assert not read(tmp_path / "d.wav").any()
    assert read(tmp_path / "me.wav").shape == (3 * RATE, channels)


def test_a_mix_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mix.wav").write_bytes(b"not a sound")
    with pytest.raises(MediaError, match=r"mix\.wav"):
        split(tmp_path / "mix.wav", tmp_path / "d.wav", tmp_path / "me.wav", None, CentreHpss())
