"""Lines that the dialogue stem does not hold, and sound in it where no line lies: counted in frames of 10 ms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nightdub.infra.errors import MediaError
from nightdub.quality.metrics.mixed import mix_measurements
from nightdub.tasks.rows import Measurement, Placement
from nightdub.tasks.sound import read_sound, write_sound

RATE = 48_000
PLACES = [Placement("one", 1.0, 2.0, 1.0, 2.0), Placement("two", 3.0, 4.5, 3.0, 4.5)]


def stem(folder: Path, *spans: tuple[float, float], level: float = 0.1) -> Path:
    """Write 6 s with a tone in these spans."""
    time = np.arange(6 * RATE) / RATE
    sound = np.zeros(time.size)
    for start, end in spans:
        sound[round(start * RATE) : round(end * RATE)] = level
    return write_sound(folder / "stem.wav", sound * np.sin(2 * np.pi * 300 * time), RATE)


def measured(path: Path, places: list[Placement] = PLACES) -> dict[str, Measurement]:
    return {row.metric: row for row in mix_measurements(path, places)}


def test_lines_in_their_places_are_neither_silent_nor_stray(tmp_path: Path) -> None:
    rows = measured(stem(tmp_path, (1.0, 2.0), (3.0, 4.5)))
    assert (rows["mix.silent_lines"].value, rows["mix.silent_lines"].n) == (0, 2)
    assert (rows["mix.stray_speech"].value, rows["mix.stray_speech"].n) == (0, 600)


def test_a_line_that_sounds_for_less_than_a_fifth_of_its_place_is_silent(tmp_path: Path) -> None:
    rows = measured(stem(tmp_path, (1.0, 1.1), (3.0, 3.4)))  # a tenth of the first, 27 % of the second
    assert rows["mix.silent_lines"].value == 1
    assert [(worst.segment, worst.value) for worst in rows["mix.silent_lines"].worst] == [("one", 10.0)]


def test_a_late_line_is_stray_for_as_long_as_it_is_late(tmp_path: Path) -> None:
    rows = measured(stem(tmp_path, (1.0, 2.0), (3.3, 4.8)))
    assert rows["mix.stray_speech"].value == pytest.approx(0.3)
    assert [(worst.segment, worst.value) for worst in rows["mix.stray_speech"].worst] == [("4.5 s", 0.3)]


def test_a_room_that_sounds_on_after_its_line_is_not_stray(tmp_path: Path) -> None:
    path = stem(tmp_path, (1.0, 2.0), (3.0, 4.8))
    assert measured(path)["mix.stray_speech"].value == pytest.approx(0.3)
    rows = mix_measurements(path, PLACES, {"two": 0.3})
    assert {row.metric: row.value for row in rows}["mix.stray_speech"] == 0


def test_a_line_in_one_channel_of_six_sounds(tmp_path: Path) -> None:
    """Half of the power of all: as loud as the same line on both channels of stereo at half of its power."""
    mono = read_sound(stem(tmp_path, (1.0, 2.0), (3.0, 4.5), level=0.0021))[0]
    five = np.zeros((6, mono.size))
    five[2] = mono
    assert {row.metric: row.value for row in mix_measurements(write_sound(tmp_path / "five.wav", five, RATE), PLACES)} == {
        "mix.silent_lines": 0,
        "mix.stray_speech": 0,
    }


def test_what_is_quieter_than_60_db_under_full_scale_is_silence(tmp_path: Path) -> None:
    quiet = measured(stem(tmp_path, (1.0, 2.0), (3.0, 4.5), (5.0, 5.5), level=0.0013))  # a sine's RMS lies 3 dB under its peak: -60.7
    assert (quiet["mix.silent_lines"].value, quiet["mix.stray_speech"].value) == (2, 0)
    loud = measured(stem(tmp_path, (5.0, 5.5), level=0.0015))  # -59.5
    assert loud["mix.stray_speech"].value == pytest.approx(0.5)


def test_without_lines_nothing_is_measured_and_a_stem_that_is_none_is_an_error(tmp_path: Path) -> None:
    rows = measured(stem(tmp_path), [])
    assert [row.not_measured for row in rows.values()] == ["no line was placed"] * 2
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(MediaError, match=r"text\.wav"):
        mix_measurements(tmp_path / "text.wav", PLACES)
