"""Work that also tries what a worker must not do, in a file of its own so that worker processes can import it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nightdub.infra.build import Inputs, Step
from nightdub.infra.errors import StoreError
from nightdub.infra.work import Bench, Done, Item, Result


def shout_and_trespass(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Make a file from each item's, then say whose keys this process has and which trespasses its store refused."""
    return [_shout(item, bench) for item in items]


def _shout(item: Item, bench: Bench) -> Done:
    out = bench.new(f"{item.id}.txt")
    out.write_text(bench.file(item.blobs["line"]).read_text().upper())
    store = bench._store
    trespasses: dict[str, Callable[[], object]] = {
        "release": lambda: store.write_pointer("releases/film/es", b"{}", None),
        "draft": lambda: store.write_pointer("drafts/mine", b"[]", None),
        "delete": lambda: store.delete(item.blobs["line"]),
    }
    refused = sorted(name for name, trespass in trespasses.items() if _refused(trespass))
    return Done({"shout": out}, {"key": os.environ["AWS_ACCESS_KEY_ID"], "pid": os.getpid(), "refused": refused})


def _refused(trespass: Callable[[], object]) -> bool:
    try:
        trespass()
    except StoreError as error:
        return "AccessDenied" in str(error)
    return False


def load_nothing(_verb: str, _name: str, _settings: dict[str, Any]) -> None:
    """Stand in for a loader of engines: the work needs none."""
    raise AssertionError


LINES = ("one", "two", "three")


def split(inputs: Inputs) -> list[Item]:
    return [Item(f"s{index}", {}, {"line": inputs.digest(f"in.{name}")}) for index, name in enumerate(LINES)]


def join(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    path = folder / "list.txt"
    path.write_text("\n".join(result.files["shout"] for result in results))
    return {"list": path}


SHOUT = Step("shout", 1, "language", tuple(f"in.{name}" for name in LINES), split, shout_and_trespass, join)
