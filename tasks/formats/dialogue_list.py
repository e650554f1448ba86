"""Dialogue lists: CSV, TSV or semicolons with a header, times as clocks or as time code."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.cells import as_meant, harmless
from nightdub.tasks.formats.line import ON_SCREEN, SOUND, ScriptFile, ScriptLine, one_row, tidy
from nightdub.tasks.rows import Seconds
from nightdub.tasks.timecode import (
    FrameRate,
    clock,
    code_of,
    counted,
    frames_of,
    hour,
    is_code,
    nearest_frame,
    seconds_of,
    written_clock,
)

# What dialogue lists call their columns; the first name of each is what is written.
COLUMNS: dict[str, tuple[str, ...]] = {
    "start": ("start", "in", "tc in", "tc-in", "timecode in", "time code in", "time code", "timecode", "tc", "begin", "start time"),
    "end": ("end", "out", "tc out", "tc-out", "timecode out", "time code out", "end time"),
    "speaker": ("speaker", "character", "role", "name", "actor"),
    "kind": ("kind", "type"),
    "notes": ("notes", "note", "comment", "comments", "annotation", "annotations"),
    "position": ("position",),
    "text": ("text", "line", "dialogue", "dialog", "original", "original dialogue", "transcript"),
}
KINDS = {
    ON_SCREEN: (
        *("on-screen", "on screen", "onscreen", "on-screen text", "ost", "forced", "forced narrative", "fn"),
        *("sign", "text", "title", "caption"),
    ),
    SOUND: ("sound", "sfx", "sound effect", "effect", "sdh", "music", "song", "lyrics"),
}
LONGEST_OPEN = 6.0  # seconds that a line without an end stays, when the next one does not begin before


def read_csv(text: str, name: str, rate: FrameRate | None = None) -> ScriptFile:
    """Return the rows of a dialogue list.

    A list with a column of beginnings alone has each line end where the next begins, `LONGEST_OPEN` later at most.

    Raises:
        ScriptError: the file is not CSV, or has time code with frames while `rate` is not known.
    """
    rows = list(csv_rows(text, name))
    names = _names(rows[0][1]) if rows else {}
    times = [row.get(names.get(column, ""), "") for _, row in rows for column in ("start", "end")]
    codes = [time for time in times if is_code(time)]
    if codes and rate is None:
        raise ScriptError(f"time code {codes[0]!r}, and no frame rate", where=name, fix="name it: --frame-rate 25, or 29.97df")
    if rate and codes and any(";" in code for code in codes):
        rate = counted(rate, ";")
    lines = tuple(_line(number, row, names, rate) for number, row in rows)
    notes: tuple[str, ...] = ()
    if rows and "end" not in names:
        lines, notes = _ended(lines), ("the list has no column of ends: each line ends where the next begins",)
    return ScriptFile(lines, "", rate if codes else None, float(hour(rate)) if codes else 3600.0, notes)


def is_list(text: str) -> bool:
    """Return whether the first row has a column of beginnings and one of lines."""
    header = text.lstrip().partition("\n")[0]
    names = _names([cell.strip().strip('"').strip().lower() for cell in header.split(_delimiter(text))])
    return "start" in names and "text" in names


def _names(columns: Iterable[str]) -> dict[str, str]:
    """Return field -> the column that holds it."""
    found = {}
    there = list(columns)
    for field, aliases in COLUMNS.items():
        for alias in aliases:
            if alias in there:
                found[field] = alias
                break
    return found


def _line(number: int, row: Mapping[str, str], names: Mapping[str, str], rate: FrameRate | None) -> ScriptLine:
    cell = {field: row[column] for field, column in names.items()}
    kind = next((kind for kind, aliases in KINDS.items() if cell.get("kind", "").lower() in aliases), "")
    return ScriptLine(
        _seconds(cell.get("start", ""), rate),
        _seconds(cell.get("end", ""), rate),
        tidy(cell.get("text", "")),
        one_row(cell.get("speaker", "")),
        kind,
        tidy(cell.get("notes", "")),
        "top" if cell.get("position", "").lower() == "top" else "",
        number=number,
    )


def _seconds(text: str, rate: FrameRate | None) -> Seconds:
    if rate is None or not is_code(text):
        return clock(text)
    try:
        return float(seconds_of(frames_of(text, rate), rate))
    except ScriptError:
        return math.nan


def _ended(lines: Sequence[ScriptLine]) -> tuple[ScriptLine, ...]:
    starts = sorted({line.start for line in lines if math.isfinite(line.start)})
    following = dict(pairwise(starts))
    return tuple(replace(line, end=min(following.get(line.start, math.inf), line.start + LONGEST_OPEN)) for line in lines)


def write_csv(file: ScriptFile) -> str:
    """Return a script as CSV; times are time code where the script has a frame rate, else clocks in milliseconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in file.lines:
        times = [_written(moment, file.rate) for moment in (line.start, line.end)]
        writer.writerow([*times, *map(harmless, (line.speaker, line.kind, line.notes, line.position, line.text))])
    return out.getvalue()


def _written(moment: Seconds, rate: FrameRate | None) -> str:
    return code_of(nearest_frame(moment, rate), rate) if rate else written_clock(moment)


# ---------------------------------------------------------------- any table


def csv_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line numbers and rows with lower-case column names; commas, semicolons and tabs may part the columns.

    Raises:
        ScriptError: the file breaks the rules of CSV.
    """
    mark = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        columns = [column.strip().lower() for column in next((row for row in reader if any(row)), [])]
        for row in reader:
            if any(cell.strip() for cell in row):
                last = len(columns) - 1  # text that holds the mark without quotes runs over into more cells
                padded = [*row, *([""] * len(columns))]
                cells = [*padded[:last], mark.join(row[last:])]
                yield reader.line_num, {column: as_meant(cell.strip()) for column, cell in zip(columns, cells, strict=True)}
    except csv.Error as error:
        where = f"{name}, line {reader.line_num}"
        raise ScriptError(f"not CSV: {error}", where=where, fix="quote cells that hold commas or quotes") from None


def _delimiter(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)
