"""Consents at work: what was cloned under a record that has ended is taken down, whether or not a new dub is ready."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from nightdub.flows.night import Books
from nightdub.flows.release import move_pointer
from nightdub.quality.metrics.cloning import counted_names
from nightdub.tasks.rows import Language


@dataclass(frozen=True, slots=True)
class TakenDown:
    """A title-language that readers no longer get, and the records that ended."""

    title: str
    language: Language
    consents: tuple[str, ...]


def take_down(books: Books, who: str = "nightdub") -> list[TakenDown]:
    """Withdraw every release with a voice that was cloned under a consent record that no longer holds; the next night makes it anew."""
    now = datetime.now(UTC)
    ended = {row.id for row in books.ledger.consents() if not row.holds(now)}
    if not ended:
        return []
    rows, taken = books.ledger.title_languages(), []
    for title, language, _, detail in books.ledger.released_with("voice.cloned_lines"):
        if found := tuple(sorted(counted_names(detail) & ended)):
            why = f"consent ended: {', '.join(found)}"
            move_pointer(books, title, language, "", decision=None, action="withdraw", who=who, why=why)
            if row := rows.get((title, language)):
                books.ledger.put_title_languages([replace(row, state="held", reasons=[why])])
            taken.append(TakenDown(title, language, found))
    return taken
