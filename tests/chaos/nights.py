"""Histories with two builders, odd clocks, deadlines, full disks and edits: each returns what is wrong at its end, in words."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import small
from boundaries import Point
from checker import check, differences, reference_of
from histories import HOUR, Home, Workshop, read_on, stop_reading
from processes import ended, fork

from nightdub.flows import night, nightly
from nightdub.flows.night import open_books
from nightdub.flows.watch import watching
from nightdub.infra.errors import StoreError
from nightdub.infra.ledger import Ledger
from nightdub.infra.store import Store, open_store

STOPS = (
    Point("ledger.claim", "after", 4),
    Point("draft.add", "before", 3),
    Point("job.join", "after", 5),
    Point("ledger.commit", "before", 12),
    Point("ledger.commit", "after", 20),
    Point("ledger.set_heads", "before", 15),
    Point("ledger.record_decision", "before", 2),
    Point("ledger.record_release", "before", 1),
    Point("ledger.record_release", "after", 2),
    Point("store.write_pointer", "before", 30),
    Point("ledger.put_title_languages", "before", 8),
    Point("report.write", "before", 1),
)
HOLDING = STOPS[:4]  # a job is claimed there and not committed
EDITS = 6
ROOMS = (40, 160, 280, 400)  # KiB; an object takes four at least, and a night needs about 500


def _check(workshop: Workshop, home: Home, statuses: Sequence[int | None], expected: Sequence[int | None]) -> list[str]:
    """Check a home whose processes ended, and remove it if all is well."""
    problems = [] if list(statuses) == list(expected) else [f"ended with {statuses}: {home.log.read_text()[-3000:]}"]
    problems += check(small.settings_for(home.path, **home.settings), workshop.reference)
    if not problems:
        home.remove()
    return problems


def overtaken(workshop: Workshop, seed: int, backend: str) -> list[str]:
    """Stop a night at a boundary for longer than any lease, let a second one finish, and let the first go on: it must be refused.

    It is stopped in the one thread that writes: another could be stopped with a lock of the kernel's or the database's in its hand, which
    on one machine keeps everybody waiting until it goes on or is killed.
    """
    point = STOPS[seed % len(STOPS)]
    home = workshop.home(f"stopped{seed}", backend)
    first = home.night(point, clock=0.0, how=signal.SIGSTOP, threads=1)
    reader = read_on(home)
    _, status = os.waitpid(first, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        return [f"the first night never came to {point}: {home.log.read_text()[-2000:]}"]
    second = ended(home.night(clock=2 * HOUR))
    os.kill(first, signal.SIGCONT)
    statuses = [ended(first), second]
    _, seen = stop_reading(home, reader)
    unfenced = [] if _lost(home) or point not in HOLDING else ["nobody was refused: the first night's result counted"]
    return seen + unfenced + _check(workshop, home, statuses, [0, 0])


def _lost(home: Home) -> int:
    """Return how many attempts were taken over."""
    ledger = Ledger(small.settings_for(home.path, **home.settings).ledger_url)
    try:
        with ledger._read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM attempts WHERE outcome = 'lost'").scalar() or 0)
    finally:
        ledger.close()


def doubled(workshop: Workshop, seed: int, backend: str) -> list[str]:
    """Let a schedule fire twice: two whole nights at once over one catalogue."""
    home = workshop.home(f"doubled{seed}", backend)
    home.settings["lease_seconds"] = 60.0
    nights = [home.night(clock=0.0) for _ in range(2)]
    reader = read_on(home)
    statuses = [ended(pid) for pid in nights]
    _, seen = stop_reading(home, reader)
    return seen + _check(workshop, home, statuses, [0, 0])


class JumpingClock:
    """A clock that goes right until it jumps by hours, forth or back, at every fortieth look."""

    def __init__(self, seed: int) -> None:
        self._chance, self._looks, self._off, self._lock = random.Random(seed), itertools.count(1), timedelta(), threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            if next(self._looks) % 40 == 0:
                self._off = timedelta(hours=self._chance.choice((-7, -1, 0, 1, 7)))
            return datetime.now(UTC) + self._off


def clocks(workshop: Workshop, seed: int, backend: str) -> list[str]:
    """Run two nights at once of which one has a clock that jumps by hours."""
    home = workshop.home(f"clocks{seed}", backend)
    home.settings["lease_seconds"] = 60.0

    def jumping() -> None:
        with mock.patch.object(night, "Ledger", partial(Ledger, clock=JumpingClock(seed))):
            small.run_small(home.path, **home.settings)

    jumper = fork(jumping, home.log)
    statuses = [ended(home.night(clock=0.0)), ended(jumper)]
    # What a jumping clock left claimed for hours is free when those have passed.
    statuses.append(ended(home.night(clock=24 * HOUR)))
    return _check(workshop, home, statuses, [0, 0, 0])


def missed(workshop: Workshop, seed: int) -> list[str]:
    """Leave a night out: the next one makes up for it, once, and the one after it finds nothing to do."""
    home = workshop.home(f"missed{seed}")
    statuses = [ended(home.night())]
    small.write_title(home.path, 0, edit=1)  # for a night that never was
    small.write_title(home.path, 1, edit=1)
    statuses += [ended(home.night()), ended(home.night())]
    built = [run["built_steps"] for run in _accounts(home)]
    problems = [] if built[2] > 0 == built[0] else [f"steps built, newest night first: {built}"]
    return problems + _as_if_new(workshop, home, statuses)


def _accounts(home: Home) -> list[dict[str, Any]]:
    with open_books(small.settings_for(home.path, **home.settings)) as books:
        return [run.account for run in books.ledger.runs() if run.state == "done"]


def edited(workshop: Workshop, seed: int, backend: str) -> list[str]:
    """Edit titles at random, with a night after each edit: the end is the same, to the byte, as one night over the last edit."""
    chance, home = random.Random(seed), workshop.home(f"edited{seed}", backend)
    statuses = [ended(home.night())]
    for _ in range(EDITS):
        number = chance.randrange(3)
        path = home.path / f"catalogue/t{number}.txt"
        lines = path.read_text().splitlines()[1:]
        place = chance.randrange(1, len(lines))  # the first line stays: a title of which nothing can be said has no dub
        edit = chance.choice(("change", "add", "drop", "move", "fail"))
        if edit == "add":
            lines.insert(place, f"say {chance.random()}")
        elif edit == "drop" and len(lines) > 2:
            del lines[place]
        elif edit == "move":
            lines.insert(1, lines.pop())
        else:
            lines[place] = f"{'fail' if edit == 'fail' else 'say'} {chance.randrange(4)}"
        small.write_title(home.path, number, lines=lines)
        statuses.append(ended(home.night()))
    return _as_if_new(workshop, home, statuses)


def _as_if_new(workshop: Workshop, home: Home, statuses: Sequence[int | None]) -> list[str]:
    """Return what differs between a home and a new one with the same catalogue, releases of the past apart."""
    fresh = workshop.home(f"{home.path.name}-new")
    shutil.copytree(home.path / "catalogue", fresh.path / "catalogue", dirs_exist_ok=True)
    problems = [] if set(statuses) == {0} == {ended(fresh.night())} else [f"ended with {statuses}: {home.log.read_text()[-2000:]}"]
    wanted = reference_of(small.settings_for(fresh.path))
    return problems + check(small.settings_for(home.path, **home.settings), wanted, past=True)


def deadline(workshop: Workshop, seed: int) -> list[str]:
    """Let the deadline pass when the first title-language has ended: the rest is named as left, and made the night after."""
    home = workshop.home(f"deadline{seed}")
    home.settings["titles_in_flight"] = 1

    def hurried() -> None:
        passed = itertools.count()
        late: list[float] = []
        time = SimpleNamespace(time=nightly.time.time, monotonic=lambda: late[0] if late else 0.0)
        with mock.patch.object(nightly, "time", time):
            with watching(lambda event: late.append(1e6) if event.kind == "finished" and next(passed) == 0 else None):
                report = small.run_small(home.path, minutes=60.0, **home.settings)
        (home.path / "first.json").write_text(json.dumps(report.counts()))

    statuses = [ended(fork(hurried, home.log))]
    first = json.loads((home.path / "first.json").read_text())
    ends = sum(first[state] for state in ("released", "held", "failed", "left"))
    problems = [] if first["left"] > 0 < first["released"] and first["balanced"] and ends == first["title_languages"] else [str(first)]
    statuses.append(ended(home.night()))
    return problems + _check(workshop, home, statuses, [0, 0])


def full_disk(workshop: Workshop, seed: int, *, whole: bool) -> list[str]:
    """Run nights while the disk is full (`whole`: the ledger's as well), each with more room than the last, then one with enough."""
    home = workshop.home(f"full{seed}{whole}")
    place = home.path if whole else home.path / "store"
    kept = workshop.folder / f"kept{seed}{whole}"
    if whole:
        shutil.copytree(home.path, kept)
    with _small_disk(place) as resize:
        resize(ROOMS[0] + (300 if whole else 0))
        if whole:
            shutil.copytree(kept, place, dirs_exist_ok=True)
        torn = []
        for room in ROOMS:
            resize(room + (300 if whole else 0))
            ended(home.night())
            torn += _torn(open_store(str(home.path / "store")))
        resize(64 << 10)
        status = ended(home.night())
        return [f"a full disk left {what}" for what in torn] + _check(workshop, home, [status], [0])


@contextmanager
def _small_disk(place: Path) -> Iterator[Any]:
    """Mount a disk of its own at a folder, and yield what sets its size in KiB. Raises: CalledProcessError where that is not allowed."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], check=True, capture_output=True)
    try:
        yield lambda kib: subprocess.run(["mount", "-o", f"remount,size={kib}k", place], check=True, capture_output=True)
    finally:
        subprocess.run(["umount", "-l", place], check=True, capture_output=True)


def _torn(store: Store) -> list[str]:
    """Return the objects of a store whose bytes are not their name's, and pointers that cannot be read."""
    found = []
    for item in list(store.objects()):
        try:
            store.get_bytes(item.digest)
        except StoreError as error:
            found.append(str(error))
    for name in list(store.pointers("")):
        try:
            store.read_pointer(name)
        except StoreError as error:
            found.append(str(error))
    return found


def twice(workshop: Workshop, seed: int) -> list[str]:
    """Make every step twice at the same time, by two nights with a ledger each and one store: the same bytes under the same names."""
    homes = [workshop.home(f"twice{seed}-{number}") for number in range(2)]
    for home in homes:
        home.settings["store"] = str(homes[0].path / "store")
    nights = [home.night() for home in homes]
    statuses = [ended(pid) for pid in nights]
    problems = [] if statuses == [0, 0] else [f"ended with {statuses}: {homes[0].log.read_text()[-2000:]}"]
    for home in homes:  # each ledger also learns from the pointers what the other one released
        found = differences(small.settings_for(home.path, **home.settings), workshop.reference)
        problems += [problem for problem in found if not problem.startswith("released of")]
    return problems
