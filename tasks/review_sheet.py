"""The review sheet: the lines of one title-language as a person edits and hands them back: a table (XLSX, CSV) or XLIFF 2.1.

A cell that a spreadsheet would take for a formula is written as text: in XLSX by its type, in CSV behind an apostrophe, which is taken
off when the sheet is read.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.cells import as_meant, harmless
from nightdub.tasks.formats.line import decode
from nightdub.tasks.formats.xliff import BilingualFile, BilingualLine, read_xliff, write_xliff
from nightdub.tasks.rows import Language, Seconds, Segment

COLUMNS = ("line", "start", "end", "speaker", "source", "text", "origin", "notes", "approve", "lock", "revision")
NEEDED = ("line", "text", "revision")
KINDS = (".xlsx", ".csv", ".xlf")
LARGEST = 16 << 20  # bytes of a sheet, unpacked; one of 1,500 lines has under 2 MiB
MOST_ROWS, MOST_COLUMNS = 50_000, 64
YES, NO = ("yes", "y", "x", "1", "true"), ("", "no", "n", "0", "false")
_WIDTHS = {"source": 50, "text": 50, "notes": 30}
_REVISION = re.compile(r"\brevision ([0-9a-f]+)\b")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One line as it stands, or as a person wants it. `revision` names the state that was exported."""

    line: str
    start: Seconds | None
    end: Seconds | None
    speaker: str | None  # None: the sheet does not say
    source: str
    text: str
    origin: str = ""
    notes: str = ""
    approve: bool = False
    lock: bool | None = False  # None: the form cannot say
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read: usable rows, and for each other row why it is not."""

    rows: tuple[SheetRow, ...]
    problems: tuple[str, ...] = ()


def write_sheet(path: Path, rows: Sequence[SheetRow], title: str, source: Language, target: Language) -> Path:
    """Write a sheet; the file's ending decides the form. Raises: ScriptError for another ending."""
    if _kind(path) == ".xlf":
        path.write_text(write_xliff(BilingualFile(source, target, tuple(map(_unit, rows)), title)), encoding="utf-8")
        return path
    cells = [[_cell(getattr(row, name)) for name in COLUMNS] for row in rows]
    if _kind(path) == ".csv":
        with path.open("w", newline="", encoding="utf-8-sig") as stream:  # with a mark: spreadsheets take the file for Latin-1 otherwise
            csv.writer(stream, lineterminator="\r\n").writerows([COLUMNS, *([harmless(cell) for cell in row] for row in cells)])
        return path
    return _write_workbook(path, cells)


def read_sheet(path: Path) -> Sheet:
    """Read a sheet that came back. A row that cannot be used is named with its problem and stops no other.

    Raises:
        ScriptError: the file cannot be read at all, or lacks a column.
    """
    if _kind(path) == ".xlf":
        return Sheet(tuple(map(_of_unit, read_xliff(decode(_bytes(path), str(path)), str(path)).lines)))
    table = _read_csv(path) if _kind(path) == ".csv" else _read_workbook(path)
    header = [str(name).strip().lower() for name in next(table, ())]
    if missing := [name for name in NEEDED if name not in header]:
        raise ScriptError(f"no column {', '.join(missing)}", where=str(path), allowed=", ".join(COLUMNS), fix="export the sheet again")
    rows, problems = [], []
    for number, cells in enumerate(table, start=2):
        found = dict(zip(header, [*cells, *([""] * len(header))], strict=False))  # a short row lacks its last cells
        if any(found.values()):
            try:
                rows.append(_row(found))
            except ValueError as error:
                problems.append(f"row {number} ({found.get('line') or 'no line'}): {error}")
    return Sheet(tuple(rows), tuple(problems))


def revision_of(segment: Segment, text: str, *, locked: bool = False) -> str:
    """Return a short name for the state of a line: where it lies, who says it, what is said, and whether it is locked."""
    state = [round(segment.start, 3), round(segment.end, 3), segment.speaker, segment.text, text, locked]
    return str(digest_of(state))[:10]


def _kind(path: Path) -> str:
    if path.suffix.lower() not in KINDS:
        raise ScriptError(f"ending {path.suffix!r}", where=str(path), allowed=", ".join(KINDS), fix="name the sheet so")
    return path.suffix.lower()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return _UNWRITABLE.sub("", str(value)) if value is not None else ""


