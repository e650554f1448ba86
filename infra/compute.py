"""Where orders are filled: threads, a local cluster or a given Dask scheduler, behind one `run`.

Worker processes may be killed at any moment: their orders are tried again, and an item that keeps killing its worker is set aside while
the rest goes on.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any

from nightdub.infra.errors import ConfigError, EngineCrashed, NightdubError, WorkerLost, error_row
from nightdub.infra.logs import warn
from nightdub.infra.pool import Pool, WorkersDiedError, threads
from nightdub.infra.work import Order, Result

SHORTEST_BATCH = 0.02  # seconds: a Dask task costs 0.8 ms (measured, distributed 2026.8), a twentieth of 16 ms
HOPELESS = 3  # items that killed their workers one after the other, after which the rest of the suspects is not tried
_PULSE = 1.0  # seconds between two looks at whether the pool still lives
_PAUSE = 0.2  # seconds before the second attempt; doubled for each one after it

OnResult = Callable[[list[Result]], None]


def orders_by_cost(order: Order, seconds: float, workers: int) -> list[Order]:
    """Cut an order into batches of neighbouring items of about equal cost, at most about `seconds` unless one item is more.

    There are as many batches for one worker as for the next, so that all end together; no batch is made shorter than
    `SHORTEST_BATCH` for that. Items keep their order, and every batch has at least one.
    """
    costs = [max(item.cost, 1e-6) for item in order.items]
    total = sum(costs)
    rounds = max(1, -int(-total // (seconds * workers)))
    share = max(total / (rounds * workers), min(SHORTEST_BATCH, seconds))
    batches: dict[int, list[int]] = {}
    before = 0.0
    for index, cost in enumerate(costs):
        batches.setdefault(int((before + cost / 2) / share), []).append(index)
        before += cost
    return [order.part(batch[0], batch[-1] + 1) for batch in batches.values()]


@contextmanager
def open_compute(kind: str, workers: int = 0, *, attempts: int = 3) -> Iterator[Compute]:
    """Start a compute pool and yield it; whatever it started is gone when the block ends, however it ends.

    Args:
        kind: "threads" (this process; a crash of native code ends it), "local" (single-thread worker processes on loopback), or the
            address of a scheduler, "tcp://host:port" or "tls://host:port", with the certificates of Dask's own configuration.
        workers: Threads or processes; 0 = one for each core. A given scheduler has its own.
        attempts: How often an order or item is tried before it is given up. A given scheduler counts killed workers by its own setting.

    Raises:
        ConfigError: unknown kind.
        ComputeUnavailable: the scheduler does not answer, or no worker joined it within 60 s.
    """
    with _opener(kind, workers or len(os.sched_getaffinity(0)), attempts) as pool:
        yield Compute(pool, attempts)


def _opener(kind: str, workers: int, attempts: int) -> AbstractContextManager[Pool]:
    if kind == "threads":
        return threads(workers)
    if kind != "local" and not kind.startswith(("tcp://", "tls://")):
        raise ConfigError(
            f"compute {kind!r}", allowed="threads, local, tcp://host:port, tls://host:port", fix="correct the setting `compute`"
        )
    from nightdub.infra import cluster  # Dask takes 0.6 s to import

    return cluster.local_cluster(workers, attempts) if kind == "local" else cluster.given_scheduler(kind)


class Compute:
    """A pool that fills orders; `run` may be called from many threads at once."""

    def __init__(self, pool: Pool, attempts: int) -> None:
        self._pool, self._attempts = pool, attempts
        self._alone = threading.Lock()

    @property
    def workers(self) -> int:
        """Return how many orders are filled at the same time."""
        return self._pool.workers

    def run(self, orders: Sequence[Order], on_result: OnResult | None = None) -> list[list[Result]]:
        """Fill orders and return the results of each, in order.

        `on_result` is called in this thread as each order finishes. An item whose worker dies again when the item is alone, or whose
        engine process dies in every attempt with the last engine of its chain, comes back as failed; it stops nothing.

        Raises:
            NightdubError: a transient error of store or ledger after the last attempt, or a terminal one outside any item.
            ComputeUnavailable: the pool went away.
        """
        return _Run(self._pool, self._attempts, self._alone, orders, on_result or (lambda _: None)).finish()


# ---------------------------------------------------------------- one run


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    """A part of an order that is out, waiting or suspected: its items, from the order's item number `first` on."""

    index: int
    first: int
    order: Order
    attempt: int = 1
    alone: bool = False  # nothing else of this run is out beside it

    def split(self) -> list[_Ticket]:
        return [_Ticket(self.index, self.first + offset, single) for offset, single in enumerate(self.order.split())]


