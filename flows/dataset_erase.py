"""Taking a speaker out of a dataset: out of its clips, features, shards, earlier versions and cached rows, and out of every later build."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from nightdub.datasets.readers import read_corpus
from nightdub.datasets.recipe import Recipe, read_recipe
from nightdub.datasets.rows import SourceClip
from nightdub.flows.dataset_versions import ERASED, MUL, newest_version, samples_of
from nightdub.flows.night import Books
from nightdub.flows.pointer import released_package
from nightdub.flows.release import move_pointer
from nightdub.flows.upkeep import live_digests
from nightdub.infra.build import read_manifest
from nightdub.infra.errors import ConfigError, NightdubError, PointerConflict
from nightdub.infra.logs import note


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, and what only a person can do."""

    clips: int  # of the corpus, that no later build takes
    objects: int  # deleted from the store
    bytes: int
    shared: int  # objects that stay: another title or dataset has the same bytes
    withdrawn: str  # digest of the version that was out and no longer is
    sources: tuple[str, ...]  # recordings of the corpus, which stay where they lie until a person deletes them


def mark_of(recipe: Recipe, speaker: str) -> str:
    """Return the name under which a store remembers that a speaker was erased; it does not say who."""
    return ERASED + hashlib.sha256(f"{recipe.title}\0{speaker}".encode()).hexdigest()


def erased_speakers(books: Books, recipe: Recipe) -> Callable[[str], bool]:
    """Return what says whether a speaker was erased from a dataset."""
    marks = set(books.store.pointers(ERASED))
    return lambda speaker: bool(marks) and mark_of(recipe, speaker) in marks


def erase_speaker(books: Books, name: str, speaker: str, who: str, why: str, rebuild: Callable[[], object]) -> Erased:
    """Erase a speaker from a dataset: mark, take down, `rebuild` without them, then delete all that the old versions were made of.

    Every earlier version goes, since each may hold the speaker; the one that is built now is judged as any other. What is killed on the
    way is done by erasing again.

    Raises: ConfigError where the corpus has no such speaker and none was erased.
    """
    recipe, folder = read_recipe(name)
    sources = _recordings(recipe, folder, speaker)
    mark = mark_of(recipe, speaker)
    if not sources and books.store.read_pointer(mark) is None:
        raise ConfigError(f"no speaker {speaker!r}", where=recipe.title, fix="nightdub dataset card lists the speakers")
    said = {"who": who, "why": why, "at": datetime.now(UTC).isoformat()}
    with suppress(PointerConflict):  # erased before: what is left of it is deleted now
        books.store.write_pointer(mark, msgspec.json.encode(said), None)
    withdrawn = released_package(books, recipe.title, MUL)
    if withdrawn and not any(row.speaker == speaker for row in samples_of(books, withdrawn)):
        withdrawn = ""
    if withdrawn:
        move_pointer(books, recipe.title, MUL, "", decision=None, action="withdraw", who=who, why=f"a speaker was erased: {why}")
    rebuild()
    objects, size, shared = _delete_old(books, recipe)
    books.ledger.forget_sources(sources)
    note("speaker erased", dataset=recipe.name, objects=objects, bytes=size)
    return Erased(len(sources), objects, size, shared, withdrawn, tuple(sorted(set(sources))))


def _recordings(recipe: Recipe, folder: Path, speaker: str) -> list[str]:
    rows = read_corpus(recipe.reader, folder, recipe.options)
    return [row.audio for row in rows if isinstance(row, SourceClip) and row.speaker == speaker]


def _delete_old(books: Books, recipe: Recipe) -> tuple[int, int, int]:
    """Delete what earlier builds read and made, but for what the newest one or another title has too; return objects, bytes, shared."""
    keep = set(books.ledger.heads(recipe.title, "").values())
    standing = {released_package(books, recipe.title, MUL), newest_version(books, recipe), ""}
    packages = {row.package for row in books.ledger.releases(recipe.title, MUL)} - standing
    listed = {
        digest for key, manifest in books.ledger.manifests_of(recipe.title).items() if key not in keep for digest in _made(books, manifest)
    }
    doomed = books.ledger.erase_title(recipe.title, keep) | listed | packages
    live = live_digests(books) - packages
    objects = size = 0
    for digest in sorted(doomed - live):
        if books.store.exists(digest):
            size += books.store.size(digest)
            books.store.delete(digest)
            objects += 1
    newest = {digest for key in keep for digest in _of_job(books, key)}
    return objects, size, len((doomed & live) - newest)


def _of_job(books: Books, key: str) -> set[str]:
    job = books.ledger.jobs([key]).get(key)
    inputs = set(books.ledger.inputs_of(key).values())
    return inputs | ({job.manifest, *_made(books, job.manifest)} if job and job.manifest else set())


def _made(books: Books, manifest: str) -> set[str]:
    try:
        found = read_manifest(books.store, manifest)
    except NightdubError as error:
        if error.transient:
            raise
        return set()
    return {*found.outputs.values(), *(digest for item in found.items for digest in item.files.values())}
