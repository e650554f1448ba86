"""Translation memory and reference translations: a table with a column for each language, matched exactly after normalising."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language
from nightdub.tasks.tables import read_table


@dataclass(frozen=True, slots=True)
class Memory:
    """Lines by language pair and normalised source; empty where none was delivered."""

    lines: Mapping[tuple[Language, Language, str], str]

    def find(self, text: str, source: Language, target: Language) -> str:
        """Return the delivered translation of a line, "" where there is none."""
        return self.lines.get((source, target, normalise(text)), "")


NO_MEMORY = Memory({})


def read_memory(path: Path) -> Memory:
    """Read a table with columns such as `en,es,fr`; an empty cell delivers nothing, and of two rows for one source the first counts.

    Raises:
        ScriptError: the file cannot be read as such a table, or a column names no known language.
    """
    header, rows = read_table(path)
    if (strange := [name for name in header if name not in LANGUAGES]) or len(header) < 2:
        raise ScriptError(
            f"line 1: columns {', '.join(strange or header)}",
            where=str(path),
            allowed=", ".join(LANGUAGES),
            fix="name two columns or more by language",
        )
    lines: dict[tuple[Language, Language, str], str] = {}
    for row in rows:
        cells = {language: cell for language, cell in zip(header, row.cells, strict=True) if cell}
        for source, text in cells.items():
            for target in cells.keys() - {source}:
                lines.setdefault((source, target, normalise(text)), cells[target])
    lines = {key: text for key, text in lines.items() if key[2]}
    return Memory(lines)


def normalise(text: str) -> str:
    """Return `text` without case, punctuation and double spaces, in Unicode's compatibility form."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(" " if unicodedata.category(character).startswith("P") else character for character in plain).split())
