"""When cues come and go: the zones of the Netflix timing guidelines at 24 frames a second, and the best of all plans."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.tasks.cue_times import Clock, Wish, plan_times

CLOCK = Clock(half=12, gap=2, shortest=20, longest=168, end=100_000, cuts=(100,))


@pytest.mark.parametrize(
    ("voice", "comes"),
    [
        (88, 88),  # twelve frames before the cut, and more, are far enough
        (89, 88),  # 8 to 11 before: half a second before
        (92, 88),
        (93, 100),  # 7 and fewer before: on the cut
        (99, 100),
        (100, 100),
        (101, 100),  # up to 11 after: on the cut
        (111, 100),
        (112, 112),
    ],
)
def test_where_a_cue_comes_beside_a_cut(voice: int, comes: int) -> None:
    assert CLOCK.coming(voice) == comes
    assert CLOCK.comes_well(comes)
    assert CLOCK.comes_well(voice) == (voice == comes)


@pytest.mark.parametrize(
    ("voice", "goes"),
    [(88, 88), (89, 98), (98, 98), (99, 98), (100, 98), (107, 98), (108, 112), (111, 112), (112, 112)],
)
def test_where_a_cue_goes_beside_a_cut(voice: int, goes: int) -> None:
    assert CLOCK.going(voice) == goes
    assert CLOCK.goes_well(goes)
    assert CLOCK.goes_well(voice) == (voice == goes)


def test_other_frame_rates_take_half_a_second_of_theirs() -> None:
    thirty = Clock(15, 2, 25, 210, 100_000, (100,))
    assert [thirty.coming(frame) for frame in (85, 86, 91, 92, 114, 115)] == [85, 85, 85, 100, 100, 115]


def test_short_shots_are_no_trap() -> None:
    flashes = Clock(12, 2, 20, 168, 100_000, (100, 101, 105, 110))
    assert {flashes.coming(frame) for frame in range(97, 121)} <= {100, 101, 105, 110}
    assert all(flashes.comes_well(flashes.coming(frame)) for frame in range(80, 140))
    assert all(flashes.goes_well(flashes.going(frame)) for frame in range(80, 140))


def plan(*wishes: tuple[int, int, int], clock: Clock = CLOCK) -> list[tuple[int, int]]:
    return plan_times([Wish(*wish) for wish in wishes], clock)


def test_nothing_to_plan() -> None:
    assert plan() == []


def test_away_from_cuts_a_cue_is_with_its_voice() -> None:
    assert plan((200, 260, 30)) == [(200, 260)]


def test_two_speakers_change_on_the_cut() -> None:
    assert plan((40, 103, 30), (104, 160, 30)) == [(40, 98), (100, 160)]


def test_a_line_that_cannot_be_read_before_the_cut_stays_half_a_second_after_it() -> None:
    assert plan((50, 104, 55)) == [(50, 112)]


def test_a_small_gap_is_closed_and_a_large_one_stays() -> None:
    assert plan((200, 260, 30), (270, 330, 30)) == [(200, 268), (270, 330)]
    assert plan((200, 260, 30), (272, 330, 30)) == [(200, 260), (272, 330)]
    still = Clock(12, 2, 20, 168, 100_000, chains=False)
    assert plan((200, 260, 30), (270, 330, 30), clock=still) == [(200, 260), (270, 330)]


def test_reading_time_comes_from_after_and_then_from_before() -> None:
    assert plan((200, 220, 40)) == [(200, 240)]
    assert plan((200, 220, 40), (232, 290, 30)) == [(190, 230), (232, 290)]


def test_the_programme_ends_with_the_last_cue() -> None:
    assert plan((200, 210, 15), clock=Clock(12, 2, 20, 168, 215))[-1] == (195, 215)


def cost_of(times: list[tuple[int, int]], wishes: list[Wish], clock: Clock) -> int:
    """Count broken rules, by the guidelines' words."""
    broken = 0
    for (first, last), wish in zip(times, wishes, strict=True):
        broken += last - first < max(clock.shortest, wish.needed)
        broken += any(0 < abs(first - cut) < clock.half for cut in clock.cuts) and first not in clock.cuts
        broken += any(abs(last - cut) < clock.half for cut in clock.cuts) and last + clock.gap not in clock.cuts
    return broken + sum(0 <= after[0] - before[1] < clock.gap for before, after in pairwise(times))


@given(st.data())
def test_no_other_times_break_fewer_rules(data: st.DataObject) -> None:
    """Against every pair of times of two cues, on a clock small enough to try them all."""
    cuts = tuple(sorted(data.draw(st.sets(st.integers(3, 40), max_size=2))))
    clock = Clock(half=4, gap=1, shortest=4, longest=20, end=44, cuts=cuts, chains=False)
    first = data.draw(st.integers(0, 12))
    middle = first + data.draw(st.integers(4, 12))
    second = middle + data.draw(st.integers(0, 4))
    wishes = [Wish(first, middle, data.draw(st.integers(1, 8))), Wish(second, second + data.draw(st.integers(4, 12)), 5)]
    planned = plan_times(wishes, clock)
    spans = [
        [
            (begin, end)
            for begin in range(max(wish.first - 4, 0), wish.first + 3)
            for end in range(begin + 1, min(begin + 20, clock.end) + 1)
            if begin <= wish.first or begin in cuts
        ]
        for wish in wishes
    ]
    least = min(cost_of([one, other], wishes, clock) for one, other in product(*spans) if one[1] <= other[0])
    assert planned[0][1] <= planned[1][0]
    assert cost_of(planned, wishes, clock) <= least + 1  # of each cue a few times are looked at, by itself


def test_plans_are_the_same_twice() -> None:
    wishes = [(index * 60, index * 60 + 40 + index % 17, 20 + index % 30) for index in range(50)]
    clock = Clock(12, 2, 20, 168, 100_000, tuple(range(0, 3000, 37)))
    assert plan(*wishes, clock=clock) == plan(*wishes, clock=clock)
