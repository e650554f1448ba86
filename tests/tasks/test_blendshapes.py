from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from nightdub.tasks.blendshapes import NAMES, WEIGHTS, curves, line_curves, weights_of, write_curves
from nightdub.tasks.rows import SpokenSound

RATE, FPS = 16_000, 25.0
LOUD = np.full(RATE * 2, 0.2, np.float32)

# ruff: noqa: SIM905 - the list is quoted as it is published
# ARFaceAnchor.BlendShapeLocation, developer.apple.com, in alphabetical order.
APPLE = """
browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft cheekSquintRight eyeBlinkLeft
eyeBlinkRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight
eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight
mouthFrownLeft mouthFrownRight mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker
mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight mouthStretchLeft
mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft noseSneerRight tongueOut
""".split()


def spoken(*names: str, each: float = 0.2) -> list[SpokenSound]:
    return [SpokenSound(name, index * each, (index + 1) * each) for index, name in enumerate(names)]


def shape(made: np.ndarray, name: str) -> np.ndarray:
    return made[:, NAMES.index(name)]


def test_the_52_names_are_apples() -> None:
    assert sorted(NAMES) == APPLE
    assert len(APPLE) == 52


def test_every_weight_of_the_table_belongs_to_a_name_and_lies_between_0_and_1() -> None:
    for viseme, weights in WEIGHTS.items():
        row = weights_of(viseme)
        assert np.count_nonzero(row) == sum(1 if name in NAMES else 2 for name in weights)
        assert 0 <= row.min() <= row.max() <= 1


def test_jaw_opens_for_a_lips_press_for_m_and_pucker_for_u() -> None:
    made = curves(spoken("a", "m", "u"), LOUD, RATE, 15, FPS)
    assert made.shape == (15, 52)
    assert shape(made, "jawOpen")[2] > 0.5
    assert shape(made, "jawOpen")[7] < 0.1
    assert shape(made, "mouthPressLeft")[7] == pytest.approx(0.35)
    assert shape(made, "mouthPucker")[12] > 0.6
    assert shape(made, "mouthPucker")[2] == 0


def test_quiet_speech_opens_the_jaw_less() -> None:
    quiet = LOUD.copy()
    quiet[: RATE // 2] *= 0.05
    jaw = shape(curves(spoken("a", "a", "a", "a", "a"), quiet, RATE, 25, FPS), "jawOpen")
    assert jaw[5] < 0.8 * jaw[20]


def test_nothing_moves_where_nothing_is_said() -> None:
    assert not curves([], LOUD * 0, RATE, 10, FPS).any()
    assert not curves(spoken("a"), LOUD, RATE, 30, FPS)[10:].any()


def test_without_sounds_the_jaw_follows_loudness() -> None:
    made = curves([], LOUD, RATE, 10, FPS)
    assert (np.flatnonzero(made.any(axis=0)) == [NAMES.index("jawOpen")]).all()


def test_a_line_lies_on_the_films_frames() -> None:
    line = line_curves("l0001", "Ann", 1.05, spoken("m", "a", "_"), LOUD[: int(0.6 * RATE)], RATE, FPS)
    assert (line.first, len(line.weights)) == (26, 16)  # 1.04 s is where frame 26 begins, and 1.65 s lies in frame 41
    assert np.argmax(shape(line.weights, "jawOpen")) == 7  # the middle of "a" is at 1.35 s: frame 33
    assert shape(line.weights, "mouthPressLeft")[2] == pytest.approx(0.35)  # that of "m" at 1.15 s: frame 28


def test_the_file_has_a_row_for_each_frame(tmp_path: Path) -> None:
    lines = [line_curves(name, "", start, spoken("a"), LOUD[:3200], RATE, FPS) for name, start in (("l0001", 1.0), ("l0002", 2.0))]
    with write_curves(tmp_path / "curves.csv", lines, FPS).open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["frame"] for row in rows] == [*map(str, range(25, 30)), *map(str, range(50, 55))]
    assert rows[0]["time"] == "1.0000"
    assert list(rows[0])[4:] == list(NAMES)
    assert float(rows[2]["jawOpen"]) == pytest.approx(0.65, abs=0.01)
