"""Taking a speaker out of a dataset: out of its clips, features, shards, earlier versions and cached rows, and out of every later build."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from nightdub.datasets.readers import read_corpus
from nightdub.datasets.recipe import Recipe, read_recipe
from nightdub.datasets.rows import SourceClip
from nightdub.flows.dataset_release import mark_of, refusal
from nightdub.flows.dataset_steps import VERSION, steps_of
from nightdub.flows.dataset_versions import MUL, newest_version, samples_of
from nightdub.flows.night import Books
from nightdub.flows.pointer import released_package
from nightdub.flows.release import move_pointer
from nightdub.flows.upkeep import live_digests
from nightdub.infra.build import read_manifest
from nightdub.infra.errors import ConfigError, NightdubError, PointerConflict
from nightdub.infra.lease import listed_in
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


def erase_speaker(books: Books, name: str, speaker: str, who: str, why: str, rebuild: Callable[[], object]) -> Erased:
    """Erase a speaker from a dataset: mark, take down, `rebuild` without them, then delete all that the old versions were made of.

    Every earlier version goes, since each may hold the speaker; the one that is built now is judged as any other. What is killed on the
    way is done by erasing again.

    Raises: ConfigError where neither corpus nor dataset has such a speaker and none was erased.
    """
    recipe, folder = read_recipe(name)
    sources, mark = _recordings(recipe, folder, speaker), mark_of(recipe.title, speaker)
    if not sources and not _is_in(books, recipe, speaker) and books.store.read_pointer(mark) is None:
        raise ConfigError(f"no speaker {speaker!r}", where=recipe.title, fix="nightdub dataset card lists the speakers")
    said = {"who": who, "why": why, "at": datetime.now(UTC).isoformat()}
    with suppress(PointerConflict):  # erased before: what is left of it is deleted now
        books.store.write_pointer(mark, msgspec.json.encode(said), None)
    withdrawn = _withdraw(books, recipe, who, why, keep="")
    rebuild()
    withdrawn = _withdraw(books, recipe, who, why, keep=newest_version(books, recipe)) or withdrawn
    objects, size, shared = _delete_old(books, recipe)
    books.ledger.forget_sources(sources)
    note("speaker erased", dataset=recipe.name, objects=objects, bytes=size)
    return Erased(len(sources), objects, size, shared, withdrawn, tuple(sorted(set(sources))))


def _is_in(books: Books, recipe: Recipe, speaker: str) -> bool:
    versions = {released_package(books, recipe.title, MUL), newest_version(books, recipe)} - {""}
    return any(row.speaker == speaker for version in versions if books.store.exists(version) for row in samples_of(books, version))


def _withdraw(books: Books, recipe: Recipe, who: str, why: str, keep: str) -> str:
    """Take down what is out unless it is to be kept, or may still be out; return its digest, or nothing."""
    out = released_package(books, recipe.title, MUL)
    if not out or out == keep or not (keep or refusal(books, recipe.title, out)):
        return ""
    move_pointer(books, recipe.title, MUL, "", decision=None, action="withdraw", who=who, why=f"a speaker was erased: {why}")
    return out


def _recordings(recipe: Recipe, folder: Path, speaker: str) -> list[str]:
    rows = read_corpus(recipe.reader, folder, recipe.options)
    return [row.audio for row in rows if isinstance(row, SourceClip) and row.speaker == speaker]


def _delete_old(books: Books, recipe: Recipe) -> tuple[int, int, int]:
    """Delete what earlier builds read and made, but for what the newest one or another title has too; return objects, bytes, shared.

    The ledger forgets them last: what is killed on the way finds its way again.
    """
    steps = steps_of(recipe)
    keep = {key for step, key in books.ledger.heads(recipe.title, "").items() if step in steps}
    packages = {row.package for row in books.ledger.releases(recipe.title, MUL)} - {newest_version(books, recipe), ""}
    jobs = books.ledger.jobs_of(recipe.title)
    made = {key: _of_job(books, key) for key in jobs.keys() - keep}
    versions = packages.union(*(made[key] for key in made if jobs[key] == VERSION.name))  # the ledger counts them as out
    doomed = packages.union(*made.values())
    newest = {digest for key in keep for digest in _of_job(books, key)}
    live = live_digests(books, without=recipe.title) - versions
    objects = size = 0
    for digest in sorted(doomed - live - newest):
        if books.store.exists(digest):
            size += books.store.size(digest)
            books.store.delete(digest)
            objects += 1
    for key in jobs.keys() - keep:
        books.store.delete_pointer(f"drafts/{key}")
    books.ledger.erase_title(recipe.title, keep)
    return objects, size, len((doomed & live) - newest)


def _of_job(books: Books, key: str) -> set[str]:
    """Return every digest that a job read, made, or has made so far."""
    job = books.ledger.jobs([key]).get(key)
    found = {*books.ledger.inputs_of(key).values(), *(row.digest for row in books.ledger.artifacts_of(key))}
    if draft := books.store.read_pointer(f"drafts/{key}"):
        found |= {digest for result in listed_in(draft) for digest in result.files.values()}
    return found | ({job.manifest, *_made(books, job.manifest)} if job and job.manifest else set())


def _made(books: Books, manifest: str) -> set[str]:
    try:
        found = read_manifest(books.store, manifest)
    except NightdubError as error:
        if error.transient:
            raise
        return set()
    return {*found.outputs.values(), *(digest for item in found.items for digest in item.files.values())}
