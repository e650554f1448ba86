"""Glossary: terms with one agreed translation, and terms that stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.memory import normalise
from nightdub.tasks.rows import Language
from nightdub.tasks.tables import TableRow, read_table

KEEP = "*"  # the cell that means: do not translate


@dataclass(frozen=True, slots=True)
class Term:
    """A source term and what stands for it; `target` equal to `source` where it is not translated."""

    source: str
    target: str
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A term at its place in a line: characters `start` up to, not including, `end`."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Glossary:
    """Terms of each target language, the longest first."""

    terms: Mapping[Language, tuple[Term, ...]]

    def find(self, text: str, source: Language, target: Language) -> tuple[Found, ...]:
        """Return the terms of a line in its order, as whole words whatever their case; the longest wins where two overlap."""
        edge = r"(?<!\w){}(?!\w)" if LANGUAGES[source].spaces else "{}"
        found: list[Found] = []
        for term in self.terms.get(target, ()):
            for match in re.finditer(edge.format(re.escape(term.source)), text, re.IGNORECASE):
                if all(match.end() <= other.start or match.start() >= other.end for other in found):
                    found.append(Found(_as_written(term, match.group()), match.start(), match.end()))
        return tuple(sorted(found, key=lambda place: place.start))


NO_GLOSSARY = Glossary({})


def read_glossary(path: Path) -> Glossary:
    """Read a table whose first column is `source` and whose others are named by target language.

    `*` in a cell keeps the term in that language; a row of only `term,*` keeps it in every language. An empty cell says nothing.

    Raises:
        ScriptError: the file cannot be read as such a table, a column names no known language, or a term is empty or comes twice.
    """
    header, rows = read_table(path)
    if header[0] not in {"source", *LANGUAGES} or len(header) < 2 or any(name not in LANGUAGES for name in header[1:]):
        raise ScriptError(
            f"line 1: columns {', '.join(header)}",
            where=str(path),
            allowed=f"source, then any of {', '.join(LANGUAGES)}",
            fix="mend the header",
        )
    _check(path, rows)
    terms: dict[Language, list[Term]] = {language: [] for language in LANGUAGES}
    for row in rows:
        for language, cell in _cells(header, row).items():
            terms[language].append(Term(row.cells[0], row.cells[0] if cell == KEEP else cell, keep=cell == KEEP))
    return Glossary(
        {language: tuple(sorted(found, key=lambda term: (-len(term.source), term.source))) for language, found in terms.items() if found}
    )


def _cells(header: tuple[str, ...], row: TableRow) -> dict[Language, str]:
    if KEEP in row.cells[1:2] and not any(row.cells[2:]):
        return dict.fromkeys(LANGUAGES, KEEP)
    return {language: cell for language, cell in zip(header[1:], row.cells[1:], strict=True) if cell}


def _check(path: Path, rows: list[TableRow]) -> None:
    first: dict[str, int] = {}
    faults = []
    for row in rows:
        name = normalise(row.cells[0])
        if not name:
            faults.append(f"line {row.line}: no term")
        elif name in first:
            faults.append(f"line {row.line}: {row.cells[0]!r} again, first on line {first[name]}")
        first.setdefault(name, row.line)
    if faults:
        raise ScriptError("; ".join(faults), where=str(path), allowed="each term once", fix="mend these lines")


def _as_written(term: Term, written: str) -> Term:
    """Return a kept term in the line's own spelling."""
    return Term(written, written, keep=True) if term.keep else term
