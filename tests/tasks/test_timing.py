from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks.plan_dp import RATE
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Pause, Placement, Segment
from nightdub.tasks.surroundings import Surroundings
from nightdub.tasks.timing import DOES_NOT_FIT, PREFERENCES, SLOWEST, Choice, choose, plan, played_samples, samples

FIGURES = FitFigures()  # stretch 1.2, 1.3 hard; borrow 0.6 s; rest 0.08 s
GRID = 0.01  # seconds: starts and lengths are planned on it


def lines_of(*slots: tuple[float, float], speakers: str = "") -> list[Segment]:
    return [Segment(f"line-{index}", start, end, "text", (speakers or "abcdefgh")[index % 8]) for index, (start, end) in enumerate(slots)]


def plan_of(
    slots: list[tuple[float, float]],
    spoken: list[float],
    length: float = 60.0,
    speakers: str = "",
    figures: FitFigures = FIGURES,
    **around: tuple,
) -> list[Placement]:
    lines = lines_of(*slots, speakers=speakers)
    durations = {line.id: seconds for line, seconds in zip(lines, spoken, strict=True)}
    return plan(lines, durations, figures, Surroundings(length, **around))


def test_a_line_that_fits_stays_as_it_is() -> None:
    (line,) = plan_of([(1.0, 3.0)], [2.0])
    assert line == Placement("line-0", 1.0, 3.0, 1.0, 3.0)


def test_a_short_line_starts_with_its_slot_and_is_hardly_slowed() -> None:
    nearly, short = plan_of([(1.0, 3.0), (5.0, 7.0)], [1.95, 1.0])
    assert (nearly.start, nearly.end, nearly.stretch) == (1.0, 3.0, pytest.approx(0.975))
    assert (short.start, short.stretch) == (5.0, pytest.approx(SLOWEST, abs=GRID))


def test_a_tenth_of_the_slot_is_borrowed_before_anything_is_stretched() -> None:
    (line,) = plan_of([(1.0, 3.0)], [2.2])
    assert (line.stretch, line.held) == (1.0, "")
    assert line.borrowed_before + line.borrowed_after == pytest.approx(0.2)
    assert max(line.borrowed_before, line.borrowed_after) <= 0.2 + 1e-9


def test_no_line_reaches_into_another_speakers() -> None:
    before, line, after = plan_of([(1.0, 2.0), (2.1, 4.0), (4.1, 5.0)], [0.8, 2.3, 0.8])
    assert line.start >= 2.0
    assert line.end <= 4.1
    assert before.end + FIGURES.rest <= line.start + 1e-9
    assert line.end + FIGURES.rest <= after.start + 1e-9


def test_a_speakers_own_next_line_may_begin_later() -> None:
    first, second = plan_of([(0.0, 2.0), (2.1, 4.0)], [2.5, 1.2], speakers="aaaaaaaa", figures=replace(FIGURES, prefer="natural"))
    assert first.end > 2.1
    assert second.start >= first.end + FIGURES.rest - 1e-9
    assert (first.held, second.held) == ("", "")


def test_with_into_a_line_may_reach_so_far_into_another_speakers() -> None:
    slots, spoken = [(1.0, 3.0), (3.0, 5.0)], [2.75, 1.6]
    strict, _ = plan_of(slots, spoken)
    assert strict.end <= 3.0
    loose, second = plan_of(slots, spoken, figures=replace(FIGURES, into=0.1))
    assert 3.0 < loose.end <= 3.2
    assert second.start >= loose.end


def test_nothing_reaches_across_a_cut_or_onto_a_voice_that_no_line_speaks() -> None:
    spoken = [2.6]
    (free,) = plan_of([(2.0, 4.0)], spoken)
    assert free.start < 1.95
    assert free.end > 4.05
    (cut,) = plan_of([(2.0, 4.0)], spoken, cuts=(1.95, 4.05))
    assert cut.start >= 1.95
    assert cut.end <= 4.05
    (voice,) = plan_of([(2.0, 4.0)], spoken, voices=((0.0, 1.9), (4.1, 9.0)))
    assert voice.start >= 1.9
    assert voice.end <= 4.1
    (own,) = plan_of([(2.0, 4.0)], [2.0], cuts=(3.0,))
    assert (own.start, own.end) == (2.0, 4.0)


