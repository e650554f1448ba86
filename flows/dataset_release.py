"""What may go out of a dataset: no speaker who was erased, and where the recipe asks for consents, none whose record has ended.

Asked when a corpus is taken in, and again whenever a version is let out, by the gate or by a person: rights end in between.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

from nightdub.datasets.recipe import Recipe
from nightdub.flows.dataset_versions import MUL, find_version, read_version, samples_of
from nightdub.flows.night import Books
from nightdub.flows.pointer import released_package
from nightdub.flows.release import earlier_release, move_pointer
from nightdub.infra.errors import LedgerError
from nightdub.tasks.rows import Language

ERASED = "erased/"


def mark_of(title: str, speaker: str) -> str:
    """Return the name under which a store remembers that a speaker was erased from a dataset; it does not say who."""
    return ERASED + hashlib.sha256(f"{title}\0{unicodedata.normalize('NFC', speaker)}".encode()).hexdigest()


def erased_speakers(books: Books, title: str) -> Callable[[str], bool]:
    """Return what says whether a speaker was erased from a dataset."""
    marks = set(books.store.pointers(ERASED))
    return lambda speaker: bool(marks) and mark_of(title, speaker) in marks


def consenting(books: Books) -> Callable[[str, Language], bool]:
    """Return what says whether a speaker's consent, for whatever is made, holds now for a language."""
    rows = [row for row in books.ledger.consents(datetime.now(UTC)) if row.scope == "*"]
    return lambda speaker, language: any(row.speaker == speaker and (not row.languages or language in row.languages) for row in rows)


def refusal(books: Books, title: str, version: str) -> str:
    """Return why a version may not go out now; empty where it may."""
    if any(row.action == "withdraw" and row.previous == version for row in books.ledger.releases(title, MUL)):
        return "it was withdrawn"
    rows, gone = samples_of(books, version), erased_speakers(books, title)
    if any(gone(speaker) for speaker in {row.speaker for row in rows}):
        return "it holds a speaker who was erased"
    if read_version(books, version).consents:
        holds = consenting(books)
        lacking = sorted({row.speaker or "(unnamed)" for row in rows if not holds(row.speaker, row.language)})
        if lacking:
            return f"no consent holds for {', '.join(lacking[:3])}{' and others' if len(lacking) > 3 else ''}"
    return ""


def release_dataset(books: Books, recipe: Recipe, who: str, why: str) -> str:
    """Release the newest version by a person's word. Return its digest. Raises: LedgerError where it may not go out."""
    version = find_version(books, recipe, "newest")
    _refuse(books, recipe.title, version)
    decision = next((row.id for row in books.ledger.decisions(recipe.title, MUL) if row.recipe == version), None)
    move_pointer(books, recipe.title, MUL, version, decision=decision, action="release", who=who, why=why)
    return version


def roll_back_dataset(books: Books, recipe: Recipe, who: str, why: str) -> str:
    """Point a dataset back to the version that was out before. Return its digest. Raises: LedgerError where it may not go out."""
    version = earlier_release(books, recipe.title, MUL)
    _refuse(books, recipe.title, version)
    move_pointer(books, recipe.title, MUL, version, decision=None, action="rollback", who=who, why=why)
    return version


def _refuse(books: Books, title: str, version: str) -> None:
    if why := refusal(books, title, version):
        raise LedgerError(why, where=f"{title} {version[:12]}", fix="build it again: a version of today goes out")


def take_down_datasets(books: Books, who: str) -> list[tuple[str, str]]:
    """Withdraw every dataset that may not be out any more; return titles with the reasons. The next build makes it anew."""
    taken = []
    for title in sorted({row.title for row in books.ledger.releases() if row.language == MUL}):
        version = released_package(books, title, MUL)
        if version and books.store.exists(version) and (why := refusal(books, title, version)):
            move_pointer(books, title, MUL, "", decision=None, action="withdraw", who=who, why=why)
            taken.append((title, why))
    return taken
