"""Glossary: terms with one agreed translation, and terms that stay as they are, found in whatever form a line has them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.inflection import first_letters, same_word, words_of
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
    _indexes: dict[tuple[Language, Language], _Index] = field(default_factory=dict, repr=False, compare=False)

    def find(self, text: str, source: Language, target: Language) -> tuple[Found, ...]:
        """Return the terms of a line in its order; the longest wins where two overlap.

        Words are compared in any form and case. A term all in capitals ("IT", "US") is found in capitals alone, and one with signs in it
        ("C++") as it is written.
        """
        if (source, target) not in self._indexes:
            self._indexes[source, target] = _Index(self.terms.get(target, ()), source)
        found: list[Found] = []
        places = sorted(self._indexes[source, target].places(text), key=lambda place: (-len(place.term.source), place.start))
        for place in places:
            if all(place.end <= other.start or place.start >= other.end for other in found):
                found.append(Found(_as_written(place.term, text[place.start : place.end]), place.start, place.end))
        return tuple(sorted(found, key=lambda place: place.start))


class _Index:
    """The terms of one language pair by the first letters of their first word; those that no words make up, by themselves."""

    def __init__(self, terms: Sequence[Term], language: Language) -> None:
        self._language = language
        self._by_letters: dict[str, list[tuple[Term, list[str]]]] = defaultdict(list)
        self._written: list[tuple[Term, re.Pattern[str]]] = []
        for term in terms:
            if LANGUAGES[language].spaces and _WORDS.fullmatch(term.source):
                words = [term.source[start:end] for start, end in words_of(term.source)]
                self._by_letters[first_letters(words[0], language)].append((term, words))
            else:
                self._written.append((term, _pattern(term.source, language)))

    def places(self, text: str) -> Iterator[Found]:
        """Yield every place of every term, overlapping ones too."""
        for term, pattern in self._written:
            yield from (Found(term, match.start(), match.end()) for match in pattern.finditer(text))
        spans = words_of(text)
        for at, (start, end) in enumerate(spans):
            for term, words in self._by_letters.get(first_letters(text[start:end], self._language), ()):
                last = at + len(words) - 1
                if last < len(spans) and self._are(text, spans[at : last + 1], words, term):
                    yield Found(term, start, self._end(text, spans[last], words[-1]))

    def _are(self, text: str, spans: Sequence[tuple[int, int]], words: Sequence[str], term: Term) -> bool:
        said = [text[start:end] for start, end in spans]
        if not all(_GAP.fullmatch(text, one[1], other[0]) for one, other in pairwise(spans)):
            return False
        if len(term.source) > 1 and term.source.isupper():
            return said == list(words) or said == [*words[:-1], words[-1] + "s"]
        return all(same_word(word, other, self._language) for word, other in zip(words, said, strict=True))

    def _end(self, text: str, span: tuple[int, int], word: str) -> int:
        """Return where a term ends: in Korean before the particles."""
        end = span[0] + len(word)
        return end if self._language == "ko" and text[span[0] : end].casefold() == word.casefold() else span[1]


_WORDS = re.compile(r"[\w\u0900-\u097f]+(?:[\s'’-]+[\w\u0900-\u097f]+)*")
_GAP = re.compile(r"[\s'’-]+")


def _pattern(term: str, language: Language) -> re.Pattern[str]:
    """Return what finds a term as it is written: as whole words, and a word in katakana not as a part of another."""
    if LANGUAGES[language].spaces:
        return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
    before, after = (("(?<![ァ-ヺー])", "(?![ァ-ヺー])") if "ァ" <= char <= "ー" else ("", "") for char in (term[0], term[-1]))
    return re.compile(before[0] + re.escape(term) + after[1], re.IGNORECASE)


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


# ---------------------------------------------------------------- in a translation


def keeps_term(text: str, term: Term, language: Language) -> bool:
    """Return whether a translated line has a term: one that stays in the source's spelling, any other in any form of its words."""
    return has_kept(text, term.target, language) if term.keep else has_term(text, term.target, language)


def has_kept(text: str, term: str, language: Language) -> bool:
    """Return whether a term that stays is in a line in the source's spelling, whatever its case; an ending may follow it."""
    edge = r"(?<!\w)" if LANGUAGES[language].spaces else ""
    plain = unicodedata.normalize("NFC", text).casefold()
    return re.search(edge + re.escape(unicodedata.normalize("NFC", term).casefold()), plain) is not None


def has_term(text: str, term: str, language: Language) -> bool:
    """Return whether a line has a term, each word of it in any form: "conferencias" has "conferencia", "개발자들은" has "개발자"."""
    plain, wanted = normalise(text), normalise(term)
    if not LANGUAGES[language].spaces or language == "ko":
        return wanted.replace(" ", "") in plain.replace(" ", "")
    there, words = ([line[start:end] for start, end in words_of(line)] for line in (plain, wanted))
    return any(
        all(same_word(word, other, language) for word, other in zip(words, there[at:], strict=False))
        for at in range(len(there) - len(words) + 1)
    )
