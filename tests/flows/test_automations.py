"""The alarms of infra/deploy/automations.yaml, on a real Prefect server: all are taken, and the one for a failed night goes off."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

ALARMS = Path(__file__).parents[2] / "infra/deploy/automations.yaml"
PATIENCE = 60.0  # seconds, of which a quiet machine needs two

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def automations(prefect_api: str) -> dict[str, Any]:
    """Create the file's automations as an operator does, and return what the server then has, by name."""
    command = [sys.executable, "-m", "prefect", "automation", "create", "--from-file", str(ALARMS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(prefect_api))
    assert done.returncode == 0, done.stdout + done.stderr
    found = httpx.post(f"{prefect_api}/automations/filter", json={}, timeout=30).json()
    return {row["name"]: row for row in found}


def _environment(api: str) -> dict[str, str]:
    import os

    return os.environ | {"PREFECT_API_URL": api}


def test_the_server_takes_every_alarm(automations: dict[str, Any]) -> None:
    written = {row["name"]: row for row in yaml.safe_load(ALARMS.read_text())["automations"]}
    assert set(written) <= set(automations)
    for name, row in written.items():
        taken = automations[name]
        assert taken["enabled"]
        assert set(taken["trigger"]["expect"]) == set(row["trigger"]["expect"])
        assert [action["type"] for action in taken["actions"]] == [action["type"] for action in row["actions"]]


def test_a_night_that_fails_sets_off_its_alarm_and_another_flow_does_not(prefect_api: str, automations: dict[str, Any]) -> None:
    from prefect import flow

    @flow(name="nightly")
    def night() -> None:
        raise ValueError("planted")

    @flow(name="something else")
    def other() -> None:
        raise ValueError("planted")

    for failing in (other, night):
        with pytest.raises(ValueError, match="planted"):
            failing()
    alarm = automations["Night failed"]["id"]
    fired = _events(prefect_api, "prefect.automation.triggered", f"prefect.automation.{alarm}", wanted=1)
    assert len(fired) == 1
    names = [part.get("prefect.resource.name") for part in _cause(prefect_api, fired[0])["related"]]
    assert "nightly" in names


def test_titles_that_failed_are_an_event_that_sets_off_its_alarm(prefect_api: str, automations: dict[str, Any]) -> None:
    from nightdub.flows.nightly import say_failed

    say_failed("20261121T220000", 3, 40)
    alarm = automations["Titles failed"]["id"]
    fired = _events(prefect_api, "prefect.automation.triggered", f"prefect.automation.{alarm}", wanted=1)
    assert _cause(prefect_api, fired[0])["payload"] == {"failed": 3, "title_languages": 40}


def _events(api: str, name: str, resource: str, *, wanted: int) -> list[dict[str, Any]]:
    """Wait until the server's feed has so many events of a name about a resource, and return them."""
    asked = {"filter": {"event": {"name": [name]}, "resource": {"id": [resource]}}}
    deadline = time.monotonic() + PATIENCE
    while True:
        found: list[dict[str, Any]] = httpx.post(f"{api}/events/filter", json=asked, timeout=30).json()["events"]
        if len(found) >= wanted:
            return found
        assert time.monotonic() < deadline, f"no {name} of {resource}"
        time.sleep(0.2)


def _cause(api: str, fired: dict[str, Any]) -> dict[str, Any]:
    """Return the event that set an alarm off."""
    (wanted,) = [part["prefect.resource.id"] for part in fired["related"] if part.get("prefect.resource.role") == "triggering-event"]
    asked = {"filter": {"id": {"id": [wanted.removeprefix("prefect.event.")]}}}
    (event,) = httpx.post(f"{api}/events/filter", json=asked, timeout=30).json()["events"]
    return dict(event)
