"""Two builders of one catalogue: one that was stopped for too long, one too many, one with a clock that jumps; and steps made twice."""

from __future__ import annotations

import pytest
from nights import STOPS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(len(STOPS)), ids=lambda seed: str(STOPS[seed]))
def test_a_night_stopped_past_its_leases_is_refused_when_it_goes_on(seed, conductor) -> None:
    backend = "postgres file" if seed % 3 == 2 else "sqlite file"
    assert conductor("overtaken", seed=seed, backend=backend) == []


@pytest.mark.parametrize("backend", ["sqlite file", "postgres file", "postgres s3"])
def test_a_schedule_that_fires_twice_publishes_once(backend, conductor) -> None:
    assert conductor("doubled", seed=0, backend=backend) == []


@pytest.mark.parametrize(("seed", "backend"), [(0, "sqlite file"), (1, "sqlite file"), (2, "postgres file")])
def test_a_clock_that_jumps_by_hours_in_one_of_two_nights_is_safe(seed, backend, conductor) -> None:
    assert conductor("clocks", seed=seed, backend=backend) == []


def test_every_step_made_twice_at_once_gives_the_same_bytes(conductor) -> None:
    assert conductor("twice", seed=0) == []


@pytest.mark.parametrize(("seed", "backend"), [(0, "sqlite file"), (1, "postgres file")])
def test_night_after_night_of_random_edits_is_the_same_as_one_night_over_the_last(seed, backend, conductor) -> None:
    assert conductor("edited", seed=seed, backend=backend) == []


def test_what_the_deadline_left_is_named_and_made_by_the_next_night(conductor) -> None:
    assert conductor("deadline", seed=0) == []


def test_a_missed_night_is_made_up_for_once(conductor) -> None:
    assert conductor("missed", seed=0) == []
