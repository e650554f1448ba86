from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Placement, Segment
from nightdub.tasks.timing import DOES_NOT_FIT, RATE, SLOWEST, plan, played_samples, samples

FIGURES = FitFigures()  # stretch 1.2, 1.3 hard; borrow 0.6 s; rest 0.08 s


def lines_of(*slots: tuple[float, float]) -> list[Segment]:
    return [Segment(f"line-{index}", start, end, "text") for index, (start, end) in enumerate(slots)]


def plan_of(slots: list[tuple[float, float]], spoken: list[float], length: float = 60.0) -> list[Placement]:
    lines = lines_of(*slots)
    return plan(lines, {line.id: seconds for line, seconds in zip(lines, spoken, strict=True)}, FIGURES, length)


def test_a_line_that_fits_stays_as_it_is() -> None:
    (line,) = plan_of([(1.0, 3.0)], [2.0])
    assert line == Placement("line-0", 1.0, 3.0, 1.0, 3.0)


def test_a_short_line_starts_with_its_slot_and_is_hardly_slowed() -> None:
    nearly, short = plan_of([(1.0, 3.0), (5.0, 7.0)], [1.95, 1.0])
    assert (nearly.start, nearly.end, nearly.stretch) == (1.0, 3.0, pytest.approx(0.975))
    assert (short.start, short.stretch) == (5.0, pytest.approx(SLOWEST, abs=1e-4))


def test_silence_after_is_borrowed_before_anything_is_stretched() -> None:
    (line, _) = plan_of([(1.0, 3.0), (5.0, 6.0)], [2.5, 1.0])
    assert (line.start, line.end, line.stretch, line.borrowed_after) == (1.0, 3.5, 1.0, 0.5)


def test_the_next_line_keeps_its_rest() -> None:
    (line, _) = plan_of([(1.0, 3.0), (3.2, 6.0)], [2.4, 1.0])
    assert line.end == pytest.approx(3.12)
    assert line.stretch == pytest.approx(2.4 / 2.12, abs=1e-4)


def test_silence_before_is_borrowed_only_where_stretching_would_be_too_much() -> None:
    fits, too_long = plan_of([(1.0, 2.0), (3.0, 5.0)], [1.0, 2.9])
    assert fits.borrowed_before == too_long.borrowed_before == 0.0
    (_, too_long) = plan_of([(1.0, 2.0), (3.0, 5.0)], [1.0, 3.3])
    assert (too_long.borrowed_after, too_long.borrowed_before) == (pytest.approx(0.6), pytest.approx(0.15))
    assert too_long.stretch == pytest.approx(1.2)


def test_a_line_that_needs_silence_before_it_goes_before_one_that_would_like_it() -> None:
    first, second, _ = plan_of([(0.0, 2.0), (2.4, 4.4), (4.5, 6.0)], [2.3, 2.6, 1.5])
    assert second.borrowed_before > 0
    assert second.stretch == pytest.approx(1.2)
    assert first.end <= second.start - FIGURES.rest + 1e-9
    assert 1.0 < first.stretch <= 1.2


def test_what_does_not_fit_is_cut_and_held() -> None:
    (line,) = plan_of([(1.0, 2.0)], [5.0], length=2.1)
    assert line.held == DOES_NOT_FIT
    assert line.stretch == pytest.approx(1.3, abs=1e-4)
    assert (line.start, line.end) == (0.4, 2.1)
    assert line.cut == pytest.approx(5.0 / 1.3 - 1.7, abs=1e-4)


def test_an_overlap_of_the_original_stays_and_is_recorded() -> None:
    first, second = plan_of([(1.0, 3.0), (2.5, 4.0)], [2.4, 1.5])
    assert first.end == 3.0
    assert (second.start, second.overlap) == (2.5, 0.5)


def test_a_line_without_sound_has_no_placement_and_lends_no_slot() -> None:
    (line,) = plan_of([(1.0, 2.0), (2.1, 4.0)], [1.5, 0.0])
    assert line.segment == "line-0"
    assert line.end == pytest.approx(2.02)


def test_nothing_to_place_is_nothing() -> None:
    assert plan([], {}, FIGURES, 10.0) == []


@pytest.mark.parametrize("slots", [[(3.0, 4.0), (1.0, 2.0)], [(3.0, 2.0)]])
def test_disorder_is_refused(slots: list[tuple[float, float]]) -> None:
    with pytest.raises(ScriptError, match="line-0"):
        plan_of(slots, [1.0] * len(slots))


GAPS = st.floats(-0.5, 3.0)
SCENES = st.lists(st.tuples(GAPS, st.floats(0.05, 7.0), st.floats(0.0, 9.0)), max_size=12)


@settings(max_examples=300, deadline=None)
@given(SCENES, st.floats(0.5, 60.0))
def test_every_sample_is_accounted_for(scene: list[tuple[float, float, float]], length: float) -> None:
    lines, spoken, moment = [], {}, 0.0
    for index, (gap, slot, seconds) in enumerate(scene):
        start = max(moment + gap, lines[-1].start if lines else 0.0)
        lines.append(Segment(f"line-{index}", start, start + slot, "text"))
        spoken[lines[-1].id] = seconds
        moment = start + slot
    placements = plan(lines, spoken, FIGURES, length)
    assert [placement.segment for placement in placements] == [line.id for line in lines if samples(spoken[line.id])]
    reached = 0
    for line in placements:
        start, end = samples(line.start), samples(line.end)
        assert (start / RATE, end / RATE) == (line.start, line.end)
        assert 0 <= start <= end <= samples(length)
        assert samples(line.overlap) == max(0, reached - start)
        assert line.stretch <= FIGURES.stretch_hard + 1e-9
        assert line.stretch >= SLOWEST - 1e-9 or line.held
        assert math.isclose(played_samples(line) * line.stretch, samples(spoken[line.segment]), abs_tol=1e-6)
        assert start == samples(line.slot_start) - samples(line.borrowed_before)
        assert end <= samples(line.slot_end) + samples(line.borrowed_after)
        assert max(line.borrowed_before, line.borrowed_after) <= FIGURES.borrow + 1e-9
        assert (line.cut > 0) == (line.held == DOES_NOT_FIT)
        assert not line.borrowed_before or start >= reached + samples(FIGURES.rest) or not reached
        reached = max(reached, end)
    for line, following in pairwise(placements):
        assert not line.borrowed_after or samples(following.start) - samples(line.end) >= samples(FIGURES.rest)
    natural = _overlaps([(line.slot_start, line.slot_end) for line in placements])
    assert all(line.overlap <= allowed + 1 / RATE for line, allowed in zip(placements, natural, strict=True))


def _overlaps(spans: list[tuple[float, float]]) -> list[float]:
    """Return how far each span begins before the latest end of those before it."""
    return [max(0.0, max((end for _, end in spans[:index]), default=0.0) - start) for index, (start, _) in enumerate(spans)]
