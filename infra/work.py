"""The unit of parallel work: items go to a worker in orders, and one result per item comes back, in order.

Plain values only: everything here travels between processes. References travel, bytes do not: a worker reads inputs from the store
and writes outputs to it.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nightdub.infra.code import CODE, check_code, check_files, replaced, unchanged
from nightdub.infra.errors import MachineLacks, NightdubError, StoreError, error_row
from nightdub.infra.logs import LogContext, hide, note, resumed, warn
from nightdub.infra.scratch import Scratch, sweep_once
from nightdub.infra.store import Store, open_store

FALLBACKS = 2  # engines that are asked for an item after the first one failed at it


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be made: a line, a shot, or a whole title where a step does not split.

    `payload` holds plain JSON values, `blobs` names -> digests of stored inputs; both are part of the item's key, `id` is not, so
    that a line that only moved to another index is not made again. `cost` is the expected work in seconds, for batching. `places` holds
    names -> paths of files that are read where they lie, each with its digest among the blobs; where they lie is no part of the key.
    """

    id: str
    payload: dict[str, Any] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    cost: float = 1.0
    places: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What a work function returns for one item: files in the bench's scratch folder, a small row, or why there is nothing."""

    files: dict[str, Path] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""  # reason code: excused
    failed: str = ""  # cause


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a segment manifest: what became of one item."""

    id: str
    key: str
    files: dict[str, str] = field(default_factory=dict)  # name -> digest
    sizes: dict[str, int] = field(default_factory=dict)  # name -> bytes
    row: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""
    failed: dict[str, Any] = field(default_factory=dict)  # as `error_row` gives it
    engine: str = ""  # the link of the chain that made it
    wall: float = 0.0  # seconds inside the work function, shared out over a batch
    cpu: float = 0.0  # seconds of this process and its children
    reused: bool = False
    tried: tuple[str, ...] = ()  # links that were asked before it, each with what was wrong: "name: cause"


@dataclass(frozen=True, slots=True)
class EngineLink:
    """One engine of a fallback chain, as a worker loads it."""

    verb: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """A work function's surroundings: a scratch folder, its inputs as local files, its parameters, its engine."""

    scratch: Path
    params: Mapping[str, Any]
    engine: Any
    _store: Store
    engine_name: str = ""

    def file(self, digest: str) -> Path:
        """Return a local, read-only file with the bytes of `digest`."""
        return self._store.fetch(digest)

    def new(self, name: str) -> Path:
        """Return a path in the scratch folder for an output."""
        return self.scratch / name

    def nested(self, name: str) -> Bench:
        """Return the same bench with a scratch folder of its own, for one item of several."""
        scratch = self.scratch / name
        scratch.mkdir()
        return replace(self, scratch=scratch)


Work = Callable[[Sequence[Item], Bench], list[Done]]


@dataclass(frozen=True, slots=True)
class Order:
    """What travels to a worker: importable functions, items with their keys, and where the store is."""

    work: Work
    items: tuple[Item, ...]
    keys: tuple[str, ...]
    params: dict[str, Any]
    chain: tuple[EngineLink, ...]  # empty = the step needs no engine
    loader: Callable[[str, str, dict[str, Any]], Any]
    store_url: str
    store_options: dict[str, Any] = field(default_factory=dict, repr=False)  # may hold credentials
    resources: dict[str, float] = field(default_factory=dict)  # what a worker must have free, such as {"GPU": 1}
    code: str = CODE  # digest of the code that the sender runs
    context: LogContext = field(default_factory=LogContext)  # for the worker's log

    @property
    def cost(self) -> float:
        """Return the expected seconds of all items."""
        return sum(item.cost for item in self.items)

    def split(self) -> list[Order]:
        """Return one order for each item, to find the one that kills its worker."""
        return [self.part(index, index + 1) for index in range(len(self.items))]

    def part(self, first: int, end: int) -> Order:
        """Return the order for the items from number `first` up to, not including, `end`."""
        return replace(self, items=self.items[first:end], keys=self.keys[first:end])


