"""Leakage: what was put in is found again, and what was not put in is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from nightdub.quality.metrics.leakage import LeakClip, leakage
from nightdub.tasks.protocols import Sound


@pytest.fixture(scope="module")
def lines() -> list[Sound]:
    """Return 30 lines of 2 s that rise and fall like syllables, coloured like speech."""
    rng = np.random.default_rng(7)
    swell = np.abs(np.sin(np.arange(32_000) / 16_000 * 2 * np.pi * 2.2))
    return [lfilter([1], [1, -0.9], rng.standard_normal(32_000) * swell).astype(np.float32) * 0.02 for _ in range(30)]


@pytest.fixture(scope="module")
def bed() -> list[Sound]:
    rng = np.random.default_rng(8)
    return [lfilter([1], [1, -0.9], rng.standard_normal(32_000)).astype(np.float32) * 0.01 for _ in range(30)]


def clips(lines: list[Sound], rests: list[Sound]) -> list[LeakClip]:
    return [LeakClip(f"s{index}", line, rest) for index, (line, rest) in enumerate(zip(lines, rests, strict=True))]


@pytest.mark.parametrize("level", [0.0, -10.0, -20.0, -30.0])
def test_known_leakage_is_found_under_a_bed(lines: list[Sound], bed: list[Sound], level: float) -> None:
    rests = [music + line * 10 ** (level / 20) for line, music in zip(lines, bed, strict=True)]
    row = leakage(clips(lines, rests))
    assert row.value == pytest.approx(level, abs=1.0)
    assert (row.metric, row.unit, row.n) == ("leakage.original", "dB", 30)


def test_leakage_that_lost_its_high_tones_counts_what_is_left(lines: list[Sound], bed: list[Sound]) -> None:
    dull = [lfilter([0.05], [1, -0.95], line).astype(np.float32) for line in lines]
    expected = 10 * np.log10(sum(float(d @ d) for d in dull) / sum(float(line @ line) for line in lines))
    row = leakage(clips(lines, [music + sound for music, sound in zip(bed, dull, strict=True)]))
    assert row.value == pytest.approx(expected, abs=1.5)


def test_music_alone_is_no_leakage(lines: list[Sound], bed: list[Sound]) -> None:
    row = leakage(clips(lines, bed))
    assert row.value is not None
    assert row.value < -35  # what broadcast asks for can be told from chance in a minute of speech


def test_the_line_that_leaks_is_named(lines: list[Sound], bed: list[Sound]) -> None:
    rests = [music + (line if index == 11 else 0) for index, (line, music) in enumerate(zip(lines, bed, strict=True))]
    row = leakage(clips(lines, rests))
    assert row.worst[0].segment == "s11"
    assert row.worst[0].value == pytest.approx(0, abs=0.5)


def test_nothing_to_look_for_is_not_measured() -> None:
    silence = np.zeros(32_000, np.float32)
    for rows in ([], clips([silence], [silence])):
        row = leakage(rows)
        assert row.value is None
        assert row.not_measured == "no original dialogue to look for"
