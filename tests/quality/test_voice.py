"""Pitch of made voices, contours that agree, and lines that are not their speaker's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from nightdub.quality.metrics import voice
from nightdub.quality.metrics.speakers import speaker_measurements
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.rows import Speaker
from nightdub.tasks.sound import resample

RATE = 16_000


def pulses(pitch: np.ndarray) -> Sound:
    """Return a train of narrow pulses that follows a pitch in Hz, one value a sample."""
    phase = np.cumsum(pitch / RATE)
    train = (np.diff(np.floor(phase), prepend=0) > 0).astype(np.float64)
    return np.convolve(train, np.hanning(24))[: len(pitch)].astype(np.float32) * np.float32(0.3)


def glide(low: float, high: float, seconds: float) -> Sound:
    return pulses(np.geomspace(low, high, round(seconds * RATE)))


@pytest.mark.parametrize("pitch", [70.0, 100.0, 150.0, 220.0, 300.0, 450.0])
def test_the_pitch_of_a_pulse_train(pitch: float) -> None:
    found = voice.track_pitch(pulses(np.full(RATE, pitch)))
    assert voice.median_pitch(found) == pytest.approx(pitch, rel=0.01)
    assert (found > 0).mean() > 0.9


def test_noise_and_silence_have_no_pitch() -> None:
    assert (voice.track_pitch(np.random.default_rng(1).standard_normal(RATE).astype(np.float32)) > 0).mean() < 0.05
    assert voice.median_pitch(voice.track_pitch(np.zeros(RATE, np.float32))) is None


def test_an_octave_is_twelve_semitones() -> None:
    assert voice.semitones(200, 100) == pytest.approx(12)
    assert voice.semitones(100, 200) == pytest.approx(-12)


def test_the_same_melody_agrees_at_any_speed_and_pitch_and_its_mirror_opposes() -> None:
    rise, slower, fall = glide(100, 200, 1.0), glide(120, 240, 1.7), glide(200, 100, 1.3)
    assert voice.agreement(rise, slower)[0] == pytest.approx(1, abs=0.02)
    assert voice.agreement(rise, fall)[0] == pytest.approx(-1, abs=0.02)
    assert voice.agreement(rise, pulses(np.full(RATE, 120.0)))[0] is None  # a monotone has no melody


def test_the_same_stress_agrees_at_any_speed_and_the_opposite_opposes() -> None:
    tone = pulses(np.full(2 * RATE, 120.0))
    swell, fade = tone * np.linspace(0.1, 1, 2 * RATE, dtype=np.float32), tone * np.linspace(1, 0.1, 2 * RATE, dtype=np.float32)
    quick = tone[:RATE] * np.linspace(0.1, 1, RATE, dtype=np.float32)
    alike, opposed = voice.agreement(swell, quick)[1], voice.agreement(swell, fade)[1]
    assert alike is not None
    assert opposed is not None
    assert alike > 0.95
    assert opposed < -0.7  # decibels bend both ramps the same way


def test_timbre_needs_half_a_second_of_voice() -> None:
    sound = pulses(np.full(RATE, 120.0))
    assert len(voice.timbre(sound, voice.track_pitch(sound))) == voice.COEFFICIENTS
    assert voice.timbre(sound[:4000], voice.track_pitch(sound[:4000])) == ()


@dataclass(frozen=True)
class Line:
    segment: str
    speaker: str
    pitch: float | None
    timbre: tuple[float, ...]
    voice: tuple[float, ...] = ()


def rows(lines: list[Line]) -> dict:
    return {row.metric: row for row in speaker_measurements(lines)}


def test_the_line_that_is_another_speakers_is_named() -> None:
    """Pitches 100, 100, 100, 200: one octave off. Timbres 0, +-1, +-1 around each speaker and one at 10."""
    own = [Line(f"a{index}", "ann", 100.0, (float(value),), (1.0, 0.0)) for index, value in enumerate((-1, 0, 1, -1, 1))]
    others = [Line(f"b{index}", "bob", 90.0, (5.0 + value,), (0.0, 1.0)) for index, value in enumerate((-1, 0, 1, 0))]
    found = rows([*own, Line("x", "ann", 200.0, (10.0,), (0.0, 1.0)), *others])
    pitch, timbre = found["speech.pitch_outlier"], found["speech.timbre_distance"]
    assert pitch.value == pytest.approx(12)
    assert (pitch.worst[0].segment, pitch.n) == ("x", 10)
    # distances from the speakers' medians (0.5 and 5): 1.5 .5 .5 1.5 .5 9.5 and 1 0 1 0, median 0.75
    assert timbre.value == pytest.approx(10 / (1.4826 * 0.75))
    assert timbre.worst[0].segment == "x"


def test_few_lines_and_unknown_speakers_are_not_judged() -> None:
    alone = [Line(f"a{index}", "ann", 100.0, (1.0,)) for index in range(3)]
    nameless = [Line(f"b{index}", "", 100.0 * index + 100, (1.0,)) for index in range(9)]
    assert all(row.value is None and row.not_applicable for row in rows([*alone, *nameless]).values())


def test_a_voice_is_known_again_where_resemblyzer_is_there() -> None:
    pytest.importorskip("resemblyzer")
    texts = ("Please open the door and turn off the lights.", "The weather is nice today, and we go to the park.")
    said = {
        name: [
            resample(spoken.sound, spoken.sample_rate, RATE)
            for spoken in Espeak().speak([Request(text, "en", speaker=Speaker(name, (), voice=name)) for text in texts])
        ]
        for name in ("m1", "f2")
    }
    man, again, woman = voice.identity(said["m1"][0]), voice.identity(said["m1"][1]), voice.identity(said["f2"][1])
    assert len(man) == 256
    assert np.linalg.norm(man) == pytest.approx(1, abs=1e-3)
    assert voice.cosine(man, again) > voice.cosine(man, woman) + 10
    engine, weights = voice.identity_engine()
    assert engine == "resemblyzer 0.1.4"
    assert len(weights) == 64
    assert voice.identity(said["m1"][0][:4000]) == ()
