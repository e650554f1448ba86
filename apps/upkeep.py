"""`nightdub tidy`, `backup` and `restore`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from nightdub.apps.screen import print_json, print_line
from nightdub.flows.night import open_books
from nightdub.infra.ledger import Ledger
from nightdub.infra.settings import Settings

WORDS = {
    "leases_freed": "leases of dead workers freed",
    "pointers_moved": "release pointers moved to what the ledger says",
    "moves_recalled": "releases, rollbacks or withdrawals entered again that the ledger had forgotten",
    "withdrawals_recalled": "withdrawals of a consent entered again that the ledger had forgotten",
    "scratch_swept": "scratch folders of killed processes removed",
    "jobs_forgotten": "old jobs forgotten",
    "judgements_forgotten": "old measurements and decisions forgotten",
    "drafts_dropped": "drafts of dead jobs dropped",
    "objects_deleted": "objects deleted that nothing refers to",
    "bytes_freed": "bytes freed",
}


def tidy_up(settings: Settings, grace_hours: float, *, dry_run: bool, as_json: bool) -> int:
    """Do a round of housekeeping, or count the garbage, and print what was done."""
    from nightdub.flows.upkeep import Tidied, clean, collect_garbage

    with open_books(settings) as books:
        if dry_run:
            objects, size = collect_garbage(books, grace_seconds=3600 * grace_hours, dry_run=True)
            done = Tidied(objects_deleted=objects, bytes_freed=size)
        else:
            done = clean(books, grace_seconds=3600 * grace_hours)
    if as_json:
        print_json(asdict(done))
        return 0
    for name, count in asdict(done).items():
        if count:
            print_line(f"{count} {WORDS[name]}{' (not yet: a dry run)' if dry_run else ''}")
    if not any(asdict(done).values()):
        print_line("nothing to do")
    return 0


def back_up(settings: Settings, to: Path) -> int:
    """Copy the ledger into a new file."""
    ledger = Ledger(settings.ledger_url)
    try:
        ledger.back_up(to)
    finally:
        ledger.close()
    print_line(f"{to}: {to.stat().st_size} bytes")
    return 0


def restore(settings: Settings, source: Path) -> int:
    """Put a backup in the ledger's place, and let it know again what the store has kept of the time between."""
    from nightdub.flows.upkeep import tidy

    settings.home.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(settings.ledger_url)
    try:
        if not ledger.is_empty() and not ledger.is_at_work():
            saved = settings.home / f"ledger-before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
            ledger.back_up(saved)
            print_line(f"what was there is saved: {saved}")
        ledger.restore(source)
    finally:
        ledger.close()
    with open_books(settings) as books:
        done = tidy(books)
        last = books.ledger.runs(1)
    print_line(f"restored: its last run started {last[0].started:%Y-%m-%d %H:%M:%S} UTC" if last else "restored: it knows no run")
    for name in ("moves_recalled", "withdrawals_recalled", "leases_freed"):
        if count := getattr(done, name):
            print_line(f"{count} {WORDS[name]}")
    print_line("enter again what people settled since then; the next night makes again what was built since then")
    return 0
