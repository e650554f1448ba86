"""What somebody with access to the store can change: bytes never unnoticed, pointers never so that a night stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightdub.flows.night import Books, open_books
from nightdub.flows.pointer import released_package
from nightdub.flows.release import move_pointer
from nightdub.flows.upkeep import tidy
from nightdub.infra.build import Ask, Builder, Inputs, Step, read_manifest
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import DigestMismatch, StoreError
from nightdub.infra.lease import Draft
from nightdub.infra.settings import load_settings
from nightdub.infra.store import LocalStore, Store
from nightdub.infra.work import Bench, Done, EngineLink, Item, Result

LINES = ("one", "two", "three")
FORGED = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'[{"id": 1}]',
    b'[{"id": "s0", "key": "k", "files": {"sound": "../../etc/passwd"}}]',
    b"\xff\xfe not JSON",
    b'{"package": "../../etc/passwd", "title": "film", "language": "es", "synthetic": true}',
    b'{"package": ["a"], "title": "film", "language": "es", "synthetic": true}',
    b'{"package": "' + b"0" * 64 + b'", "title": "other", "language": "es", "synthetic": true}',
]


def split(_inputs: Inputs) -> list[Item]:
    return [Item(f"s{index}", {"text": line}) for index, line in enumerate(LINES)]


def work(items: Sequence[Item], bench: Bench) -> list[Done]:
    made = []
    for item in items:
        path = bench.new(f"{item.id}.txt")
        path.write_text(item.payload["text"].upper())
        made.append(Done({"sound": path}))
    return made


def join(inputs: Any, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    path = folder / "all.txt"
    path.write_text(" ".join(inputs.store.get_bytes(row.files["sound"]).decode() for row in results))
    return {"list": path}


def load(_verb: str, _name: str, _settings: dict[str, Any]) -> None:
    return None


SHOUT = Step("shout", 1, "language", (), split, work, join, "speak")
WANTED = Ask(SHOUT, "film", "es", {}, {}, (EngineLink("speak", "none"),), ({"name": "none"},))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with open_books(load_settings(home=tmp_path / "home", compute="threads")) as opened:
        yield opened


@pytest.fixture
def builder(books: Books) -> Iterator[Builder]:
    with open_compute("threads", 1) as compute:
        yield Builder(books.store, books.ledger, compute, load, {}, books.ledger.start_run("test", {}), workers=1)


def alter(store: Store, digest: str, data: bytes) -> None:
    """Change an object's bytes behind the store's back."""
    assert isinstance(store, LocalStore)
    path = store.root / "objects" / digest[:2] / digest[2:4] / digest
    path.chmod(0o644)
    path.write_bytes(data)


def forge(store: Store, name: str, value: bytes) -> None:
    """Move a pointer as anybody may who can write to the store."""
    standing = store.read_pointer(name)
    store.write_pointer(name, value, standing.version if standing else None)


READERS: dict[str, Callable[[Store, str], object]] = {
    "bytes": lambda store, digest: store.get_bytes(digest),
    "file": lambda store, digest: store.fetch(digest),
    "manifest": read_manifest,
}


@pytest.mark.parametrize("reader", READERS)
def test_altered_bytes_are_refused_whatever_they_are(reader: str, books: Books, builder: Builder) -> None:
    built = builder.build(WANTED)
    for digest in (built.manifest, *built.outputs.values(), *(item.files["sound"] for item in built.items)):
        good = books.store.get_bytes(digest)
        for bad in (good + b" ", good[:-1], b"", good.swapcase()):
            alter(books.store, digest, bad)
            with pytest.raises(DigestMismatch):
                READERS[reader](books.store, digest)


@pytest.mark.parametrize("what", ["manifest", "line", "output"])
def test_an_altered_result_is_made_again_and_never_used(what: str, books: Books, builder: Builder) -> None:
    built = builder.build(WANTED)
    digest = {"manifest": built.manifest, "line": built.items[1].files["sound"], "output": built.outputs["list"]}[what]
    alter(books.store, digest, b"EVIL")
    again = builder.build(WANTED, retry=True)
    assert again.outputs == built.outputs
    assert books.store.get_bytes(again.outputs["list"]) == b"ONE TWO THREE"


@pytest.mark.parametrize("value", FORGED, ids=range(len(FORGED)))
def test_a_forged_draft_that_makes_no_sense_is_written_over(value: bytes, books: Books, builder: Builder) -> None:
    forge(books.store, f"drafts/{WANTED.key}", value)
    assert books.store.get_bytes(builder.build(WANTED).outputs["list"]) == b"ONE TWO THREE"
    assert books.store.read_pointer(f"drafts/{WANTED.key}") is None


def test_a_draft_of_objects_that_are_not_there_is_made_again(books: Books, builder: Builder) -> None:
    key = WANTED.item_key(split(None)[1])  # type: ignore[arg-type]
    forge(books.store, f"drafts/{WANTED.key}", msgspec.json.encode([Result("s1", key, {"sound": "0" * 64})]))
    assert books.store.get_bytes(builder.build(WANTED).outputs["list"]) == b"ONE TWO THREE"


def test_what_a_forged_draft_can_do_is_what_the_threat_model_says(books: Books, builder: Builder) -> None:
    """Who may write `drafts/` can put other bytes of the store into a dub that is being made: residual risk 1 of docs/security.md."""
    key, evil = WANTED.item_key(split(None)[1]), books.store.put_bytes(b"EVIL")  # type: ignore[arg-type]
    forge(books.store, f"drafts/{WANTED.key}", msgspec.json.encode([Result("s1", key, {"sound": evil})]))
    assert books.store.get_bytes(builder.build(WANTED).outputs["list"]) == b"ONE EVIL THREE"


def test_a_draft_reads_nothing_but_its_own_pointer(books: Books) -> None:
    forge(books.store, "drafts/a", FORGED[6])
    assert Draft(books.store, "drafts/a").read() == {}
    with pytest.raises(StoreError, match="not a pointer's name"):
        Draft(books.store, "drafts/../releases/film/es").read()


@pytest.mark.parametrize("value", FORGED, ids=range(len(FORGED)))
def test_a_forged_release_pointer_is_no_release_and_stops_no_night(value: bytes, books: Books) -> None:
    package = books.store.put_bytes(b"film")
    move_pointer(books, "film", "es", package, decision=None, action="release", who="gate", why="passed")
    forge(books.store, "releases/film/es", value)
    with pytest.raises(StoreError) as raised:
        released_package(books, "film", "es")
    assert raised.value.where
    tidy(books)  # every night begins with this


def test_an_older_release_that_was_put_back_in_the_store_alone_does_not_stay(books: Books) -> None:
    packages = [books.store.put_bytes(text) for text in (b"first", b"second")]
    for package in packages:
        move_pointer(books, "film", "es", package, decision=None, action="release", who="gate", why="passed")
        if package == packages[0]:
            older = books.store.read_pointer("releases/film/es")
    assert older
    forge(books.store, "releases/film/es", older.value)
    tidy(books)
    assert released_package(books, "film", "es") == packages[1]


def test_what_a_forged_release_pointer_can_do_is_what_the_threat_model_says(books: Books) -> None:
    """Who may write `releases/` decides what readers get, and a newer move is taken for one that the ledger forgot: residual risk 2."""
    package, evil = books.store.put_bytes(b"film"), books.store.put_bytes(b"EVIL")
    move_pointer(books, "film", "es", package, decision=None, action="release", who="gate", why="passed")
    standing = books.store.read_pointer("releases/film/es")
    assert standing
    newer = datetime.now(UTC).isoformat()
    forge(books.store, "releases/film/es", msgspec.json.encode(msgspec.json.decode(standing.value) | {"package": evil, "moved": newer}))
    tidy(books)
    assert released_package(books, "film", "es") == evil
    newest = books.ledger.releases("film", "es")[0]
    assert (newest.package, newest.who) == (evil, "nightdub")  # where an auditor finds it: no gate, and no person, signed for it
    assert newest.decision is None
