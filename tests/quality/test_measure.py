"""Recognised words are given to the lines in whose time they lie."""

from __future__ import annotations

from dataclasses import replace

from nightdub.quality.measure import spoken_words
from nightdub.tasks.rows import Segment, Word

LINES = [Segment(f"s{index}", 3.0 * index + 1, 3.0 * index + 3, f"line {index} of the film") for index in range(2)]


def test_recognised_words_go_to_the_line_in_whose_time_they_lie() -> None:
    heard = replace(LINES[0], words=(Word("one", 1.2, 1.4), Word("two", 3.2, 3.3), Word("three", 5.0, 5.2)))
    assert spoken_words(LINES, [heard]) == {"s0": "one two", "s1": "three"}


def test_a_line_without_words_has_an_empty_text() -> None:
    assert spoken_words(LINES, []) == {"s0": "", "s1": ""}
