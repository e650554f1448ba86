"""What a kill costs: items that are made again, and seconds until the work goes on.

Two kills of the same order of sleeping items over two workers. A worker's: Dask starts another, and only what that worker had in hand
is done again. The whole builder's (flow and workers at once, SIGKILL): its lease runs out, a second builder that was waiting takes the
job over, and the draft saves all but the batches in flight. Each item writes a line when it starts, which is what is counted.

    python benchmarks/recovery.py
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from report import emit

from nightdub.infra.build import Ask, Builder, Inputs, Step
from nightdub.infra.compute import Compute, open_compute
from nightdub.infra.ledger import Ledger
from nightdub.infra.store import open_store
from nightdub.infra.work import Bench, Done, Item, Result

ITEMS = 240
SECONDS = 0.05  # of one item
BATCH = 0.5  # seconds: ten items
WORKERS = 2
LEASE = 3.0  # seconds; a sign of life every third of it
KILL_AT = 60  # items started


def split(inputs: Inputs) -> list[Item]:
    """Return the items; the journal's path is part of each."""
    return [Item(f"i{index}", {"number": index, "journal": inputs.params["journal"]}, cost=SECONDS) for index in range(ITEMS)]


def work(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Sleep once for each item, after writing down that it was begun."""
    made = []
    for item in items:
        with Path(item.payload["journal"]).open("a") as journal:
            journal.write(f"{item.payload['number']} {os.getpid()} {time.time()}\n")
        time.sleep(SECONDS)
        path = bench.new(item.id)
        path.write_text(item.id)
        made.append(Done({"file": path}))
    return made


def join(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """List what was made."""
    path = folder / "all"
    path.write_text("\n".join(result.files["file"] for result in results))
    return {"all": path}


def load_nothing(_verb: str, _name: str, _settings: dict[str, Any]) -> None:
    """Load no engine."""


def build(home: str, journal: str, ready: str = "") -> None:
    """Build the order as a flow does, with a pool of its own; with `ready`, only after saying so and once another has begun."""
    step = Step("sleep", 1, "title", (), split, work, join, params=("journal",))
    ask = Ask(step, "film", "", {}, {"journal": journal})
    ledger = Ledger(f"sqlite:///{home}/ledger.db")
    with open_compute("local", WORKERS) as compute:
        if ready:
            Path(ready).touch()
            wait_for(Path(journal), 1)
        builder(ledger, compute, home).build(ask)
    ledger.close()


def builder(ledger: Ledger, compute: Compute, home: str) -> Builder:
    """Return a builder with a short lease."""
    run = ledger.start_run("benchmark", {})
    store = open_store(f"{home}/store")
    return Builder(store, ledger, compute, load_nothing, {}, run, WORKERS, batch_seconds=BATCH, lease_seconds=LEASE)


def begun(journal: Path) -> list[tuple[int, float]]:
    """Return every start of an item: its number and when."""
    if not journal.exists():
        return []
    rows = [line.split() for line in journal.read_text().splitlines()]
    return [(int(number), float(when)) for number, _, when in rows]


def wait_for(journal: Path, items: int) -> None:
    """Wait until so many items were begun."""
    while len(begun(journal)) < items:
        time.sleep(0.01)


def worker_killed(home: str) -> tuple[int, float]:
    """Kill one worker in the middle; return the items begun twice, and the seconds until the first of them was begun again."""
    journal = Path(home) / "worker"
    thread = threading.Thread(target=build, args=(home, str(journal)))
    thread.start()
    wait_for(journal, KILL_AT)
    victim = int(journal.read_text().splitlines()[-1].split()[1])
    os.kill(victim, signal.SIGKILL)
    killed = time.time()
    thread.join()
    return again(journal, killed)


def builder_killed(home: str) -> tuple[int, float, float]:
    """Kill a builder and its workers at once while a second one waits; return the same, and the seconds until that has the job."""
    journal, ready = Path(home) / "builder", Path(home) / "ready"
    context = multiprocessing.get_context("spawn")
    first = context.Process(target=build, args=(home, str(journal)))
    second = context.Process(target=build, args=(home, str(journal), str(ready)))
    second.start()
    while not ready.exists():
        time.sleep(0.05)
    first.start()
    wait_for(journal, KILL_AT)
    doomed = [first.pid, *(child.pid for child in psutil.Process(first.pid).children(recursive=True))]
    for pid in reversed(doomed):
        os.kill(int(pid or 0), signal.SIGKILL)
    killed = time.time()
    second.join()
    first.join()
    if second.exitcode:
        raise SystemExit("the second builder failed")
    return *again(journal, killed), granted(home, killed)


def granted(home: str, killed: float) -> float:
    """Return the seconds from the kill to the second grant of the job, as the ledger has it."""
    with closing(sqlite3.connect(f"{home}/ledger.db")) as connection:
        (moment,) = connection.execute("SELECT max(started) FROM attempts").fetchone()
    return datetime.fromisoformat(moment).timestamp() - killed


def again(journal: Path, killed: float) -> tuple[int, float]:
    """Return the items that were begun more than once, and the seconds from the kill to the first of their later starts."""
    starts = begun(journal)
    counts = Counter(number for number, _ in starts)
    if len(counts) != ITEMS:
        raise SystemExit("items were lost")
    twice = {number for number, times in counts.items() if times > 1}
    later = [when for number, when in starts if number in twice and when > killed]
    return len(twice), min(later, default=killed) - killed


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        for name in ("one", "two"):
            (Path(home) / name).mkdir()
            ledger = Ledger(f"sqlite:///{home}/{name}/ledger.db")
            ledger.migrate()
            ledger.close()
        lost, back = worker_killed(f"{home}/one")
        lost_all, back_all, reclaimed = builder_killed(f"{home}/two")
    batch = round(BATCH / SECONDS)
    limit = LEASE + LEASE / 3
    figures: dict[str, float | int | str] = {"items": ITEMS, "items_in_a_batch": batch, "lease_s": LEASE, "heartbeat_s": LEASE / 3}
    figures |= {"worker_killed_items_again": lost, "worker_killed_seconds": back}
    figures |= {"builder_killed_items_again": lost_all, "builder_killed_seconds": back_all, "reclaimed_s": reclaimed}
    met = lost <= batch and lost_all <= WORKERS * batch and reclaimed <= limit
    emit("recovery", figures, reclaimed / limit, "only batches in flight are made again; reclaimed within lease + heartbeat", met=met)


if __name__ == "__main__":
    import recovery  # workers must find its functions under this name

    sys.exit(recovery.main())
