"""Reads ledger and store after a history of faults and names everything that is not as after an undisturbed night.

Nothing of the product decides here what is right: what must be there is what an undisturbed night over the same catalogue left, and
what may be there is followed from the ledger's rows by this file's own queries.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text

from nightdub.flows.night import Books, open_books
from nightdub.flows.upkeep import collect_garbage, drop_drafts
from nightdub.infra.build import Manifest
from nightdub.infra.errors import NightdubError, ObjectMissing
from nightdub.infra.settings import Settings
from nightdub.infra.store import LocalStore

Place = tuple[str, str]  # title, language


@dataclass(frozen=True)
class Reference:
    """What an undisturbed night left: everything in it follows from the catalogue alone, so it is the same on every database and store."""

    packages: dict[str, str]  # "title/language" -> digest of the newest film
    states: dict[str, str]
    released: dict[str, list[str]]  # "title/language" -> films in the order in which they went out
    heads: dict[str, str]  # "title/language/step" -> key
    jobs: dict[str, dict[str, Any]]  # key of every head -> state, manifest, artifacts, inputs
    voices: list[tuple[str, str, str, str]]  # series, character, language, digest of the clip
    accounted: dict[str, int] = field(default_factory=dict)  # metric of the account -> sum over all title-languages


def reference_of(settings: Settings) -> Reference:
    """Return what a night left that nothing disturbed. Raises: AssertionError where it is not fit to be one."""
    with open_books(settings) as books:
        found = _read(books)
        problems = [*_settled(books), *_films(books, found)]
    assert found.released, found.states
    assert not problems, problems
    return found


def check(settings: Settings, reference: Reference, *, past: bool = False) -> list[str]:
    """Return everything that is wrong, in words; nothing where the history ended as if nothing had been.

    Deletes unreferenced objects on the way, with no grace period: call it at a quiet moment. `past`: more was released than the
    reference knows, before what it has; all else must be the same.
    """
    with open_books(settings) as books:
        found = _read(books)
        problems = [*_told(books, reference), *_settled(books), *_same(found, reference, past=past), *_pointers(books, found)]
        problems += _films(books, found)
        live = _reachable(books)
        problems += _objects(books, live)
        drop_drafts(books, grace_seconds=-86_400.0)
        collect_garbage(books, grace_seconds=-86_400.0)  # histories' clocks go fast by an hour a night, and stores round to the second
        problems += [f"{name} outlives its job and the grace period" for name in books.store.pointers("drafts/")]
        there = {item.digest for item in books.store.objects()}
        problems += [f"orphan {digest} outlives its grace period" for digest in sorted(there - live)]
        problems += [f"live object {digest} was deleted" for digest in sorted(live - there)]
        problems += _leftovers(books)
    return problems


def differences(settings: Settings, reference: Reference) -> list[str]:
    """Return what differs from an undisturbed night, without a look at anything else."""
    with open_books(settings) as books:
        return list(_same(_read(books), reference))


# ---------------------------------------------------------------- what is there


def _read(books: Books) -> Reference:
    ledger = books.ledger
    rows = ledger.title_languages()
    released: dict[str, list[str]] = {}
    for move in reversed(ledger.releases()):
        released.setdefault(f"{move.title}/{move.language}", []).append(move.package)
    heads = {f"{title}/{language}/{step}": key for (title, language), steps in ledger.all_heads().items() for step, key in steps.items()}
    jobs = {
        key: {
            "state": job.state,
            "manifest": job.manifest,
            "artifacts": {made.name: made.digest for made in ledger.artifacts_of(key)},
            "inputs": ledger.inputs_of(key),
        }
        for key, job in ledger.jobs(sorted(set(heads.values()))).items()
    }
    account = Counter[str]()
    for title, language in rows:
        account.update(
            {row.metric: int(row.value or 0) for row in ledger.measurements(title, language) if row.metric.startswith("account.")}
        )
    return Reference(
        packages={f"{title}/{language}": row.package for (title, language), row in rows.items()},
        states={f"{title}/{language}": row.state for (title, language), row in rows.items()},
        released=released,
        heads=heads,
        jobs=jobs,
        voices=sorted((row.series, row.character, row.language, row.reference) for row in ledger.voices()),
        accounted=dict(account),
    )


def _query(books: Books, query: str) -> list[tuple[Any, ...]]:
    with books.ledger._read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _settled(books: Books) -> Iterator[str]:
    """Yield what a finished night leaves open: jobs, attempts, drafts, double work, an account that does not balance."""
    for key, step, state in _query(books, "SELECT key, step, state FROM jobs WHERE state = 'claimed'"):
        yield f"job {step} {key[:8]} is still {state}"
    for key, fence in _query(books, "SELECT key, fence FROM attempts WHERE outcome = ''"):
        yield f"attempt {fence} at {key[:8]} is still open"
    double = "SELECT key, count(*) FROM attempts WHERE outcome = 'done' GROUP BY key HAVING count(*) > 1"
    for key, count in _query(books, double):
        yield f"job {key[:8]} was done {count} times"
    for key, fence, attempts in _query(
        books,
        "SELECT j.key, j.fence, count(*) FROM jobs j JOIN attempts a ON a.key = j.key GROUP BY j.key, j.fence HAVING count(*) <> j.fence",
    ):
        yield f"job {key[:8]} has fence {fence} and {attempts} attempts"
    for name, count in _query(books, "SELECT series, count(*) FROM voices GROUP BY series, character, language HAVING count(*) > 1"):
        yield f"a character of {name} stands {count} times in the voice book"
    run = next(iter(books.ledger.runs(1)), None)
    if run is None or run.state != "done":
        yield f"the last run is {run.state if run else 'absent'}"
    elif not run.account["balanced"] or run.account["left"]:
        yield f"the account does not balance: {run.account}"


def _told(books: Books, reference: Reference) -> Iterator[str]:
    """Yield what the ledger itself says of title-languages that did not end as they should."""
    for (title, language), row in books.ledger.title_languages().items():
        if row.state != reference.states.get(f"{title}/{language}"):
            yield f"{title}/{language} is {row.state}: {row.reasons}"


def _same(found: Reference, reference: Reference, *, past: bool = False) -> Iterator[str]:
    """Yield every difference from an undisturbed night, by its place."""
    for name, wanted in asdict(reference).items():
        there = asdict(found)[name]
        if past and name == "released":
            there = {place: films[-1:] for place, films in there.items() if place in wanted or found.states[place] == "released"}
        if past and name == "voices":
            continue  # the book keeps what it heard first
        if isinstance(wanted, list):
            if json.dumps(there) != json.dumps(wanted):
                yield f"{name}: {there} instead of {wanted}"
            continue
        for place in sorted(wanted.keys() | there.keys()):
            if there.get(place) != wanted.get(place):
                yield f"{name} of {place}: {there.get(place)} instead of {wanted.get(place)}"


def _pointers(books: Books, found: Reference) -> Iterator[str]:
    """Yield release pointers and rows of the ledger that do not say the same, and releases without a decision that allows them."""
    out = {place: films[-1] for place, films in found.released.items()}
    names = set(books.store.pointers("releases/"))
    for name in sorted(names - {f"releases/{place}" for place in out}):
        yield f"{name} stands without a row of the ledger"
    for place, film in out.items():
        pointer = books.store.read_pointer(f"releases/{place}")
        said = json.loads(pointer.value)["package"] if pointer else None
        if said != film:
            yield f"releases/{place} says {said}, the ledger {film}"
    passed = {row.id: (row.title, row.language) for row in books.ledger.decisions() if row.outcome == "pass"}
    before: dict[Place, str] = {}
    for move in reversed(books.ledger.releases()):
        place = (move.title, move.language)
        if passed.get(move.decision or 0) != place:
            yield f"release {move.id} of {move.title}/{move.language} rests on no decision of its own"
        if move.previous != before.get(place, ""):
            yield f"release {move.id} of {move.title}/{move.language} follows {move.previous!r}, which was not out"
        before[place] = move.package


def _films(books: Books, found: Reference) -> Iterator[str]:
    """Yield released films that are not whole, in the store and in the folder where people find them."""
    for place, films in found.released.items():
        title, language = place.split("/")
        try:
            data = books.store.get_bytes(films[-1])
        except NightdubError as error:
            yield f"the film of {place} cannot be read: {error}"
            continue
        if wrong := wrong_with(data, title, language):
            yield f"the film of {place} {wrong}"
        shown = books.settings.home / "released" / title / f"{title}.{language}.mp4"
        if not shown.exists() or shown.read_bytes() != data:
            yield f"released/{title} does not show what is out in {language}"


def wrong_with(film: bytes, title: str, language: str) -> str:
    """Return why a film is not one whole edit of one title in one language; empty where it is."""
    first, *lines = film.decode().splitlines() or [""]
    head, _, count = first.rpartition("|")
    rows = [line.split("|") for line in lines if not line.startswith("lips of ")]
    if head.split(" ")[0] != title:
        return f"is not of {title}: {first!r}"
    if any(row[:2] != [language, head] for row in rows):
        return f"is mixed: {[row[:2] for row in rows]} under {head!r}"
    return "" if len(rows) == int(count) else f"is partial: {len(rows)} of {count} lines"


def _reachable(books: Books) -> set[str]:
    """Return every digest that heads, releases and the voice book reach, as this file follows them."""
    heads = {key for steps in books.ledger.all_heads().values() for key in steps.values()}
    films = {row.package for row in books.ledger.releases()} | {row.package for row in books.ledger.title_languages().values()}
    live = films | {row.reference for row in books.ledger.voices()}
    for key, job in books.ledger.jobs(sorted(heads | _parts(books, films))).items():
        live |= {job.manifest, *(made.digest for made in books.ledger.artifacts_of(key)), *books.ledger.inputs_of(key).values()}
        with suppress(ObjectMissing):  # `_objects` names it
            items = msgspec.json.decode(books.store.get_bytes(job.manifest), type=Manifest).items
            live |= {name for item in items for name in item.files.values()}
    return live - {""}


def _parts(books: Books, films: set[str]) -> set[str]:
    """Return the keys of all jobs that had a part in a film, followed from what each read to who made that for the same title."""
    titles = dict(_query(books, "SELECT key, title FROM jobs"))
    makers: dict[str, set[str]] = {}
    for key, digest in _query(books, "SELECT key, digest FROM artifacts"):
        makers.setdefault(digest, set()).add(key)
    found: set[str] = set()
    waiting = {key for film in films for key in makers.get(film, ())}
    while waiting:
        key = waiting.pop()
        found.add(key)
        read = books.ledger.inputs_of(key).values()
        waiting |= {maker for digest in read for maker in makers.get(digest, ()) if titles[maker] == titles[key]} - found
    return found


def _objects(books: Books, live: set[str]) -> Iterator[str]:
    """Yield every live object that is absent, and every object at all whose bytes are not its name's."""
    there = {item.digest for item in books.store.objects()}
    yield from (f"live object {digest} is missing" for digest in sorted(live - there))
    for digest in sorted(there):
        try:
            books.store.get_bytes(digest)
        except NightdubError as error:
            yield f"object {digest} is damaged: {error}"


def _leftovers(books: Books) -> Iterator[str]:
    """Yield what killed writers left on its way and the store does not sweep up when it is a day old."""
    if not isinstance(books.store, LocalStore):
        return
    incoming = books.store.root / "incoming"
    old = time.time() - 2 * 86_400
    for path in incoming.iterdir():
        os.utime(path, (old, old))
    LocalStore(books.store.root)
    for path in sorted(incoming.iterdir()):
        yield f"incoming/{path.name} is never swept up"


# ---------------------------------------------------------------- as files, between processes


def save(reference: Reference, path: Path) -> Path:
    """Write a reference for other processes."""
    path.write_bytes(msgspec.json.encode(asdict(reference)))
    return path


def load(path: Path) -> Reference:
    """Return a reference that was written."""
    return msgspec.json.decode(path.read_bytes(), type=Reference)
