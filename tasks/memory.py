"""Translation memory and reference translations: lines in several languages, found by their text, exactly or nearly.

A near line is found by its words: 1 - (words inserted, deleted or replaced) / (words of the longer line), after `normalise`, by characters
where words are not spaced. A number counts as any other number, and is written into the translation where that is certain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.likeness import Likeness
from nightdub.tasks.meaning import same_sense, with_numbers_of
from nightdub.tasks.rows import Language
from nightdub.tasks.tables import read_table

NEARLY = 0.99  # the highest score of a line that is not the same


@dataclass(frozen=True, slots=True)
class Match:
    """A line of the memory that was found for another: its translation, how alike the two are, and what it translates itself."""

    text: str
    score: float = 1.0
    source: str = ""


@dataclass(frozen=True)
class Memory:
    """Lines by language, as they were delivered; of two that have one source the first counts."""

    rows: Sequence[Mapping[Language, str]] = ()
    _pairs: dict[tuple[Language, Language], _Pair] = field(default_factory=dict, repr=False, compare=False)

    def find(self, text: str, source: Language, target: Language) -> str:
        """Return the delivered translation of a line, "" where there is none."""
        found = self._pair(source, target).exact.get(normalise(text))
        return found.text if found else ""

    def search(self, text: str, source: Language, target: Language, threshold: float) -> Match | None:
        """Return the translation of a line, or of the most similar one whose score is `threshold` or more; None where there is none.

        A similar line is passed over where it says the opposite, has another number word, or has numbers that cannot be exchanged.
        """
        pair = self._pair(source, target)
        if found := pair.exact.get(normalise(text)):
            return found
        for score, match in pair.similar(text, threshold):
            if same_sense(text, match.source, source) and (made := with_numbers_of(text, match.source, match.text)):
                return replace(match, text=made, score=round(min(score, NEARLY), 4))
        return None

    def joined(self, other: Memory) -> Memory:
        """Return this memory and, where it says nothing, the other."""
        return Memory((*self.rows, *other.rows))

    def _pair(self, source: Language, target: Language) -> _Pair:
        if (source, target) not in self._pairs:
            self._pairs[source, target] = _Pair(self.rows, source, target)
        return self._pairs[source, target]


class _Pair:
    """The lines of one language pair; the index of similar ones is made when it is first asked."""

    def __init__(self, rows: Iterable[Mapping[Language, str]], source: Language, target: Language) -> None:
        self.exact: dict[str, Match] = {}
        self._language = source
        self._likeness: Likeness | None = None
        for row in rows:
            if row.get(source) and row.get(target) and (plain := normalise(row[source])):
                self.exact.setdefault(plain, Match(row[target], source=row[source]))
        self._matches = list(self.exact.values())

    def similar(self, text: str, threshold: float) -> list[tuple[float, Match]]:
        if self._likeness is None:
            self._likeness = Likeness([words_of(plain, self._language) for plain in self.exact])
        found = self._likeness.find(words_of(normalise(text), self._language), threshold)
        return [(score, self._matches[index]) for score, index in found]


NO_MEMORY = Memory()


def read_memory(path: Path) -> Memory:
    """Read a TMX, or a table with columns such as `en,es,fr`, where an empty cell delivers nothing.

    Of two rows for one source the first counts. What the file is says its first character: the chain keeps no names of files.

    Raises:
        ScriptError: the file cannot be read as either, or a column names no known language.
    """
    if _is_xml(path):
        from nightdub.tasks.formats.tmx import read_tmx

        return Memory(read_tmx(path))
    header, rows = read_table(path)
    if (strange := [name for name in header if name not in LANGUAGES]) or len(header) < 2:
        raise ScriptError(
            f"line 1: columns {', '.join(strange or header)}",
            where=str(path),
            allowed=", ".join(LANGUAGES),
            fix="name two columns or more by language",
        )
    return Memory([{language: cell for language, cell in zip(header, row.cells, strict=True) if cell} for row in rows])


def normalise(text: str) -> str:
    """Return `text` without case, punctuation and double spaces, in Unicode's compatibility form."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(" " if unicodedata.category(character).startswith("P") else character for character in plain).split())


def words_of(plain: str, language: Language) -> list[str]:
    """Return what a normalised line is compared by: words, or characters where a word is more than one thing; any number is "0"."""
    if LANGUAGES[language].spaces and language != "ko":  # a Korean word carries its particles
        return ["0" if word.isdigit() else word for word in plain.split()]
    return list(re.sub(r"\d+", "0", plain).replace(" ", ""))


def _is_xml(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            first = stream.read(64)
    except OSError:
        return False  # the table's reader says what is wrong
    return first.lstrip(b"\xef\xbb\xbf\xff\xfe\xfe\xff\x00 \t\r\n").startswith(b"<")
