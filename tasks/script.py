"""A delivered script as lines of dialogue: repaired where it can be, and every line that cannot be used named with its reason."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.rows import Dropped, Seconds, Segment
from nightdub.tasks.script_formats import RawLine, decode, reader_for


@dataclass(frozen=True, slots=True)
class Script:
    """What a script became: `segments` and `dropped` together are all lines that it has.

    Reasons of dropped lines: "unreadable-time", "zero-length" (its end is not after its start), "empty-text", "past-the-end".
    """

    segments: tuple[Segment, ...]  # ordered by start
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()  # repairs, for the operator


def read_script(path: Path, programme_end: Seconds = math.inf, name: str = "") -> Script:
    """Read SRT, WebVTT, TTML or a CSV dialogue list, told apart by content.

    Args:
        path: The file.
        programme_end: Seconds at which the programme ends: lines that begin there or later are dropped, a line that reaches over is cut.
        name: What messages call the file, where `path` is only a copy of it.

    Raises:
        ScriptError: the file cannot be read, has no line, or has none that can be used. One bad line never raises.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=name or str(path), fix="check the script's path in the catalogue") from None
    return parse_script(data, name or str(path), programme_end)


def parse_script(data: bytes, name: str, programme_end: Seconds = math.inf) -> Script:
    """Read a script from its bytes; see `read_script`."""
    text = decode(data, name)
    if not text.strip():
        raise ScriptError("the script is empty", where=name, fix="deliver it again, or leave it out: the speech is recognised then")
    lines = list(reader_for(text, name)(text, name))
    ordered = _in_order(lines)
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    for index, line in enumerate(ordered):
        row = _judged(f"s{index:04d}", line, programme_end)
        (segments if isinstance(row, Segment) else dropped).append(row)  # type: ignore[arg-type]
    if not segments:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(Counter(row.reason for row in dropped).items()))
        raise ScriptError(f"no usable line ({reasons or 'none found'})", where=name, fix="is this the script of this programme?")
    return Script(tuple(segments), tuple(dropped), (*_disorder(lines, ordered), *_overlaps(segments), *_cuts(ordered, programme_end)))


def _in_order(lines: Sequence[RawLine]) -> list[RawLine]:
    """Return the lines by start; one without a time stays behind the line that it was written under."""
    starts: list[Seconds] = []
    for line in lines:
        starts.append(line.start if line.timed else (starts[-1] if starts else 0.0))
    return [lines[index] for index in sorted(range(len(lines)), key=lambda index: (starts[index], lines[index].number))]


def _judged(identifier: str, line: RawLine, programme_end: Seconds) -> Segment | Dropped:
    text = " ".join(line.text.split())
    if not line.timed:
        return Dropped(identifier, text, "unreadable-time")
    if line.end <= line.start:
        return Dropped(identifier, text, "zero-length")
    if not text:
        return Dropped(identifier, text, "empty-text")
    if line.start >= programme_end:
        return Dropped(identifier, text, "past-the-end")
    return Segment(identifier, line.start, min(line.end, programme_end), text, " ".join(line.speaker.split()), origin="script")


def _disorder(lines: Sequence[RawLine], ordered: Sequence[RawLine]) -> list[str]:
    if list(lines) == list(ordered):
        return []
    first = next(line for line, other in zip(lines, ordered, strict=True) if line is not other)
    return [f"lines out of order, sorted by start: the first is line {first.number} of the file"]


def _overlaps(segments: Sequence[Segment]) -> list[str]:
    overlapping = [later.id for earlier, later in pairwise(segments) if later.start < earlier.end]
    return [f"{len(overlapping)} lines begin before the line above ends, kept as they are: {_few(overlapping)}"] if overlapping else []


def _cuts(lines: Sequence[RawLine], programme_end: Seconds) -> list[str]:
    cut = [str(line.number) for line in lines if line.timed and line.start < programme_end < line.end]
    return [f"{len(cut)} lines reach past the programme's end and are cut there: line {_few(cut)} of the file"] if cut else []


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