class _Run:
    """One call of `Compute.run`: which tickets are out, which wait for another attempt, which may have killed a worker."""

    def __init__(self, pool: Pool, attempts: int, alone: threading.Lock, orders: Sequence[Order], on_result: OnResult) -> None:
        self._pool, self._attempts, self._alone, self._orders, self._on_result = pool, attempts, alone, orders, on_result
        self._results: list[dict[int, Result]] = [{} for _ in orders]
        self._todo = deque(_Ticket(index, 0, order) for index, order in enumerate(orders))
        self._out: dict[_Ticket, Any] = {}
        self._ended: SimpleQueue[_Ticket] = SimpleQueue()
        self._waiting: list[tuple[float, int, _Ticket]] = []  # heap by due time, then turn
        self._turn = itertools.count()
        self._suspects: list[_Ticket] = []
        self._convicted = 0  # suspects in a row

    def finish(self) -> list[list[Result]]:
        try:
            self._drain()
            self._try_suspects()
        except BaseException:
            self._pool.cancel(list(self._out.values()))
            raise
        return [[results[position] for position in range(len(results))] for results in self._results]

    def _start(self, ticket: _Ticket) -> None:
        self._out[ticket] = self._pool.start(ticket.order, lambda: self._ended.put(ticket))

    def _drain(self) -> None:
        while self._todo or self._out or self._waiting:
            while self._todo and len(self._out) < self._pool.at_once:
                self._start(self._todo.popleft())
            self._settle(self._next())

    def _next(self) -> _Ticket:
        """Wait for a ticket to end, starting those whose pause is over meanwhile."""
        while True:
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                self._start(heapq.heappop(self._waiting)[2])
            pause = self._waiting[0][0] - time.monotonic() if self._waiting else _PULSE
            try:
                return self._ended.get(timeout=min(max(pause, 0.0), _PULSE))
            except Empty:
                self._pool.check()

    def _settle(self, ticket: _Ticket) -> None:
        try:
            outcome = self._pool.outcome(self._out.pop(ticket))
        except WorkersDiedError as died:
            warn("worker died", attempts=died.attempts, items=len(ticket.order.items), first=ticket.order.items[0].id)
            self._suspect(ticket, died)
            return
        if isinstance(outcome, list):
            self._convicted = 0
            self._keep(ticket, outcome)
        elif isinstance(outcome, EngineCrashed) and (len(ticket.order.items) > 1 or ticket.attempt >= self._attempts):
            self._crashed(ticket, outcome)
        elif outcome.transient and ticket.attempt < self._attempts:
            warn("order tried again", attempt=ticket.attempt + 1, first=ticket.order.items[0].id, what=str(outcome))
            due = time.monotonic() + _PAUSE * 2 ** (ticket.attempt - 1)
            heapq.heappush(self._waiting, (due, next(self._turn), replace(ticket, attempt=ticket.attempt + 1)))
        else:
            raise outcome

    def _crashed(self, ticket: _Ticket, error: EngineCrashed) -> None:
        """Find the item that crashes its engine; then give that to the next engine of the chain, or up."""
        chain = ticket.order.chain
        if len(ticket.order.items) > 1:
            for single in ticket.split():
                self._start(single)
        elif len(chain) > 1:
            self._start(replace(ticket, order=replace(ticket.order, chain=chain[1:]), attempt=1))
        else:
            self._give_up(ticket, error, chain[0].name if chain else "")

    def _suspect(self, ticket: _Ticket, died: WorkersDiedError) -> None:
        """Suspect every item of a ticket that lost its workers, and convict one that was alone."""
        if not ticket.alone:
            self._suspects.extend(ticket.split())
            return
        self._convicted += 1
        self._give_up(ticket, _worker_lost(ticket, f"{died.attempts} worker processes died in {died.attempts} attempts at this item alone"))

    def _try_suspects(self) -> None:
        """Try the suspected items one after the other, those of other runs included.

        Dask blames everything that waits at a worker when it dies, not only what ran there, so only an item alone can be convicted.
        """
        for suspect in self._suspects:
            if self._convicted >= HOPELESS:
                self._give_up(suspect, _worker_lost(suspect, f"not tried alone: each of the {HOPELESS} items before it killed its workers"))
                continue
            with self._alone:
                self._start(replace(suspect, alone=True))
                self._drain()

    def _give_up(self, ticket: _Ticket, error: NightdubError, engine: str = "") -> None:
        warn("item given up", item=ticket.order.items[0].id, engine=engine, code=error.code, what=str(error))
        self._keep(ticket, [Result(ticket.order.items[0].id, ticket.order.keys[0], failed=error_row(error), engine=engine)])

    def _keep(self, ticket: _Ticket, results: list[Result]) -> None:
        kept = self._results[ticket.index]
        kept.update(enumerate(results, ticket.first))
        if len(kept) == len(self._orders[ticket.index].items):
            self._on_result([kept[position] for position in range(len(kept))])


def _worker_lost(ticket: _Ticket, what: str) -> WorkerLost:
    return WorkerLost(what, where=f"item {ticket.order.items[0].id}", fix="look for a crash or lack of memory in the system log")
