"""Batching, results in order, and every way in which workers, engines and pools go away."""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import dask
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # spawned workers inherit it, and find the errands there
import errands
from errands import errand, name_engine

from nightdub.infra import compute as compute_module
from nightdub.infra.compute import HOPELESS, SHORTEST_BATCH, Compute, open_compute, orders_by_cost
from nightdub.infra.errors import ComputeUnavailable, ConfigError, StoreError, StoreUnavailable
from nightdub.infra.work import Item, Order, Result

SECRET = "the-secret-key"


@pytest.fixture
def threads() -> Iterator[Compute]:
    with open_compute("threads", 2) as compute:
        yield compute


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("workers")))  # killed workers leave their scratch folders behind
        with open_compute("local", 2, attempts=2) as compute:
            yield compute


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute_module, "_PAUSE", 0.0)


def ids(results: list[Result]) -> list[str]:
    return [result.id for result in results]


# ---------------------------------------------------------------- batching


def costed(costs: list[float]) -> Order:
    items = tuple(Item(f"i{index}", cost=cost) for index, cost in enumerate(costs))
    return Order(errand, items, tuple(f"k{index}" for index in range(len(items))), {}, (), name_engine, "unused")


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.05, 3), st.integers(1, 16))
def test_batches_keep_every_item_in_order_and_end_together(costs: list[float], seconds: float, workers: int) -> None:
    order = costed(costs)
    batches = orders_by_cost(order, seconds, workers)
    assert [item for batch in batches for item in batch.items] == list(order.items)
    assert [key for batch in batches for key in batch.keys] == list(order.keys)
    assert all(batch.items for batch in batches)
    assert all(batch.cost <= seconds + max(costs) + 1e-3 for batch in batches)
    rounds = max(1, math.ceil(order.cost / (seconds * workers) + 1e-3))
    assert len(batches) <= rounds * workers + 1


def test_batches_are_as_many_for_each_worker() -> None:
    assert [len(batch.items) for batch in orders_by_cost(costed([0.1] * 30), 1.0, 2)] == [8, 7, 8, 7]


def test_little_work_is_shared_out_but_not_ground_to_dust() -> None:
    assert len(orders_by_cost(costed([0.02] * 8), 1.0, 4)) == 4
    assert len(orders_by_cost(costed([SHORTEST_BATCH / 10] * 20), 1.0, 16)) == 2
    assert orders_by_cost(costed([]), 1.0, 2) == []


# ---------------------------------------------------------------- threads


def test_results_come_back_in_order_and_are_told_to_the_calling_thread(threads: Compute, tmp_path: Path) -> None:
    told: list[tuple[int, list[str]]] = []
    orders = orders_by_cost(errands.order(tmp_path, [{}] * 20), 5.0, 1)
    results = threads.run(orders, lambda done: told.append((threading.get_ident(), ids(done))))
    assert [ids(batch) for batch in results] == [[item.id for item in order.items] for order in orders]
    assert sorted(names for _, names in told) == sorted(ids(batch) for batch in results)
    assert {thread for thread, _ in told} == {threading.get_ident()}
    assert threads.run([]) == []


