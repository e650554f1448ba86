"""Histories of faults: nights in processes of their own that are killed or stopped, until one is left alone; then everything is checked.

All that happens follows from a seed, but for what the machine's threads make of it: which boundaries, which moments, which database and
store. A night is forked from this process, which has everything imported, so that a kill costs tenths of a second.

`conductor.py` does these for tests, `replay.py` one of them by its seed.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jinja2
import psycopg
import small
from boundaries import POINTS, TRANSACTION, Point, Watch
from checker import Reference, check, reference_of, wrong_with
from processes import end, ended, fork, scratch, shifted

from nightdub.flows import night, page
from nightdub.flows.night import open_books
from nightdub.infra import s3
from nightdub.infra.environment import environment
from nightdub.infra.errors import NightdubError
from nightdub.infra.ledger import Ledger

MOST = 6  # kills in one history
HOUR = 3600.0
TITLES = 4  # the last one has nothing but poison in it


@dataclass(frozen=True)
class Servers:
    """Where the scaled profile's servers are; empty = there are none, and histories stay on SQLite and a folder."""

    postgres: str = ""  # folder of the socket
    s3: str = ""  # address


@dataclass
class History:
    """What was done to a home's nights, and what was found afterwards."""

    seed: int
    backend: str
    kills: list[str] = field(default_factory=list)
    looks: int = 0  # of the reader, at one release pointer each
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        story = ", ".join(self.kills) or "nothing"
        return f"seed {self.seed} ({self.backend}): killed at {story}; " + ("; ".join(self.problems) or "ended as undisturbed")


# ---------------------------------------------------------------- one home


@dataclass
class Home:
    """A catalogue with a database and a store of its own, and the settings of its nights."""

    path: Path
    settings: dict[str, Any]
    servers: Servers
    ticks: int = 0  # each night's clock is an hour after the last one's, so that every lease that a dead one left has run out

    @property
    def log(self) -> Path:
        """Return the file with everything that the home's processes said."""
        return self.path / "log"

    def night(self, target: Point | None = None, clock: float | None = None, how: int = signal.SIGKILL, **asked: Any) -> int:
        """Start a night and return its process; `how` is the signal at `target`, `clock` the seconds that its clock is fast."""
        self.ticks += 1
        shift = self.ticks * HOUR if clock is None else clock

        def work() -> None:
            watch = Watch(target, how)
            with shifted(shift):
                small.run_small(self.path, **self.settings, **asked)
            (self.path / "calls.json").write_text(json.dumps(watch.calls))

        return fork(work, self.log)

    def remove(self) -> None:
        """Drop the database and the folder."""
        if "ledger" in self.settings:
            with _postgres(self.servers) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{self.path.name}" WITH (FORCE)')
        shutil.rmtree(self.path, ignore_errors=True)


