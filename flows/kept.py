"""What people settled, as inputs of a dub: the ledger's voices, consents, corrections and approved lines, each as JSON lines.

Voices, consents and corrections are part of a title-language's recipe: a changed one is a reason to build. Approved lines are not: they
are offered to whatever is built next, so that one approved line does not build the whole catalogue again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from nightdub.infra.ledger import Consent, Correction, Ledger, VoiceEntry
from nightdub.tasks.cast import EVERY, HEARD
from nightdub.tasks.rows import Language, Permission, Title


@dataclass(frozen=True, slots=True)
class Kept:
    """All that counts at one moment, by what it belongs to."""

    voices: Mapping[str, Sequence[VoiceEntry]]  # by series
    consents: Mapping[str, Sequence[Consent]]  # by scope
    corrections: Mapping[tuple[str, Language], Sequence[Correction]]

    def of(self, title: Title, language: Language) -> dict[str, bytes]:
        """Return name of the input -> its rows, of those that there are for a title-language.

        What the chain itself entered into the voice book is left out: a title was built with it, or is not touched by it.
        """
        book = self.voices.get(book_of(title), ())
        voices = [row for row in book if row.language in (EVERY, language) or (row.language == HEARD and row.who)]
        held = [row for scope in scopes_of(title) for row in self.consents.get(scope, ())]
        consents = [row for row in held if not row.languages or language in row.languages]
        corrections = self.corrections.get((title.id, language), ())
        found: dict[str, Sequence[Any]] = {"voices": voices, "consents": consents, "corrections": corrections}
        return {name: as_lines(rows) for name, rows in found.items() if rows}


def read_kept(ledger: Ledger, at: datetime) -> Kept:
    """Read what counts at a moment, with one query for each kind."""
    return Kept(
        _grouped((row.series, row) for row in ledger.voices()),
        _grouped((row.scope, row) for row in ledger.consents(at)),
        _grouped(((row.title, row.language), row) for row in ledger.corrections()),
    )


def book_of(title: Title) -> str:
    """Return the series under which a title's characters stand in the voice book: its own id where it belongs to none."""
    return title.series or title.id


def scopes_of(title: Title) -> tuple[str, ...]:
    """Return the scopes of consent that cover a title."""
    return (EVERY, *((f"series:{title.series}",) if title.series else ()), f"title:{title.id}")


def refusal(consent: Consent, title: Title, language: Language, at: datetime) -> str:
    """Return why a consent record allows nothing in a title-language at a moment; empty where it does."""
    if consent.withdrawn and consent.withdrawn <= at:
        return "withdrawn"
    if consent.expires and consent.expires <= at:
        return "expired"
    if consent.scope not in scopes_of(title):
        return "other-series" if consent.scope.startswith("series:") else "other-title"
    return "other-language" if consent.languages and language not in consent.languages else ""


def approved_lines(ledger: Ledger, source: Language, target: Language) -> bytes:
    """Return the approved lines of a language pair as JSON lines, newest first."""
    return as_lines(ledger.approved(source, target))


def as_lines(rows: Iterable[Any]) -> bytes:
    """Return rows as JSON lines without what differs between two recordings of the same: ids, moments, names and reasons."""
    return b"".join(msgspec.json.encode(_settled(row), order="sorted") + b"\n" for row in rows)


def _settled(row: Any) -> Any:
    return replace(row, **{name: empty for name, empty in (("created", None), ("id", 0), ("who", ""), ("why", "")) if _has(row, name)})


def _has(row: Any, name: str) -> bool:
    return name in row.__slots__ and not (name == "id" and isinstance(row, Consent | Permission))


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, row in pairs:
        found[key].append(row)
    return dict(found)