def test_a_crashing_engine_costs_one_item(threads: Compute, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    order = errands.order(tmp_path / "store", [{}, {"do": "crash", "mark": str(mark)}, {}], ["only"])
    (results,) = threads.run([order])
    assert [result.failed.get("code") for result in results] == [None, "EngineCrashed", None]
    assert results[1].engine == "only"
    assert mark.stat().st_size == 1 + 3  # with the others, then three attempts alone


def test_an_engine_that_crashed_once_is_tried_again(threads: Compute, tmp_path: Path) -> None:
    order = errands.order(tmp_path / "store", [{"do": "crash", "mark": str(tmp_path / "mark"), "times": 2}])
    assert not threads.run([order])[0][0].failed


def test_the_next_engine_of_the_chain_takes_what_crashes_the_first(threads: Compute, tmp_path: Path) -> None:
    (results,) = threads.run([errands.order(tmp_path, [{}, {"do": "crash first"}], ["first", "second"])])
    assert [result.engine for result in results] == ["first", "second"]
    assert not any(result.failed for result in results)


def test_a_store_that_is_away_for_a_moment_is_waited_for(threads: Compute, tmp_path: Path) -> None:
    order = errands.order(tmp_path / "store", [{}, {"do": "away", "mark": str(tmp_path / "mark"), "times": 2}])
    assert ids(threads.run([order])[0]) == ["i0", "i1"]


def test_a_store_that_stays_away_is_the_callers_matter(threads: Compute, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(StoreUnavailable):
        threads.run([errands.order(tmp_path / "store", [{"do": "away", "mark": str(mark)}])])
    assert mark.stat().st_size == 3


def test_an_error_of_the_caller_stops_the_run(threads: Compute, tmp_path: Path) -> None:
    def refuse(_: list[Result]) -> None:
        raise StoreError("draft refused")

    with pytest.raises(StoreError, match="draft refused"):
        threads.run(errands.order(tmp_path, [{}] * 50).split(), refuse)


def test_a_pool_closed_under_a_run_ends_the_run(tmp_path: Path) -> None:
    errands.started.clear()
    errands.released.clear()
    with ThreadPoolExecutor(1) as caller:
        with open_compute("threads", 1) as compute:
            run = caller.submit(compute.run, errands.order(tmp_path, [{"do": "hold"}, {}]).split())
            run.add_done_callback(lambda _: errands.released.set())
            assert errands.started.wait(10)
        assert isinstance(run.exception(), ComputeUnavailable)
    with pytest.raises(ComputeUnavailable):
        compute.run([errands.order(tmp_path, [{}])])


# ---------------------------------------------------------------- a local cluster


def test_many_titles_share_one_cluster(cluster: Compute, tmp_path: Path) -> None:
    orders = errands.order(tmp_path, [{}] * 12).split()
    with ThreadPoolExecutor(16) as titles:
        runs = list(titles.map(lambda _: cluster.run(orders), range(48)))
    assert all([ids(batch) for batch in run] == [[f"i{index}"] for index in range(12)] for run in runs)
    assert os.getpid() not in {batch[0].row["pid"] for run in runs for batch in run}


def test_workers_keep_what_they_free_for_their_next_arrays(cluster: Compute, tmp_path: Path) -> None:
    """Dask would have them give it back at once, for half of their processor time."""
    (results,) = cluster.run([errands.order(tmp_path, [{}])])
    surroundings = Path(f"/proc/{results[0].row['pid']}/environ").read_text()
    assert "OMP_NUM_THREADS=1" in surroundings
    assert "MALLOC_TRIM_THRESHOLD_" not in surroundings


def test_a_killed_worker_costs_a_second_attempt(cluster: Compute, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (results,) = cluster.run([errands.order(tmp_path / "store", [{}, {"do": "kill", "mark": str(mark), "times": 1}])])
    assert not any(result.failed for result in results)
    assert mark.stat().st_size == 2


def test_a_poison_item_is_set_aside_and_the_rest_goes_on(cluster: Compute, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    poisoned = errands.order(tmp_path / "store", [{}, {"do": "kill", "mark": str(mark)}, {}])
    results = cluster.run([errands.order(tmp_path / "store", [{}] * 3), poisoned])
    assert [[bool(result.failed) for result in batch] for batch in results] == [[False] * 3, [False, True, False]]
    failed = results[1][1].failed
    assert failed["code"] == "WorkerLost"
    assert failed["where"] == "item i1"
    assert "2 attempts" in failed["what"]
    assert mark.stat().st_size == 2 + 2  # with the others, then alone


@pytest.mark.slow
def test_work_that_kills_every_worker_is_given_up_soon(cluster: Compute, tmp_path: Path) -> None:
    (results,) = cluster.run([errands.order(tmp_path, [{"do": "kill"}] * 8)])
    assert {result.failed["code"] for result in results} == {"WorkerLost"}
    assert sum("not tried alone" in result.failed["what"] for result in results) == 8 - HOPELESS


@pytest.mark.slow
def test_poison_in_some_titles_costs_the_others_nothing(cluster: Compute, tmp_path: Path) -> None:
    """Workers die all the time for longer than the 15 s after which Dask gives up one that it misses."""

    def title(number: int) -> list[str]:
        deeds: list[dict[str, str]] = [{"do": "kill"} if number % 2 and index == 5 else {} for index in range(12)]
        batches = orders_by_cost(errands.order(tmp_path, deeds, cost=0.25), 1.0, 2)
        return [result.id for batch in cluster.run(batches) for result in batch if result.failed]

    with ThreadPoolExecutor(10) as titles:
        assert list(titles.map(title, range(10))) == [[], ["i5"]] * 5


def test_wishes_that_no_worker_grants_are_not_waited_for(cluster: Compute, tmp_path: Path) -> None:
    order = Order(errand, (Item("i0"),), ("k0",), {}, (), name_engine, str(tmp_path), resources={"GPU": 1})
    assert ids(cluster.run([order])[0]) == ["i0"]


def test_secrets_of_the_store_are_not_shown(tmp_path: Path) -> None:
    order = Order(errand, (), (), {}, (), name_engine, str(tmp_path), {"secret_key": SECRET})
    assert SECRET not in repr(order)


# ---------------------------------------------------------------- ends


_HOST = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
sys.path.insert(0, sys.argv[1])
import errands
from pathlib import Path
from nightdub.infra.compute import open_compute

if __name__ == "__main__":
    with open_compute("local", 2) as compute:
        for batch in compute.run(errands.order(Path(sys.argv[2]), [{}] * 2 ** 5).split()):
            print(batch[0].row["pid"])
        print("ready", flush=True)
        compute.run([errands.order(Path(sys.argv[2]), [{"do": "stay"}])])
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process of its own group that holds a cluster with a busy worker."""
    script = tmp_path / "host.py"
    script.write_text(_HOST)
    command = [sys.executable, str(script), str(Path(__file__).parent), str(tmp_path / "store")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, start_new_session=True, env=os.environ | {"TMPDIR": str(tmp_path)}) as process:
        yield process
        process.kill()


def _workers(stdout: IO[str] | None) -> list[int]:
    """Return pid descriptors of the workers that a host prints, once it is ready."""
    lines = iter(stdout or [])
    pids = {int(line) for line in iter(lambda: next(lines).strip(), "ready")}
    return [os.pidfd_open(pid) for pid in pids]


def _gone(descriptor: int) -> bool:
    """Wait up to 30 s for a process to end."""
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["interrupt", "group interrupt", "kill"])
def test_no_worker_outlives_its_host(host: subprocess.Popen[str], way: str) -> None:
    workers = _workers(host.stdout)
    assert workers
    if way == "group interrupt":  # what Ctrl-C in a terminal does
        os.killpg(host.pid, signal.SIGINT)
    else:
        host.send_signal(signal.SIGINT if way == "interrupt" else signal.SIGKILL)
    still_there = [worker for worker in workers if not _gone(worker)]
    assert not still_there
    _, errors = host.communicate(timeout=30)
    assert ("KeyboardInterrupt" in errors) == (way != "kill")
    assert "distributed" not in "".join(line for line in errors.splitlines() if not line.lstrip().startswith("File "))


def test_threads_need_no_dask() -> None:
    code = (
        "import sys\nfrom nightdub.infra.compute import open_compute\n"
        "with open_compute('threads', 1): pass\nprint({'dask', 'distributed'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"


# ---------------------------------------------------------------- a given scheduler


_SCHEDULER = """
import logging, sys
sys.path.insert(0, sys.argv[1])
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", resources={"GPU": 1},
        preload=["nightdub.infra.worker"], silence_logs=logging.CRITICAL + 1,
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a scheduler with one worker that declares a GPU; its first line is its address."""
    script = tmp_path / "scheduler.py"
    script.write_text(_SCHEDULER)
    command = [sys.executable, str(script), str(Path(__file__).parent)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes, env=os.environ | {"TMPDIR": str(tmp_path)}) as process:
        yield process
        process.kill()


def test_a_given_scheduler_fills_orders_until_it_is_lost(scheduler: subprocess.Popen[str], tmp_path: Path) -> None:
    assert scheduler.stdout
    address = scheduler.stdout.readline().strip()
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), open_compute(address) as compute:  # so long it may come back
        assert compute.workers == 1
        gpu = Order(errand, (Item("i0"),), ("k0",), {}, (), name_engine, str(tmp_path), resources={"GPU": 1})
        assert ids(compute.run([gpu])[0]) == ["i0"]
        lost = errands.order(tmp_path, [{"do": "stay"}] * 2).split()
        with ThreadPoolExecutor(1) as caller:
            run = caller.submit(compute.run, [errands.order(tmp_path, [{}]), *lost], lambda _: scheduler.kill())
            assert isinstance(run.exception(), ComputeUnavailable)
            assert run.exception().transient


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    impatient = dask.config.set({"distributed.comm.timeouts.connect": "0.2s"})
    with impatient, pytest.raises(ComputeUnavailable, match=r"127\.0\.0\.1:9"), open_compute("tcp://127.0.0.1:9"):
        pass


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="tcp://host:port"), open_compute("processes", 2):
        pass
