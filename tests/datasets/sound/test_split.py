"""Long recordings as clips: at pauses, none too long, no speech lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.datasets.sound.split import Splitting, Stretch, split_by_voice
from nightdub.infra.errors import ConfigError

RATE = 1000  # Hz: nothing here depends on it
USUAL = Splitting(shortest=3, longest=10, pause=0.6, margin=0.1)


def sound(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(round(seconds * RATE), 0.1, np.float32)


def clips(seconds: float, segments: list[Stretch], figures: Splitting = USUAL) -> list[Stretch]:
    return split_by_voice(sound(seconds), RATE, segments, figures)


def test_a_long_pause_parts_two_clips_and_a_short_one_does_not() -> None:
    assert clips(20, [(1, 4), (4.4, 6), (7, 11)]) == [(0.9, 6.1), (6.9, 11.1)]


def test_what_is_too_short_alone_goes_with_a_neighbour_over_a_pause() -> None:
    assert clips(20, [(1, 2), (3, 4), (6, 8)]) == [(0.9, 8.1)]


def test_what_no_neighbour_is_near_enough_for_stays_short_and_is_not_lost() -> None:
    assert clips(40, [(1, 10), (20, 21), (30, 39.5)]) == [(0.9, 10.1), (19.9, 21.1), (29.9, 39.6)]


def test_the_margin_is_at_most_half_a_pause_and_ends_with_the_sound() -> None:
    assert clips(9, [(0.05, 4), (4.7, 9)], Splitting(3, 10, 0.6, 0.5)) == [(0.0, 4.35), (4.35, 9.0)]


def test_speech_without_pauses_is_cut_where_it_is_quietest() -> None:
    whole = sound(16)
    whole[6900:7100] *= 0.1
    whole[2000:2200] = 0.0  # quieter still, but the rest would be too long then
    first, second = split_by_voice(whole, RATE, [(0, 16)], USUAL)
    assert first[1] == second[0] == pytest.approx(7.0, abs=0.09)


def test_a_cut_leaves_no_piece_that_is_too_short() -> None:
    whole = sound(12)
    whole[9500:9700] = 0.0
    found = split_by_voice(whole, RATE, [(0, 11)], USUAL)
    assert [end - start >= USUAL.shortest for start, end in found] == [True, True]
    assert found[-1][1] == 11.1


def test_the_closure_of_a_plosive_is_no_place_to_cut() -> None:
    whole = sound(13)
    whole[7400:7600] = 0.0
    (_, first), (second, _) = split_by_voice(whole, RATE, [(0, 6), (6.15, 12)], USUAL)
    assert first == second == pytest.approx(7.5, abs=0.09)
    assert clips(20, [(0, 5), (5, 10)], Splitting(3, 12, 0.6, 0.1)) == [(0, 10.1)]  # two pieces that touch, as at an engine's block border


@pytest.mark.parametrize("segments", [[], [(3, 3)], [(30, 40)]])
def test_without_speech_there_are_no_clips(segments: list[Stretch]) -> None:
    assert clips(20, segments) == []
    assert split_by_voice(np.zeros(0, np.float32), RATE, segments, USUAL) == []


@st.composite
def speech(draw: st.DrawFn) -> tuple[float, list[Stretch]]:
    at, found = 0.0, []
    for gap, length in draw(st.lists(st.tuples(st.floats(0, 5), st.floats(0.05, 40)), max_size=12)):
        found.append((at + gap, at + gap + length))
        at += gap + length
    return at + draw(st.floats(0, 3)), draw(st.permutations(found))


@given(speech())
def test_all_speech_is_in_a_clip_none_too_long_in_order_without_overlap(made: tuple[float, list[Stretch]]) -> None:
    seconds, segments = made
    rng = np.random.default_rng(len(segments))
    whole = rng.standard_normal(round(seconds * RATE)).astype(np.float32)
    found = split_by_voice(whole, RATE, segments, USUAL)
    assert all(0 < end - start <= USUAL.longest + 1e-6 for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    length = whole.size / RATE
    assert all(start >= 0 and end <= length + 1e-6 for start, end in found)
    for start, end in segments:
        heard = sum(max(0.0, min(end, stop, length) - max(start, begin)) for begin, stop in found)
        assert heard == pytest.approx(min(end, length) - start, abs=0.002)


@given(speech())
def test_a_clip_is_only_short_where_no_neighbour_fits(made: tuple[float, list[Stretch]]) -> None:
    seconds, segments = made
    found = split_by_voice(sound(seconds), RATE, segments, USUAL)
    for before, after in pairwise(found):
        if min(before[1] - before[0], after[1] - after[0]) < USUAL.shortest - 2 * USUAL.margin:
            assert after[1] - before[0] > USUAL.longest - 2 * USUAL.margin


@pytest.mark.parametrize("figures", [(0, 30, 0.6, 0.1), (3, 5, 0.6, 0.1), (3, 30, 0.1, 0.1), (3, 30, 0.6, 1), (3, 30, 0.6, -0.1)])
def test_figures_that_cannot_be_are_refused(figures: tuple[float, float, float, float]) -> None:
    with pytest.raises(ConfigError):
        Splitting(*figures)
