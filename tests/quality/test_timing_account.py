"""The timing account, against sums made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightdub.quality.metrics.timing import FACTS, timing_account
from nightdub.quality.statistics import share_interval
from nightdub.tasks.rows import Measurement, Pause, Placement


def placed(index: int, **changes: float) -> Placement:
    """Return a line of 2 s every 4 s, laid exactly on its slot unless something is changed."""
    start = 4.0 * index
    return replace(Placement(f"s{index}", start, start + 2, start, start + 2), **changes)


def account(*places: Placement, **known: object) -> dict[str, Measurement]:
    return {row.metric.removeprefix("timing."): row for row in timing_account(places, **known)}  # type: ignore[arg-type]


def test_a_dub_on_its_slots_has_a_clean_account() -> None:
    rows = account(*(placed(index) for index in range(10)), sounds={f"s{index}": 2.0 for index in range(10)})
    assert {f"timing.{name}" for name in rows} == set(FACTS)
    values = {name: row.value for name, row in rows.items()}
    assert values == {
        **dict.fromkeys(("cut", "overlap", "together", "borrowed", "paused", "late"), 0.0),
        **dict.fromkeys(("held_lines", "stretched_lines", "onset_drift", "missing_lines"), 0.0),
        **dict.fromkeys(("within", "slc_20", "slc_40"), 100.0),
        **dict.fromkeys(("stretch_mean", "stretch_p95"), 1.0),
    }
    assert all(row.unit == FACTS[f"timing.{name}"].unit for name, row in rows.items())


def test_length_compliance_is_a_share_with_its_interval() -> None:
    """Played 2.4, 2.5, 1.6, 2.8, 2.9 and 2.0 s against 2 s: three within 20 %, five within 40 %."""
    rows = account(*(placed(index, end=4.0 * index + length) for index, length in enumerate((2.4, 2.5, 1.6, 2.8, 2.9, 2.0))))
    assert rows["slc_20"].value == pytest.approx(100 * 3 / 6)
    assert rows["slc_40"].value == pytest.approx(100 * 5 / 6)
    assert [row.segment for row in rows["slc_20"].worst] == ["s4", "s3", "s1"]
    low, high = share_interval(3, 6) or (0, 0)
    assert rows["slc_20"].interval == pytest.approx((100 * low, 100 * high))


def test_an_overlap_that_the_planner_did_not_write_is_found_in_the_times() -> None:
    rows = account(placed(0, end=4.3), placed(1), placed(2))
    assert rows["overlap"].value == pytest.approx(0.3)
    assert [(row.segment, row.value) for row in rows["overlap"].worst] == [("s1", pytest.approx(0.3))]


def test_a_line_inside_another_overlaps_by_its_own_length() -> None:
    assert account(placed(0, end=9.0), placed(1))["overlap"].value == pytest.approx(2.0)


def test_two_who_speak_at_once_in_the_original_may_do_so_in_the_dub() -> None:
    """The originals overlap from 3.5 to 4.0 s; the dub from 3.4 to 4.2 s, of which 0.5 s are theirs."""
    both = Placement("a", 2.0, 4.2, 2.0, 4.0), Placement("b", 3.4, 6.0, 3.5, 6.0)
    rows = account(*both)
    assert rows["together"].value == pytest.approx(0.5)
    assert rows["overlap"].value == pytest.approx(0.3)
    assert account(Placement("a", 2.0, 4.0, 2.0, 4.0), Placement("b", 3.5, 6.0, 3.5, 6.0))["overlap"].value == 0.0


def test_pauses_late_starts_and_the_mean_stretch_are_told() -> None:
    rows = account(placed(0, pauses=(Pause(0.5, 0.2), Pause(1.2, 0.1)), stretch=1.2), placed(1, start=4.3), placed(2, start=7.9))
    assert rows["paused"].value == pytest.approx(0.3)
    assert rows["late"].value == pytest.approx((0.0 + 0.3 + 0.1) / 3)
    assert [row.segment for row in rows["late"].worst] == ["s1", "s2"]
    assert rows["stretch_mean"].value == pytest.approx(3.2 / 3)


def test_an_overlap_that_only_the_planner_knows_counts_too() -> None:
    assert account(placed(0), placed(1, overlap=0.25))["overlap"].value == pytest.approx(0.25)


def test_a_cut_that_the_planner_did_not_write_is_found_in_the_sound() -> None:
    rows = account(placed(0), placed(1, cut=0.1), sounds={"s0": 2.5, "s1": 2.1})
    assert rows["cut"].value == pytest.approx(0.6)
    assert rows["cut"].worst[0].segment == "s0"


def test_a_line_without_a_place_is_missing() -> None:
    rows = account(placed(0), sounds={"s0": 2.0, "s1": 1.5})
    assert (rows["missing_lines"].value, rows["missing_lines"].n) == (1.0, 2)
    assert rows["missing_lines"].worst[0].segment == "s1"
    assert account(placed(0))["missing_lines"].not_measured


def test_borrowed_silence_is_what_lies_outside_the_original_line() -> None:
    rows = account(placed(0, start=0.0, slot_start=0.3, end=2.2), placed(1))
    assert rows["borrowed"].value == pytest.approx(0.3 + 0.2)
    told = account(placed(0), slots={"s0": (0.5, 1.8)})
    assert told["borrowed"].value == pytest.approx(0.5 + 0.2), "the original's own times count, not the planner's"


def test_stretched_lines_are_counted_both_ways() -> None:
    rows = account(placed(0, stretch=1.2), placed(1, stretch=0.95), placed(2, stretch=1.009), placed(3))
    assert (rows["stretched_lines"].value, rows["stretched_lines"].detail) == (2.0, "1 faster, 1 slower")


def test_lateness_that_grows_is_read_off_the_last_tenth() -> None:
    """Line 20 n is late by n x 10 ms: the last two of twenty by 180 and 190 ms."""
    places = [placed(index, start=4.0 * index + 0.01 * index, end=4.0 * index + 2 + 0.01 * index) for index in range(20)]
    row = account(*places)["onset_drift"]
    assert row.value == pytest.approx(185)
    assert row.n == 2
    assert row.worst[0].segment == "s19"


def test_no_line_is_not_measured() -> None:
    rows = account()
    assert {f"timing.{name}" for name in rows} == set(FACTS)
    assert all(row.value is None and row.not_measured for row in rows.values())
