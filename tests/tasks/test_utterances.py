from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nightdub.tasks.protocols import Identity, Sound
from nightdub.tasks.rows import Seconds, Utterance
from nightdub.tasks.utterances import LONGEST, SHORTEST_GAP, find_utterances, join_close


class Given:
    """A detector that finds what it was told."""

    def __init__(self, *stretches: tuple[Seconds, Seconds]) -> None:
        self.stretches = list(stretches)

    def identity(self) -> Identity:
        return Identity("given", "1")

    def speech(self, sound: Sound) -> list[tuple[Seconds, Seconds]]:
        return self.stretches


def test_close_stretches_are_one_utterance_and_empty_ones_none() -> None:
    found = find_utterances(np.zeros(16_000, np.float32), Given((1.0, 2.0), (2.1, 3.0), (3.5, 3.5), (4.0, 5.0)))
    assert found == [Utterance("u0000", 1.0, 3.0), Utterance("u0001", 4.0, 5.0)]


def test_silence_has_no_utterances() -> None:
    assert find_utterances(np.zeros(16_000, np.float32), Given()) == []


def test_joining_stops_at_the_longest_utterance() -> None:
    assert join_close([(0.0, 10.0), (10.1, 14.0), (14.1, 20.0)]) == [(0.0, 14.0), (14.1, 20.0)]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=12))
def test_joined_stretches_are_ordered_apart_and_lose_no_speech(stretches: list[tuple[float, float]]) -> None:
    joined = join_close(stretches)
    assert all(end > start for start, end in joined)
    assert joined == sorted(joined)
    for start, end in stretches:
        if end > start:
            assert any(first <= start and end <= last for first, last in joined)
    for (first, end), (start, last) in pairwise(joined):
        assert start - end >= SHORTEST_GAP or last - first > LONGEST
