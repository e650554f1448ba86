"""Delivered tables: CSV or TSV with a header, read whole, with every fault named by its line."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import ScriptError

LARGEST = 256 << 20  # bytes; a memory of two million lines


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: cells stripped, as many as the header has, and the line of the file that it ends on."""

    line: int
    cells: tuple[str, ...]


def read_table(path: Path) -> tuple[tuple[str, ...], list[TableRow]]:
    """Return the header in lower case and the rows that are not blank. Tabs part the cells where the header has any, else commas.

    Raises:
        ScriptError: the file is absent, is not UTF-8, has no header, repeats a column, or has rows with more cells than columns.
    """
    text = _text(path)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in text.partition("\n")[0] else ",", strict=True)
    try:
        header = tuple(name.strip().lower() for name in next(lines, []))
        read = [(lines.line_num, [cell.strip() for cell in cells]) for cells in lines]
    except csv.Error as error:
        raise ScriptError(f"line {lines.line_num}: {error}", where=str(path), fix="quote cells that hold the separator") from error
    if not any(header) or len(set(header)) < len(header):
        raise ScriptError(
            f"header {', '.join(header) or 'missing'}", where=str(path), allowed="one name a column, each once", fix="mend line 1"
        )
    if wide := [str(line) for line, cells in read if len(cells) > len(header)]:
        raise ScriptError(f"more cells than columns on line {', '.join(wide)}", where=str(path), fix="quote cells that hold the separator")
    return header, [TableRow(line, tuple(cells + [""] * (len(header) - len(cells)))) for line, cells in read if any(cells)]


def _text(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ScriptError(f"{size} bytes", where=str(path), allowed=f"at most {LARGEST}", fix="deliver what this programme needs")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=str(path), fix="correct the catalogue, or deliver the file") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ScriptError(f"line {line}: not UTF-8", where=str(path), allowed="UTF-8", fix="save the file as UTF-8") from error
