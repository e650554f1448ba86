"""A dubbed line laid as the original's was: the room that was asked for, the course that was asked for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nightdub.tasks.acoustics import contour, describe, scene_room
from nightdub.tasks.place import impulse, place_line, tail_length
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Room
from nightdub.tasks.sound import resample

RATE = 48_000


def noise(seconds: float, *levels: float) -> Sound:
    """Return noise of these levels, each for its part of the time."""
    sound = np.random.default_rng(2).standard_normal(round(seconds * RATE)) * np.repeat(levels, round(seconds * RATE) // len(levels))
    return (0.1 * sound).astype(np.float32)


@pytest.mark.parametrize("room", [Room(0.4, -6.0), Room(1.2, -12.0)])
def test_a_room_has_the_energy_and_the_decay_that_it_says(room: Room) -> None:
    answer = impulse(room, RATE).astype(float)
    assert 10 * np.log10(np.square(answer).sum()) == pytest.approx(room.level, abs=0.01)
    left = 10 * np.log10(np.cumsum(np.square(answer)[::-1])[::-1])  # Schroeder's integral
    start, end = round(0.02 * RATE), round((0.02 + room.decay / 4) * RATE)
    assert left[start] - left[end] == pytest.approx(15, abs=1)  # a quarter of 60 dB
    assert (impulse(room, RATE) == impulse(room, RATE)).all()


def test_a_line_gets_its_room_and_its_tail() -> None:
    line, room = noise(1.0, 1.0), Room(0.5, -6.0)
    laid = place_line(line, RATE, line.size, (), room)
    assert laid.size == line.size + tail_length(room, RATE)
    assert tail_length(room, RATE) == round((0.005 + 0.5 * 39 / 60) * RATE)  # from -6 down to -45 dB
    level = [10 * np.log10(np.mean(np.square(part))) for part in (laid[: line.size], laid[line.size :])]
    assert level[0] == pytest.approx(-20 + 10 * np.log10(1 + 10**-0.6), abs=0.5)
    assert level[1] < level[0] - 6
    assert np.abs(laid[-480:]).max() < 0.01


def test_the_room_that_was_laid_is_the_room_that_is_measured(prompt: Callable[[str], tuple[Sound, str]]) -> None:
    decays = []
    for name in ("agent-pass", "all-circuits-busy-now", "vm-goodbye", "conf-now-unmuted"):
        line = resample(prompt(name)[0], 16_000, RATE)
        laid = place_line(line, RATE, line.size, (), Room(0.7, -6.0))
        heard = np.pad(laid, (0, RATE // 2)) + 1e-5 * np.random.default_rng(0).standard_normal(laid.size + RATE // 2)
        decays += describe(heard.astype(np.float32), RATE, line.size, true=True).decays
    room = scene_room(decays)
    assert room is not None
    assert room.decay == pytest.approx(0.7, rel=0.25)


def test_the_course_of_the_level_is_followed_within_three_decibels() -> None:
    line = noise(4.0, 1.0, 1.0, 1.0, 1.0)
    laid = place_line(line, RATE, line.size, (2.0, 2.0, -2.0, -8.0), None)
    middles = [laid[round((at - 0.02) * RATE) : round((at + 0.02) * RATE)] for at in (0.5, 1.5, 2.5, 3.5)]
    change = [20 * np.log10(np.std(part) / 0.1) for part in middles]
    assert change == pytest.approx([2.0, 2.0, -2.0, -3.0], abs=0.5)
    assert laid.size == line.size
    gains = (laid / line)[np.abs(line) > 0.02]
    assert np.abs(np.diff(gains)).max() < 1e-3  # no step


def test_a_part_that_is_silent_in_either_is_left_alone() -> None:
    line = noise(4.0, 1.0, 0.0, 1.0, 1.0)
    laid = place_line(line, RATE, line.size, (0.0, 3.0, 0.0, 0.0), None)
    assert not laid[round(1.01 * RATE) : round(1.99 * RATE)].any()


def test_without_course_and_room_a_line_stays_what_it_is_but_is_cut_softly() -> None:
    line = noise(2.0, 1.0)
    assert (place_line(line, RATE, line.size, (), None) == line).all()
    assert (place_line(line, RATE, 3 * RATE, (), None) == line).all()
    cut = place_line(line, RATE, RATE, (), None)
    assert cut.size == RATE
    assert cut[-1] == 0
    assert (cut[: RATE - 480] == line[: RATE - 480]).all()


def test_a_line_does_not_clip() -> None:
    loud = 9 * noise(2.0, 1.0)
    assert np.abs(place_line(np.clip(loud, -1, 1), RATE, loud.size, (), Room(0.8, -3.0))).max() == pytest.approx(0.95)
    assert contour(loud, RATE)
