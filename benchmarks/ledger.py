"""Claims and commits a second with 1, 4 and 16 processes, on SQLite and PostgreSQL, against a bare loop of the same statements.

The statements are those that the drivers were heard to be given for one claim and its commit; the bare loop sends them through sqlite3 or
psycopg with another key each time. Both sides take turns. The plan of a changed catalogue is the benchmark `plan`'s.

    python benchmarks/ledger.py
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast
from unittest import mock

from report import emit

PROCESSES = (1, 4, 16)
PAIRS = 480  # claims with their commits in one turn, over all processes
TURNS = 4
WARM = 8  # pairs of each process before its time counts: psycopg prepares a statement at its sixth use
AIM = 0.7

Said = list[list[tuple[str, Any, bool]]]  # transactions -> statement, parameters, whether for many rows


# ---------------------------------------------------------------- ours


def pair(ledger: Any, run: str, key: str) -> None:
    """Claim one job and commit it: two artifacts, three inputs."""
    from nightdub.infra.ledger import Artifact, Cost

    claim = ledger.claim(key, "speak", 1, "title", "es", "owner", run, 60.0)
    made = [Artifact("clips", "a" * 64, 1000), Artifact("rows", "b" * 64, 1000)]
    read = {name: digit * 64 for name, digit in (("words", "c"), ("cast", "d"), ("script", "e"))}
    ledger.commit(key, "owner", claim.fence, "f" * 64, made, read, Cost(1.0, 1.0, 1.0, 5, 0))


def ours(url: str, run: str, keys: list[str], ready: Any, took: Any) -> None:
    """Claim and commit every key; report when this process started and ended, and its processor time."""
    from nightdub.infra.ledger import Ledger

    ledger = Ledger(url)
    for number in range(WARM):
        pair(ledger, run, f"warm-{number}-{keys[0]}")
    ready.wait()
    started, cpu = time.perf_counter(), time.process_time()
    for key in keys:
        pair(ledger, run, key)
    took.put((started, time.perf_counter(), time.process_time() - cpu))
    ledger.close()


# ---------------------------------------------------------------- the bare loop


def listen(url: str, run: str, key: str) -> Said:
    """Return what the drivers are given for one pair, transaction by transaction."""
    from sqlalchemy import event

    from nightdub.infra.ledger import Ledger

    said: Said = [[]]
    ledger = Ledger(url)
    event.listen(ledger._engine, "do_connect", partial(eavesdrop, said))
    pair(ledger, run, f"warm-{key}")
    said[:] = [[]]
    commit = ledger.commit
    with mock.patch.object(ledger, "commit", lambda *given: (said.append([]), commit(*given))):  # the claim's transaction is over
        pair(ledger, run, key)
    ledger.close()
    return [[line for line in transaction if not line[0].startswith(("PRAGMA", "BEGIN"))] for transaction in said]


def eavesdrop(said: Said, dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
    """Have the driver's cursors write down what they are given."""
    base = dialect.loaded_dbapi.Cursor

    class Hearing(base):  # type: ignore[misc, valid-type]
        def execute(self, statement: str, values: Any = (), **rest: Any) -> Any:
            said[-1].append((statement, values, False))
            return super().execute(statement, values, **rest)

        def executemany(self, statement: str, rows: Any, **rest: Any) -> Any:
            said[-1].append((statement, rows, True))
            return super().executemany(statement, rows, **rest)

    if dialect.name == "postgresql":
        options["cursor_factory"] = Hearing
        return

    class HearingConnection(dialect.loaded_dbapi.Connection):  # type: ignore[misc, name-defined]
        def cursor(self) -> Any:
            return super().cursor(Hearing)

    options["factory"] = HearingConnection


def bare(url: str, said: Said, keys: list[str], ready: Any, took: Any) -> None:
    """Send the statements of every key and fetch what they answer."""
    connection, begin = bare_connection(url)
    for number in range(WARM):
        send(connection, begin, said, f"warm-{number}-{keys[0]}")
    ready.wait()
    started, cpu = time.perf_counter(), time.process_time()
    for key in keys:
        send(connection, begin, said, key)
    took.put((started, time.perf_counter(), time.process_time() - cpu))
    connection.close()