def test_a_line_that_does_not_fit_is_named_and_laid_in_full() -> None:
    before, line, after = plan_of([(1.0, 3.0), (3.1, 4.1), (4.2, 6.0)], [2.0, 2.4, 1.8])
    assert line.held == DOES_NOT_FIT
    assert line.stretch == pytest.approx(1.3, abs=0.01)
    assert sum(place.cut for place in (before, line, after)) == 0.0
    assert before.end <= line.start
    assert line.end <= after.start


def test_only_a_programme_that_is_too_short_cuts() -> None:
    (line,) = plan_of([(1.0, 2.0)], [5.0], length=2.1)
    assert line.held == DOES_NOT_FIT
    assert (line.start, line.end) == (pytest.approx(0.0, abs=GRID), pytest.approx(2.1, abs=GRID))
    assert line.stretch == pytest.approx(1.3, abs=1e-3)
    assert line.cut == pytest.approx(5.0 / 1.3 - (line.end - line.start), abs=1e-4)


def test_two_who_speak_at_once_still_do_and_it_is_counted() -> None:
    first, second = plan_of([(1.0, 3.0), (2.5, 4.0)], [2.0, 1.5])
    assert (first.start, first.end, second.start, second.end) == (1.0, 3.0, 2.5, 4.0)
    assert second.overlap == 0.5
    assert (first.held, second.held) == ("", "")


def test_a_line_within_another_stays_in_its_slot_and_moves_nobody() -> None:
    outer, inner, after = plan_of([(1.0, 9.0), (3.0, 4.0), (9.5, 11.0)], [8.0, 1.2, 1.5])
    assert (inner.start, inner.end) == (3.0, pytest.approx(4.0, abs=GRID))
    assert (outer.start, outer.end, after.start) == (1.0, 9.0, 9.5)
    assert inner.overlap == pytest.approx(1.0, abs=GRID)
    assert after.overlap == 0.0


def test_a_line_without_sound_keeps_its_slot_empty() -> None:
    (line,) = plan_of([(1.0, 2.0), (2.1, 4.0)], [1.5, 0.0])
    assert line.segment == "line-0"
    assert line.end <= 2.02 + 1e-9


def test_what_is_only_seen_takes_no_time() -> None:
    spoken, seen = lines_of((1.0, 3.0), (3.0, 5.0))
    (line,) = plan([spoken, replace(seen, kind="on-screen")], {"line-0": 2.6}, FIGURES, 60.0)
    assert line.end > 3.05


def test_a_pinned_line_stays_and_the_others_go_round_it() -> None:
    lines = lines_of((1.0, 3.0), (3.2, 5.0), (5.2, 7.0))
    where = Placement("line-1", 2.9, 5.3, 3.2, 5.0)
    first, second, third = plan(lines, {line.id: 2.0 for line in lines}, FIGURES, 60.0, pinned={"line-1": where})
    assert (second.start, second.end) == (2.9, 5.3)
    assert second.stretch == pytest.approx(2.0 / 2.4)
    assert first.end <= 2.9
    assert third.start >= 5.3


def test_slack_goes_where_the_original_pauses_and_is_counted() -> None:
    (line,) = plan(lines_of((1.0, 4.0)), {"line-0": 2.5}, FIGURES, 60.0, pauses={"line-0": [Pause(0.8, 0.3), Pause(1.6, 0.1)]})
    assert line.stretch == pytest.approx(2.5 / (line.end - line.start - 0.4))
    assert [(pause.at, pause.length) for pause in line.pauses] == [(0.8, pytest.approx(0.3)), (1.6, pytest.approx(0.1))]
    (full,) = plan(lines_of((1.0, 3.5)), {"line-0": 2.5}, FIGURES, 60.0, pauses={"line-0": [Pause(0.8, 0.3)]})
    assert (full.stretch, full.pauses) == (1.0, ())


def test_of_several_texts_the_shorter_is_said_where_the_first_does_not_fit() -> None:
    lines = lines_of((1.0, 3.0), (3.1, 5.0))
    choices = {"line-0": [Choice(3.6), Choice(2.1, price=0.2)], "line-1": [Choice(1.9), Choice(1.5, price=0.2)]}
    assert [option for _, option in choose(lines, choices, FIGURES, 60.0)] == [1, 0]


