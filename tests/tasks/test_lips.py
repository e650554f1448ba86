from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait

from nightdub.tasks.lips import Lips, find_lips, mouth_region, steady

# The astronaut's mouth in her own picture, read off by eye: corners and the teeth's edges, in source pixels.
LEFT, RIGHT, TOP, BOTTOM = 203.0, 244.0, 142.5, 149.5


def in_frame(x: float, y: float, zoom: float) -> tuple[float, float]:
    return 320 + (x - 224) * zoom, 180 + (y - 125) * zoom


def face(zoom: float) -> tuple[float, float, float, float]:
    x, y = in_frame(172.5, 63, zoom)
    return x, y, 101.5 * zoom, 101.5 * zoom


@pytest.mark.parametrize("zoom", [1.0, 1.5, 2.0, 2.5])
def test_finds_a_real_smile(zoom: float) -> None:
    box = face(zoom)
    lips = find_lips(portrait(zoom), box)
    assert lips is not None
    x, y, width, height = box
    left, top = in_frame(LEFT, TOP, zoom)
    right, bottom = in_frame(RIGHT, BOTTOM, zoom)
    found = x + (lips.x - lips.half) * width, x + (lips.x + lips.half) * width, y + lips.top * height, y + lips.bottom * height
    assert found == pytest.approx((left, right, top, bottom), abs=3 * zoom)


def test_finds_closed_lips_by_their_dark_line() -> None:
    frame = np.full((200, 200, 3), (140, 160, 200), np.uint8)
    frame[158:162, 70:130] = (60, 60, 90)
    lips = find_lips(frame, (0, 0, 200, 200))
    assert lips is not None
    assert lips.bottom - lips.top < 0.03
    assert lips.top == pytest.approx(0.8, abs=0.02)


def test_sees_no_mouth_where_there_is_none() -> None:
    flat = np.full((200, 200, 3), (140, 160, 200), np.uint8)
    assert find_lips(flat, (0, 0, 200, 200)) is None
    assert find_lips(np.zeros_like(flat), (0, 0, 200, 200)) is None


@pytest.mark.parametrize("box", [(-300, -300, 100, 100), (190, 190, 100, 100), (0, 0, 3, 3)])
def test_a_box_outside_the_picture_is_no_mouth(box: tuple[int, int, int, int]) -> None:
    assert find_lips(np.zeros((200, 200, 3), np.uint8), box) is None


USUAL = Lips(x=0.52, half=0.2, top=0.8, bottom=0.84, left=0.78, right=0.78)


def test_steady_bridges_misses_and_outliers() -> None:
    found = steady([USUAL, None, USUAL, replace(USUAL, x=0.4), USUAL, None, USUAL])
    assert found is not None
    assert [lips.x for lips in found] == pytest.approx([0.52] * 7)
    assert [lips.bottom for lips in found] == pytest.approx([0.84] * 7)


def test_steady_gives_up_where_most_frames_show_no_mouth() -> None:
    assert steady([USUAL, None, None, None]) is None
    assert steady([]) is None


def test_finds_the_same_smile_in_the_dark_and_none_without_colour() -> None:
    box, frame = face(2.0), portrait(2.0)
    usual, dark = find_lips(frame, box), find_lips((frame * 0.35).astype(np.uint8), box)
    assert usual is not None
    assert dark is not None
    assert (dark.top, dark.bottom, dark.x) == pytest.approx((usual.top, usual.bottom, usual.x), abs=0.03)
    assert find_lips(np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8), box) is None


def test_region_stays_in_the_picture() -> None:
    assert mouth_region((100, 100, 200, 200), 640, 360) == (116, 220, 284, 336)
    assert mouth_region((500, 200, 200, 200), 640, 360) == (516, 320, 640, 360)
