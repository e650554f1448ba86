"""Redrawn mouths on their frames: no seam, no cast, the same grain; what was drawn is known."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait
from talking import ONE

from nightdub.tasks.blend import blend
from nightdub.tasks.lips import mouth_region

COUNT, NOISE = 6, 5.0
BOXES = [tuple(float(side) for side in ONE)] * COUNT
LEFT, TOP, RIGHT, BOTTOM = mouth_region(BOXES[0], 640, 360)
INSIDE = (slice(TOP + 30, BOTTOM - 30), slice(LEFT + 40, RIGHT - 40))


def film(noise: float = 0.0) -> np.ndarray:
    grain = np.random.default_rng(4)
    still = cv2.GaussianBlur(portrait(2.0), (0, 0), 1.5).astype(np.float32)
    return np.stack([np.clip(still + grain.normal(0, noise, still.shape[:2])[..., None], 0, 255).astype(np.uint8) for _ in range(COUNT)])


def recast(frames: np.ndarray, shift: tuple[float, float, float]) -> np.ndarray:
    """Return frames whose lower face was drawn by a model: in another colour, without grain."""
    drawn = frames.copy()
    drawn[:, TOP - 20 : BOTTOM + 10, LEFT - 10 : RIGHT + 10] = np.clip(
        film()[:, TOP - 20 : BOTTOM + 10, LEFT - 10 : RIGHT + 10] + shift, 0, 255
    )
    return drawn


def fine(picture: np.ndarray) -> float:
    light = picture.astype(np.float32).mean(axis=2)
    return float(np.median(np.abs(light - cv2.GaussianBlur(light, (0, 0), 1.0))))


def test_what_was_not_redrawn_comes_back_as_it_was() -> None:
    frames = film(NOISE)
    assert blend(frames, frames, BOXES).tobytes() == frames.tobytes()


def test_nothing_changes_outside_the_mouths_region_and_frames_stay_in_number() -> None:
    frames = film()
    laid = blend(frames, recast(frames, (25, -20, 10)), BOXES)
    outside = np.ones(frames.shape[1:3], bool)
    outside[TOP:BOTTOM, LEFT:RIGHT] = False
    assert laid.shape == frames.shape
    assert (laid[:, outside] == frames[:, outside]).all()


@pytest.mark.parametrize("shift", [(12, 12, 12), (-15, 5, 20), (0, 14, -14)])
def test_a_cast_is_taken_off(shift: tuple[float, float, float]) -> None:
    frames = film()
    laid = blend(frames, recast(frames, shift), BOXES)
    cast = laid[0][INSIDE].astype(float) - frames[0][INSIDE]
    assert np.abs(cast.mean(axis=(0, 1))).max() < 2.5
    border = np.abs(laid[0].astype(float) - frames[0])[TOP:BOTTOM, LEFT:RIGHT]
    assert max(border[:3].max(), border[-3:].max(), border[:, :3].max(), border[:, -3:].max()) <= 2


def test_the_films_grain_is_put_back() -> None:
    frames = film(NOISE)
    drawn = recast(frames, (0, 0, 0))
    wanted, without, laid = (fine(picture[2][INSIDE]) for picture in (frames, drawn, blend(frames, drawn, BOXES)))
    assert without < 0.3 * wanted
    assert laid == pytest.approx(wanted, rel=0.2)


def test_a_film_without_grain_gets_none() -> None:
    frames = film()
    laid = blend(frames, recast(frames, (0, 0, 0)), BOXES)
    assert fine(laid[2][INSIDE]) == pytest.approx(fine(frames[2][INSIDE]), abs=0.3)


def test_an_engine_whose_colour_flickers_is_calmed() -> None:
    frames = film()
    drawn = np.stack([recast(frames, (8 * (-1) ** index,) * 3)[index] for index in range(COUNT)])
    steps = [np.abs(np.diff(film[:, *INSIDE].astype(float).mean(axis=(1, 2, 3)))).mean() for film in (drawn, blend(frames, drawn, BOXES))]
    assert steps[0] > 12
    assert steps[1] < 0.3 * steps[0]


def test_the_same_each_time() -> None:
    frames = film(NOISE)
    drawn = recast(frames, (9, 0, 0))
    assert blend(frames, drawn, BOXES).tobytes() == blend(frames, drawn, BOXES).tobytes()


@pytest.mark.parametrize("corner", [(-150, 62), (560, 62), (224, 300), (224, -250), (700, 500)])
def test_a_face_at_the_pictures_edge_does_no_harm(corner: tuple[int, int]) -> None:
    frames = film()
    laid = blend(frames, 255 - frames, [(*map(float, corner), 193.0, 193.0)] * COUNT)
    assert laid.shape == frames.shape
