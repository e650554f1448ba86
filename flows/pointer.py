"""The pointer that readers follow, and how it agrees with the ledger: the newest move counts, whichever of the two knows it.

A pointer says which move it shows. Where the ledger does not know that move, it was restored from an older backup: the move is entered
again, so that no release, rollback or withdrawal of the time between is undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from nightdub.infra.errors import StoreError
from nightdub.infra.ledger import RecordedRelease, ReleaseAction
from nightdub.infra.logs import about, note, warn
from nightdub.infra.store_contract import check_digest
from nightdub.tasks.rows import Language

if TYPE_CHECKING:
    from nightdub.flows.night import Books

FOLDER = "releases/"
FAST = timedelta(days=1)  # no clock of an installation is further ahead
FORGOTTEN = "found in the store: the ledger had forgotten this move, as one restored from an older backup does"


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pointer's value. `moved`, `action` and `previous` are those of the ledger's move; pointers of the first version have none."""

    title: str
    language: Language
    package: str  # digest; empty = nothing is out
    synthetic: bool
    action: ReleaseAction | None = None
    previous: str = ""
    moved: datetime | None = None


def released_package(books: Books, title: str, language: Language) -> str:
    """Return the digest that readers get, or an empty string. Raises: StoreError where the pointer is none of ours."""
    pointer = books.store.read_pointer(f"{FOLDER}{title}/{language}")
    return _read(pointer.value, title, language).package if pointer else ""


def carry_out(books: Books, title: str, language: Language) -> bool:
    """Let the release pointer say what the ledger's newest move says; return whether it was moved.

    The ledger is read after the pointer's version: a move made in between is carried out, or found as a conflict, and never undone. A
    pointer that is newer than the ledger stays, and its move is entered into the ledger.

    Raises: PointerConflict where somebody else moved it in between.
    """
    name = f"{FOLDER}{title}/{language}"
    pointer = books.store.read_pointer(name)
    moves = books.ledger.releases(title, language)
    if pointer and _recalled(books, _read(pointer.value, title, language), moves):
        return False
    wanted = msgspec.json.encode(_of(title, language, moves), order="sorted")
    if pointer and pointer.value == wanted:
        return False
    books.store.write_pointer(name, wanted, pointer.version if pointer else None)
    with about(title=title, language=language):
        note("release moved", action=moves[0].action if moves else "", package=moves[0].package if moves else "")
    return True


def recall(books: Books, title: str, language: Language) -> bool:
    """Enter the pointer's move into a ledger that has forgotten it; return whether it had."""
    pointer = books.store.read_pointer(f"{FOLDER}{title}/{language}")
    return pointer is not None and _recalled(books, _read(pointer.value, title, language), books.ledger.releases(title, language))


def _recalled(books: Books, shown: Shown, moves: Sequence[RecordedRelease]) -> bool:
    if shown.moved is None or shown.action is None or any(move.created == shown.moved for move in moves):
        return False
    if moves and moves[0].created > shown.moved:  # a person's newer word, given to the restored ledger
        return False
    moved, place = (shown.action, shown.package, shown.previous, shown.moved), (shown.title, shown.language)
    if books.ledger.recall_release(*place, moved, who="nightdub", why=FORGOTTEN):
        warn("release recalled", title=shown.title, language=shown.language, action=shown.action, package=shown.package)
        _mend_state(books, shown)
    return True


def _mend_state(books: Books, shown: Shown) -> None:
    """Let the title-language's state agree with the move: nothing is released that was withdrawn."""
    row = books.ledger.title_languages(shown.title).get((shown.title, shown.language))
    if row and shown.action == "withdraw":
        books.ledger.put_title_languages([replace(row, state="held", reasons=[FORGOTTEN])])
    elif row and row.package == shown.package and row.state == "held":
        books.ledger.put_title_languages([replace(row, state="released", reasons=[])])


def _of(title: str, language: Language, moves: Sequence[RecordedRelease]) -> Shown:
    if not moves:
        return Shown(title, language, "", synthetic=True)
    newest = moves[0]
    return Shown(title, language, newest.package, True, newest.action, newest.previous, newest.created)  # noqa: FBT003


def _read(value: bytes, title: str, language: Language) -> Shown:
    where, fix = f"{FOLDER}{title}/{language}", "restore it from a backup of the store, or delete it: the ledger writes it anew"
    try:
        shown = msgspec.json.decode(value, type=Shown)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"no release pointer: {error}", where=where, fix=fix) from None
    if (shown.title, shown.language) != (title, language):
        raise StoreError(f"a release pointer of {shown.title}/{shown.language}", where=where, fix=fix)
    for digest in filter(None, (shown.package, shown.previous)):
        check_digest(digest)
    if shown.moved and (shown.moved.tzinfo is None or shown.moved > datetime.now(UTC) + FAST):
        raise StoreError(f"a release pointer of {shown.moved}", where=where, fix=fix)
    return shown
