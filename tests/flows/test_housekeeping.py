"""Housekeeping deletes what nothing refers to, and nothing else; what it deleted is made again when it is wanted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nightdub.flows.night import Books
from nightdub.flows.release import move_pointer
from nightdub.flows.upkeep import clean, collect_garbage, drop_drafts, tidy
from nightdub.infra.build import Ask, Builder, Built, Inputs, Step
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import StoreUnavailable
from nightdub.infra.ledger import Cost, Ledger
from nightdub.infra.work import Bench, Done, Item, Result

HOUR = 3600.0
OLD = time.time() - 10 * HOUR


def split(inputs: Inputs) -> list[Item]:
    return [Item(f"s{index}", {"text": line}) for index, line in enumerate(inputs.path("in.script").read_text().splitlines())]


def work(items: Sequence[Item], bench: Bench) -> list[Done]:
    made = []
    for item in items:
        path = bench.new(item.id)
        path.write_text(f"the sound of {item.payload['text']}")
        made.append(Done({"sound": path}))
    return made


def join(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    path = folder / "list"
    path.write_text(" ".join(result.files["sound"] for result in results))
    return {"list": path}


SPEAK = Step("speak", 1, "language", ("in.script",), split, work, join)


@pytest.fixture
def builder(books: Books) -> Iterator[Builder]:
    with open_compute("threads", 1) as compute:
        yield Builder(books.store, books.ledger, compute, lambda *_: None, {}, books.ledger.start_run("test", {}), workers=1)


def build(builder: Builder, script: str) -> Built:
    """Build a script's lines, and note the job as the title's head, as a flow does."""
    ask = Ask(SPEAK, "film", "es", {"in.script": builder.store.put_bytes(script.encode())}, {})
    built = builder.build(ask)
    builder.ledger.set_heads("film", "es", {"speak": built.key})
    return built


def made_by(built: Built) -> set[str]:
    return {built.manifest, *built.outputs.values(), *(name for item in built.items for name in item.files.values())}


def read_by(books: Books, built: Built) -> set[str]:
    return set(books.ledger.inputs_of(built.key).values())


def kept(books: Books) -> set[str]:
    return {item.digest for item in books.store.objects()}


def collect(books: Books) -> int:
    """Let every object be old, collect, and return how many were deleted."""
    for path in (books.settings.home / "store/objects").rglob("*"):
        os.utime(path, (OLD, OLD))
    return collect_garbage(books, grace_seconds=HOUR)[0]


def test_only_what_nothing_refers_to_is_deleted_and_only_after_the_grace_period(books: Books, builder: Builder) -> None:
    built = build(builder, "one\ntwo")
    old, young = books.store.put_bytes(b"nobody wants this"), books.store.put_bytes(b"nobody wants this yet")
    path = next((books.settings.home / "store/objects").rglob(old))
    os.utime(path, (OLD, OLD))
    assert collect_garbage(books, grace_seconds=HOUR) == (1, len(b"nobody wants this"))
    assert old not in kept(books)
    assert {young, *made_by(built)} <= kept(books)


def test_what_heads_reach_is_kept_down_to_the_single_line(books: Books, builder: Builder) -> None:
    built = build(builder, "one\ntwo")
    collect(books)
    assert kept(books) == made_by(built) | read_by(books, built)


def test_a_line_of_an_earlier_job_is_kept_as_long_as_the_newest_uses_it(books: Books, builder: Builder) -> None:
    first = build(builder, "one\ntwo")
    second = build(builder, "one\nthree")
    collect(books)
    assert kept(books) == made_by(second) | read_by(books, second)
    assert len(made_by(first) & made_by(second)) == 1


def test_what_was_ever_released_is_kept_for_a_rollback(books: Books, builder: Builder) -> None:
    first = build(builder, "one")
    move_pointer(books, "film", "es", first.outputs["list"], decision=None, action="release", who="gate", why="pass")
    second = build(builder, "two")
    move_pointer(books, "film", "es", second.outputs["list"], decision=None, action="release", who="gate", why="pass")
    build(builder, "three")
    collect(books)
    assert made_by(first) | made_by(second) <= kept(books)


def test_an_unfinished_draft_is_kept(books: Books, builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise StoreUnavailable("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit", die)
        with pytest.raises(StoreUnavailable):
            build(builder, "one\ntwo")
    collect(books)
    built = build(builder, "one\ntwo")
    assert (built.made, built.reused) == (0, 2)
    assert made_by(built) <= kept(books)


def test_what_was_collected_is_made_again_when_an_edit_is_taken_back(books: Books, builder: Builder) -> None:
    first = build(builder, "one\ntwo")
    build(builder, "one\nthree")
    assert collect(books) > 0
    again = build(builder, "one\ntwo")
    assert (again.outputs, again.manifest) == (first.outputs, first.manifest)
    assert made_by(first) <= kept(books)


def test_a_round_frees_the_leases_of_the_dead(books: Books) -> None:
    books.ledger.claim("key", "speak", 1, "film", "es", "dead", "run", lease_seconds=-1.0)
    assert tidy(books).leases_freed == 1
    assert tidy(books).leases_freed == 0
    assert books.ledger.claim("key", "speak", 1, "film", "es", "heir", "run", lease_seconds=60.0).outcome == "granted"


def test_drafts_of_jobs_that_are_done_or_dead_are_dropped_and_others_stay(books: Books) -> None:
    ledger, hour = books.ledger, 3600.0
    keys = {"done": 60.0, "dead": -2 * hour, "held": hour, "lately": -0.5 * hour}
    clock = ledger._clock
    ledger._clock = lambda: clock() - timedelta(hours=1.5)
    for key in keys:
        ledger.claim(key, "speak", 1, "film", "es", "w", "run", 60.0)
    ledger._clock = clock
    for key, seconds in keys.items():
        ledger.extend(key, "w", 1, seconds)
    ledger.commit("done", "w", 1, "m", [], {}, Cost())
    for key in (*keys, "never heard of"):
        books.store.write_pointer(f"drafts/{key.replace(' ', '-')}", b"[]", None)
    assert drop_drafts(books, grace_seconds=hour) == 3
    assert list(books.store.pointers("drafts/")) == ["drafts/held", "drafts/lately"]


def test_a_round_forgets_old_jobs_and_their_objects_and_keeps_what_is_out(books: Books, builder: Builder) -> None:
    built = {script: build(builder, script) for script in ("one", "two", "three")}
    move_pointer(books, "film", "es", built["one"].outputs["list"], decision=None, action="release", who="gate", why="pass")
    for path in (books.settings.home / "store/objects").rglob("*"):
        os.utime(path, (OLD, OLD))
    later = replace(books, settings=books.settings.model_copy(update={"retention_days": -1.0}))  # as if all of it were long ago
    done = clean(later, grace_seconds=HOUR)
    assert done.jobs_forgotten == 1
    assert kept(books) == set().union(*(made_by(built[name]) | read_by(books, built[name]) for name in ("one", "three")))
    assert books.ledger.jobs([built["two"].key]) == {}
    again = build(builder, "two")
    assert (again.outputs, again.manifest) == (built["two"].outputs, built["two"].manifest)
