"""Level, course, place and room of an original line: closed forms, and recorded prompts in rooms that are planted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import fftconvolve

from nightdub.tasks.acoustics import contour, describe, heard_level, heard_until, scene_room, with_rooms
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Acoustics, Room

RATE = 16_000
PROMPTS = ("agent-pass", "all-circuits-busy-now", "vm-goodbye", "cannot-complete-as-dialed", "conf-now-unmuted")


def tone(*parts: tuple[float, float]) -> Sound:
    """Return a sine of 500 Hz in parts of (amplitude, seconds)."""
    level = np.concatenate([np.full(round(seconds * RATE), amplitude) for amplitude, seconds in parts])
    return (level * np.sin(2 * np.pi * 500 * np.arange(level.size) / RATE)).astype(np.float32)


def test_level_is_that_of_what_is_heard() -> None:
    """A sine of amplitude a has an RMS of a / sqrt(2); the pause counts for nothing."""
    assert heard_level(tone((0.1, 1.0), (0.0, 3.0)), RATE) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.01)
    assert heard_level(np.zeros(RATE, np.float32), RATE) is None
    assert heard_level(tone((0.1, 0.004)), RATE) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.01)


def test_contour_is_each_quarter_against_the_whole() -> None:
    """Powers 1, 1, 1/4, 0 in quarters: the mean of what is heard is 3/4."""
    whole = 10 * np.log10(0.75)
    assert contour(tone((0.2, 1.0), (0.1, 0.5), (0.0, 0.5)), RATE) == pytest.approx((-whole, -whole, -whole - 6.02, 0.0), abs=0.02)
    assert contour(tone((0.2, 1.4)), RATE) == ()
    assert contour(np.zeros(2 * RATE, np.float32), RATE) == ()


def test_shares_are_read_from_true_dialogue_only() -> None:
    voice = tone((0.2, 1.0))
    panned = np.stack([voice * 2, voice])
    assert describe(panned, RATE, RATE, true=True).shares == (0.8, 0.2)
    assert describe(panned, RATE, RATE, true=False).shares == ()
    assert describe(np.stack([voice, voice * 0.95]), RATE, RATE, true=True).shares == ()  # 0.4 dB
    assert describe(voice, RATE, RATE, true=True).shares == ()


def test_shares_of_five_one_leave_out_what_is_faint_and_the_lfe() -> None:
    voice, nothing = tone((0.2, 1.0)), np.zeros(RATE, np.float32)
    left = np.stack([nothing, nothing, voice, voice, voice, 0.1 * voice])
    assert describe(left, RATE, RATE, true=True).shares == (0.0, 0.0, 0.5, 0.0, 0.5, 0.0)
    centre = np.stack([0.1 * voice, 0.1 * voice, voice, nothing, nothing, nothing])
    assert describe(centre, RATE, RATE, true=True).shares == ()


def test_a_line_that_is_not_heard_is_not_described() -> None:
    assert describe(np.zeros((2, RATE), np.float32), RATE, RATE, true=True) == Acoustics("")
    assert describe(tone((1e-4, 1.0)), RATE, RATE, true=True) == Acoustics("")


@pytest.mark.parametrize(
    ("spans", "until"),
    [
        ([(0.0, 1.0), (2.0, 3.0), (9.0, 10.0)], [2.0, 4.5, 11.5]),  # the next line, 1.5 s
        ([(0.0, 1.0), (0.5, 2.0)], [1.0, 3.5]),  # under another line
        ([(0.0, 5.0), (1.0, 2.0), (3.0, 4.0)], [6.5, 2.0, 4.0]),
        ([(0.0, 1.0), (1.0, 2.0)], [1.0, 3.5]),
        ([(0.0, 2.0), (0.0, 2.0)], [3.5, 3.5]),
    ],
)
def test_a_line_is_heard_after_its_end_until_somebody_else_speaks(spans: list[tuple[float, float]], until: list[float]) -> None:
    assert heard_until(spans) == until


# ---------------------------------------------------------------- rooms


def answer(decay: float, level: float, seed: int) -> Sound:
    """Return a room: white noise that falls by 60 dB in `decay` seconds, with so much energy against the direct sound, in dB."""
    time = np.arange(round(decay * RATE)) / RATE
    tail = np.random.default_rng(seed).standard_normal(time.size) * 10 ** (-3 * time / decay)
    tail[:80] = 0
    tail *= np.sqrt(10 ** (level / 10) / np.square(tail).sum())
    return np.concatenate([[1.0], tail[1:]]).astype(np.float32)


@pytest.fixture(scope="module")
def spoken(prompt: Callable[[str], tuple[Sound, str]]) -> list[Sound]:
    return [np.pad(prompt(name)[0], (0, 3 * RATE // 2)) for name in PROMPTS] * 3  # heard in three places of each room


def rows_in(spoken: list[Sound], decay: float, level: float) -> list[Acoustics]:
    rows = []
    for seed, line in enumerate(spoken):
        wet = fftconvolve(line, answer(decay, level, seed))[: line.size] if decay else line
        hiss = 1e-4 * np.random.default_rng(seed).standard_normal(wet.size)
        rows.append(describe((wet + hiss).astype(np.float32), RATE, line.size - 3 * RATE // 2, true=True))
    return rows


@pytest.mark.parametrize(("decay", "level"), [(0.4, -6), (0.6, -9), (0.8, -4), (1.2, -6)])
def test_a_planted_room_is_found(spoken: list[Sound], decay: float, level: float) -> None:
    rows = rows_in(spoken, decay, level)
    found = {row.room for row in with_rooms(rows, [(4.0 * index, 4.0 * index + 3) for index in range(len(rows))])}
    (room,) = found
    assert room is not None
    assert room.decay == pytest.approx(decay, rel=0.25)
    assert room.level == pytest.approx(level, abs=5)


def test_dry_lines_have_no_room(spoken: list[Sound]) -> None:
    rows = rows_in(spoken, 0, 0)
    assert sum(len(row.decays) for row in rows) >= 3
    assert {row.room for row in with_rooms(rows, [(4.0 * index, 4.0 * index + 3) for index in range(len(rows))])} == {None}


def test_no_room_is_read_from_a_separated_stem(spoken: list[Sound]) -> None:
    wet = fftconvolve(spoken[1], answer(0.8, -4, 0))[: spoken[1].size].astype(np.float32)
    assert describe(wet, RATE, spoken[1].size, true=True).decays
    assert not describe(wet, RATE, spoken[1].size, true=False).decays


def test_a_scene_needs_three_decays_that_agree() -> None:
    same = [Room(0.5, -8.0), Room(0.6, -10.0), Room(0.55, -9.0)]
    assert scene_room(same) == Room(0.55, -9.0)
    assert scene_room(same[:2]) is None
    assert scene_room([Room(0.3, -8.0), Room(0.3, -8.0), Room(0.9, -8.0), Room(1.2, -8.0)]) is None
    assert scene_room([Room(0.1, -8.0)] * 5) is None
    assert scene_room([Room(4.0, 2.0)] * 3) == Room(2.0, -3.0)  # no wetter and no longer than this


def test_scenes_end_where_nobody_speaks_for_five_seconds() -> None:
    wet, dry = Acoustics("", decays=(Room(0.5, -8.0),) * 3), Acoustics("", decays=(Room(0.08, -60.0),) * 3)
    rows = with_rooms([dry, wet, wet, dry], [(30.0, 31.0), (0.0, 1.0), (5.9, 7.0), (12.1, 13.0)])
    assert [row.room for row in rows] == [None, Room(0.5, -8.0), Room(0.5, -8.0), None]
