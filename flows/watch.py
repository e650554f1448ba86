"""Events of a running night, for whoever shows its progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a title-language (or to a title, where `language` is empty)."""

    kind: str  # "night" (n = title-languages to build), "step", "items" (n of them finished), "finished" (detail = its state)
    title: str = ""
    language: str = ""
    step: str = ""
    n: int = 0
    detail: str = ""


Watcher = Callable[[Event], None]

_watchers: list[Watcher] = []


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Send every event of this process to `watcher` until the block ends."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def tell(event: Event) -> None:
    """Send an event to everybody who watches."""
    for watcher in tuple(_watchers):
        watcher(event)
