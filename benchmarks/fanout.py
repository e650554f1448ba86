"""20,000 segments of known cost over two workers: wall time against two processes that do nothing but the same work.

Reference and orders take turns, a quarter of the segments each, so that a machine that grows busier counts for both. A small sample goes
through one Prefect task a segment, which is what the batches save.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report import emit

from nightdub.flows.server import prefect_server
from nightdub.infra.compute import Compute, open_compute, orders_by_cost
from nightdub.infra.settings import load_settings
from nightdub.infra.work import Bench, Done, Item, Order

SEGMENTS = 20_000
SLICE = SEGMENTS // 4
WORKERS = 2
SECONDS = 0.002  # of one segment
SAMPLE = 200  # segments as Prefect tasks
AIM = 0.95


def spin(loops: int) -> int:
    """Do a fixed amount of work in the interpreter."""
    total = 0
    for number in range(loops):
        total += number * number
    return total


def calibrated() -> int:
    """Return the loops that take about SECONDS here and now."""
    loops = 10_000
    best = min(_timed(loops) for _ in range(50))
    return round(loops * SECONDS / best)


def _timed(loops: int) -> float:
    started = time.perf_counter()
    spin(loops)
    return time.perf_counter() - started


def reference(loops: int, segments: int) -> float:
    """Return the seconds that WORKERS bare processes take for so many segments, all starting together."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(WORKERS)
    walls = context.Queue()
    workers = [context.Process(target=_bare, args=(loops, segments // WORKERS, ready, walls)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    slowest = max(walls.get() for _ in workers)
    for worker in workers:
        worker.join()
    return float(slowest)


def _bare(loops: int, segments: int, ready: Any, walls: Any) -> None:
    ready.wait()
    started = time.perf_counter()
    for _ in range(segments):
        spin(loops)
    walls.put(time.perf_counter() - started)


def work(items: Sequence[Item], _: Bench) -> list[Done]:
    """Spin once for each item."""
    return [Done(row={"total": spin(item.payload["loops"])}) for item in items]


def no_engine(verb: str, name: str, settings: dict[str, Any]) -> None:
    """Load nothing: this work needs no engine."""


def fanned_out(compute: Compute, store: str, loops: int, segments: range) -> tuple[float, int]:
    """Return the seconds to fill one order of these segments, and its number of batches."""
    items = tuple(Item(f"s{number:05}", {"loops": loops}, cost=SECONDS) for number in segments)
    order = Order(work, items, tuple(f"{number:064x}" for number in segments), {}, (), no_engine, store)
    started = time.perf_counter()
    batches = orders_by_cost(order, 1.0, compute.workers)
    results = [result for batch in compute.run(batches) for result in batch]
    wall = time.perf_counter() - started
    if [result.id for result in results] != [item.id for item in items] or any(result.failed for result in results):
        raise SystemExit("segments were lost")
    return wall, len(batches)


def as_prefect_tasks(loops: int, home: Path) -> float:
    """Return the milliseconds that a segment takes as a Prefect task of its own, on the thread pool runner."""
    with prefect_server(load_settings(home=home)):
        from prefect import flow, task
        from prefect.task_runners import ThreadPoolTaskRunner

        @flow(name="fanout", task_runner=ThreadPoolTaskRunner(max_workers=WORKERS))  # type: ignore[arg-type]
        def fan(segments: int) -> float:
            started = time.perf_counter()
            for future in task(name="segment")(spin).map([loops] * segments):
                future.result()
            return 1e3 * (time.perf_counter() - started) / segments

        fan(5)
        return fan(SAMPLE)


def main() -> None:
    loops = calibrated()
    ideal = wall = 0.0
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with open_compute("local", WORKERS) as compute:
            opened = time.perf_counter() - started
            for first in range(0, SEGMENTS, SLICE):
                ideal += reference(loops, SLICE)
                seconds, batches = fanned_out(compute, f"{folder}/store", loops, range(first, first + SLICE))
                wall, count = wall + seconds, count + batches
        prefect = as_prefect_tasks(loops, Path(folder))
    figures = {
        "segments": SEGMENTS,
        "workers": WORKERS,
        "batches": count,
        "open_seconds": opened,
        "ideal_seconds": ideal,
        "wall_seconds": wall,
    }
    figures |= {"ms_per_segment": 1e3 * wall / SEGMENTS, "ms_per_segment_as_prefect_task": prefect}
    emit("fanout", figures, ideal / wall, f"ideal / wall at least {AIM}", met=ideal / wall >= AIM)


if __name__ == "__main__":
    main()