def bare_connection(url: str) -> tuple[Any, str]:
    """Return a driver's own connection with the ledger's settings, and the statement that begins a transaction where it needs one."""
    if url.startswith("sqlite"):
        import sqlite3

        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection, "BEGIN IMMEDIATE"
    import psycopg
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    return psycopg.connect(host=parts.query["host"], user=parts.username, dbname=parts.database), ""


def send(connection: Any, begin: str, said: Said, key: str) -> None:
    """Send one pair's transactions under another key."""
    for transaction in said:
        if begin:
            connection.execute(begin)
        cursor = connection.cursor()
        for statement, values, many in transaction:
            if many:
                cursor.executemany(statement, [renamed(row, key) for row in values])
            else:
                cursor.execute(statement, renamed(values, key))
                if cursor.description:
                    cursor.fetchall()
        connection.commit()


def renamed(values: Any, key: str) -> Any:
    if isinstance(values, dict):
        return {name: key if value == "heard" else value for name, value in values.items()}
    return tuple(key if value == "heard" else value for value in values)


# ---------------------------------------------------------------- turns


def turn(side: Any, url: str, what: Any, processes: int, name: str) -> tuple[float, float]:
    """Return the seconds in which so many processes did PAIRS pairs, from the first's start to the last's end, and their processor time."""
    context = multiprocessing.get_context("fork")  # this process has no threads, and everything is imported already
    ready, took = context.Barrier(processes), context.Queue()
    each = PAIRS // processes
    keys = [[f"{name}-{number}-{index}" for index in range(each)] for number in range(processes)]
    workers = [context.Process(target=side, args=(url, what, part, ready, took)) for part in keys]
    for worker in workers:
        worker.start()
    times = [took.get() for _ in workers]
    for worker in workers:
        worker.join()
    return max(end for _, end, _ in times) - min(start for start, _, _ in times), sum(cpu for _, _, cpu in times)


def measure(url: str, other: str, run: str, said: Said, processes: int) -> dict[str, float]:
    """Return pairs a second of both sides, each with a database of its own, in turns, and the ratios of time and processor time."""
    sides = [(ours, url, run), (bare, other, said)]
    sums = {ours: [0.0, 0.0], bare: [0.0, 0.0]}
    for number in range(TURNS):
        for side, where, what in sides if number % 2 else reversed(sides):
            wall, cpu = turn(side, where, what, processes, f"{processes}-{number}")
            sums[side][0] += wall
            sums[side][1] += cpu
    total = PAIRS * TURNS
    return {
        "per_s": total / sums[ours][0],
        "bare_per_s": total / sums[bare][0],
        "ratio": sums[bare][0] / sums[ours][0],
        "cpu_ms": 1e3 * sums[ours][1] / total,
        "bare_cpu_ms": 1e3 * sums[bare][1] / total,
    }


@contextmanager
def databases() -> Iterator[dict[str, tuple[str, str]]]:
    """Yield two empty databases of each kind."""
    from nightdub.apps.cluster.servers import PostgresServer

    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        sqlite = tuple(f"sqlite:///{folder}/{name}.db" for name in ("ours", "bare"))
        yield {"sqlite": cast(tuple[str, str], sqlite), "postgres": (server.create("ours"), server.create("bare"))}


def main() -> None:
    from nightdub.infra.ledger import Ledger

    figures: dict[str, float | int | str] = {"pairs": PAIRS * TURNS, "cores": os.cpu_count() or 1}
    ratios = []
    with databases() as found:
        for kind, (url, other) in found.items():
            runs = []
            for place in (url, other):
                ledger = Ledger(place)
                ledger.migrate()
                runs.append(ledger.start_run("benchmark", {}))
                ledger.close()
            said = listen(other, runs[1], "heard")
            figures[f"{kind}_statements"] = sum(len(transaction) for transaction in said)
            for processes in PROCESSES:
                told = measure(url, other, runs[0], said, processes)
                figures |= {f"{kind}_{processes}_{name}": value for name, value in told.items()}
                ratios.append(told["ratio"])
    emit("ledger", figures, min(ratios), f"pairs a second at least {AIM} of the bare loop's, in every row", met=min(ratios) >= AIM)


if __name__ == "__main__":
    main()
