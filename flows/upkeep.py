"""What keeps a house in order: expired leases freed, pointers agreeing with the ledger, what nobody refers to removed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from nightdub.datasets.evaluation import read_manifest as read_set
from nightdub.flows.consents import recall_withdrawals, take_down
from nightdub.flows.dataset_versions import MUL, everything_of
from nightdub.flows.night import Books
from nightdub.flows.pointer import FOLDER, carry_out, recall
from nightdub.infra.build import read_manifest
from nightdub.infra.errors import DigestMismatch, LedgerError, NightdubError, ObjectMissing, PointerConflict, StoreError
from nightdub.infra.lease import listed_in
from nightdub.infra.ledger import Job
from nightdub.infra.logs import note, warn
from nightdub.infra.scratch import sweep
from nightdub.tasks.rows import Language

DRAFTS, OWNER = "drafts/", "ledger"
AT_ONCE = 8  # pointers or manifests read beside one another: they wait for the store


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a round of housekeeping did."""

    leases_freed: int = 0
    pointers_moved: int = 0
    moves_recalled: int = 0  # that the ledger had forgotten
    withdrawals_recalled: int = 0
    scratch_swept: int = 0
    jobs_forgotten: int = 0
    judgements_forgotten: int = 0
    drafts_dropped: int = 0
    objects_deleted: int = 0
    bytes_freed: int = 0


def clean(books: Books, *, grace_seconds: float) -> Tidied:
    """Do a whole round of housekeeping. Raises: LedgerError where the store is another ledger's: nothing is deleted then."""
    tidied = tidy(books)
    _refuse_another_ledger(books)
    jobs, judgements = books.ledger.forget(_since(books))
    deleted, freed = collect_garbage(books, grace_seconds=grace_seconds)
    tidied = replace(tidied, jobs_forgotten=jobs, judgements_forgotten=judgements, objects_deleted=deleted, bytes_freed=freed)
    tidied = replace(tidied, drafts_dropped=drop_drafts(books, grace_seconds=grace_seconds))
    note("house kept", **asdict(tidied))
    return tidied


def _refuse_another_ledger(books: Books) -> None:
    """Refuse a ledger that is new or another store's: to it, all that lies here would be rubbish. It is known by its first run."""
    first, pointer = books.ledger.first_run(), books.store.read_pointer(OWNER)
    if not first or (pointer and pointer.value != first.encode()):
        what = "another ledger than the one that keeps this store" if first else "a ledger without a run"
        fix = f"mend the setting `ledger`, or restore a backup; where this one is to take over, delete the pointer {OWNER!r} after a night"
        raise LedgerError(f"nothing is deleted by {what}", where=books.store.url, fix=fix)
    if not pointer:
        with suppress(PointerConflict):  # somebody else has just written the same
            books.store.write_pointer(OWNER, first.encode(), None)


