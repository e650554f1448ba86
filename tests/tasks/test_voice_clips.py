"""The clip of a voice is chosen for its quality; every part of the score is planted and found."""

from __future__ import annotations

import numpy as np
import pytest

from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Features, Segment, Speaker
from nightdub.tasks.voice_clips import LONGEST, RATE, candidates, score_clip

ANA = Speaker("Ana", ("long", "short", "good", "talked-over", "whispered", "shouted"), pitch_median=200.0)
TIMES = {"long": (0, 15), "short": (20, 21), "good": (30, 37), "talked-over": (40, 47), "whispered": (50, 57), "shouted": (60, 67)}
LINES = [Segment(name, *times, "", "Ana") for name, times in TIMES.items()] + [Segment("other", 42, 50, "", "Ben")]
FEATURES = [
    Features(name, pitch_median={"shouted": 330.0, "whispered": 0.0}.get(name, 205.0), voiced_share=0.6) for name in (*TIMES, "other")
]


def speech(seconds: float = 4.0, noise: float = 1e-4, gain: float = 0.1) -> Sound:
    """Return a tone that comes and goes twice a second, over noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    voice = gain * np.sin(2 * np.pi * 200 * time) * (np.sin(2 * np.pi * 2 * time) > 0)
    return (voice + np.random.default_rng(1).normal(0, noise, time.size)).astype(np.float32)


def test_lines_come_by_length_voice_company_and_pitch() -> None:
    found = {row.start: row for row in candidates(ANA, LINES, FEATURES)}
    assert list(found) == [0, 30, 60, 40, 20]  # the whisper has no pitch, and is left out
    assert found[0].end == LONGEST
    assert found[30].score == found[0].score == 1.0
    assert found[20].score == pytest.approx(0.5 * (1 - 0.5) / (3 - 0.5))
    assert found[40].score == pytest.approx(1 - 5 / 7)
    assert found[60].score == pytest.approx(1 - (12 * np.log2(330 / 200) - 2) / 10)


def test_a_clean_clip_beats_a_noisy_a_clipped_a_faint_and_a_loud_one() -> None:
    clean = score_clip(speech(), RATE)
    assert clean == 1.0
    assert type(score_clip(speech(noise=1e-2), RATE)) is float
    assert score_clip(speech(noise=1e-2), RATE) < 0.5
    assert score_clip(np.clip(speech(gain=0.2) * 8, -1, 1), RATE) == 0.0
    assert score_clip(speech(gain=0.005, noise=1e-6), RATE) < 0.5
    assert score_clip(np.clip(speech(gain=0.98), -0.97, 0.97), RATE) < 1.0
    one = speech()
    one[1000] = 1.0
    assert score_clip(one, RATE) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(RATE, np.float32), speech(0.3)])
def test_what_is_empty_silent_or_too_short_is_worth_nothing(sound: Sound) -> None:
    assert score_clip(sound, RATE) == 0.0
