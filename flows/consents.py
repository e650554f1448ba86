"""Consents at work: what was cloned under a record that has ended is taken down, whether or not a new dub is ready.

That a consent was withdrawn is also kept in the store, beside the ledger: a ledger restored from an older backup must not bring it back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from nightdub.flows.dataset_release import take_down_datasets
from nightdub.flows.dataset_versions import MUL
from nightdub.flows.night import Books
from nightdub.flows.release import move_pointer
from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import PointerConflict, StoreError
from nightdub.infra.logs import warn
from nightdub.quality.metrics.cloning import counted_names
from nightdub.tasks.rows import Language


@dataclass(frozen=True, slots=True)
class TakenDown:
    """A title-language that readers no longer get, and the records that ended."""

    title: str
    language: Language
    consents: tuple[str, ...]
    why: str = ""  # of a dataset


def withdraw(books: Books, name: str, who: str) -> list[TakenDown]:
    """End a consent now, and take down what it was used in. Raises: LedgerError where there is no such record."""
    books.ledger.withdraw_consent(name)
    recall_withdrawals(books)
    return take_down(books, who)


def recall_withdrawals(books: Books) -> int:
    """Let ledger and store know of the same withdrawn consents; return how many the ledger had forgotten."""
    marks = {f"withdrawn/{digest_bytes(row.id.encode())}": row for row in books.ledger.consents()}
    known = set(books.store.pointers("withdrawn/"))
    forgotten = [row for mark, row in marks.items() if mark in known and not row.withdrawn]
    for row in forgotten:
        books.ledger.withdraw_consent(row.id)
        warn("withdrawal of a consent recalled", consent=row.id)
    for mark in {mark for mark, row in marks.items() if row.withdrawn} - known:
        with suppress(PointerConflict):  # somebody else has just written it
            books.store.write_pointer(mark, b"", None)
    return len(forgotten)


def take_down(books: Books, who: str = "nightdub") -> list[TakenDown]:
    """Withdraw every release with a voice that was cloned under a consent record that no longer holds, and every dataset that may not be
    out any more; the next night or build makes it anew.
    """
    now = datetime.now(UTC)
    datasets = [TakenDown(title, MUL, (), why) for title, why in take_down_datasets(books, who)]
    ended = {row.id for row in books.ledger.consents() if not row.holds(now)}
    if not ended:
        return datasets
    rows, taken = books.ledger.title_languages(), []
    for title, language, _, detail in books.ledger.released_with("voice.cloned_lines"):
        if found := tuple(sorted(counted_names(detail) & ended)):
            why = f"consent ended: {', '.join(found)}"
            try:
                move_pointer(books, title, language, "", decision=None, action="withdraw", who=who, why=why)
            except StoreError as error:
                if error.transient:
                    raise
                warn("release not taken down", title=title, language=language, what=str(error))  # the ledger says so, for the next try
            if row := rows.get((title, language)):
                books.ledger.put_title_languages([replace(row, state="held", reasons=[why])])
            taken.append(TakenDown(title, language, found))
    return [*taken, *datasets]
