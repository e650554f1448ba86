from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nightdub.tasks import faces
from nightdub.tasks.protocols import Identity
from nightdub.tasks.rows import FaceBox, FaceSpan, FaceTrack, Shot

SHOT = Shot("s0003", 100, 150)
FRAMES = [np.zeros((36, 64, 3), np.uint8)] * 50


class Told:
    """A detector that sees what it is told: frame -> boxes of x, y, side and turn."""

    def __init__(self, seen: dict[int, Sequence[tuple[float, ...]]]) -> None:
        self.seen, self.asked = seen, []

    def identity(self) -> Identity:
        return Identity("told", "1")

    def faces(self, frames: np.ndarray, first: int) -> list[FaceBox]:
        self.asked.append((first, len(frames)))
        return [FaceBox(first, x, y, side, side, *turn) for x, y, side, *turn in self.seen.get(first, ())]


def steady(side: int = 100, turn: float = 0.0, **changed: Sequence[tuple[float, ...]]) -> Told:
    seen: dict[int, Sequence[tuple[float, ...]]] = {frame: [(10, 20, side, turn)] for frame in range(100, 150, 5)}
    return Told(seen | {int(name[1:]): boxes for name, boxes in changed.items()})


def test_looks_at_key_frames_only() -> None:
    detector = steady()
    found = faces.find(FRAMES, SHOT, detector, 48)
    assert detector.asked == [(frame, 1) for frame in range(100, 150, 5)]
    assert found == [FaceTrack("s0003", tuple(FaceBox(frame, 10, 20, 100, 100) for frame in range(100, 150, 5)))]


def test_one_bad_hit_does_not_shake_the_box() -> None:
    (track,) = faces.find(FRAMES, SHOT, steady(f120=[(35, 20, 100)]), 48)
    assert {box.x for box in track.boxes} == {10}


def test_short_misses_are_bridged() -> None:
    (track,) = faces.find(FRAMES, SHOT, steady(f110=[], f115=[]), 48)
    assert not track.skipped
    assert faces.box_at(track, 112) == (10, 20, 100, 100)


def test_every_face_is_followed_the_largest_first() -> None:
    found = faces.find(FRAMES, SHOT, Told({frame: [(10, 20, 60), (300, 20, 100), (500, 20, 30)] for frame in range(100, 150, 5)}), 48)
    assert [{(box.x, box.width) for box in track.boxes} for track in found[:2]] == [{(300, 100)}, {(10, 60)}]
    assert [track.skipped for track in found] == ["", "", "too-small"]


def test_two_faces_that_pass_each_other_stay_apart() -> None:
    walk = {frame: [(10 + 6 * (frame - 100), 20, 100), (310 - 6 * (frame - 100), 140, 100)] for frame in range(100, 150, 5)}
    one, other = faces.find(FRAMES, SHOT, Told(walk), 48)
    assert {box.y for box in one.boxes} == {20}
    assert {box.y for box in other.boxes} == {140}


def test_who_leaves_and_who_comes_are_two() -> None:
    one, other = faces.find(FRAMES, SHOT, Told({frame: [(10 + 300 * (frame >= 125), 20, 100)] for frame in range(100, 150, 5)}), 48)
    assert [box.frame for box in one.boxes] == [100, 105, 110, 115, 120]
    assert [box.frame for box in other.boxes] == [125, 130, 135, 140, 145]


@pytest.mark.parametrize(
    ("detector", "reason"),
    [
        (steady(side=40), "too-small"),
        (steady(turn=0.8), "profile"),
        (Told({100: [(10, 20, 100)]}), "unsteady"),
        (Told({100: [(10, 20, 100)], 125: [(10, 20, 100)], 145: [(10, 20, 100)]}), "unsteady"),
    ],
)
def test_reasons(detector: Told, reason: str) -> None:
    assert faces.find(FRAMES, SHOT, detector, 48) == [FaceTrack("s0003", skipped=reason)]


def test_a_glance_aside_is_no_profile() -> None:
    (track,) = faces.find(FRAMES, SHOT, steady(f110=[(10, 20, 100, 0.9)], f115=[(10, 20, 100, 0.9)]), 48)
    assert not track.skipped


def test_no_frames_no_faces() -> None:
    assert faces.find([], SHOT, steady(), 48) == []
    assert faces.find(FRAMES, SHOT, Told({}), 48) == []


def test_a_shot_of_one_frame_may_have_a_face() -> None:
    (track,) = faces.find(FRAMES[:1], Shot("s", 100, 101), steady(), 48)
    assert [box.frame for box in track.boxes] == [100]


def test_boxes_are_linear_between_keys_and_constant_outside() -> None:
    track = FaceTrack("s", (FaceBox(10, 0, 0, 50, 50), FaceBox(20, 100, 10, 60, 60)))
    assert faces.box_at(track, 15) == (50, 5, 55, 55)
    assert faces.box_at(track, 0) == (0, 0, 50, 50)
    assert faces.box_at(track, 99) == (100, 10, 60, 60)


def test_a_face_speaks_in_its_spans_and_one_without_spans_always() -> None:
    boxes = (FaceBox(10, 0, 0, 50, 50),)
    turns = FaceTrack("s", boxes, spans=(FaceSpan(10, 12), FaceSpan(20, 21)))
    assert [frame for frame in range(9, 23) if faces.speaks_at(turns, frame)] == [10, 11, 20]
    assert faces.speaks_at(FaceTrack("s", boxes), 99)
    assert not faces.speaks_at(FaceTrack("s", skipped="profile"), 10)
