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


@pytest.mark.parametrize("length", [1, 2, 3, 8])
def test_a_shot_of_few_frames_is_a_shot(length: int) -> None:
    frames = [view("coffee")] * 30 + [view("rocket")] * length + [view("chelsea")] * 30
    assert spans(shots.detect(frames, RATE)) == [(0, 30), (30, 30 + length), (30 + length, 60 + length)]


def test_a_cut_under_a_flash_is_a_cut() -> None:
    white = np.full((360, 640, 3), 255, np.uint8)
    frames = [portrait()] * 30 + [white] + [view("coffee")] * 30
    assert spans(shots.detect(frames, RATE)) in ([(0, 30), (30, 61)], [(0, 31), (31, 61)], [(0, 30), (30, 31), (31, 61)])


def test_flashes_in_a_row_are_no_cuts() -> None:
    white = np.full((360, 640, 3), 255, np.uint8)
    frames = [portrait()] * 20 + ([white] + [portrait()] * 3) * 4 + [portrait()] * 20
    assert spans(shots.detect(frames, RATE)) == [(0, 56)]


@pytest.mark.parametrize("length", [8, 16, 30])
def test_a_dissolve_is_cut_in_its_middle_and_named(length: int) -> None:
    one, other = view("coffee").astype(np.float32), view("rocket").astype(np.float32)
    shares = np.clip((np.arange(80) - 40) / length + 0.5, 0, 1)
    first, second = shots.detect([np.uint8(one + (other - one) * share) for share in shares], RATE)
    assert abs(second.first - 40) <= 2
    assert (first.entry, second.entry) == ("", "dissolve")


def test_a_dissolve_between_moving_pictures_is_found() -> None:
    shares = np.clip((np.arange(80) - 40) / 20 + 0.5, 0, 1)
    pan = [portrait(1.5, index) for index in range(80)]
    other = view("rocket").astype(np.float32)
    assert [
        shot.entry for shot in shots.detect((np.uint8(one + (other - one) * share) for one, share in zip(pan, shares, strict=True)), RATE)
    ] == [
        "",
        "dissolve",
    ]


def test_a_fade_out_and_in_are_two() -> None:
    shares = np.concatenate([np.ones(30), np.linspace(1, 0, 20), np.zeros(15), np.linspace(0, 1, 20), np.ones(30)])
    pictures = [view("coffee")] * 57 + [view("chelsea")] * 58
    found = shots.detect((np.uint8(picture * share) for picture, share in zip(pictures, shares, strict=True)), RATE)
    assert [shot.entry for shot in found] == ["", "fade", "fade"]
    assert abs(found[1].first - 40) <= 3
    assert abs(found[2].first - 75) <= 3


@pytest.mark.parametrize("name", ["coffee", "chelsea", "camera"])
@pytest.mark.parametrize("pace", [2, 6, 12])
def test_a_pan_is_no_dissolve(name: str, pace: int) -> None:
    wide = view(name, 1280, 360)
    frames = [np.ascontiguousarray(wide[:, min(640, index * pace) :][:, :640]) for index in range(50)]
    assert spans(shots.detect(frames, RATE)) == [(0, 50)]


def test_grain_is_no_cut() -> None:
    generator = np.random.default_rng(3)
    frames = [np.uint8(np.clip(view("coffee") + generator.normal(0, 20, (360, 640, 3)), 0, 255)) for _ in range(15)]
    assert spans(shots.detect(frames, RATE)) == [(0, 15)]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)])
def test_long_shots_are_parted_evenly(rate: Fraction) -> None:
    found = shots.shots_between([shots.Cut(100, "fade")], 2000, rate)
    lengths = [shot.last - shot.first for shot in found]
    assert max(lengths) <= shots.LONGEST * rate
    assert max(lengths[1:]) - min(lengths[1:]) <= 1
    assert found[0] == Shot("s0000", 0, 100)
    assert all(one.last == other.first for one, other in pairwise(found))
    assert found[-1].last == 2000
    assert [shot.entry for shot in found[:3]] == ["", "fade", ""]
