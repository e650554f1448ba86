"""Every fault of a picture is found in the film that has it, and in none that has it not."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from filmed import FRAMES, RATE, SAMPLES, Filmed, blended, film

from nightdub.quality.metrics.mouth import LAGS
from nightdub.quality.metrics.picture import picture_measurements
from nightdub.quality.metrics.shot_score import ShotScore, score_shot
from nightdub.tasks.rows import FaceSpan, FaceTrack, Measurement, ShotClip


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def good(filmed: Filmed) -> ShotScore:
    return filmed.score(filmed.dubbed, "good")


def measured(score: ShotScore) -> dict[str, Measurement]:
    return {row.metric: row for row in picture_measurements([score], RATE)}


def values(score: ShotScore) -> dict[str, float | None]:
    return {metric.partition(".")[2]: row.value for metric, row in measured(score).items()}


COUNTS = ("ungenerated_shots", "frozen_mouth_shots", "changed_outside_face", "frozen_frames", "black_frames", "misplaced_frames")


def test_a_good_dub_has_no_fault(good: ShotScore) -> None:
    found = values(good)
    assert {name: found[name] for name in COUNTS} == dict.fromkeys(COUNTS, 0)
    assert found["psnr"] > 38
    assert found["ssim"] > 0.95
    assert found["mouth_sharpness"] > 0.85
    assert abs(found["mouth_flicker"]) < 1
    assert found["correlation"] > 0.4


@pytest.mark.parametrize("crf", [26, 32])
def test_coarser_coding_is_no_fault(filmed: Filmed, crf: int) -> None:
    found = values(filmed.score(filmed.dubbed, f"coarse{crf}", crf))
    assert {name: found[name] for name in COUNTS} == dict.fromkeys(COUNTS, 0)
    assert found["mouth_sharpness"] > 0.8
    assert found["mouth_flicker"] < 1


def test_the_original_sent_back_is_not_a_dub(filmed: Filmed) -> None:
    clip = ShotClip("s0000", 0, FRAMES, moved=50)
    rows = measured(score_shot(filmed.source, filmed.source, clip, filmed.face, filmed.speech, SAMPLES, RATE))
    assert rows["picture.psnr"].not_measured == rows["picture.ssim"].not_measured == "identical input: nothing was generated"
    assert rows["picture.identical_frames"].value == 100
    assert rows["picture.ungenerated_shots"].value == 1


def test_the_original_coded_again_is_not_a_dub(filmed: Filmed) -> None:
    found = values(filmed.score(filmed.original, "again"))
    assert found["ungenerated_shots"] == 1
    assert found["identical_frames"] < 50


def test_a_blurred_mouth(filmed: Filmed, good: ShotScore) -> None:
    found = values(filmed.score(filmed.with_mouths(lambda _, mouth: cv2.GaussianBlur(mouth, (0, 0), 1.5)), "blurred"))
    assert found["mouth_sharpness"] < 0.7 * values(good)["mouth_sharpness"]
    assert found["frozen_mouth_shots"] == 0


def test_a_frozen_mouth(filmed: Filmed) -> None:
    kept = filmed.dubbed[12][filmed.region(12)]
    found = values(filmed.score(filmed.with_mouths(lambda _index, _mouth: kept), "frozen-mouth"))
    assert found["frozen_mouth_shots"] == 1
    assert found["ungenerated_shots"] == 0
    assert found["correlation"] is None


def test_a_mouth_that_stays_behind_when_the_head_moves(filmed: Filmed) -> None:
    place = filmed.region(30)
    frames = [blended(frame, place, filmed.dubbed[30][place]) for frame in filmed.dubbed]
    assert values(filmed.score(frames, "nailed"))["frozen_mouth_shots"] == 1


def test_a_flickering_mouth(filmed: Filmed) -> None:
    def flicker(index: int, mouth: np.ndarray) -> np.ndarray:
        return np.clip(mouth.astype(int) + (5 if index % 2 else -5), 0, 255).astype(np.uint8)

    assert values(filmed.score(filmed.with_mouths(flicker), "flicker"))["mouth_flicker"] > 3


def test_another_face_moved(filmed: Filmed) -> None:
    corner = slice(140, 164), slice(10, 46)
    frames = [blended(frame, corner, filmed.dubbed[i][filmed.region(i)]) for i, frame in enumerate(filmed.original)]
    found = values(filmed.score(frames, "other-face"))
    assert found["changed_outside_face"] > 90
    assert found["ungenerated_shots"] == 1


def test_frozen_frames_are_named(filmed: Filmed) -> None:
    score = filmed.score([*filmed.dubbed[:31], *[filmed.dubbed[30]] * 4, *filmed.dubbed[35:]], "frozen")
    assert score.frozen == (31, 32, 33, 34)
    assert values(score)["black_frames"] == 0


def test_black_frames_are_named_and_count_as_nothing_else(filmed: Filmed) -> None:
    frames = [frame * 0 if 20 <= index < 24 else frame for index, frame in enumerate(filmed.dubbed)]
    score = filmed.score(frames, "black")
    assert score.black == (20, 21, 22, 23)
    assert score.frozen == score.misplaced == ()


def test_a_dropped_frame_hidden_by_a_doubled_one(filmed: Filmed) -> None:
    order = [*range(18), *range(19, 29), 28, *range(29, FRAMES)]  # frame 18 is gone, 28 comes twice
    score = filmed.score([filmed.dubbed[index] for index in order], "dropped")
    assert set(score.misplaced) == set(range(18, 28))


def test_a_late_mouth_is_timed(filmed: Filmed, good: ShotScore) -> None:
    early = np.concatenate([filmed.speech[3 * SAMPLES // 25 :], np.zeros(3 * SAMPLES // 25, np.float32)])
    late = replace(filmed, speech=early).score(filmed.dubbed, "late").mouth
    assert good.mouth.correlations.index(max(good.mouth.correlations)) == LAGS
    assert late.correlations.index(max(late.correlations)) == LAGS + 3
    assert late.correlations[LAGS] < 0.25


def test_a_film_that_is_too_short_or_too_small_is_not_measured(filmed: Filmed) -> None:
    clip = ShotClip("s0000", 0, FRAMES + 5, moved=50)
    score = score_shot(filmed.source, filmed.source, clip, filmed.face, filmed.speech, SAMPLES, RATE)
    rows = measured(score)
    assert f"{FRAMES} frames where {FRAMES + 5} belong" in score.unread
    assert all(row.value is None and row.not_measured.startswith("1 of 1 shots could not be compared: s0000") for row in rows.values())


def test_without_a_face_the_whole_picture_counts(filmed: Filmed, good: ShotScore) -> None:
    clip, dub = ShotClip("s0000", 0, FRAMES), filmed.folder / "good.mp4"
    score = score_shot(filmed.source, dub, clip, FaceTrack("s0000", skipped="no-face"), filmed.speech, SAMPLES, RATE)
    assert score.mouth is None
    assert score.outside  # the mouth itself
    assert score.psnr < good.psnr
    assert measured(score)["picture.mouth_sharpness"].not_applicable == "no mouth was redrawn"


def test_scores_travel_as_json_and_are_the_same_each_time(filmed: Filmed, good: ShotScore) -> None:
    assert msgspec.json.decode(msgspec.json.encode(good), type=ShotScore) == good
    assert filmed.score(filmed.dubbed, "good") == good


def test_several_shots_are_weighted_by_their_frames() -> None:
    rows = {row.metric: row for row in picture_measurements([ShotScore("a", 10, psnr=40.0), ShotScore("b", 30, psnr=44.0)], Fraction(25))}
    assert rows["picture.psnr"].value == pytest.approx(43)
    assert rows["picture.psnr"].n == 40
    assert rows["picture.psnr"].interval == pytest.approx((40, 44))
    assert [worst.segment for worst in rows["picture.psnr"].worst] == ["a", "b"]


def test_nothing_to_measure_is_said() -> None:
    rows = picture_measurements([], Fraction(25))
    assert {row.not_measured for row in rows} == {"no shots"}
    assert len(rows) == 14


def test_what_lies_outside_a_faces_span_must_be_as_it_was(filmed: Filmed) -> None:
    """The dub moves the mouth for 50 frames; where the face is said to speak in 20 of them only, the rest is a change like any other."""
    turns = replace(filmed.face, spans=(FaceSpan(20, 40),))
    whole = filmed.score(filmed.dubbed, "whole")
    parted = replace(filmed, face=turns).score(filmed.dubbed, "parted")
    assert parted.psnr < whole.psnr - 1
    assert set(parted.outside) - set(whole.outside) <= {*range(20), *range(40, FRAMES)}
    assert parted.outside
    assert parted.mouth.frames < whole.mouth.frames <= FRAMES
    assert parted.mouth.frames <= 20