def tidy(books: Books) -> Tidied:
    """Free expired leases, let the ledger know again what it forgot, move pointers that a killed release left behind, and take down
    what was cloned under a consent that has ended.

    Whoever else is moving a pointer at this moment mends it himself; one that cannot be read is reported, and stops nothing.
    """
    freed, withdrawn, swept = books.ledger.reap(), recall_withdrawals(books), sweep()
    if freed:
        warn("leases freed", jobs=freed)
    places = {(row.title, row.language) for row in books.ledger.releases()}
    places |= {
        (title, language) for title, _, language in (name.removeprefix(FOLDER).rpartition("/") for name in books.store.pointers(FOLDER))
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = Counter(pool.map(lambda place: _mend(books, *place), sorted(places)))
    take_down(books)
    return Tidied(freed, done["moved"], done["recalled"], withdrawn, swept)


def _mend(books: Books, title: str, language: Language) -> str:
    """Let a pointer and the ledger agree; return what was done."""
    try:
        if recall(books, title, language):
            return "recalled"
        return "moved" if carry_out(books, title, language) else ""
    except PointerConflict:
        return ""
    except StoreError as error:
        if error.transient:
            raise
        warn("pointer not mended", title=title, language=language, what=str(error))
        return ""


def collect_garbage(books: Books, *, grace_seconds: float, dry_run: bool = False) -> tuple[int, int]:
    """Delete unreferenced objects older than the grace period; return how many, and their bytes. `dry_run` only counts them."""
    live = live_digests(books)
    oldest = time.time() - grace_seconds
    doomed = [item for item in books.store.objects() if item.digest not in live and item.modified < oldest]
    for item in () if dry_run else doomed:
        books.store.delete(item.digest)
    size = sum(item.size for item in doomed)
    if doomed and not dry_run:
        note("garbage deleted", objects=len(doomed), bytes=size)
    return len(doomed), size


def drop_drafts(books: Books, *, grace_seconds: float) -> int:
    """Drop drafts that nobody will read: the job is done, or nobody has worked on it for the grace period. Return how many.

    Their objects are collected by the next round, so that a builder who has just read a draft still finds them.
    """
    oldest, names = datetime.now(UTC) - timedelta(seconds=grace_seconds), list(books.store.pointers(DRAFTS))
    jobs = books.ledger.jobs(name.removeprefix(DRAFTS) for name in names)
    dropped = [name for name in names if _is_dead(jobs.get(name.removeprefix(DRAFTS)), oldest)]
    for name in dropped:
        books.store.delete_pointer(name)
    return len(dropped)


def _is_dead(job: Job | None, oldest: datetime) -> bool:
    """Return whether a job's draft is of no use. A job that the ledger does not know, or has forgotten, is not begun again."""
    if job is None or job.state in ("done", "partial"):
        return True
    last = max(moment for moment in (job.created, job.finished, job.lease_until) if moment)
    return last < oldest


def _since(books: Books) -> datetime:
    return datetime.now(UTC) - timedelta(days=books.settings.retention_days)


def live_digests(books: Books, without: str = "") -> set[str]:
    """Return every digest that a title's newest jobs, a film or dataset that is out or was lately, an evaluation's set, voice book,
    consents or unfinished drafts reach. `without` names a dataset whose earlier versions count for nothing.
    """
    live = books.ledger.live_digests(_since(books))
    for version in _datasets(books, without):
        live |= everything_of(books, version)
    live |= {digest for row in books.ledger.voices() for digest in (row.reference, row.model, row.model_index)}
    live |= {row.document for row in books.ledger.consents()}
    live |= {row.pinned["clip"]["sound"] for row in books.ledger.corrections() if "clip" in row.pinned}
    for version in {row.dataset_digest for row in books.ledger.evaluations()}:
        live |= _recordings(books, version)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for made in pool.map(lambda digest: _made(books, digest), books.ledger.live_manifests(_since(books))):
            live |= made
    for name in books.store.pointers(DRAFTS):
        live |= _drafted(books, name)
    return live


def _datasets(books: Books, without: str) -> Iterator[str]:
    """Yield the versions of datasets that are out, or were out since the retention began, as far as they are still there."""
    until: dict[str, datetime] = {}  # title -> when the move came that followed
    for row in books.ledger.releases():  # newest first
        ended, until[row.title] = until.get(row.title), row.created
        lately = ended is None or ended >= _since(books)
        if lately and row.language == MUL and row.title != without and row.package and books.store.exists(row.package):
            yield row.package


def _recordings(books: Books, version: str) -> set[str]:
    """Return the recordings of an evaluation set; nothing where the set itself is gone or damaged."""
    try:
        return {example.audio for example in read_set(books.store.get_bytes(version)) if example.audio}
    except NightdubError as error:
        return _passed_over(error, "evaluation set not read", version)


def _drafted(books: Books, name: str) -> set[str]:
    """Return what an unfinished job has made; nothing where its draft cannot be read."""
    try:
        pointer = books.store.read_pointer(name)
    except StoreError as error:
        return _passed_over(error, "draft not read", name)
    return {digest for result in listed_in(pointer) for digest in result.files.values()} if pointer else set()


def _passed_over(error: NightdubError, event: str, where: str) -> set[str]:
    """Raise what passes by itself; report what does not: one damaged object keeps no house from being kept."""
    if error.transient:
        raise error
    warn(event, where=where, what=str(error))
    return set()


def _made(books: Books, manifest: str) -> set[str]:
    """Return all that a manifest lists; nothing where it is gone or damaged: its job is then made again."""
    try:
        found = read_manifest(books.store, manifest)
    except (ObjectMissing, DigestMismatch, msgspec.DecodeError):
        return set()
    return {*found.outputs.values(), *(digest for item in found.items for digest in item.files.values())}
