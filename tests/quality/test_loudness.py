"""Loudness, range and peak against the EBU's cases (Tech 3341 and 3342, synthesised), pyloudnorm's and ffmpeg's meters."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from scipy.signal import lfilter

from nightdub.quality.metrics.loudness import (
    FACTS,
    dialogue_measurement,
    loudness_measurements,
    measure_file,
    peak_measurement,
    range_difference,
)
from nightdub.tasks.rows import Measurement

RATE = 48_000

Parts = list[tuple[float, float]]


def tone(parts: Parts) -> npt.NDArray[np.float64]:
    """Return a stereo sine of 1 kHz, shape (samples, 2), of (dBFS, seconds) parts; -200 stands for silence."""
    level = np.concatenate([np.full(round(seconds * RATE), 10 ** (peak / 20)) for peak, seconds in parts])
    return np.repeat((level * np.sin(2 * np.pi * 1000 * np.arange(level.size) / RATE))[:, None], 2, axis=1)


def write(path: Path, sound: npt.NDArray[np.floating]) -> Path:
    soundfile.write(path, sound, RATE, subtype="PCM_24")
    return path


def measured(path: Path) -> dict[str, Measurement]:
    return {row.metric.removeprefix("loudness."): row for row in [*loudness_measurements(path), peak_measurement(path)]}


def value(rows: dict[str, Measurement], name: str) -> float:
    found = rows[name].value
    assert found is not None, rows[name].not_measured
    return found


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_integrated_loudness_of_tech_3341_cases_1_to_5(tmp_path: Path, parts: Parts, expected: float) -> None:
    rows = measured(write(tmp_path / "case.wav", tone(parts)))
    assert value(rows, "integrated") == pytest.approx(expected, abs=0.1)
    if len(parts) == 1:  # a steady tone: all three meters read the same
        assert value(rows, "momentary_max") == pytest.approx(expected, abs=0.1)
        assert value(rows, "short_term_max") == pytest.approx(expected, abs=0.1)


def test_five_channels_of_tech_3341_case_6(tmp_path: Path) -> None:
    levels = np.array([-28, -28, -24, -30, -30])  # L R C Ls Rs
    path = write(tmp_path / "five.wav", tone([(0, 20)])[:, :1] * 10 ** (levels / 20))
    assert value(measured(path), "integrated") == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(("levels", "expected"), [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)])
def test_loudness_range_of_tech_3342_cases_1_to_4(tmp_path: Path, levels: tuple[float, ...], expected: float) -> None:
    path = write(tmp_path / "case.wav", tone([(level, 20) for level in levels]))
    assert value(measured(path), "range") == pytest.approx(expected, abs=0.1)


def test_range_difference_is_the_difference_of_the_ranges(tmp_path: Path) -> None:
    """Tech 3342's cases 1 and 2: 10 and 5 LU. A gain over the whole changes nothing."""
    wide, narrow = (write(tmp_path / f"{level}.wav", tone([(-20, 40), (level, 40)])) for level in (-30, -15))
    assert range_difference(wide, narrow).value == pytest.approx(5, abs=0.2)
    assert range_difference(narrow, wide).value == pytest.approx(-5, abs=0.2)
    louder = write(tmp_path / "louder.wav", tone([(-14, 40), (-24, 40)]))
    assert range_difference(louder, wide).value == pytest.approx(0, abs=0.1)


def test_a_short_or_silent_programme_has_no_range_to_keep(tmp_path: Path) -> None:
    short, silent = write(tmp_path / "short.wav", tone([(-20, 59)])), write(tmp_path / "silent.wav", np.zeros((61 * 48_000, 2)))
    long = write(tmp_path / "long.wav", tone([(-20, 61)]))
    assert range_difference(short, long).not_applicable == "shorter than a minute"
    assert range_difference(long, silent).not_measured


def test_short_term_loudness_of_tech_3341_case_9(tmp_path: Path) -> None:
    path = write(tmp_path / "case.wav", tone([(-20, 1.34), (-30, 1.66)] * 5))
    assert value(measured(path), "short_term_max") == pytest.approx(-23, abs=0.1)


def test_momentary_loudness_of_tech_3341_case_12(tmp_path: Path) -> None:
    path = write(tmp_path / "case.wav", tone([(-20, 0.18), (-30, 0.22)] * 25))
    assert value(measured(path), "momentary_max") == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("index", [0, 1, 7, 19])