def _row(cells: dict[str, str]) -> SheetRow:
    """Return a row from its cells. Raises: ValueError saying what is wrong."""
    if not cells.get("line"):
        raise ValueError("no line is named")
    return SheetRow(
        cells["line"],
        _moment(cells.get("start", "")),
        _moment(cells.get("end", "")),
        cells.get("speaker"),
        cells.get("source", ""),
        cells["text"],
        cells.get("origin", ""),
        cells.get("notes", ""),
        _chosen("approve", cells.get("approve", "")),
        _chosen("lock", cells["lock"]) if "lock" in cells else None,
        cells["revision"],
    )


def _moment(cell: str) -> Seconds | None:
    if not cell:
        return None
    if not re.fullmatch(r"\d{1,6}([.,]\d{1,6})?", cell):
        raise ValueError(f"time {cell!r}; allowed: seconds, as 12.340")
    return float(cell.replace(",", "."))


def _chosen(column: str, cell: str) -> bool:
    if cell.casefold() not in YES + NO:
        raise ValueError(f"{column} {cell!r}; allowed: yes, or empty")
    return cell.casefold() in YES


# ---------------------------------------------------------------- XLIFF


def _unit(row: SheetRow) -> BilingualLine:
    """Return a row as a unit; its revision is the last of its notes."""
    notes = "\n".join(note for note in (row.notes, f"revision {row.revision}") if note)
    start, end = (math.nan if moment is None else moment for moment in (row.start, row.end))
    return BilingualLine(row.line, row.source, row.text, notes, "final" if row.approve else "translated", start, end, row.speaker or "")


def _of_unit(unit: BilingualLine) -> SheetRow:
    """Return a unit as a row: what is final is approved. XLIFF locks nothing."""
    found = _REVISION.findall(unit.notes)
    start, end = (moment if math.isfinite(moment) else None for moment in (unit.start, unit.end))
    return SheetRow(
        unit.id,
        start,
        end,
        unit.speaker,
        unit.source,
        unit.target,
        notes=unit.notes,
        approve=unit.state == "final",
        lock=None,
        revision=found[-1] if found else "",
    )


# ---------------------------------------------------------------- files


def _write_workbook(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    page = book.worksheets[0]
    page.title = "lines"
    for number, cells in enumerate([COLUMNS, *rows], start=1):
        for column, value in enumerate(cells, start=1):
            cell = page.cell(number, column)
            cell.value, cell.data_type = value, "s"  # text whatever it begins with
            cell.alignment = Alignment(wrap_text=COLUMNS[column - 1] in _WIDTHS, vertical="top")
            cell.font = Font(bold=number == 1)
    for column, name in enumerate(COLUMNS, start=1):
        page.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(name, 12)
    page.freeze_panes = "A2"
    book.save(path)
    return path


def _read_workbook(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the first page as text. Raises: ScriptError for what is no workbook, or would unpack to too much."""
    from openpyxl import load_workbook

    try:
        _refuse_above(path.stat().st_size, "bytes", LARGEST, path)
        with zipfile.ZipFile(path) as archive:
            _refuse_above(sum(member.file_size for member in archive.infolist()), "bytes unpacked", LARGEST, path)
        page = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        page.reset_dimensions()  # what the file says of its size is no reason to make room for it
        rows = [["" if value is None else str(value).strip() for value in row] for row in _at_most(page, path)]
    except ScriptError:
        raise
    except Exception as error:  # openpyxl lets through whatever broken XML does to it
        raise ScriptError(f"not a workbook: {error}", where=str(path), allowed="XLSX", fix="save it as XLSX or CSV") from error
    return iter(rows)


def _at_most(page: Any, path: Path) -> Iterator[Sequence[Any]]:
    """Yield a page's rows. Raises: ScriptError where there are more than a sheet of ours has."""
    for number, row in enumerate(page.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1):
        _refuse_above(number, "rows and more", MOST_ROWS, path)
        yield row


def _refuse_above(count: int, unit: str, most: int, path: Path) -> None:
    if count > most:
        raise ScriptError(f"{count} {unit}", where=str(path), allowed=f"at most {most}", fix="export the sheet again")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=str(path), fix="give the path of the sheet") from None


def _read_csv(path: Path) -> Iterator[list[str]]:
    try:
        text = decode(_bytes(path), str(path))
        header = text.partition("\n")[0]
        mark = max(",;\t", key=header.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise ScriptError(f"not CSV: {error}", where=str(path), fix="save it as CSV or XLSX again") from None
    return iter([[as_meant(cell) for cell in map(str.strip, row)] for row in rows])
