from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nightdub.tasks.protocols import Converted, Identity, Sound
from nightdub.tasks.rows import Features, Speaker
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
    pitch = np.concatenate([np.zeros(10), np.geomspace(82, 130, 101)])
    low, median, high = np.percentile(pitch[10:], (10, 50, 90))
    moved = plan_pitch(Features("", median, low, high), VOICE).apply(pitch)
    assert not moved[:10].any()
    assert np.percentile(moved[10:], (10, 50, 90)) == pytest.approx((160, 200, 250), rel=0.02)


def test_without_a_known_pitch_nothing_moves() -> None:
    pitch = np.array([0.0, 100.0, 110.0])
    assert plan_pitch(Features("", 100.0, 90.0, 110.0), Speaker("b", ())) == PitchMove()
    assert plan_pitch(Features(""), VOICE) == PitchMove()
    assert PitchMove().apply(pitch) == pytest.approx(pitch)


def test_range_and_pitch_stay_within_bounds() -> None:
    flat = plan_pitch(Features("", 100.0, 99.9, 100.1), VOICE)
    assert flat.spread == 1.5
    assert (flat.lowest, flat.highest) == pytest.approx((160 / 2 ** (4 / 12), 250 * 2 ** (4 / 12)))
    assert PitchMove(100.0, 400.0, 2.0).apply(np.array([50.0, 100.0, 300.0])).tolist() == [100.0, 400.0, 500.0]
    assert flat.apply(np.array([50.0, 400.0])) == pytest.approx((flat.lowest, flat.highest))


@pytest.mark.parametrize(
    ("formants", "moved"),
    [
        ((500, 1500, 2500, 3500), (550, 1650, 2750, 3850)),
        ((300, 800, 1500, 2000), (360, 960, 1800, 2400)),
        ((900, 2500, 4000, 6000), (765, 2125, 3400, 5100)),
        ((550, 1650, 2500, 3850), (550, 1650, 2750, 3850)),
        ((800, 1650, 2750, 3850), (800, 1650, 2750, 3850)),  # one open vowel moves no other
    ],
)
def test_formants_move_to_the_speakers_within_bounds_and_vowels_together(formants: tuple[float, ...], moved: tuple[float, ...]) -> None:
    warp = plan_warp(formants, VOICE)
    assert [own for own, _ in warp] == list(formants)
    assert [place for _, place in warp] == pytest.approx(moved)


def test_without_known_formants_nothing_moves() -> None:
    assert plan_warp((), VOICE) == ()
    assert plan_warp((500, 1500, 2500, 3500), Speaker("b", ())) == ()


@pytest.mark.parametrize("made", [np.zeros(100), np.ones(99) * 0.5, np.full(100, np.nan)])
def test_a_spoilt_conversion_fails_and_keeps_the_line(made: Sound) -> None:
    line = np.full(100, 0.5, np.float32)
    converted = convert_line(line, 22_050, VOICE, Returns(made.astype(np.float32)))
    assert converted.failed
    assert np.array_equal(converted.sound, line)


def test_a_good_conversion_passes() -> None:
    line = np.full(100, 0.5, np.float32)
    assert convert_line(line, 22_050, VOICE, Returns(line / 2)).failed == ""
