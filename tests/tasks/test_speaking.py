"""Who speaks: known, because the mouths of these faces are drawn."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait
from talking import ONE, PAIR, RATE, SAMPLES, pair, talk, voice

from nightdub.tasks.face_pixels import aligned, covered
from nightdub.tasks.faces import box_at
from nightdub.tasks.rows import FaceBox, FaceSpan, FaceTrack, Shot
from nightdub.tasks.speaking import SpokenLine, who_speaks

SHOT = Shot("s0001", 100, 200)
FIRST, SECOND = SpokenLine(0.4, 1.6, 0), SpokenLine(2.0, 3.4, 1)
LEFT, RIGHT = (FaceTrack("s0001", tuple(FaceBox(frame, *box) for frame in range(100, 200, 10))) for box in PAIR)
ALONE = FaceTrack("s0001", tuple(FaceBox(frame, *ONE) for frame in range(100, 200, 10)))


@pytest.fixture(scope="module")
def dialogue() -> tuple[list[np.ndarray], np.ndarray]:
    """Return four seconds in which the left face says the first line and the right one the second."""
    (one, left), (other, right) = (voice(4, [(line.start, line.end)]) for line in (FIRST, SECOND))
    return talk(pair(), (PAIR[0], left), (PAIR[1], right)), one + other


@pytest.fixture(scope="module")
def monologue() -> tuple[list[np.ndarray], np.ndarray]:
    """Return four seconds in which one face speaks throughout."""
    sound, mouth = voice(4, [(0.2, 3.8)])
    return talk(portrait(2.0), (ONE, mouth)), sound


def ask(
    scene: tuple[list[np.ndarray], np.ndarray], faces: Sequence[FaceTrack], *lines: SpokenLine, speech: np.ndarray | None = None
) -> FaceTrack:
    frames, sound = scene
    return who_speaks(lambda: frames, SHOT, faces, lines, sound if speech is None else speech, SAMPLES, RATE)


def test_the_mouth_that_follows_the_voice_is_chosen_not_the_largest_face(dialogue) -> None:
    assert ask(dialogue, [LEFT, RIGHT], FIRST) == LEFT
    assert ask(dialogue, [LEFT, RIGHT], SECOND) == RIGHT


def test_two_who_speak_in_turn_have_a_span_each(dialogue) -> None:
    track = ask(dialogue, [LEFT, RIGHT], SECOND, FIRST)
    assert track.spans == (FaceSpan(100, 145), FaceSpan(145, 200))  # frame 145 lies 1.8 s in: the middle of the pause
    assert [box_at(track, frame)[0] for frame in (100, 144, 145, 199)] == [PAIR[0][0], PAIR[0][0], PAIR[1][0], PAIR[1][0]]


def test_lines_of_one_speaker_are_judged_together(dialogue) -> None:
    hers = [replace(line, who=0) for line in (SpokenLine(2.0, 2.3), SpokenLine(2.5, 2.8), SpokenLine(2.9, 3.4))]
    assert ask(dialogue, [LEFT, RIGHT], *hers) == RIGHT


def test_an_unseen_speakers_line_leaves_its_frames_alone(dialogue) -> None:
    track = ask(dialogue, [LEFT], FIRST, SECOND)
    assert track.spans == (FaceSpan(100, 145),)
    assert not track.skipped


def test_lines_without_a_name_are_judged_one_by_one(dialogue) -> None:
    assert len(ask(dialogue, [LEFT, RIGHT], replace(FIRST, who=-1), replace(SECOND, who=-1)).spans) == 2


def test_one_who_speaks_throughout_needs_no_span(monologue) -> None:
    assert ask(monologue, [ALONE], SpokenLine(0.2, 2.0), SpokenLine(2.0, 3.8)) == ALONE


def test_a_still_face_is_not_the_one_who_is_heard(monologue) -> None:
    still = talk(portrait(2.0), (ONE, np.zeros(100)))
    assert ask((still, monologue[1]), [ALONE], SpokenLine(0.2, 3.8)).skipped == "off-screen"


@pytest.mark.parametrize("pace", [1.3, 2.9, 3.6])
def test_a_mouth_that_moves_to_another_voice_is_not_chosen(monologue, pace: float) -> None:
    assert ask(monologue, [ALONE], SpokenLine(0.2, 3.8), speech=voice(4, [(0.2, 3.8)], pace)[0]).skipped == "off-screen"


def test_a_mouth_early_by_two_frames_is_still_the_speakers(monologue) -> None:
    frames, sound = monologue
    assert ask(([*frames[2:], *frames[-2:]], sound), [ALONE], SpokenLine(0.2, 3.7)) == ALONE


def test_reasons_before_any_frame_is_read(dialogue) -> None:
    def ask_blind(faces: Sequence[FaceTrack], *lines: SpokenLine) -> str:
        return who_speaks(lambda: pytest.fail("frames were read"), SHOT, faces, lines, dialogue[1], SAMPLES, RATE).skipped

    small, away = FaceTrack("s0001", skipped="too-small"), FaceTrack("s0001", skipped="profile")
    assert ask_blind([LEFT]) == "no-speech"
    assert ask_blind([LEFT], SpokenLine(0.0, 0.1)) == "no-speech"
    assert ask_blind([], FIRST) == "no-face"
    assert ask_blind([away, small], FIRST) == "profile"


def test_who_is_gone_when_the_line_is_spoken_says_it_not(dialogue) -> None:
    brief = FaceTrack("s0001", tuple(FaceBox(frame, *PAIR[0]) for frame in (100, 105)))
    assert ask(dialogue, [brief], SECOND).skipped == "no-face"


@pytest.mark.parametrize("colour", [(200, 120, 60), (245, 245, 245), (60, 160, 60)])
def test_a_covered_mouth_is_left_alone(monologue, colour: tuple[int, int, int]) -> None:
    frames, sound = monologue
    hidden = [cv2.ellipse(frame.copy(), (320, 225), (70, 45), 0, 0, 360, colour, -1) for frame in frames]
    assert ask((hidden, sound), [ALONE], SpokenLine(0.2, 3.8)).skipped == "occluded"


def test_a_dark_thing_from_one_side_covers_a_mouth_and_a_beard_does_not() -> None:
    face = portrait(2.0)
    assert not covered(aligned(face, ONE))
    assert covered(aligned(cv2.rectangle(face.copy(), (320, 190), (480, 300), (20, 20, 20), -1), ONE))
    bearded = cv2.ellipse(face.copy(), (320, 225), (75, 50), 0, 0, 360, (25, 30, 35), -1)
    bearded[205:240, 285:355] = face[205:240, 285:355]
    assert not covered(aligned(bearded, ONE))


def test_a_shot_of_one_frame_does_no_harm(dialogue) -> None:
    one = Shot("s0001", 100, 101)
    found = who_speaks(lambda: dialogue[0][:1], one, [LEFT], [SpokenLine(0.0, 0.04, 0)], dialogue[1][:640], SAMPLES, RATE)
    assert found.skipped == "no-speech"
