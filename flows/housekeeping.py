"""What keeps a house in order: expired leases freed, pointers agreeing with the ledger, what nobody refers to removed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
from prefect import flow

from nightdub.datasets.evaluation import read_manifest
from nightdub.flows.night import Books, open_books
from nightdub.flows.release import carry_out
from nightdub.infra.build import Manifest
from nightdub.infra.settings import load_settings


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a round of housekeeping did."""

    leases_freed: int = 0
    pointers_moved: int = 0
    objects_deleted: int = 0
    bytes_freed: int = 0


@flow(name="housekeeping", persist_result=False)
def keep_house(grace_hours: float = 48.0) -> dict[str, int]:
    """Free expired leases, mend pointers and delete objects that nothing has referred to for longer than the grace period."""
    with open_books(load_settings()) as books:
        tidied = tidy(books)
        deleted, freed = collect_garbage(books, grace_seconds=3600 * grace_hours)
    return msgspec.to_builtins(Tidied(tidied.leases_freed, tidied.pointers_moved, deleted, freed))  # type: ignore[no-any-return]


def tidy(books: Books) -> Tidied:
    """Free expired leases, and move pointers that a killed release left behind: the ledger's last word counts."""
    places = sorted({(row.title, row.language) for row in books.ledger.releases()})
    moved = sum(carry_out(books, title, language) for title, language in places)
    return Tidied(leases_freed=books.ledger.reap(), pointers_moved=moved)


def collect_garbage(books: Books, *, grace_seconds: float) -> tuple[int, int]:
    """Delete unreferenced objects older than the grace period; return how many, and their bytes."""
    live = _live(books)
    oldest = time.time() - grace_seconds
    doomed = [item for item in books.store.objects() if item.digest not in live and item.modified < oldest]
    for item in doomed:
        books.store.delete(item.digest)
    return len(doomed), sum(item.size for item in doomed)


def _live(books: Books) -> set[str]:
    """Return every digest that a title's newest jobs, a release, an evaluation's set, voice book, consents or unfinished drafts reach."""
    live = set(books.ledger.live_digests())
    live |= {digest for row in books.ledger.voices() for digest in (row.reference, row.model, row.model_index)}
    live |= {row.document for row in books.ledger.consents()}
    live |= {row.pinned["clip"]["sound"] for row in books.ledger.corrections() if "clip" in row.pinned}
    for version in {row.dataset_digest for row in books.ledger.evaluations()}:
        if books.store.exists(version):
            live |= {example.audio for example in read_manifest(books.store.get_bytes(version)) if example.audio}
    for steps in books.ledger.all_heads().values():
        live |= {digest for key in steps.values() for digest in books.ledger.inputs_of(key).values()}
    for digest in tuple(live):
        if books.store.exists(digest) and (manifest := _manifest(books, digest)):
            live |= set(manifest.outputs.values()) | {name for item in manifest.items for name in item.files.values()}
    for name in books.store.pointers("drafts/"):
        if pointer := books.store.read_pointer(name):
            live |= {digest for item in msgspec.json.decode(pointer.value) for digest in item.get("files", {}).values()}
    return live


def _manifest(books: Books, digest: str) -> Manifest | None:
    """Return the manifest stored under a digest, or None where the bytes are something else."""
    if books.store.size(digest) > 64 << 20 or books.store.read_range(digest, 0, 1) != b"{":
        return None
    try:
        return msgspec.json.decode(books.store.get_bytes(digest), type=Manifest)
    except msgspec.MsgspecError:
        return None
