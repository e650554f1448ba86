"""The dynamic program against every possible plan of tiny scenes, and against sums made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks.plan_dp import FAR, RATE, STEP, Line, Option, Place, Weights, cost, solve

WEIGHTS = Weights(outside=0.4, shift=0.4, reach=0.3, unevenness=1.0)
TEN = STEP  # 10 ms


def line(start: int, end: int, *speech: int, reach: int = 4, rest: int | None = 1, pause: int = 0) -> Line:
    """Return a line from its times in steps of 10 ms; `speech` may be given for several options, each dearer than the one before."""
    options = tuple(Option(length * TEN, pause * TEN, 0.05 * index) for index, length in enumerate(speech))
    first, last = max(0, start - reach) * TEN, (end + reach) * TEN
    return Line(start * TEN, end * TEN, first, last, options, None if rest is None else rest * TEN)


def total(lines: Sequence[Line], places: Sequence[Place]) -> float:
    return sum(cost(one, place, WEIGHTS) for one, place in zip(lines, places, strict=True))


def every_place(one: Line) -> Iterator[Place]:
    for index, option in enumerate(one.options):
        for start in range(one.first, one.last + 1, TEN):
            for end in range(start + TEN, one.last + 1, TEN):
                if option.shortest() <= end - start <= option.longest():
                    yield Place(start, end, index)


def every_plan(lines: Sequence[Line], after: int = 0) -> Iterator[tuple[Place, ...]]:
    if not lines:
        yield ()
        return
    rest = lines[0].rest
    for place in every_place(lines[0]):
        if rest is None or place.start >= after + rest:
            for others in every_plan(lines[1:], place.end):
                yield (place, *others)


@st.composite
def scenes(draw: st.DrawFn) -> list[Line]:
    moment, made = draw(st.integers(0, 6)), []
    for index in range(draw(st.integers(1, 3))):
        slot = draw(st.integers(3, 6))
        speech = draw(st.lists(st.integers(3, 8), min_size=1, max_size=2))
        rest = draw(st.sampled_from([0, 1, None])) if index else 0
        made.append(line(moment, moment + slot, *speech, reach=2, rest=rest, pause=draw(st.sampled_from([0, 0, 2]))))
        moment += slot + draw(st.integers(0, 3))
    return made


@settings(max_examples=80, deadline=None)
@given(scenes())
def test_no_plan_is_cheaper(scene: list[Line]) -> None:
    best = min((total(scene, places) for places in every_plan(scene)), default=None)
    places = solve(scene, WEIGHTS)
    if best is None:
        assert any(place.cut or place.start < one.first or place.end > one.last for one, place in zip(scene, places, strict=True))
    else:
        assert total(scene, places) == pytest.approx(best, abs=1e-9)


def test_a_line_that_fits_lies_where_its_original_did() -> None:
    assert solve([line(10, 30, 20)], WEIGHTS) == [Place(10 * TEN, 30 * TEN, 0)]


def test_no_sample_is_rounded() -> None:
    """Start, length and rest are no multiples of 10 ms; the line keeps its own and the next one starts with its slot."""
    one = Line(1_003, 50_000, 0, 60_000, (Option(48_997),))
    two = Line(50_123, 99_999, 50_000, 99_999, (Option(49_876),), rest=123)
    assert solve([one, two], WEIGHTS) == [Place(1_003, 50_000, 0), Place(50_123, 99_999, 0)]


def test_the_price_of_a_place_is_the_sum_of_what_it_bends() -> None:
    """1.2 s in 1 s, starting 0.1 s early and ending 0.15 s early: 0.2 of haste and 0.04 of its square, 0.04 of shift, 0.0075 of silence."""
    one = Line(RATE, RATE + 50_400, 0, 3 * RATE, (Option(57_600, price=0.5),))
    place = Place(RATE - 4_800, 2 * RATE - 4_800, 0)
    assert cost(one, place, WEIGHTS) == pytest.approx(0.5 + 0.2 + 0.04 + 0.04 + 0.0075)
    outside = Place(RATE - 7_200, 2 * RATE - 7_200, 0)
    assert cost(one, outside, WEIGHTS) == pytest.approx(0.5 + 0.2 + 0.04 + 0.06 + 0.01 + WEIGHTS.outside)


def test_the_shorter_text_is_taken_where_it_costs_less_than_haste() -> None:
    tight = line(10, 30, 25, 20, reach=0)
    assert solve([tight], WEIGHTS)[0].option == 1
    assert solve([replace(tight, options=(tight.options[0], replace(tight.options[1], price=9.0)))], WEIGHTS)[0].option == 0


def test_silence_is_put_in_before_speech_is_slowed() -> None:
    (place,) = solve([line(10, 30, 16, pause=4)], WEIGHTS)
    assert place.end - place.start == 20 * TEN


def test_a_line_that_does_not_fit_lies_beyond_its_limits_in_full_and_pushes_its_neighbours() -> None:
    scene = [line(0, 100, 100, reach=0), line(101, 150, 90, reach=0), line(151, 251, 100, reach=0)]
    places = solve(scene, WEIGHTS)
    assert not any(place.cut for place in places)
    assert places[1].end - places[1].start >= scene[1].options[0].shortest()
    assert places[0].end + TEN <= places[1].start
    assert places[1].end + TEN <= places[2].start


def test_only_what_has_no_room_at_all_is_cut() -> None:
    """Two seconds at 1.3 take 1.54 s; the programme has one."""
    one = Line(0, RATE, 0, RATE, (Option(2 * RATE),), most=RATE)
    (place,) = solve([one], WEIGHTS)
    assert (place.start, place.end) == (0, pytest.approx(RATE, abs=TEN))
    assert place.cut == one.options[0].shortest() - (place.end - place.start)


def test_a_fixed_line_stays_and_the_others_go_round_it() -> None:
    fixed = Line(RATE, 2 * RATE, 3 * RATE, 4 * RATE, (Option(RATE, hard=1e6),), rest=TEN, fixed=True)
    before, after = line(50, 90, 40, reach=20), line(310, 350, 40, reach=100)
    first, second, third = solve([before, fixed, after], WEIGHTS)
    assert (second.start, second.end) == (3 * RATE, 4 * RATE)
    assert first.end <= second.start
    assert third.start >= second.end + TEN


def test_a_fixed_line_that_leaves_no_place_is_spoken_over() -> None:
    fixed = Line(0, RATE, 0, RATE, (Option(RATE, hard=1e6),), fixed=True)
    (_, place) = solve([fixed, Line(TEN, RATE, 0, RATE, (Option(RATE // 2),), rest=0, most=RATE)], WEIGHTS)
    assert place.end <= RATE
    assert not place.cut


def test_a_programme_without_time_is_refused() -> None:
    with pytest.raises(ScriptError, match="no place"):
        solve([Line(0, 0, 0, 0, (Option(RATE + 1),), most=0)], WEIGHTS)


def test_a_loose_line_lies_no_further_away_than_it_must() -> None:
    rng = np.random.default_rng(3)
    scene = [line(120 * index, 120 * index + 100, int(100 * ratio), reach=10) for index, ratio in enumerate(rng.uniform(0.8, 1.9, 30))]
    for one, place in zip(scene, solve(scene, WEIGHTS), strict=True):
        assert one.first - FAR <= place.start
        assert place.end <= one.last + FAR
