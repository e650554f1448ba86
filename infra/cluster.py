"""Compute pools of Dask: worker processes on this machine, or a given scheduler. The only module that imports Dask; it takes 0.6 s."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, Security
from distributed.system import MEMORY_LIMIT

from nightdub.infra.errors import ComputeUnavailable, StepFailed
from nightdub.infra.pool import Outcome, Pool, WorkersDiedError, attend, pool_closed
from nightdub.infra.work import Order

JOIN_SECONDS = 60.0  # how long a given scheduler may be without workers
_PATIENCE = 5.0  # seconds
logging.getLogger("distributed").setLevel(logging.ERROR)  # its own handler is silenced below, but records also travel to the root's

_LOOPBACK = "127.0.0.1"
_SETTINGS = {
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
}


class _Dask:
    """Raw futures of one client. `declared` names the resources that workers have; an order's other wishes are not passed on."""

    def __init__(self, client: Client, workers: int, declared: frozenset[str] = frozenset()) -> None:
        self._client, self.workers, self._declared = client, workers, declared

    def start(self, order: Order, ended: Callable[[], None]) -> Any:
        self.check()
        key = f"{order.work.__name__}-{uuid.uuid4().hex}"
        resources = {name: amount for name, amount in order.resources.items() if name in self._declared}
        future = self._client.submit(attend, order, key=key, pure=False, resources=resources or None)
        future.add_done_callback(lambda _: ended())
        return future

    def outcome(self, handle: Any) -> Outcome:
        try:
            return self._gathered(handle)
        except KilledWorker as error:
            raise WorkersDiedError(error.allowed_failures + 1) from error
        except (CancelledError, OSError) as error:
            raise ComputeUnavailable(f"the scheduler is lost: {error}", fix="the job is tried again; see the scheduler's log") from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise StepFailed(what, where="a Dask worker", fix="run the same nightdub on every worker") from error

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


@contextmanager
def local_cluster(workers: int, attempts: int) -> Iterator[Pool]:
    """Yield a pool of single-thread processes that listen on loopback only and die with this process."""
    settings = {**_SETTINGS, "distributed.scheduler.allowed-failures": attempts - 1}  # N failures allow N + 1 attempts
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
    """Yield a pool of whatever workers a scheduler has. Raises: ComputeUnavailable."""
    try:
        client = Client(address, set_as_default=False)
    except OSError as error:
        raise ComputeUnavailable(f"no answer: {error}", where=address, fix="start it with `dask scheduler`") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError as error:
            raise ComputeUnavailable(
                f"no worker within {JOIN_SECONDS:.0f} s", where=address, fix="start some with `dask worker`"
            ) from error
        found = list(client.scheduler_info()["workers"].values())
        declared = frozenset(name for worker in found for name in worker["resources"])
        yield _Dask(client, sum(worker["nthreads"] for worker in found), declared)