def test_the_preferences_are_one_frontier() -> None:
    """From tight to natural fewer lines lie within a tenth of their slots, and the mean stretch falls."""
    slots, spoken, moment = [], [], 0.0
    for index in range(60):
        slots.append((moment, moment + 2.0))
        spoken.append(2.0 * (0.9, 1.05, 1.2, 1.3, 1.45)[index * 7 % 5])
        moment += 2.6
    stretch = {
        name: [line.stretch for line in plan_of(slots, spoken, length=200.0, figures=replace(FIGURES, prefer=name))] for name in PREFERENCES
    }
    means = [sum(found) / len(found) for found in stretch.values()]
    assert list(stretch) == ["tight", "sync", "even", "natural"]
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1] + 0.02


def test_nothing_to_place_is_nothing() -> None:
    assert plan([], {}, FIGURES, 10.0) == []


@pytest.mark.parametrize("slots", [[(3.0, 4.0), (1.0, 2.0)], [(3.0, 2.0)]])
def test_disorder_is_refused(slots: list[tuple[float, float]]) -> None:
    with pytest.raises(ScriptError, match="line-0"):
        plan_of(slots, [1.0] * len(slots))


SCENES = st.lists(
    st.tuples(st.floats(-0.5, 3.0), st.floats(0.05, 5.0), st.floats(0.0, 7.0), st.sampled_from("abc"), st.floats(0.0, 0.5)), max_size=8
)
CUTS = st.lists(st.floats(0.0, 30.0), max_size=4)


@settings(max_examples=120, deadline=None)
@given(SCENES, CUTS, st.floats(0.5, 60.0), st.sampled_from(sorted(PREFERENCES)))
def test_every_sample_is_accounted_for(
    scene: list[tuple[float, float, float, str, float]], cuts: list[float], length: float, prefer: str
) -> None:
    lines: list[Segment] = []
    spoken, pauses, moment = {}, {}, 0.0
    for index, (gap, slot, seconds, speaker, pause) in enumerate(scene):
        start = max(moment + gap, lines[-1].start if lines else 0.0)
        lines.append(Segment(f"line-{index}", start, start + slot, "text", speaker))
        spoken[lines[-1].id], pauses[lines[-1].id] = seconds, [Pause(seconds / 2, pause)]
        moment = start + slot
    around = Surroundings(length, tuple(sorted(cuts)))
    figures = replace(FIGURES, prefer=prefer)  # type: ignore[arg-type]
    placements = plan(lines, spoken, figures, around, pauses=pauses)
    assert placements == plan(lines, spoken, figures, around, pauses=pauses)
    assert [placement.segment for placement in placements] == [line.id for line in lines if samples(spoken[line.id])]
    for line in placements:
        start, end, slot_start, slot_end = (samples(moment) for moment in (line.start, line.end, line.slot_start, line.slot_end))
        assert (start / RATE, end / RATE) == (line.start, line.end)
        assert 0 <= start < end <= samples(length)
        paused = sum(samples(pause.length) for pause in line.pauses)
        assert math.isclose((played_samples(line) - paused) * line.stretch, samples(spoken[line.segment]), abs_tol=1e-6)
        assert SLOWEST - 1e-9 <= line.stretch <= FIGURES.stretch_hard + 1e-4 * line.stretch / max(spoken[line.segment], 1e-3)
        assert samples(line.borrowed_before) == max(0, slot_start - start)
        assert samples(line.borrowed_after) == max(0, end - slot_end)
        assert line.held or not line.cut
        if not line.held:
            assert max(line.borrowed_before, line.borrowed_after) <= FIGURES.borrow + 1 / RATE
            crossed = [
                cut for cut in cuts if line.start + 1e-4 < cut < line.slot_start - 1e-4 or line.slot_end + 1e-4 < cut < line.end - 1e-4
            ]
            assert not crossed
    _check_overlaps(placements, {line.id: line for line in lines})


def _check_overlaps(placements: list[Placement], lines: dict[str, Segment]) -> None:
    """Two lines sound at once only where their originals do, and unless one does not fit, no longer than these."""
    for index, line in enumerate(placements):
        for other in placements[:index]:
            shared = min(line.end, other.end) - max(line.start, other.start)
            originals = min(line.slot_end, other.slot_end) - max(line.slot_start, other.slot_start)
            if shared > 1 / RATE and not (line.held or other.held):
                assert originals > 0, (line, other)
                assert shared <= originals + 1e-6
    assert all(line.start >= 0 for line in placements)
    for line, following in pairwise(placements):
        same = lines[line.segment].speaker == lines[following.segment].speaker
        apart = following.slot_start >= line.slot_end
        if apart and not same and not (line.held or following.held):
            assert line.end <= following.slot_start + 1e-9
            assert following.start >= line.slot_end - 1e-9
