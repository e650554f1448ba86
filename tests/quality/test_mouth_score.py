"""The arithmetic of mouths and voices, on curves and drawn faces."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from nightdub.quality.metrics.mouth import LAGS, MouthScore, lag_correlations, path_cost
from nightdub.quality.metrics.picture import picture_measurements
from nightdub.quality.metrics.shot_score import ShotScore
from nightdub.tasks.face_pixels import aligned, opening
from nightdub.tasks.rows import Measurement
from nightdub.tasks.visemes import speech_levels


def test_levels_are_rms_under_each_frame() -> None:
    speech = np.repeat(np.array([0.5, -0.25, 0.0], np.float32), 100)
    assert speech_levels(speech, 1000, 5, 10.0) == pytest.approx([0.5, 0.25, 0, 0, 0])


def test_a_face_is_aligned_by_its_box() -> None:
    picture = np.zeros((200, 300), np.uint8)
    picture[50:98, 60:108] = 200  # the left upper quarter of a box of 96 pixels
    face = aligned(picture, (60, 50, 96, 96))
    assert face.shape == (115, 96)
    assert (face[:47, :47] == 200).all()
    assert (face[49:, :] == 0).all()
    assert (face == aligned(np.repeat(np.repeat(picture, 2, 0), 2, 1), (120, 100, 192, 192))).mean() > 0.98


def test_opening_is_what_is_dark_or_teeth_between_the_lips() -> None:
    face = np.full((115, 96, 3), (120, 140, 200), np.uint8)  # skin: luma 156, redness 200 / 341
    assert opening(face) == 0
    face[70:84, 36:48] = 60  # 14 x 12 of the zone's 35 x 24 pixels, darker than 0.6 of the skin
    assert opening(face) == pytest.approx(14 * 12 / (35 * 24))
    face[84:91, 36:48] = 230  # as red as green: 7 x 12 of teeth
    assert opening(face) == pytest.approx(21 * 12 / (35 * 24))
    face[70:91, 36:48] = (90, 100, 190)  # lips: redder than skin, and not dark
    assert opening(face) == 0


def voice(frames: int = 80) -> np.ndarray:
    rng = np.random.default_rng(3)
    smooth = np.convolve(rng.random(frames + 4), np.ones(5) / 5, mode="valid")
    return (smooth - smooth.min()) / np.ptp(smooth) + 0.1


@pytest.mark.parametrize("late", [-5, 0, 3, 10])
def test_the_lag_of_a_shifted_curve(late: int) -> None:
    levels = voice() ** 2
    opened = np.roll(np.sqrt(levels), late)
    found = lag_correlations(levels, opened, np.ones(80, bool))
    assert len(found) == 2 * LAGS + 1
    assert found.index(max(found)) == LAGS + late
    assert max(found) == pytest.approx((80 - abs(late)) / 80, abs=1e-6)  # 1, times the share of frames that both have


def test_a_mouth_that_keeps_still_has_no_correlation() -> None:
    assert lag_correlations(voice() ** 2, np.full(80, 0.3), np.ones(80, bool)) == ()


def test_the_path_between_equal_shapes_costs_nothing() -> None:
    levels = voice() ** 2
    assert path_cost(levels, 0.2 * np.sqrt(levels) + 0.05) == pytest.approx(0, abs=1e-9)
    mirrored = path_cost(levels, 1 - np.sqrt(levels))
    assert mirrored > 0.5
    assert path_cost(levels, np.roll(np.sqrt(levels), 2)) < 0.2 < mirrored


GOOD = MouthScore(
    frames=50,
    change=6.0,
    noise=1.5,
    sharpness=1.0,
    flicker=0.2,
    motion=5.0,
    steady=1.5,
    opening=0.05,
    correlations=tuple(0.7 if lag == 1 else 0.5 if lag == 0 else 0.0 for lag in range(-LAGS, LAGS + 1)),
    dtw=0.4,
)


def rows(*mouths: MouthScore | None) -> dict[str, Measurement]:
    scores = [ShotScore(f"s{place}", 100, moved=60, psnr=41.0, ssim=0.98, mouth=mouth) for place, mouth in enumerate(mouths)]
    return {row.metric: row for row in picture_measurements(scores, Fraction(25))}


def test_mouths_are_put_together() -> None:
    found = rows(GOOD, replace(GOOD, frames=250, sharpness=0.5, flicker=3.0, dtw=0.8))
    assert found["picture.mouth_sharpness"].value == 0.5
    assert found["picture.mouth_flicker"].value == 3.0
    assert [worst.segment for worst in found["picture.mouth_sharpness"].worst] == ["s1", "s0"]
    assert found["lips.correlation"].value == pytest.approx(0.5)
    assert found["lips.lag"].value == 40  # one frame of 25 a second
    assert found["lips.dtw"].value == pytest.approx((50 * 0.4 + 250 * 0.8) / 300)
    assert (found["picture.ungenerated_shots"].value, found["picture.frozen_mouth_shots"].value) == (0, 0)


def test_a_mouth_like_the_upper_face_was_not_generated() -> None:
    assert rows(GOOD, replace(GOOD, change=1.6))["picture.ungenerated_shots"].worst[0].segment == "s1"


def test_a_mouth_is_frozen_that_neither_opens_nor_moves() -> None:
    still = replace(GOOD, opening=0.004, motion=1.6, correlations=(), dtw=None)
    assert rows(still)["picture.frozen_mouth_shots"].value == 1
    assert rows(replace(still, opening=0.03))["picture.frozen_mouth_shots"].value == 0
    assert rows(replace(still, motion=4.0))["picture.frozen_mouth_shots"].value == 0
    assert rows(replace(GOOD, on_screen=0.3))["picture.frozen_mouth_shots"].value == 1
    assert rows(replace(still, frames=20))["picture.frozen_mouth_shots"].not_measured


def test_no_lag_is_read_from_a_mouth_that_does_not_follow() -> None:
    found = rows(replace(GOOD, frames=250, correlations=(0.1,) * (2 * LAGS + 1)))
    assert found["lips.correlation"].value == pytest.approx(0.1)
    assert found["lips.lag"].not_measured.startswith("the mouth does not follow the voice")
    assert rows(GOOD)["lips.lag"].not_measured == "50 frames with speech: 250 tell"


def test_a_mouth_nobody_could_judge_is_not_measured() -> None:
    found = rows(None)
    for metric in ("picture.ungenerated_shots", "picture.mouth_sharpness", "lips.correlation"):
        assert found[metric].value is None
        assert found[metric].not_measured
