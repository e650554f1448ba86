"""What a compute pool is, and the plain one: threads of this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from nightdub.infra.code import replaced, unchanged
from nightdub.infra.errors import ComputeUnavailable, NightdubError, StepFailed
from nightdub.infra.work import Order, Result, fill

Outcome = list[Result] | NightdubError


class WorkersDiedError(Exception):
    """A pool's own signal: so many workers died under one order that the pool gave it up."""

    def __init__(self, attempts: int) -> None:
        super().__init__(attempts)
        self.attempts = attempts


class Pool(Protocol):
    """Fills orders beside one another; every method may be called from many threads."""

    workers: int  # orders filled at the same time

    @property
    def at_once(self) -> int:
        """Return how many orders one run may have out: what waits at a worker is blamed when that dies."""
        ...

    def start(self, order: Order, ended: Callable[[], None]) -> Any:
        """Send an order out and return its handle; `ended` is called from some thread when it ended. Raises: ComputeUnavailable."""
        ...

    def outcome(self, handle: Any) -> Outcome:
        """Return what became of an order that ended. Raises: WorkersDiedError, ComputeUnavailable, StepFailed."""
        ...

    def cancel(self, handles: list[Any]) -> None:
        """Forget orders; what already runs may run on, and its outcome is dropped."""
        ...

    def check(self) -> None:
        """Raise ComputeUnavailable where nothing will end any more."""
        ...


def attend(order: Order) -> Outcome:
    """Fill an order and hand an error back as a value: of a raised one, Dask would log the whole order."""
    try:
        return fill(order)
    except NightdubError as error:
        return error
    except Exception as error:
        if not unchanged():
            return replaced()
        return StepFailed(f"{type(error).__name__}: {error}", where=f"{len(order.items)} items from {order.items[0].id}")


def pool_closed() -> ComputeUnavailable:
    """Return the error of a run whose pool was closed under it."""
    return ComputeUnavailable("the compute pool is closed", fix="run again")


class _Threads:
    at_once = sys.maxsize

    def __init__(self, executor: ThreadPoolExecutor, workers: int) -> None:
        self._executor, self.workers = executor, workers

    def start(self, order: Order, ended: Callable[[], None]) -> Future[Outcome]:
        try:
            future = self._executor.submit(attend, order)
        except RuntimeError as error:
            raise pool_closed() from error
        future.add_done_callback(lambda _: ended())
        return future

    def outcome(self, handle: Future[Outcome]) -> Outcome:
        try:
            return handle.result()
        except CancelledError as error:
            raise pool_closed() from error

    def cancel(self, handles: list[Future[Outcome]]) -> None:
        for handle in handles:
            handle.cancel()

    def check(self) -> None:
        """Do nothing: an executor that shuts down ends every future."""


@contextmanager
def threads(workers: int) -> Iterator[Pool]:
    """Yield a pool of threads; at the end, what runs is waited for and what waits is dropped."""
    executor = ThreadPoolExecutor(workers, "nightdub-work")
    try:
        yield _Threads(executor, workers)
    finally:
        executor.shutdown(cancel_futures=True)
