"""Segments of known cost, fanned out: wall time against nothing but the work, on real and on simulated workers.

Real: one and two worker processes that compute, against bare processes doing the same work; reference and orders take turns, so that a
machine that grows busier counts for both. Simulated: 4, 16 and 64 workers whose engine sleeps, so that two cores can carry them; they
are threads of two Dask worker processes, and scheduler, client and flow are one process, as with `compute = local`. What is left of the
wall time there is what one flow spends on a segment and a batch, and says how many workers it can feed. A small sample goes through one
Prefect task a segment, which is what the batches save.

    python benchmarks/fanout.py
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from report import emit

from nightdub.flows.server import prefect_server
from nightdub.infra.compute import Compute, open_compute, orders_by_cost
from nightdub.infra.settings import load_settings
from nightdub.infra.work import Bench, Done, Item, Order

SEGMENTS = 20_000
SLICES = 4
SECONDS = 0.002  # of one segment
FEW = 1000  # segments
SIMULATED = (4, 16, 64)  # workers
SIZES = (1000, 20_000, 200_000)  # segments
IDEAL = 4.0  # seconds that the engines of a simulated order take
BATCH = 1.0  # seconds, as the settings have it
LINE = 0.25  # engine seconds of a line where the limit is stated
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


def reference(loops: int, segments: int, workers: int) -> float:
    """Return the seconds that so many bare processes take for so many segments, all starting together."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(workers)
    walls = context.Queue()
    bare = [context.Process(target=_bare, args=(loops, segments // workers, ready, walls)) for _ in range(workers)]
    for process in bare:
        process.start()
    slowest = max(walls.get() for _ in bare)
    for process in bare:
        process.join()
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


def sleep(items: Sequence[Item], _: Bench) -> list[Done]:
    """Take the time of an engine without its processor."""
    time.sleep(sum(item.cost for item in items))
    return [Done(row={"text": item.payload["text"]}) for item in items]


def no_engine(verb: str, name: str, settings: dict[str, Any]) -> None:
    """Load nothing: this work needs no engine."""


def fanned_out(compute: Compute, order: Order) -> tuple[float, int]:
    """Return the seconds to fill an order, and its number of batches."""
    started = time.perf_counter()
    batches = orders_by_cost(order, BATCH, compute.workers)
    results = [result for batch in compute.run(batches) for result in batch]
    wall = time.perf_counter() - started
    if [result.id for result in results] != [item.id for item in order.items] or any(result.failed for result in results):
        raise SystemExit("segments were lost")
    return wall, len(batches)


def order_of(function: Any, payload: dict[str, Any], segments: range, cost: float, store: str) -> Order:
    """Return an order for these segments."""
    items = tuple(Item(f"s{number:06}", payload, cost=cost) for number in segments)
    return Order(function, items, tuple(f"{number:064x}" for number in segments), {}, (), no_engine, store)


# ---------------------------------------------------------------- real workers


def real(loops: int, workers: int, segments: int, store: str) -> dict[str, float]:
    """Return ideal and wall seconds of so many segments, in turns of a slice each, and what starting the pool took."""
    ideal = wall = 0.0
    started = time.perf_counter()
    with open_compute("local", workers) as compute:
        opened = time.perf_counter() - started
        fanned_out(compute, order_of(work, {"loops": 1}, range(workers), SECONDS, store))
        size = segments // SLICES
        for first in range(0, segments, size):
            ideal += reference(loops, size, workers)
            wall += fanned_out(compute, order_of(work, {"loops": loops}, range(first, first + size), SECONDS, store))[0]
    return {"opened": opened, "ideal": ideal, "wall": wall}


# ---------------------------------------------------------------- simulated workers


@contextmanager
def simulated(workers: int) -> Iterator[Compute]:
    """Yield a pool of so many threads in two worker processes, behind a scheduler of this process."""
    import dask
    from distributed import LocalCluster

    from nightdub.infra.cluster import SETTINGS

    with (
        dask.config.set(SETTINGS),
        LocalCluster(
            n_workers=2, threads_per_worker=workers // 2, dashboard_address=None, memory_limit=0, preload="nightdub.infra.worker"
        ) as cluster,
        open_compute(cluster.scheduler_address) as compute,
    ):
        yield compute


class Peak:
    """The most memory of this process while a block runs, above what it had before, in megabytes; and its processor seconds."""

    def __enter__(self) -> Peak:
        self._me, self._stop = psutil.Process(), threading.Event()
        self.before = self.most = self._me.memory_info().rss
        self._cpu = time.process_time()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            self.most = max(self.most, self._me.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self._cpu
        self._stop.set()
        self._thread.join()
        self.megabytes = (self.most - self.before) / 1e6


def cell(compute: Compute, workers: int, segments: int, store: str) -> dict[str, float]:
    """Return what an order costs whose engines take IDEAL seconds."""
    order = order_of(sleep, {"text": "a line of about the usual length"}, range(segments), IDEAL * workers / segments, store)
    with Peak() as peak:
        wall, batches = fanned_out(compute, order)
    return {"efficiency": IDEAL / wall, "batches": batches, "cpu_us": 1e6 * peak.cpu / segments, "mb": peak.megabytes}


def limit(figures: dict[str, float | int | str]) -> dict[str, float | int | str]:
    """Return the processor time of flow and scheduler for a segment and for a batch, and how many workers they can feed with that.

    Both are one interpreter: with batches of a second, it is fully used where a second's worth of batches takes it a second.
    """
    most = max(SIMULATED)
    few, many = (float(figures[f"{most}_workers_{size}_cpu_us"]) * size for size in (min(SIZES), max(SIZES)))
    segment = (many - few) / (max(SIZES) - min(SIZES))
    batch = (few - segment * min(SIZES)) / float(figures[f"{most}_workers_{min(SIZES)}_batches"])
    return {
        "cpu_us_of_a_segment": segment,
        "cpu_us_of_a_batch": batch,
        "most_workers_of_one_flow": round(1e6 * BATCH / (batch + segment * BATCH / LINE)),
    }


def as_prefect_tasks(loops: int, home: Path) -> float:
    """Return the milliseconds that a segment takes as a Prefect task of its own, on the thread pool runner."""
    with prefect_server(load_settings(home=home)):
        from prefect import flow, task
        from prefect.task_runners import ThreadPoolTaskRunner

        @flow(name="fanout", task_runner=ThreadPoolTaskRunner(max_workers=2))  # type: ignore[arg-type]
        def fan(segments: int) -> float:
            started = time.perf_counter()
            for future in task(name="segment")(spin).map([loops] * segments):
                future.result()
            return 1e3 * (time.perf_counter() - started) / segments

        fan(5)
        return fan(SAMPLE)


def main() -> None:
    loops = calibrated()
    figures: dict[str, float | int | str] = {"segment_ms": 1e3 * SECONDS, "ideal_s_simulated": IDEAL}
    with tempfile.TemporaryDirectory() as folder:
        for workers, segments in ((1, FEW), (2, FEW), (2, SEGMENTS)):
            took = real(loops, workers, segments, f"{folder}/store")
            figures[f"real_{workers}_workers_{segments}"] = took["ideal"] / took["wall"]
        figures |= {"open_seconds": took["opened"], "ideal_seconds": took["ideal"], "wall_seconds": took["wall"]}
        for workers in SIMULATED:
            with simulated(workers) as compute:
                for segments in SIZES:
                    found = cell(compute, workers, segments, f"{folder}/store")
                    figures |= {f"{workers}_workers_{segments}_{name}": value for name, value in found.items()}
        figures["ms_per_segment_as_prefect_task"] = as_prefect_tasks(loops, Path(folder))
    figures |= limit(figures)
    ratio = took["ideal"] / took["wall"]
    emit("fanout", figures, ratio, f"ideal / wall at least {AIM} for {SEGMENTS} segments on two workers", met=ratio >= AIM)


if __name__ == "__main__":
    import fanout  # worker processes must find its functions under this name

    sys.exit(fanout.main())
