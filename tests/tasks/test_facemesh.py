from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait, view
from talking import pair, turned

from nightdub.tasks import faces
from nightdub.tasks.engines.facemesh import FaceMesh
from nightdub.tasks.engines.haar import Haar
from nightdub.tasks.lips import find_lips
from nightdub.tasks.rows import Shot


@pytest.fixture(scope="module")
def engine() -> FaceMesh:
    return FaceMesh()


@pytest.mark.parametrize("zoom", [1.0, 1.6, 2.0, 2.5])
def test_draws_the_box_that_a_haar_cascade_draws(engine: FaceMesh, zoom: float) -> None:
    (ours,), (haar,) = (detector.faces(portrait(zoom)[np.newaxis], 7) for detector in (engine, Haar()))
    assert ours.frame == 7
    sides = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in (ours, haar)]
    assert np.abs(np.subtract(*sides)).max() < 0.06 * haar.width


@pytest.mark.parametrize("zoom", [0.3, 0.6])
def test_finds_faces_of_a_tenth_of_the_picture(engine: FaceMesh, zoom: float) -> None:
    (box,) = engine.faces(portrait(zoom)[np.newaxis], 0)
    assert box.height == pytest.approx(96 * zoom, rel=0.15)


def test_the_lips_are_where_the_box_says(engine: FaceMesh) -> None:
    frame = portrait(2.0)
    (box,) = engine.faces(frame[np.newaxis], 0)
    assert find_lips(frame, (box.x, box.y, box.width, box.height))


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "moon"])
def test_pictures_without_a_face(engine: FaceMesh, name: str) -> None:
    assert engine.faces(view(name)[np.newaxis], 0) == []


def test_two_faces_left_to_right(engine: FaceMesh) -> None:
    one, other = engine.faces(pair()[np.newaxis], 0)
    assert one.x < 320 < other.x


def test_says_how_far_a_face_turns(engine: FaceMesh) -> None:
    turns = [engine.faces(turned(portrait(2.0), degrees)[np.newaxis], 0)[0].turn for degrees in (0, 20, 40, 60)]
    assert turns == sorted(turns)
    assert turns[0] < 0.1
    assert turns[1] < faces.TURNED < turns[2]


@pytest.mark.parametrize("degrees", [50, -50])
def test_a_profile_is_a_reason(engine: FaceMesh, degrees: int) -> None:
    (track,) = faces.find([turned(portrait(2.0), degrees)] * 2, Shot("s", 0, 2), engine, 48, every=1)
    assert track.skipped == "profile"


def test_identity_names_both_networks(engine: FaceMesh) -> None:
    identity = engine.identity()
    assert (identity.name, identity.version, len(identity.weights)) == ("facemesh", "0.10.21", 64)
    assert identity == FaceMesh().identity() != FaceMesh(confidence=0.9).identity()


def test_running_twice_finds_the_same(engine: FaceMesh) -> None:
    frame = portrait(1.7, 12)[np.newaxis]
    engine.faces(pair()[np.newaxis], 0)
    assert engine.faces(frame, 0) == FaceMesh().faces(frame, 0)
