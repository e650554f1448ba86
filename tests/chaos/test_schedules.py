"""The schedules of prefect.yaml, evaluated by Prefect's own server code around the days on which clocks change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.server.schemas.schedules import CronSchedule

FILE = Path(__file__).parents[2] / "prefect.yaml"
DEPLOYMENTS = {row["name"]: row for row in yaml.safe_load(FILE.read_text())["deployments"]}
SCHEDULES = [(row["slug"], row["cron"], row["timezone"]) for made in DEPLOYMENTS.values() for row in made["schedules"]]
MADRID = ZoneInfo("Europe/Madrid")
ZONES = ("Europe/Madrid", "America/New_York", "Australia/Lord_Howe")  # the last one's clocks change by half an hour


def days(cron: str, zone: str, start: datetime, count: int) -> list[datetime]:
    """Return the moments, in the zone's own time, at which a schedule fires."""
    return [
        moment.astimezone(ZoneInfo(zone))
        for moment in asyncio.run(CronSchedule(cron=cron, timezone=zone).get_dates(count, start.astimezone(UTC)))
    ]


@pytest.mark.parametrize(("slug", "cron", "own"), SCHEDULES, ids=[slug for slug, _, _ in SCHEDULES])
def test_each_schedule_fires_once_on_each_date_wherever_it_is_kept(slug, cron, own) -> None:
    for zone in (own, *ZONES):
        start, every = datetime(2026, 1, 4, tzinfo=ZoneInfo(zone)), 1 if cron.endswith("*") else 7  # a Sunday
        fired = days(cron, zone, start, 365 // every)
        assert [moment.date() for moment in fired] == [start.date() + timedelta(days=day) for day in range(0, 365 // every * every, every)]
        assert {(moment.hour, moment.minute) for moment in fired} == {(int(cron.split()[1]), int(cron.split()[0]))}


@pytest.mark.parametrize(("month", "day", "apart"), [(3, 28, 23), (10, 24, 25)], ids=["spring", "autumn"])
def test_a_night_between_two_clocks_is_an_hour_shorter_or_longer_and_no_more(month, day, apart) -> None:
    before, after = days("0 22 * * *", MADRID.key, datetime(2026, month, day, tzinfo=MADRID), 2)
    assert (after.astimezone(UTC) - before.astimezone(UTC)) == timedelta(hours=apart)


def test_an_hour_that_is_skipped_or_doubled_costs_no_date_a_night() -> None:
    """02:30 does not exist on 29 March and exists twice on 25 October: Prefect fires once on each, and so would a night."""
    for start in (datetime(2026, 3, 27, tzinfo=MADRID), datetime(2026, 10, 23, tzinfo=MADRID)):
        fired = days("30 2 * * *", MADRID.key, start, 5)
        assert [moment.date() for moment in fired] == [start.date() + timedelta(days=day) for day in range(5)]


def test_a_night_that_is_still_running_is_not_started_again() -> None:
    assert DEPLOYMENTS["nightly"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert {DEPLOYMENTS[name]["concurrency_limit"] for name in ("housekeeping", "regression-test", "dataset")} == {1}
