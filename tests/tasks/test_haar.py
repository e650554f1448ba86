from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait, view

from nightdub.tasks import faces
from nightdub.tasks.engines.haar import Haar
from nightdub.tasks.rows import Shot


@pytest.mark.parametrize("zoom", [0.8, 1.0, 1.5, 2.0])
def test_finds_the_one_real_face(zoom: float) -> None:
    found = Haar().faces(portrait(zoom)[np.newaxis], 7)
    assert [box.frame for box in found] == [7]
    centre = found[0].x + found[0].width / 2, found[0].y + found[0].height / 2
    assert np.hypot(centre[0] - 320, centre[1] - 180) < 25 * zoom
    assert 75 * zoom < found[0].width < 120 * zoom


def test_a_large_frame_gives_the_same_face_in_its_own_pixels() -> None:
    small, large = (
        Haar().faces(portrait(zoom, 0, width, height)[np.newaxis], 0)[0] for zoom, width, height in ((1.0, 640, 360), (3.0, 1920, 1080))
    )
    assert large.width == pytest.approx(3 * small.width, rel=0.06)
    assert large.x == pytest.approx(3 * small.x, rel=0.03)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "moon"])
def test_pictures_without_a_face(name: str) -> None:
    assert faces.find([view(name)] * 6, Shot("s0000", 0, 6), Haar(), 48) == []


def test_follows_a_moving_camera() -> None:
    frames = [portrait(1.3, across) for across in np.linspace(-60, 60, 31)]
    track = faces.find(frames, Shot("s0000", 0, 31), Haar(), 48)[0]
    assert not track.skipped
    xs = [box.x for box in track.boxes]
    assert xs == sorted(xs, reverse=True)
    assert xs[0] - xs[-1] == pytest.approx(120 * 1.3, abs=30)


def test_identity_names_the_cascade() -> None:
    identity = Haar().identity()
    assert identity.name == "haar"
    assert len(identity.weights) == 64
    assert identity == Haar().identity() != Haar(neighbours=3).identity()
