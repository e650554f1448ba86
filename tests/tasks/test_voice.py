from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nightdub.tasks.protocols import Converted, Identity, Sound
from nightdub.tasks.rows import Speaker
from nightdub.tasks.voice import PitchMove, convert_line, plan_pitch, plan_warp

VOICE = Speaker("anna", (), pitch_median=200.0, pitch_low=160.0, pitch_high=250.0, formants=(550.0, 1650.0, 2750.0, 3850.0))


class Returns:
    """Give back the same sound for every clip."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound

    def identity(self) -> Identity:
        return Identity("returns", "1")

    def convert(self, clips: Sequence[Sound], sample_rate: int, speakers: Sequence[Speaker]) -> list[Converted]:
        return [Converted(self._sound) for _ in clips]


def test_pitch_moves_to_the_speakers_median_and_range() -> None:
    pitch = np.concatenate([np.zeros(10), np.geomspace(90, 120, 101)])
    moved = plan_pitch(pitch, VOICE).apply(pitch)
    assert not moved[:10].any()
    assert np.percentile(moved[10:], (10, 50, 90)) == pytest.approx((160, 200, 250), rel=0.02)


def test_without_a_known_pitch_nothing_moves() -> None:
    pitch = np.array([0.0, 100.0, 110.0])
    assert plan_pitch(pitch, Speaker("b", ())) == PitchMove()
    assert plan_pitch(np.zeros(3), VOICE) == PitchMove()
    assert PitchMove().apply(pitch) == pytest.approx(pitch)


def test_range_and_pitch_stay_within_bounds() -> None:
    flat = plan_pitch(np.linspace(100, 100.5, 50), VOICE)
    assert flat.spread == 2.0
    assert PitchMove(100.0, 400.0, 2.0).apply(np.array([50.0, 100.0, 300.0])).tolist() == [100.0, 400.0, 500.0]


@pytest.mark.parametrize(
    ("formants", "warp"), [((500, 1500, 2500, 3500), 1.1), ((300, 800, 1500, 2000), 1.2), ((900, 2500, 4000, 6000), 0.85), ((), 1.0)]
)
def test_formants_move_by_the_median_ratio_within_bounds(formants: tuple[float, ...], warp: float) -> None:
    assert plan_warp(formants, VOICE) == pytest.approx(warp)


@pytest.mark.parametrize("made", [np.zeros(100), np.ones(99) * 0.5, np.full(100, np.nan)])
def test_a_spoilt_conversion_fails_and_keeps_the_line(made: Sound) -> None:
    line = np.full(100, 0.5, np.float32)
    converted = convert_line(line, 22_050, VOICE, Returns(made.astype(np.float32)))
    assert converted.failed
    assert np.array_equal(converted.sound, line)


def test_a_good_conversion_passes() -> None:
    line = np.full(100, 0.5, np.float32)
    assert convert_line(line, 22_050, VOICE, Returns(line / 2)).failed == ""
