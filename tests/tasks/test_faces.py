from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nightdub.tasks import faces
from nightdub.tasks.protocols import Identity
from nightdub.tasks.rows import FaceBox, FaceTrack, Shot

SHOT = Shot("s0003", 100, 150)
FRAMES = [np.zeros((36, 64, 3), np.uint8)] * 50


class Told:
    """A detector that sees what it is told: frame -> boxes of x, y, side."""

    def __init__(self, seen: dict[int, Sequence[tuple[int, int, int]]]) -> None:
        self.seen, self.asked = seen, []

    def identity(self) -> Identity:
        return Identity("told", "1")

    def faces(self, frames: np.ndarray, first: int) -> list[FaceBox]:
        self.asked.append((first, len(frames)))
        return [FaceBox(first, x, y, side, side) for x, y, side in self.seen.get(first, ())]


def steady(side: int = 100, **changed: Sequence[tuple[int, int, int]]) -> Told:
    seen: dict[int, Sequence[tuple[int, int, int]]] = {frame: [(10, 20, side)] for frame in range(100, 150, 5)}
    return Told(seen | {int(name[1:]): boxes for name, boxes in changed.items()})


def test_looks_at_key_frames_only() -> None:
    detector = steady()
    track = faces.track(FRAMES, SHOT, detector, 48)
    assert detector.asked == [(frame, 1) for frame in range(100, 150, 5)]
    assert track == FaceTrack("s0003", tuple(FaceBox(frame, 10, 20, 100, 100) for frame in range(100, 150, 5)))


def test_one_bad_hit_does_not_shake_the_box() -> None:
    track = faces.track(FRAMES, SHOT, steady(f120=[(35, 20, 100)]), 48)
    assert {box.x for box in track.boxes} == {10}


def test_short_misses_are_bridged() -> None:
    track = faces.track(FRAMES, SHOT, steady(f110=[], f115=[]), 48)
    assert not track.skipped
    assert faces.box_at(track, 112) == (10, 20, 100, 100)


def test_the_largest_face_is_followed_among_others() -> None:
    track = faces.track(FRAMES, SHOT, Told({frame: [(300, 20, 60), (10, 20, 100)] for frame in range(100, 150, 5)}), 48)
    assert {(box.x, box.width) for box in track.boxes} == {(10, 100)}


@pytest.mark.parametrize(
    ("detector", "reason"),
    [
        (Told({}), "no-face"),
        (steady(side=40), "too-small"),
        (Told({100: [(10, 20, 100)], 105: [(10, 20, 100)]}), "unsteady"),
        (Told({frame: [(10 + 300 * (frame >= 125), 20, 100)] for frame in range(100, 150, 5)}), "unsteady"),
    ],
)
def test_reasons(detector: Told, reason: str) -> None:
    assert faces.track(FRAMES, SHOT, detector, 48) == FaceTrack("s0003", skipped=reason)


def test_a_shot_without_frames_has_no_face() -> None:
    assert faces.track([], SHOT, steady(), 48).skipped == "no-face"


def test_boxes_are_linear_between_keys_and_constant_outside() -> None:
    track = FaceTrack("s", (FaceBox(10, 0, 0, 50, 50), FaceBox(20, 100, 10, 60, 60)))
    assert faces.box_at(track, 15) == (50, 5, 55, 55)
    assert faces.box_at(track, 0) == (0, 0, 50, 50)
    assert faces.box_at(track, 99) == (100, 10, 60, 60)
