"""A Dask cluster of real processes: workers killed, stopped and grown too large, the scheduler killed, in the middle of small nights."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

import errands
import small
from catalogues import build_alone, slow
from checker import Reference, check, reference_of
from machines import HERE, Machines, Running, machines, until

from nightdub.flows.night import open_books
from nightdub.flows.report import NightReport
from nightdub.infra import cluster
from nightdub.infra.children import free_port
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import ComputeUnavailable, OtherCode

pytestmark = pytest.mark.slow

SEED = 20_261_121
LINES = 5  # in each title; each takes 50 ms
TITLES = 3
TTL = 2  # seconds after which the scheduler gives up a worker that says nothing
MEMORY = "500 MB"
QUICK = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{TTL}s", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
ERRANDS = {"PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent / "infra"), os.environ.get("PYTHONPATH", "")))}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("cluster")) as ours:
        yield ours


@pytest.fixture(scope="module")
def port(started: Machines) -> int:
    """Start a scheduler and two workers that are started again when they die, and give the scheduler's port."""
    port = free_port()
    started.scheduler(port, **{**QUICK, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2"})  # as a cluster has it
    for name in ("one", "two"):
        started.worker(name, port, "--memory-limit", MEMORY, **ERRANDS)
    with open_compute(f"tcp://127.0.0.1:{port}") as compute:
        until(lambda: compute.run([]) == [] and compute._pool.look() == 2, "two workers")  # type: ignore[attr-defined]
    return port


def catalogue(home: Path, last: str = "slow") -> Path:
    build_alone(home, TITLES, LINES)
    small.write_title(home, 1, lines=[*slow(1, LINES)[:-1], f"{last} the last of 1"])
    return home


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    home = catalogue(tmp_path_factory.mktemp("undisturbed"))
    small.run_small(home)
    return reference_of(small.settings_for(home))


def given(port: int) -> dict[str, Any]:
    return {"compute": f"tcp://127.0.0.1:{port}", "batch_seconds": 0.01, "lease_seconds": 5.0}


def workers(started: Machines) -> list[int]:
    """Return the processes that fill orders, not those that watch them."""
    return [pid for running in started.all if running.process.poll() is None for pid in running.children() if _fills(pid)]


def _fills(pid: int) -> bool:
    with suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


class Killer:
    """Kills and stops worker processes at moments that a seed decides, while a night runs."""

    def __init__(self, started: Machines, seed: int, deeds: list[str]) -> None:
        self._started, self._chance, self._deeds = started, random.Random(seed), deeds
        self.done: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for deed in self._deeds:
            if self._stop.wait(self._chance.uniform(0.2, 0.6)):
                return
            victim = self._chance.choice(sorted(workers(self._started)) or [0])
            if not victim:
                continue
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL if deed == "kill" else signal.SIGSTOP)
                self.done.append(deed)
            if deed == "stop":
                self._stop.wait(TTL + 2)
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGCONT)


def night(home: Path, port: int) -> NightReport:
    return small.run_small(home, **given(port))


def test_killed_and_stopped_workers_cost_nothing_but_time(
    started: Machines, port: int, undisturbed: Reference, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    home = catalogue(tmp_path / "home")
    with Killer(started, SEED, ["kill", "kill", "stop", "kill"]) as killer:
        for _ in range(4):
            report = night(home, port)
            if not report.failed:
                break
    record_property("kills", [f"workers-{SEED}", killer.done, 0])
    assert len(killer.done) > 1
    assert not report.failed
    assert check(small.settings_for(home), undisturbed) == []


def test_a_line_that_kills_its_worker_is_set_aside_while_the_night_finishes(port: int, undisturbed: Reference, tmp_path: Path) -> None:
    home = catalogue(tmp_path / "home", last="die")
    report = night(home, port)
    assert report.balanced
    with open_books(small.settings_for(home)) as books:
        states = {f"{title}/{language}": row.state for (title, language), row in books.ledger.title_languages().items()}
        packages = {f"{title}/{language}": row.package for (title, language), row in books.ledger.title_languages().items()}
    assert states == {**undisturbed.states, "t1/es": "held"}
    assert {place: packages[place] for place in packages if place != "t1/es"} == {
        place: package for place, package in undisturbed.packages.items() if place != "t1/es"
    }


def test_an_item_that_takes_all_memory_is_set_aside(port: int, tmp_path: Path) -> None:
    """The watcher of a worker kills it when it outgrows its limit, as the kernel would."""
    with open_compute(f"tcp://127.0.0.1:{port}", attempts=2) as compute:
        (results,) = compute.run([errands.order(tmp_path / "store", [{}, {"do": "grow"}, {}])])
    assert [result.failed.get("code") for result in results] == [None, "WorkerLost", None]


def test_orders_for_which_no_worker_is_left_are_not_waited_for(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the last worker of an old night's code has gone."""
    monkeypatch.setattr(cluster, "MARK", "nightdub-of-another-day")
    monkeypatch.setattr(cluster, "JOIN_SECONDS", 0.5)
    with pytest.raises(ComputeUnavailable, match=r"and [12] with other or unknown code"), open_compute(f"tcp://127.0.0.1:{port}"):
        pass


def test_a_worker_refuses_an_order_of_other_code(port: int, tmp_path: Path) -> None:
    from dataclasses import replace

    order = replace(errands.order(tmp_path / "store", [{}]), code="0" * 64)
    with open_compute(f"tcp://127.0.0.1:{port}", attempts=2) as compute, pytest.raises(OtherCode, match="the night 000000000000"):
        compute.run([order])


def test_a_killed_scheduler_ends_the_night_unless_it_comes_back(
    started: Machines, undisturbed: Reference, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Its workers go with it; a service manager starts them all again on the same address."""
    home, port = catalogue(tmp_path / "home"), free_port()
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        first = disturbed(started, home, port, come_back=False)
    assert first.balanced
    assert first.failed
    assert {reason.rpartition(" ")[2] for row in first.results if row.state == "failed" for reason in row.reasons} == {"[transient]"}
    assert not disturbed(started, home, port, come_back=True).failed
    record_property("kills", ["scheduler", ["kill", "kill"], 0])
    assert check(small.settings_for(home), undisturbed) == []


def disturbed(started: Machines, home: Path, port: int, *, come_back: bool) -> NightReport:
    """Run a night whose scheduler is killed after its first lines, and perhaps started again."""
    objects = lambda: len(list((home / "store/objects").glob("*/*/*")))  # noqa: E731
    before = objects()
    scheduler: Running = started.scheduler(port, **QUICK)
    started.worker("three", port, "--no-nanny", **ERRANDS)
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(night, home, port)
        until(lambda: objects() > before + 6 or report.done(), "some lines")
        scheduler.end()
        if come_back:
            started.scheduler(port, **QUICK)
            started.worker("four", port, "--no-nanny", **ERRANDS)
        return report.result()
