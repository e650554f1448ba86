from __future__ import annotations

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait, view, write_film

from nightdub.infra.media.ffmpeg import read_frames
from nightdub.tasks import shots
from nightdub.tasks.rows import Shot

RATE = Fraction(25)


def spans(found: list[Shot]) -> list[tuple[int, int]]:
    return [(shot.first, shot.last) for shot in found]


def test_cuts_lie_on_their_frames() -> None:
    frames = [view("coffee")] * 20 + [portrait()] * 31 + [view("chelsea")] * 17
    found = shots.detect(frames, RATE)
    assert spans(found) == [(0, 20), (20, 51), (51, 68)]
    assert [shot.id for shot in found] == ["s0000", "s0001", "s0002"]


def test_cuts_survive_encoding(tmp_path: Path) -> None:
    frames = [portrait(1 + index / 100) for index in range(25)] + [view("rocket")] * 25
    film = write_film(tmp_path / "film.mp4", frames)
    assert spans(shots.detect(read_frames(film, 0, 50), RATE)) == [(0, 25), (25, 50)]


def test_a_moving_camera_is_one_shot() -> None:
    frames = [portrait(1.3 + index / 100, index * 2 - 60) for index in range(60)]
    assert spans(shots.detect(frames, RATE)) == [(0, 60)]


def test_one_frame_and_no_frame() -> None:
    assert shots.detect([view("coffee")], RATE) == [Shot("s0000", 0, 1)]
    assert shots.detect([], RATE) == []


def test_a_flash_is_no_cut() -> None:
    white = np.full((360, 640, 3), 255, np.uint8)
    frames = [portrait()] * 30 + [white] * 2 + [portrait()] * 30
    assert spans(shots.detect(frames, RATE)) == [(0, 62)]


def test_cuts_closer_than_the_shortest_shot_are_one() -> None:
    frames = [view("coffee")] * 30 + [view("rocket")] * 3 + [view("chelsea")] * 30
    assert spans(shots.detect(frames, RATE)) == [(0, 30), (30, 63)]


def test_a_fade_is_no_cut() -> None:
    one, other = view("coffee").astype(np.float32), view("rocket").astype(np.float32)
    frames = [np.uint8(one + (other - one) * share) for share in np.clip(np.linspace(-0.5, 1.5, 60), 0, 1)]
    assert spans(shots.detect(frames, RATE)) == [(0, 60)]


def test_grain_is_no_cut() -> None:
    generator = np.random.default_rng(3)
    frames = [np.uint8(np.clip(view("coffee") + generator.normal(0, 20, (360, 640, 3)), 0, 255)) for _ in range(15)]
    assert spans(shots.detect(frames, RATE)) == [(0, 15)]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)])
def test_long_shots_are_parted_evenly(rate: Fraction) -> None:
    found = shots.shots_between([100], 2000, rate)
    lengths = [shot.last - shot.first for shot in found]
    assert max(lengths) <= shots.LONGEST * rate
    assert max(lengths[1:]) - min(lengths[1:]) <= 1
    assert found[0] == Shot("s0000", 0, 100)
    assert all(one.last == other.first for one, other in pairwise(found))
    assert found[-1].last == 2000
