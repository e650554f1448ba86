"""What the declarations of the chain share: items of a whole title, items one by one, rows in and out of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from nightdub.infra.build import Inputs
from nightdub.infra.errors import NightdubError
from nightdub.infra.work import Bench, Done, Item, Result, Work
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import read_mono

Value = TypeVar("Value")


def whole(*names: str, cost: float = 1.0) -> Callable[[Inputs], list[Item]]:
    """Return a split that makes one item of a step, with the named inputs (those that are there) as its blobs."""

    def split(inputs: Inputs) -> list[Item]:
        return [Item("whole", blobs={name: inputs.digest(name) for name in names if inputs.has(name)}, cost=cost)]

    return split


class OneByOne:
    """A work function whose items are made one after the other, each in a scratch folder of its own; one that fails stops no other."""

    def __init__(self, make: Callable[[Item, Bench], Done]) -> None:
        self._make = make
        self.__name__ = self.__qualname__ = make.__name__  # what the pool calls its tasks

    def __call__(self, items: Sequence[Item], bench: Bench) -> list[Done]:
        """Make every item."""
        return [self._one(item, bench.nested(str(index)), alone=len(items) == 1) for index, item in enumerate(items)]

    def _one(self, item: Item, bench: Bench, *, alone: bool) -> Done:
        try:
            return self._make(item, bench)
        except NightdubError as error:
            if alone or error.transient:
                raise  # the caller keeps the whole error
            return Done(failed=str(error))


def one_by_one(make: Callable[[Item, Bench], Done]) -> Work:
    """Return the work function that calls `make` for each item."""
    return OneByOne(make)


def rows_of(bench: Bench, item: Item, name: str, kind: type[Value]) -> list[Value]:
    """Return a blob's JSON lines as rows; none where the item has no such blob."""
    if name not in item.blobs:
        return []
    return msgspec.json.Decoder(kind).decode_lines(bench.file(item.blobs[name]).read_bytes())


def param(source: Any, name: str, kind: type[Value]) -> Value:
    """Return a parameter as its type."""
    return msgspec.convert(source.params[name], kind, strict=False)


def param_of(item: Item, name: str, kind: type[Value]) -> Value:
    """Return a field of an item's payload as its type."""
    return msgspec.convert(item.payload[name], kind, strict=False)


def plain(row: object) -> Any:
    """Return a row as plain JSON values."""
    return msgspec.to_builtins(row)


def cause_of(result: Result) -> str:
    """Return in one line why an item failed; empty where it did not."""
    return str(result.failed.get("what", "")) if result.failed else ""


def made_rows(results: Iterable[Result], kind: type[Value]) -> list[Value | None]:
    """Return each result's row as its type, None where there is none."""
    return [msgspec.convert(result.row, kind, strict=False) if result.row and not result.failed else None for result in results]


def original_speech(item: Item, bench: Bench, start: Seconds, end: Seconds) -> Sound:
    """Return a stretch of the original's speech, 16 kHz."""
    return read_mono(bench.file(item.blobs["stems.speech"]), start, end)
