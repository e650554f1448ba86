"""A delivered script as lines of dialogue: repaired where it can be, and every line that cannot be used named with its reason."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.files import read_file
from nightdub.tasks.formats.line import ScriptFile, ScriptLine
from nightdub.tasks.rows import Dropped, Seconds, Segment
from nightdub.tasks.timecode import DAY, FrameRate

LONGEST = 2000  # characters of one line: two minutes of speech; what breaks lines and compares words grows with their square


@dataclass(frozen=True, slots=True)
class Script:
    """What a script became: `segments`, `marks` and `dropped` together are all lines that it has.

    Reasons of dropped lines: "unreadable-time", "zero-length" (its end is not after its start), "empty-text", "too-long",
    "before-the-start", "past-the-end".
    """

    segments: tuple[Segment, ...]  # dialogue, ordered by start
    marks: tuple[Segment, ...] = ()  # text on screen and sounds, ordered by start: read, never spoken
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()  # repairs, for the operator


def read_script(
    path: Path, programme_end: Seconds = math.inf, name: str = "", rate: FrameRate | None = None, *, late: bool = False
) -> Script:
    """Read SRT, WebVTT, TTML, ASS or a CSV dialogue list, told apart by content.

    Args:
        path: The file.
        programme_end: Seconds at which the programme ends: lines that begin there or later are dropped, a line that reaches over is cut.
        name: What messages call the file, where `path` is only a copy of it.
        rate: Frame rate of time code that does not say its own: the film's.
        late: Keep lines that lie past the end: a script of another rate or cut is held against the sound first.

    Raises:
        ScriptError: the file cannot be read, has no line, or has none that can be used. One bad line never raises.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=name or str(path), fix="check the script's path in the catalogue") from None
    return parse_script(data, name or str(path), programme_end, rate, late=late)


def parse_script(data: bytes, name: str, programme_end: Seconds = math.inf, rate: FrameRate | None = None, *, late: bool = False) -> Script:
    """Read a script from its bytes; see `read_script`."""
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ScriptError("the script is empty", where=name, fix="deliver it again, or leave it out: the speech is recognised then")
    file = read_file(data, name, rate)
    lines, moved = _from_zero(file, programme_end)
    ordered = _in_order(lines)
    end = math.inf if late else programme_end
    rows = [_judged(f"s{index:04d}", line, end) for index, line in enumerate(ordered)]
    dropped = tuple(row for row in rows if isinstance(row, Dropped))
    kept = [row for row in rows if isinstance(row, Segment)]
    segments, marks = tuple(row for row in kept if not row.kind), tuple(row for row in kept if row.kind)
    if not segments:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(Counter(row.reason for row in dropped).items()))
        reasons = ", ".join(filter(None, (reasons, f"not dialogue: {len(marks)}" if marks else "")))
        raise ScriptError(f"no usable line ({reasons or 'none found'})", where=name, fix="is this the script of this programme?")
    notes = (*file.notes, *moved, *_disorder(lines, ordered), *_overlaps(segments), *_cuts(ordered, end))
    return Script(segments, marks, dropped, notes)


def _from_zero(file: ScriptFile, programme_end: Seconds) -> tuple[tuple[ScriptLine, ...], tuple[str, ...]]:
    """Return the lines counted from the programme's start: the whole hour that a tape's time code begins with (1 or 10) is taken off.

    It is found by where the lines lie: the hour after which nine tenths of them fall into the programme, when more do than without it.
    """
    starts = [line.start for line in file.lines if line.timed]

    def within(hours: int) -> int:
        return sum(0 <= start - hours * file.hour < programme_end for start in starts)

    if not starts or within(0) > 0.9 * len(starts):
        return file.lines, ()
    best = max(range(DAY), key=lambda hours: (within(hours), -hours))
    if best == 0 or within(best) < 0.9 * len(starts) or within(best) <= within(0):
        return file.lines, ()
    off = best * file.hour
    lines = tuple(replace(line, start=round(line.start - off, 6), end=round(line.end - off, 6)) for line in file.lines)
    return lines, (f"times begin at {best:02d}:00:00, which was taken off",)


def _in_order(lines: Sequence[ScriptLine]) -> list[ScriptLine]:
    """Return the lines by start; one without a time stays behind the line that it was written under."""
    starts: list[Seconds] = []
    for line in lines:
        starts.append(line.start if line.timed else (starts[-1] if starts else 0.0))
    return [lines[index] for index in sorted(range(len(lines)), key=lambda index: (starts[index], lines[index].number))]


def _judged(identifier: str, line: ScriptLine, programme_end: Seconds) -> Segment | Dropped:
    text = " ".join(line.text.split())
    checks = (
        ("unreadable-time", not line.timed),
        ("zero-length", line.end <= line.start),
        ("empty-text", not text),
        ("too-long", len(text) > LONGEST),
        ("before-the-start", line.start < 0),
        ("past-the-end", line.start >= programme_end),
    )
    if reason := next((reason for reason, wrong in checks if wrong), ""):
        return Dropped(identifier, text[:LONGEST], reason)
    whole = Segment(identifier, line.start, line.end, text, line.speaker, origin="script", kind=line.kind)
    return replace(whole, end=min(line.end, programme_end), notes=line.notes, position=line.position)


def _disorder(lines: Sequence[ScriptLine], ordered: Sequence[ScriptLine]) -> list[str]:
    if list(lines) == list(ordered):
        return []
    first = next(line for line, other in zip(lines, ordered, strict=True) if line is not other)
    return [f"lines out of order, sorted by start: the first is line {first.number} of the file"]


def _overlaps(segments: Sequence[Segment]) -> list[str]:
    overlapping = [later.id for earlier, later in pairwise(segments) if later.start < earlier.end]
    return [f"{len(overlapping)} lines begin before the line above ends, kept as they are: {_few(overlapping)}"] if overlapping else []


def _cuts(lines: Sequence[ScriptLine], programme_end: Seconds) -> list[str]:
    cut = [str(line.number) for line in lines if line.timed and line.start < programme_end < line.end]
    return [f"{len(cut)} lines reach past the programme's end and are cut there: line {_few(cut)} of the file"] if cut else []


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