def test_bursts_are_met_wherever_they_begin_tech_3341_cases_10_and_13(tmp_path: Path, index: int) -> None:
    short = write(tmp_path / "short.wav", tone([(-200, 0.15 * index), (-23, 3), (-200, 1)]))
    assert value(measured(short), "short_term_max") == pytest.approx(-23, abs=0.1)
    momentary = write(tmp_path / "momentary.wav", tone([(-200, 0.02 * index), (-23, 0.4), (-200, 1)]))
    assert value(measured(momentary), "momentary_max") == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("part", "degrees", "amplitude", "expected"),
    [(4, 0, 0.5, -6), (4, 45, 0.5, -6), (6, 60, 0.5, -6), (8, 67.5, 0.5, -6), (4, 45, 1.41, 3)],
)
def test_true_peak_of_tech_3341_cases_15_to_19(tmp_path: Path, part: int, degrees: float, amplitude: float, expected: float) -> None:
    """A sine of a fourth, sixth or eighth of the sample rate, whose samples miss its peaks; +0.2, -0.4 dB."""
    sound = amplitude * np.sin(2 * np.pi * np.arange(RATE) / part + np.radians(degrees))
    fade = np.clip(np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 4800, 0, 1)
    soundfile.write(path := tmp_path / "case.wav", np.repeat((sound * fade)[:, None], 2, axis=1), RATE, subtype="FLOAT")
    found = value(measured(path), "true_peak")
    assert expected - 0.4 <= found <= expected + 0.2
    assert found == pytest.approx(20 * np.log10(amplitude), abs=0.1)


def test_agrees_with_ffmpeg_on_a_moving_programme(tmp_path: Path) -> None:
    white = lfilter([1], [1, -0.8], np.random.default_rng(3).standard_normal((40 * RATE, 2)), axis=0)
    path = write(tmp_path / "programme.wav", 0.05 * (0.05 + np.abs(np.sin(np.arange(len(white)) / RATE / 3)))[:, None] * white)
    command = ["ffmpeg", "-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    rows = measured(path)
    for name, pattern in (("integrated", r"I:\s+(\S+) LUFS"), ("range", r"LRA:\s+(\S+) LU"), ("true_peak", r"Peak:\s+(\S+) dBFS")):
        assert value(rows, name) == pytest.approx(float(re.findall(pattern, said)[-1]), abs=0.1), name
    meter = [[float(number) for number in re.findall(rf"{name}:\s*(-?\d\S*)", said)] for name in ("M", "S")]
    assert value(rows, "momentary_max") == pytest.approx(max(meter[0]), abs=0.1)
    assert value(rows, "short_term_max") == pytest.approx(max(meter[1]), abs=0.1)


@pytest.mark.parametrize(
    ("sound", "unmeasured"),
    [
        (np.zeros((4 * RATE, 2)), {"integrated", "momentary_max", "short_term_max", "range", "true_peak"}),
        (tone([(-20, 0.39)]), {"integrated", "momentary_max", "short_term_max", "range"}),
        (tone([(-20, 2.9)]), {"short_term_max", "range"}),
    ],
    ids=["silence", "below 400 ms", "below 3 s"],
)
def test_too_little_sound_is_not_measured_and_says_why(tmp_path: Path, sound: npt.NDArray[np.float64], unmeasured: set[str]) -> None:
    rows = measured(write(tmp_path / "little.wav", sound))
    assert {name for name, row in rows.items() if row.value is None} == unmeasured
    assert all(rows[name].not_measured for name in unmeasured)


def test_samples_that_are_no_numbers_are_not_measured(tmp_path: Path) -> None:
    sound = tone([(-20, 4)])
    sound[RATE] = np.nan
    soundfile.write(path := tmp_path / "broken.wav", sound, RATE, subtype="FLOAT")
    rows = measured(path)
    assert {row.value for row in rows.values()} == {None}
    assert "not finite" in rows["integrated"].not_measured


def test_dialogue_counts_only_where_it_lies(tmp_path: Path) -> None:
    path = write(tmp_path / "steps.wav", tone([(-40, 3), (-23, 2), (-40, 3)]))
    assert dialogue_measurement(path, [(3.1, 4.9)]).value == pytest.approx(-23, abs=0.05)
    assert dialogue_measurement(path, []).not_measured


def test_a_film_is_measured_by_its_first_sound(tmp_path: Path) -> None:
    write(tmp_path / "tone.wav", tone([(-23, 4)]))
    film = tmp_path / "film.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(tmp_path / "tone.wav"), "-c:a", "aac", "-b:a", "192k", str(film)], check=True)
    rows = {row.metric: row for row in measure_file(film)}
    assert set(rows) == {name for name, fact in FACTS.items() if fact.alone}
    assert rows["loudness.integrated"].value == pytest.approx(-23, abs=0.1)
