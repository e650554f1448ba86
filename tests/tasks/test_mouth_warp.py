from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import RATE, noise, portrait

from nightdub.tasks import faces
from nightdub.tasks.engines import load_engine
from nightdub.tasks.engines.haar import Haar
from nightdub.tasks.engines.mouth_warp import MouthWarp
from nightdub.tasks.lips import find_lips, mouth_region
from nightdub.tasks.rows import FaceBox, FaceTrack, Shot, SpokenSound

FRAMES = np.stack([portrait(2.0, across) for across in np.linspace(-8, 8, 40)])
SOUNDS = [SpokenSound("a", 0.4, 0.64), SpokenSound("m", 0.64, 0.84), SpokenSound("a", 0.84, 1.08)]
SPEECH = noise(1.6)


@pytest.fixture(scope="module")
def face() -> FaceTrack:
    return faces.find(FRAMES, Shot("s0000", 0, 40), Haar(), 48)[0]


@pytest.fixture(scope="module")
def moved(face: FaceTrack) -> np.ndarray:
    return MouthWarp().animate(FRAMES, 25.0, face, SPEECH, RATE, SOUNDS).frames


def aperture(frame: np.ndarray, box: tuple[float, float, float, float]) -> float:
    lips = find_lips(frame, box)
    return (lips.bottom - lips.top) * box[3] if lips else 0.0


def test_original_frames_where_nothing_is_said(moved: np.ndarray) -> None:
    assert moved.shape == FRAMES.shape
    assert (moved[:7] == FRAMES[:7]).all()
    assert (moved[30:] == FRAMES[30:]).all()
    assert all((moved[index] != FRAMES[index]).any() for index in range(10, 27))


def test_nothing_changes_outside_the_mouths_region(moved: np.ndarray, face: FaceTrack) -> None:
    for index in range(len(FRAMES)):
        left, top, right, bottom = mouth_region(faces.box_at(face, index), 640, 360)
        outside = np.ones((360, 640), bool)
        outside[top:bottom, left:right] = False
        assert (moved[index][outside] == FRAMES[index][outside]).all()


def test_no_seam_at_the_regions_edge(moved: np.ndarray, face: FaceTrack) -> None:
    left, top, right, bottom = mouth_region(faces.box_at(face, 13), 640, 360)
    change = np.abs(moved[13].astype(int) - FRAMES[13]).max(axis=2)[top:bottom, left:right]
    assert max(change[:2].max(), change[-2:].max(), change[:, :2].max(), change[:, -2:].max()) <= 2


def test_mouth_opens_for_a_and_closes_for_m(moved: np.ndarray, face: FaceTrack) -> None:
    opened, closed, still = (
        aperture(frames[place], faces.box_at(face, place)) for frames, place in ((moved, 13), (moved, 18), (FRAMES, 13))
    )
    assert opened > 1.4 * still
    assert closed < 0.5 * still


def test_running_twice_gives_the_same_bytes(moved: np.ndarray, face: FaceTrack) -> None:
    assert MouthWarp().animate(FRAMES, 25.0, face, SPEECH, RATE, SOUNDS).frames.tobytes() == moved.tobytes()


def test_input_is_left_alone(face: FaceTrack) -> None:
    before = FRAMES.tobytes()
    assert MouthWarp().animate(FRAMES, 25.0, face, SPEECH, RATE, SOUNDS).moved == 23
    assert FRAMES.tobytes() == before


def test_rounded_vowels_narrow_the_mouth(face: FaceTrack) -> None:
    wide, narrow = (MouthWarp().animate(FRAMES, 25.0, face, SPEECH, RATE, [SpokenSound(name, 0.2, 1.2)]).frames[17] for name in ("i", "u"))
    box = faces.box_at(face, 17)
    assert find_lips(narrow, box).half < 0.95 * find_lips(wide, box).half


def test_reasons_for_leaving_a_shot() -> None:
    engine = MouthWarp()
    assert engine.animate(FRAMES, 25.0, FaceTrack("s", skipped="too-small"), SPEECH, RATE, SOUNDS).skipped == "too-small"
    still = engine.animate(FRAMES, 25.0, FaceTrack("s", (FaceBox(0, 200, 50, 200, 200),)), SPEECH * 0, RATE, [])
    assert (still.moved, still.skipped) == (0, "no-speech")
    assert still.frames is FRAMES
    blank = engine.animate(FRAMES * 0 + 128, 25.0, FaceTrack("s", (FaceBox(0, 200, 50, 200, 200),)), SPEECH, RATE, SOUNDS)
    assert (blank.moved, blank.skipped) == (0, "no-mouth")


@pytest.mark.parametrize(("down", "across"), [(150, 0), (190, 0), (100, 260), (100, -270)])
def test_a_face_at_the_pictures_edge_does_no_harm(face: FaceTrack, down: int, across: int) -> None:
    shift = np.roll(FRAMES, (down, across), axis=(1, 2))
    boxes = tuple(replace(box, x=box.x + across, y=box.y + down) for box in face.boxes)
    moved = MouthWarp().animate(shift, 25.0, FaceTrack("s", boxes), SPEECH, RATE, SOUNDS)
    assert moved.frames.shape == shift.shape
    assert (moved.frames[:, : down + 100] == shift[:, : down + 100]).all()


def test_engines_come_out_of_the_table() -> None:
    assert load_engine("lips", "mouth-warp").identity() == MouthWarp().identity()
    assert load_engine("faces", "haar", {"neighbours": 3}).identity() == Haar(neighbours=3).identity()


def test_identity_holds_the_settings() -> None:
    assert MouthWarp().identity() == MouthWarp().identity() != MouthWarp(opening=0.3).identity()
