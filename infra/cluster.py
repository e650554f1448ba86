"""Compute pools of Dask: worker processes on this machine, or a given scheduler. The only module that imports Dask; it takes 0.6 s."""

from __future__ import annotations

import logging
import pickle
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, Security
from distributed.system import MEMORY_LIMIT

from nightdub.infra.errors import ComputeUnavailable, ConfigError, OtherCode
from nightdub.infra.pool import Outcome, Pool, WorkersDiedError, pool_closed
from nightdub.infra.work import Order
from nightdub.infra.worker import CARRY, MARK

JOIN_SECONDS = 60.0  # how long a given scheduler may be without workers
WORKER = "dask worker ADDRESS --preload nightdub.infra.worker"
_PATIENCE = 5.0  # seconds
_PULSE = 0.1  # seconds between two looks for the first worker
_LOOK = 2.0  # seconds between two looks at who is there
_AHEAD = 2  # orders of a run that are out for each thread of the workers
logging.getLogger("distributed").setLevel(logging.ERROR)  # its own handler is silenced below, but records also travel to the root's

_LOOPBACK = "127.0.0.1"
SETTINGS = {
    "distributed.scheduler.worker-saturation": 1.0,  # orders wait at the scheduler, not at a worker that may die
    "distributed.scheduler.worker-ttl": "30 minutes",  # native code that holds the GIL stops heartbeats; 5 minutes is Dask's default
    # A worker that is just being started again so long after it was lost, because it was killed once more, is given up for ever.
    "distributed.deploy.lost-worker-timeout": "365 days",  # 15 s is Dask's default
    "distributed.worker.profile.enabled": False,  # a sampler that stops the work a hundred times a second; nobody reads it
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Results are rows and engines stay loaded: a worker that paused for its memory would never go on. One that grows too large is killed.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # Dask has workers give every 64 kB back to the system at once, which comes to half of the processor time of work on arrays.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    # Every event loop woke up 50 times a second to find out how late it was: 3 of 100 processor seconds of two cores, with nothing to do.
    "distributed.admin.tick.interval": "500 ms",
    "distributed.admin.system-monitor.interval": "10 s",
    "distributed.worker.memory.monitor-interval": "500 ms",
}


class _Dask:
    """Raw futures of one client."""

    def __init__(self, client: Client, workers: int) -> None:
        self._client, self.workers = client, workers

    @property
    def at_once(self) -> int:
        return sys.maxsize  # they wait at the scheduler, as `SETTINGS` say

    def start(self, order: Order, ended: Callable[[], None]) -> Any:
        self.check()
        key = f"{order.work.__name__}-{uuid.uuid4().hex}"
        future = self._client.submit(CARRY, order.code, pickle.dumps(order), key=key, pure=False, resources=self._needs(order))
        future.add_done_callback(lambda _: ended())
        return future

    def outcome(self, handle: Any) -> Outcome:
        try:
            return self._gathered(handle)
        except KilledWorker as error:
            raise WorkersDiedError(error.allowed_failures + 1) from error
        except (CancelledError, OSError) as error:
            lost = ComputeUnavailable(f"the scheduler is lost: {error}", fix="the job is tried again; see the scheduler's log")
            if self._client.status == "connecting":  # it may come back: Dask tries for `distributed.comm.timeouts.connect`
                return lost
            raise lost from error
        except Exception as error:  # the order could not even be read there
            return OtherCode(f"{type(error).__name__}: {error}", where="a Dask worker", fix="run the same nightdub on every worker")

    def _gathered(self, handle: Any) -> Outcome:
        """Fetch a result, looking now and then whether the client still lives: Dask itself waits for ever for one that was closed."""
        while True:
            try:
                outcome: Outcome = handle.result(timeout=_PATIENCE)
            except TimeoutError:
                self.check()
            else:
                return outcome

    def cancel(self, handles: list[Any]) -> None:
        for handle in handles:
            handle.release()  # unlike `Client.cancel` this waits for nothing

    def check(self) -> None:
        if self._client.status in ("closing", "closed"):
            raise pool_closed()

    def _needs(self, _order: Order) -> dict[str, float] | None:
        """Return the resources that a worker must have; the workers of a local cluster declare none."""
        return None


class _Given(_Dask):
    """The workers of a given scheduler that run this process's code; they come and go, and others beside them serve other nights.

    An order that needs certain workers is sent to one at once, not queued at the scheduler: so only some of each run are out.
    """

    def __init__(self, client: Client, address: str) -> None:
        super().__init__(client, 0)
        self._address, self._others = address, 0
        self._declared: frozenset[str] = frozenset()
        self._looking = threading.Lock()
        self._next_look = 0.0
        self._last_seen = time.monotonic()  # when there was a worker of ours

    @property
    def at_once(self) -> int:
        return _AHEAD * max(1, self.workers)

    def check(self) -> None:
        super().check()
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self.look()
            finally:
                self._looking.release()
        if time.monotonic() > self._last_seen + JOIN_SECONDS:
            what = f"no worker with this code for {JOIN_SECONDS:.0f} s, and {self._others} with other or unknown code"
            raise ComputeUnavailable(what, where=self._address, fix=f"start some with `{WORKER}`")

    def look(self) -> int:
        """Count the threads that serve us, and return how many there are."""
        try:
            found = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=_PATIENCE)["workers"].values()
        except (TimeoutError, OSError):
            return 0  # a scheduler that stands still: `check` says when that was too long
        finally:
            self._next_look = time.monotonic() + _LOOK
        ours = [worker for worker in found if MARK in worker["resources"]]
        self._declared = frozenset(name for worker in ours for name in worker["resources"])
        self.workers, self._others = sum(worker["nthreads"] for worker in ours), len(found) - len(ours)
        if ours:
            self._last_seen = time.monotonic()
        return self.workers

    def _needs(self, order: Order) -> dict[str, float] | None:
        """Return the mark of our code, and those of the order's wishes that any worker grants."""
        return {MARK: 1} | {name: amount for name, amount in order.resources.items() if name in self._declared}


@contextmanager
def local_cluster(workers: int, attempts: int) -> Iterator[Pool]:
    """Yield a pool of single-thread processes that listen on loopback only and die with this process."""
    settings = {**SETTINGS, "distributed.scheduler.allowed-failures": attempts - 1}  # N failures allow N + 1 attempts
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=MEMORY_LIMIT // workers,
            host=_LOOPBACK,
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{_LOOPBACK}:0"},  # None alone would ask for port 8787
            protocol="tls://",
            security=Security.temporary(),  # a Dask scheduler runs whatever it is sent, and other users of this machine reach loopback too
            silence_logs=logging.CRITICAL + 1,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield _Dask(client, workers)


@contextmanager
def given_scheduler(address: str) -> Iterator[Pool]:
    """Yield a pool of whatever workers a scheduler has. Raises: ComputeUnavailable, ConfigError."""
    if address.startswith("tls://") and Security().get_connection_args("client")["ssl_context"] is None:
        fix = "name Dask's settings in DASK_CONFIG: docs/cluster.md"
        raise ConfigError("no certificate to show to the scheduler", where=address, fix=fix)
    try:
        client = Client(address, set_as_default=False)
    except OSError as error:
        raise ComputeUnavailable(f"no answer: {error}", where=address, fix="start it with `dask scheduler`") from error
    with client:
        pool = _Given(client, address)
        while not pool.look():
            time.sleep(_PULSE)
            pool.check()
        yield pool