def _compiled() -> SimpleNamespace:
    """Return a stand-in for jinja2 whose environment has the report's template compiled: the largest part of a small night."""
    one = jinja2.Environment(loader=jinja2.FileSystemLoader(page.TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined)
    one.trim_blocks = one.lstrip_blocks = True
    one.get_template("report.html")
    return SimpleNamespace(Environment=lambda **_: one, FileSystemLoader=jinja2.FileSystemLoader, StrictUndefined=jinja2.StrictUndefined)


def _postgres(servers: Servers) -> psycopg.Connection[Any]:
    return psycopg.connect(f"host={servers.postgres} user=nightdub dbname=postgres", autocommit=True)


class Workshop:
    """Makes homes quickly: tables are copied, not created, and what an undisturbed night leaves is known."""

    def __init__(self, servers: Servers) -> None:
        self.servers, self.folder, self._numbers = servers, scratch(), itertools.count()
        os.environ["XDG_CACHE_HOME"] = str(self.folder / "cache")
        environment()  # asks programs for their versions, once
        session = boto3.session.Session()
        s3.boto3.session.Session = lambda: session  # type: ignore[assignment,misc]  # reads the service's description once
        s3.BACKOFF_SECONDS = 0.01
        page.jinja2 = _compiled()  # type: ignore[attr-defined]
        with open_books(small.settings_for(self._empty("template"))):
            pass
        if servers.postgres:
            with _postgres(servers) as connection:
                connection.execute('DROP DATABASE IF EXISTS "chaos-template" WITH (FORCE)')
                connection.execute('CREATE DATABASE "chaos-template"')
            ledger = Ledger(self._url("chaos-template"))
            ledger.migrate()
            ledger.close()
        self.reference, self.calls = self._undisturbed()
        gc.collect()
        gc.freeze()  # what is imported is never looked through again, in no night

    def home(self, name: str, backend: str = "sqlite file", *, bare: bool = False) -> Home:
        """Return a new home; `bare`, without tables. A backend names a database and a store: "sqlite file", "postgres s3"."""
        path = self._empty(f"{name}-{next(self._numbers)}")  # never one that was there before: stores are kept open by their place
        small.build_home(path, TITLES)
        small.write_title(path, TITLES - 1, lines=[f"poison {number}" for number in range(small.LINES)])
        settings: dict[str, Any] = {"lease_seconds": 0.06}  # a heartbeat every 20 ms; who is dead is told by the clock's hour
        if "postgres" in backend:
            with _postgres(self.servers) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{path.name}" WITH (FORCE)')
                connection.execute(f'CREATE DATABASE "{path.name}"' + ("" if bare else ' TEMPLATE "chaos-template"'))
            settings["ledger"] = self._url(path.name)
        elif not bare:
            shutil.copy(self.folder / "template/ledger.db", path)
        if "s3" in backend:
            settings |= {"store": f"s3://nightdub/{path.name}", "store_endpoint": self.servers.s3, "store_region": "us-east-1"}
            settings |= {"store_access_key": "test", "store_secret_key": "test"}
        return Home(path, settings, self.servers)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _empty(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://nightdub@/{database}?host={self.servers.postgres}"

    def _undisturbed(self) -> tuple[Reference, dict[str, int]]:
        home = self.home("undisturbed", bare=True)
        if status := ended(home.night()):
            raise RuntimeError(f"an undisturbed night ends with {status}: {home.log.read_text()}")
        return reference_of(small.settings_for(home.path)), json.loads((home.path / "calls.json").read_text())


# ---------------------------------------------------------------- the reader


def read_on(home: Home, pause: float = 0.03) -> int:
    """Start a process that reads every release again and again, as a reader does, and writes down what it must never see.

    `pause` are the seconds between two rounds.
    """

    def work() -> None:
        os.environ["XDG_CACHE_HOME"] = str(home.path / "reader")
        looks = 0
        torn = (home.path / "torn").open("a", buffering=1)
        signal.signal(signal.SIGTERM, lambda *_: (torn.write(f"{looks}\n"), os._exit(0)))
        with open_books(small.settings_for(home.path, **home.settings)) as books:
            while True:
                for name in list(books.store.pointers("releases/")):
                    for problem in look(books, name):
                        torn.write(problem + "\n")
                    looks += 1
                time.sleep(pause)

    return fork(work, home.log)


def look(books: night.Books, name: str) -> Iterator[str]:
    pointer = books.store.read_pointer(name)
    if pointer is None:
        yield f"{name} went away"
        return
    said = json.loads(pointer.value)
    try:
        film = books.store.get_bytes(said["package"])
    except NightdubError as error:
        yield f"{name} led to {error}"
        return
    if wrong := wrong_with(film, said["title"], said["language"]):
        yield f"the film behind {name} {wrong}"
    if said["package"] not in {move.package for move in books.ledger.releases(said["title"], said["language"])}:
        yield f"{name} showed {said['package']} before the ledger knew"
    shown = books.settings.home / "released" / said["title"] / f"{said['title']}.{said['language']}.mp4"
    with suppress(FileNotFoundError):
        if wrong := wrong_with(shown.read_bytes(), said["title"], said["language"]):
            yield f"{shown.name} {wrong}"


def stop_reading(home: Home, reader: int) -> tuple[int, list[str]]:
    """Stop the reader; return how often it looked, and what it saw."""
    os.kill(reader, signal.SIGTERM)
    if ended(reader) != 0:
        return 0, [f"the reader ended early: {home.log.read_text()[-2000:]}"]
    *torn, looks = (home.path / "torn").read_text().splitlines()
    return int(looks), [f"a reader saw: {line}" for line in torn]


# ---------------------------------------------------------------- histories


def kill_history(workshop: Workshop, seed: int, *, moments: bool) -> dict[str, Any]:
    """Kill nights over one home until one ends undisturbed, or six were killed; then let one be, and check.

    `seed` decides everything: the first kill is at the boundary that is its turn, the others at any; `moments`, at random moments instead.
    """
    chance = random.Random(f"{seed} {moments}")
    history = History(seed, _backend(workshop.servers, chance))
    first = POINTS[seed % len(POINTS)]
    if first.name.startswith("disk."):
        history.backend = history.backend.replace("s3", "file")  # a remote store writes fewer files
    first = _point(first, chance, workshop.calls[first.name])
    home = workshop.home(f"h{seed}{'m' if moments else 'b'}", history.backend, bare=not moments and first.name == "ledger.migrate")
    reader = 0
    for turn in range(MOST + 1):
        point = None if moments or turn == MOST else first if turn == 0 else _next(chance, workshop)
        pid = home.night(point)
        if not reader and turn:
            reader = read_on(home)  # by now there are tables to read
        if moments and turn < MOST:
            moment = chance.uniform(0.0, 0.5)
            if ended(pid, moment) is None:
                end(pid)
                history.kills.append(f"{moment * 1000:.0f} ms")
                continue
            break
        status = ended(pid)
        if status == -signal.SIGKILL and point:
            history.kills.append(str(point))
            continue
        if status != 0:
            end(pid) if status is None else None
            history.problems.append(f"a night ended with {status}: {home.log.read_text()[-2000:]}")
        elif turn == 0 and point:
            history.problems.append(f"no night comes to {point}")
        break
    if reader:
        history.looks, seen = stop_reading(home, reader)
        history.problems += seen
    history.problems += check(small.settings_for(home.path, **home.settings), workshop.reference)
    if not history.problems:
        home.remove()
    return asdict(history) | {"told": str(history)}


def _next(chance: random.Random, workshop: Workshop) -> Point:
    """Return a point that a night comes to that finds a part of the work done: an early call of any boundary."""
    point = chance.choice(POINTS)
    return _point(point, chance, workshop.calls[point.name] // MOST)


def _backend(servers: Servers, chance: random.Random) -> str:
    """Return the embedded profile for three histories of five, and the scaled one, or half of it, for the others."""
    database = "postgres" if servers.postgres and chance.random() < 0.3 else "sqlite"
    store = "s3" if servers.s3 and chance.random() < 0.12 else "file"
    return f"{database} {store}"


def _point(point: Point, chance: random.Random, most: int) -> Point:
    """Return a boundary's point at any of its first `most` calls that are sure to come.

    Heartbeats come as time passes, and transactions with them; a claim is made again while another thread holds the job; results that
    come together are one draft, and fewer files.
    """
    varies = point.name in ("ledger.claim", TRANSACTION) or point.name.startswith(("disk.", "store."))
    sure = 1 if point.name == "ledger.extend" else most // 2 if varies else most
    return Point(point.name, point.side, chance.randint(1, max(1, sure)))
