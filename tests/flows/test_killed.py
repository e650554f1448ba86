"""The real chain killed with SIGKILL, the night and then a worker: same bytes, nothing made twice, no process left. More: tests/chaos."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import tiny

from nightdub.flows.night import open_books

pytestmark = pytest.mark.slow

PATIENCE = 120.0  # seconds, of which a quiet machine needs a tenth
LEASE = 1.0  # seconds
SEED = 20261121


class Victim:
    """A night in a session of its own, so that all its processes can be found."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with (home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", str(Path(tiny.__file__)), str(home)],
                env=os.environ | {"NIGHTDUB_LEASE_SECONDS": str(LEASE)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def processes(self) -> dict[int, str]:
        """Return id and command of every living process of the session."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                _, _, after = (folder / "stat").read_text().rpartition(") ")
                state, _, _, session, *_ = after.split()
                if int(session) == self.process.pid and state not in "ZX":
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def workers(self) -> list[int]:
        """Return the processes that fill orders: spawned children of the night that hold engines."""
        return [pid for pid, command in self.processes().items() if "spawn_main" in command]

    def wait_until(self, reached: Callable[[], bool], what: str) -> None:
        """Poll, without a pause longer than a twentieth of a second, until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < deadline, f"{what} took over {PATIENCE} s: {(self.home / 'log').read_text()[-2000:]}"
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def end(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def night(catalogue: Path, tmp_path: Path) -> Iterator[Callable[[], Victim]]:
    """Give what starts a night over the title with a face, again and again in one home."""
    home, victims = tmp_path / "home", []
    shutil.copytree(catalogue.parents[1], home)
    tiny.write_catalogue(home / "catalogue", [row for row in tiny.read_rows(catalogue) if row["id"] == "face"])
    with open_books(tiny.settings_for(home)):
        pass  # the ledger is there before anybody counts in it

    def start() -> Victim:
        victims.append(Victim(home))
        return victims[-1]

    yield start
    for victim in victims:
        victim.end()


def rows(home: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(home / "ledger.db", timeout=30)) as connection:
        return connection.execute(query).fetchall()


def finished(home: Path) -> int:
    return rows(home, "SELECT count(*) FROM jobs WHERE state = 'done'")[0][0]


def test_a_night_that_is_killed_leaves_no_process_and_the_next_one_ends_as_if_nothing_had_been(night, undisturbed) -> None:
    victim, goal = night(), random.Random(SEED).randrange(2, 9)
    victim.wait_until(lambda: finished(victim.home) >= goal, f"finishing {goal} steps")
    victim.process.send_signal(signal.SIGKILL)
    victim.wait_until(lambda: not victim.processes(), "the end of the killed night's processes")
    before = {key for (key,) in rows(victim.home, "SELECT key FROM jobs WHERE state = 'done'")}
    last = night()
    last.wait_until(lambda: finished(last.home) > len(before) or last.process.poll() is not None, "the last night's first step")
    assert last.workers()
    for worker in last.workers()[:1]:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    last.wait_until(lambda: last.process.poll() is not None, "the last night")
    assert last.process.returncode == 0, (last.home / "log").read_text()[-2000:]
    last.wait_until(lambda: not last.processes(), "the end of the last night's processes")
    check(last.home, before, undisturbed)


def check(home: Path, before: set[str], undisturbed) -> None:
    """One row each, nothing lost, nothing made twice, nothing left behind."""
    with open_books(tiny.settings_for(home)) as books:
        standing = books.ledger.title_languages()
        wanted = {place: package for place, package in undisturbed.packages.items() if place[0] == "face"}
        assert {place: row.package for place, row in standing.items()} == wanted
        assert {place: row.state for place, row in standing.items()} == {place: undisturbed.states[place] for place in wanted}
        assert books.ledger.reap() == 0
        assert list(books.store.pointers("drafts/")) == []
        for package in wanted.values():
            assert books.store.fetch(package).is_file()
    assert rows(home, "SELECT state, count(*) FROM jobs GROUP BY state")[0][0] == "done"
    attempts = dict(rows(home, "SELECT key, count(*) FROM attempts WHERE outcome = 'done' GROUP BY key"))
    assert set(attempts.values()) == {1}
    assert before <= set(attempts)
    assert not rows(home, "SELECT key FROM attempts WHERE outcome = ''")
