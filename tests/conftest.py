"""How the tests are shared out between processes: file by file, and files that need the same dear fixture in one process."""

from __future__ import annotations

import pytest

# What takes long to make, once in each process that needs it. Its tests start first: the last file to end should be a short one.
DEAR = ("first_night", "run_night", "prefect_api", "undisturbed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each file, or all files with the same dear fixture, into one group of pytest-xdist."""
    groups = {item: _group(item) for item in items}
    files: dict[str, str] = {}
    for item, group in groups.items():
        files[item.path.as_posix()] = min(files.get(item.path.as_posix(), group), group, key=_turn)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(files[item.path.as_posix()]))
    items.sort(key=lambda item: _turn(files[item.path.as_posix()]))


def _group(item: pytest.Item) -> str:
    fixtures = getattr(item, "fixturenames", ())
    return next((name for name in DEAR if name in fixtures), item.path.as_posix())


def _turn(group: str) -> int:
    return DEAR.index(group) if group in DEAR else len(DEAR)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how often nights were killed (`tests/chaos`), and by which seeds: with either, what was proven can be done again."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    histories = [value for report in reports for name, value in report.user_properties if name == "kills"]
    if histories:
        kills, looks = sum(len(kills) for _, kills, _ in histories), sum(looks for _, _, looks in histories)
        terminalreporter.write_line(f"chaos: {kills} kills in {len(histories)} histories, {looks} looks of readers")
        terminalreporter.write_line(f"chaos: seeds {', '.join(seed for seed, _, _ in histories)}")
