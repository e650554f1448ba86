"""What a reader of a corpus is: its layout, its licence, its options, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nightdub.datasets.readers.corpus import Corpus
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

Rows = Iterator[SourceClip | Excused]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a reader."""

    meaning: str
    default: str | None = ""  # None = it must be given
    allowed: tuple[str, ...] = ()  # empty = any text


@dataclass(frozen=True, slots=True)
class Reader:
    """One layout that can be read, with the terms of the corpus that has it."""

    read: Callable[[Corpus, Mapping[str, str]], Rows]
    layout: str
    licence: str = ""  # of the corpus, as its makers name it; empty = the layout is anybody's: the recipe says
    commercial: bool | None = None  # None = not known here
    licensor: str = ""  # where that is said
    home: Path | None = None  # where it lies on every machine, for a recipe that names no folder
    options: Mapping[str, Option] = field(default_factory=dict)

    def settings(self, name: str, given: Mapping[str, str]) -> dict[str, str]:
        """Return every option with its value. Raises: ConfigError for an option, or a value, that the reader `name` does not have."""
        if unknown := sorted(given.keys() - self.options.keys()):
            raise ConfigError(f"unknown option {', '.join(unknown)}", where=f"reader {name}", allowed=", ".join(self.options) or "none")
        found = {}
        for key, option in self.options.items():
            value = given.get(key, option.default)
            if value is None:
                raise ConfigError(f"no option {key}", where=f"reader {name}", allowed=option.meaning, fix="add it to the recipe's source")
            if option.allowed and value not in option.allowed:
                raise ConfigError(f"{key} {value!r}", where=f"reader {name}", allowed=", ".join(option.allowed))
            found[key] = value
        return found
