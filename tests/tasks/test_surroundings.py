from __future__ import annotations

from fractions import Fraction

import pytest

from nightdub.tasks.rows import Segment, Utterance
from nightdub.tasks.shots import Cut, shots_between
from nightdub.tasks.surroundings import find_cuts, find_voices, surroundings

RATE = Fraction(25)


def test_cuts_lie_between_shots_and_not_between_the_parts_of_one_take() -> None:
    """A take of 24 s is stored as three parts of 8 s."""
    shots = shots_between([Cut(50), Cut(100), Cut(700), Cut(800)], 1000, RATE)
    assert len(shots) == 7
    assert list(find_cuts(shots, RATE)) == [2.0, 4.0, 28.0, 32.0]


def test_two_long_shots_of_different_length_are_cut() -> None:
    assert list(find_cuts(shots_between([Cut(200)], 430, RATE), RATE)) == [8.0]
    assert list(find_cuts(shots_between([Cut(200, "dissolve")], 400, RATE), RATE)) == [8.0]


def test_a_voice_beside_the_lines_is_found_and_the_lines_own_edges_are_not() -> None:
    lines = [Segment("a", 2.0, 4.0, "one"), Segment("b", 6.0, 7.0, "two"), Segment("c", 6.5, 8.0, "at once")]
    heard = [Utterance("u0", 1.9, 4.2), Utterance("u1", 4.8, 8.1), Utterance("u2", 9.0, 10.0)]
    assert list(find_voices(heard, lines)) == [(4.8, pytest.approx(5.75)), (9.0, 10.0)]


def test_what_is_only_seen_speaks_for_nobody() -> None:
    seen = Segment("a", 2.0, 4.0, "EXIT", kind="on-screen")
    assert list(find_voices([Utterance("u0", 2.0, 4.0)], [seen])) == [(2.0, 4.0)]


def test_a_title_without_shots_or_voices_has_only_its_length() -> None:
    around = surroundings(10.0, [], RATE, [], [])
    assert (around.length, around.cuts, around.voices) == (10.0, (), ())
