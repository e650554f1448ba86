"""Units as types, and rows as JSON lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

Seconds = float  # from the programme's start where a moment is meant
Hertz = float
Decibel = float
Language = str  # a key of `tasks.languages.LANGUAGES`: "en", "es", ...
Row = TypeVar("Row")


def write_rows(path: Path, rows: Iterable[object]) -> Path:
    """Write rows as JSON lines with sorted names, so that equal rows are equal bytes."""
    with path.open("wb") as stream:
        for row in rows:
            stream.write(msgspec.json.encode(row, order="sorted") + b"\n")
    return path


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Read JSON lines into rows of one type. Raises: msgspec.ValidationError where a line does not fit."""
    return msgspec.json.Decoder(kind).decode_lines(path.read_bytes())
