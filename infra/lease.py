"""What keeps a job in hand while it is made: its lease, what it costs, and a draft of what is done already."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import msgspec

from nightdub.infra.errors import LeaseLost, NightdubError, PointerConflict, StoreError
from nightdub.infra.ledger import Cost, Ledger
from nightdub.infra.logs import note, warn
from nightdub.infra.store import Pointer, Store
from nightdub.infra.work import Result

ALWAYS = 2000  # results up to which a draft is written with every batch


class Lease:
    """Keeps a job's lease alive from a thread, and sums what the job costs."""

    def __init__(self, ledger: Ledger, key: str, owner: str, fence: int, seconds: float) -> None:
        self.ledger, self.key, self.owner, self.fence, self.seconds = ledger, key, owner, fence, seconds
        self.reused = 0
        self._started = time.perf_counter()
        self._cpu = self._engine = 0.0
        self._made = 0
        self._lost: LeaseLost | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._beat,), name=f"lease-{key[:8]}", daemon=True)

    def __enter__(self) -> Lease:
        note("job claimed", key=self.key, fence=self.fence)
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._stop.set()
        self._thread.join()
        self._report(error)

    def _report(self, error: BaseException | None) -> None:
        cost = self.cost
        facts: dict[str, Any] = {"key": self.key, "fence": self.fence}
        if error is None:
            facts |= {"made": cost.built, "reused": cost.reused, "seconds": round(cost.wall, 3), "engine_seconds": round(cost.engine, 3)}
            note("job made", **facts)
        elif isinstance(error, LeaseLost):
            warn("job lost", **facts, what=error.what)
        else:
            code, transient = (error.code, error.transient) if isinstance(error, NightdubError) else (type(error).__name__, False)
            warn("job failed", **facts, code=getattr(error, "cause", "") or code, transient=transient, what=str(error))

    def _beat(self) -> None:
        while not self._stop.wait(self.seconds / 3):
            try:
                self.ledger.extend(self.key, self.owner, self.fence, self.seconds)
            except LeaseLost as error:
                warn("lease lost", key=self.key, fence=self.fence)
                self._lost = error
                return
            except NightdubError as error:
                warn("lease not renewed", key=self.key, fence=self.fence, what=str(error))
                continue  # the ledger is away for a moment; the lease itself says when that was too long

    def check(self) -> None:
        """Raise LeaseLost if another builder took over in the meantime."""
        if self._lost:
            raise self._lost

    def spend(self, results: Sequence[Result]) -> None:
        """Add what some items cost."""
        self._made += len(results)
        self._cpu += sum(result.cpu for result in results)
        self._engine += sum(result.wall for result in results)

    @property
    def cost(self) -> Cost:
        """Return what the job has cost until now."""
        return Cost(time.perf_counter() - self._started, self._cpu, self._engine, self._made, self.reused)


class Draft:
    """Results of a job that is not finished yet, so that a killed flow loses only the batches in flight.

    It is written anew as a whole. Beyond `ALWAYS` results that is done each time a sixteenth has come to them, which a killed flow may
    then lose as well: with every batch, a job of 100,000 items would write 20 GB of drafts.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        self._results: list[Result] = []
        self._version: str | None = None
        self._lock = threading.Lock()
        self._due = 0  # results with which it is written next

    def read(self) -> dict[str, Result]:
        """Return what an earlier, unfinished builder left, as far as the store has it; the rest is made again, and written over."""
        if pointer := self.store.read_pointer(self.name):
            self._version = pointer.version
            self._results = [result for result in listed_in(pointer) if self._stands(result)]
        return {result.key: result for result in self._results}

    def _stands(self, result: Result) -> bool:
        try:
            return all(self.store.exists(digest) for digest in result.files.values())
        except StoreError as error:  # a name that is no digest
            if error.transient:
                raise
            return False

    def add(self, results: Sequence[Result]) -> None:
        """Keep some more good results; a rival builder's draft is left alone."""
        with self._lock:
            self._results += [timeless(result) for result in results if not result.failed]
            if len(self._results) < self._due:
                return
            self._due = len(self._results) * 17 // 16 if len(self._results) > ALWAYS else 0
            try:
                self._version = self.store.write_pointer(self.name, msgspec.json.encode(self._results), self._version).version
            except PointerConflict:
                return


def listed_in(pointer: Pointer) -> list[Result]:
    """Return the results that a draft lists; none where it is no draft that we wrote."""
    try:
        return msgspec.json.decode(pointer.value, type=list[Result])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return []


def timeless(result: Result) -> Result:
    """Return the result without what differs between two runs."""
    return replace(result, wall=0.0, cpu=0.0, reused=False)