def fill(order: Order) -> list[Result]:
    """Do an order on this worker: every item gets the first engine of the chain that serves it.

    An item is asked of `FALLBACKS` further engines at most; one that this machine lacks was not asked.

    Raises: OtherCode where this process runs, or came to run, other code than the sender.
    """
    check_code(order.code)
    check_files()
    sweep_once()
    hide(*(str(order.store_options.get(name, "")) for name in ("access_key", "secret_key")))
    with resumed(order.context):
        results = _filled(order)
        for result in results:
            _report(result)
    return results


def _filled(order: Order) -> list[Result]:
    store = open_store(order.store_url, **order.store_options)
    results: dict[int, Result] = {}
    asked = Counter[int]()
    for link in order.chain or (None,):
        waiting = [index for index in range(len(order.items)) if _is_waiting(results.get(index), asked[index])]
        if not waiting:
            break
        for index, result in zip(waiting, _with_engine(order, link, waiting, store), strict=True):
            asked[index] += result.failed.get("code") != MachineLacks.__name__
            results[index] = _after(results.get(index), result)
    check_files()
    return [results[index] for index in range(len(order.items))]


def _report(result: Result) -> None:
    """Log an item that nothing could make, or that the first engine could not."""
    if result.failed:
        warn("item failed", item=result.id, code=result.failed.get("code", ""), what=result.failed.get("what", ""), tried=result.tried)
    elif result.tried:
        note("fallback engine used", item=result.id, engine=result.engine, tried=result.tried)


def _is_waiting(result: Result | None, asked: int) -> bool:
    return result is None or (bool(result.failed) and asked <= FALLBACKS)


def _after(earlier: Result | None, result: Result) -> Result:
    """Return a result with what the links before it took, and why they were not enough."""
    if earlier is None:
        return result
    tried = (*earlier.tried, f"{earlier.engine}: {earlier.failed.get('what', '')}")
    return replace(result, tried=tried, wall=result.wall + earlier.wall, cpu=result.cpu + earlier.cpu)


def _with_engine(order: Order, link: EngineLink | None, indices: list[int], store: Store) -> list[Result]:
    """Try a batch with one engine; where the batch as a whole fails, try its items one by one."""
    try:
        engine = order.loader(link.verb, link.name, link.settings) if link else None
        return _attempt(order, link, engine, indices, store)
    except Exception as error:
        if isinstance(error, StoreError) or (isinstance(error, NightdubError) and error.transient):
            raise  # no engine and no item is to blame
        if not unchanged():
            raise replaced() from error  # the cause may be that: two halves of two versions
        if len(indices) == 1:
            failed = error_row(error)
            return [Result(order.items[indices[0]].id, order.keys[indices[0]], failed=failed, engine=link.name if link else "")]
        return [result for index in indices for result in _with_engine(order, link, [index], store)]


def _attempt(order: Order, link: EngineLink | None, engine: Any, indices: list[int], store: Store) -> list[Result]:
    items = [order.items[index] for index in indices]
    with Scratch() as scratch:
        name = link.name if link else ""
        started, cpu = time.perf_counter(), _cpu_seconds()
        made = order.work(items, Bench(Path(scratch), order.params, engine, store, name))
        if len(made) != len(items):
            raise NightdubError(
                f"{len(made)} results for {len(items)} items", where=order.work.__qualname__, fix="report this: a work function is wrong"
            )
        wall, cpu = (time.perf_counter() - started) / len(items), (_cpu_seconds() - cpu) / len(items)
        return [
            _keep(done, item, order.keys[index], name, wall, cpu, store) for done, item, index in zip(made, items, indices, strict=True)
        ]


def _keep(done: Done, item: Item, key: str, engine: str, wall: float, cpu: float, store: Store) -> Result:
    sizes = {name: path.stat().st_size for name, path in done.files.items()}
    files = {name: store.put_file(path) for name, path in done.files.items()}
    failed = {"code": "EngineError", "what": done.failed, "transient": False} if done.failed else {}
    return Result(item.id, key, files, sizes, done.row, done.skipped, failed, engine, wall=wall, cpu=cpu)


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
