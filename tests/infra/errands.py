"""Work that misbehaves on request, in a file of its own so that worker processes can import it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightdub.infra.errors import EngineCrashed, StoreError, StoreUnavailable
from nightdub.infra.work import Bench, Done, EngineLink, Item, Order

started = threading.Event()
released = threading.Event()


def errand(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Do what each item's payload says: `do` names a deed, done the first `times` times (counted in the file `mark`)."""
    return [_deed(item, bench) for item in items]


def _deed(item: Item, bench: Bench) -> Done:
    deed = item.payload.get("do", "")
    if deed and _times(item.payload.get("mark")) <= item.payload.get("times", 10**6):
        _DEEDS[deed](bench)
    return Done(row={"pid": os.getpid(), "engine": bench.engine})


def _times(mark: str | None) -> int:
    if mark is None:
        return 0
    with Path(mark).open("ab") as stream:
        stream.write(b".")
        return stream.tell()


def _kill(_: Bench) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _crash(_: Bench) -> None:
    raise EngineCrashed("the engine died")


def _crash_first(bench: Bench) -> None:
    if bench.engine == "first":
        raise EngineCrashed("the engine died")


def _away(_: Bench) -> None:
    raise StoreUnavailable("no answer")


def _full(_: Bench) -> None:
    raise StoreError("full")


def _hold(_: Bench) -> None:
    started.set()
    released.wait(30)


def _stay(_: Bench) -> None:
    threading.Event().wait(300)


def _grow(_: Bench) -> None:
    kept = []
    while True:
        kept.append(os.urandom(1 << 20) * 16)  # really there: nothing of it can be shared
        threading.Event().wait(0.01)


_DEEDS = {
    "kill": _kill,
    "crash": _crash,
    "crash first": _crash_first,
    "away": _away,
    "full": _full,
    "hold": _hold,
    "stay": _stay,
    "grow": _grow,
}


def name_engine(verb: str, name: str, settings: dict[str, Any]) -> str:
    """Load the simplest of engines: its own name."""
    return name


def order(store: Path, deeds: Sequence[dict[str, Any]], chain: Sequence[str] = (), cost: float = 1.0) -> Order:
    """Return an order with one item for each deed."""
    items = tuple(Item(f"i{index}", dict(deed), cost=cost) for index, deed in enumerate(deeds))
    links = tuple(EngineLink("speak", name) for name in chain)
    return Order(errand, items, tuple(f"k{index}" for index in range(len(items))), {}, links, name_engine, str(store))
