"""How the tests are shared out between processes: file by file, and files that need the same dear fixture in one process."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# What takes long to make, once in each process that needs it, and the group of the files that need it. These start first: the last to
# end should be a short one.
DEAR = {"nights": re.compile(r"\b(first_night|run_night|prefect_api)\b"), "dubs": re.compile(r"\bundisturbed\b")}
GROUPS = tuple(DEAR)
FIXTURES = Path(__file__).parent / "flows"  # whose conftest makes them


class ByGroup(LoadScopeScheduling):
    """Gives a process all tests of a group before it gets another."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Share tests out by group."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the dear groups start first."""
    items.sort(key=lambda item: _turn(group_of(item.nodeid.partition("::")[0])))


@cache
def group_of(name: str) -> str:
    """Return the group of a file, which is named from the root: the file itself, unless it needs a dear fixture."""
    path = Path(__file__).parents[1] / name
    text = path.read_text("utf-8") if path.parent == FIXTURES else ""
    return next((group for group, names in DEAR.items() if names.search(text)), name)


def _turn(group: str) -> int:
    return GROUPS.index(group) if group in GROUPS else len(GROUPS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how often nights were killed (`tests/chaos`), and by which seeds: with either, what was proven can be done again."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    histories = [value for report in reports for name, value in report.user_properties if name == "kills"]
    if histories:
        kills, looks = sum(len(kills) for _, kills, _ in histories), sum(looks for _, _, looks in histories)
        terminalreporter.write_line(f"chaos: {kills} kills in {len(histories)} histories, {looks} looks of readers")
        terminalreporter.write_line(f"chaos: seeds {', '.join(seed for seed, _, _ in histories)}")
