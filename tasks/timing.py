"""Where each line lies: silence is borrowed first, then speech is stretched, then a person is asked. Pure, and counted in samples.

The picture never moves: a line lies in its original's slot, or reaches into the silence around it, never further than `borrow` on a
side and never nearer than `rest` to the next slot. All arithmetic is in whole samples of 48 kHz, so that nothing drifts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from nightdub.infra.errors import ScriptError
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Placement, Seconds, Segment

RATE = 48_000  # samples a second of every deliverable
SLOWEST = 0.95  # a short line is slowed to fill its slot, down to this stretch (KrillinAI's figure too)
DOES_NOT_FIT = "does-not-fit"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line in samples: its slot, and its speech (0 = none). `free_end` is False where another slot lies on its end."""

    id: str
    start: int
    end: int
    speech: int
    free_end: bool

    @property
    def slot(self) -> int:
        return self.end - self.start

    def lack(self, stretch: float) -> int:
        """Return the samples that the slot is short of at this stretch."""
        return max(0, math.ceil(self.speech / stretch) - self.slot)


def plan(segments: Sequence[Segment], durations: Mapping[str, Seconds], figures: FitFigures, programme_length: Seconds) -> list[Placement]:
    """Return one placement for each spoken line, in the order of the segments; a line without a duration above 0 keeps its slot empty.

    A line starts with its slot wherever it can; silence after it is borrowed before silence before it, and a line that could not
    otherwise be played below `stretch_normal` goes first. What does not fit at `stretch_hard` is cut and held for a person.
    For every placement `duration = (end - start + cut) * stretch`.

    Raises:
        ScriptError: the segments are not in the order of their starts, or one ends before it starts.
    """
    lines = _measure(segments, durations, samples(programme_length))
    befores, afters = _borrow(lines, _gaps(lines, samples(figures.rest), samples(programme_length)), figures)
    placements: list[Placement] = []
    reached = 0
    for line, before, after in zip(lines, befores, afters, strict=True):
        if line.speech:
            placements.append(_place(line, before, after, reached, figures))
            reached = max(reached, samples(placements[-1].end))
    return placements


def samples(seconds: Seconds) -> int:
    """Return the nearest sample of the programme."""
    return round(seconds * RATE)


def played_samples(placement: Placement) -> int:
    """Return how long the line's sound must be after stretching and before its end is cut, in samples of 48 kHz."""
    return samples(placement.end) - samples(placement.start) + samples(placement.cut)


def _measure(segments: Sequence[Segment], durations: Mapping[str, Seconds], last: int) -> list[_Line]:
    _check(segments)
    slots = [(min(samples(segment.start), last), min(samples(segment.end), last)) for segment in segments]
    reached = accumulate((end for _, end in slots), max)
    return [
        _Line(segment.id, start, end, samples(durations.get(segment.id, 0.0)), free_end=end == furthest)
        for segment, (start, end), furthest in zip(segments, slots, reached, strict=True)
    ]


def _check(segments: Sequence[Segment]) -> None:
    for earlier, later in pairwise(segments):
        if later.start < earlier.start:
            raise ScriptError(
                f"{later.id} starts before {earlier.id}", where="timing", allowed="lines in order of their starts", fix="sort the script"
            )
    for segment in segments:
        if not 0 <= segment.start <= segment.end:
            raise ScriptError(
                f"{segment.start} to {segment.end} s", where=segment.id, allowed="0 <= start <= end", fix="correct the line's times"
            )


def _gaps(lines: Sequence[_Line], rest: int, last: int) -> list[int]:
    """Return the silence that may be given away before each line, and after the last one."""
    reached = list(accumulate((line.end for line in lines), max, initial=0))
    within = [line.start - end - rest for line, end in zip(lines[1:], reached[1:], strict=False)]
    return [max(0, gap) for gap in (lines[0].start if lines else 0, *within, last - reached[-1])]


def _borrow(lines: Sequence[_Line], gaps: Sequence[int], figures: FitFigures) -> tuple[list[int], list[int]]:
    """Return the samples that each line takes before and after its slot: first what stretching cannot mend, then what spares stretching."""
    before, after = [0] * (len(lines) + 1), [0] * (len(lines) + 1)
    most = samples(figures.borrow)

    def room_after(index: int) -> int:
        free = gaps[index + 1] - after[index] - before[index + 1]
        return min(most - after[index], free) if lines[index].free_end else 0

    def room_before(index: int) -> int:
        taken = before[index] + (after[index - 1] if index else 0)
        return min(most - before[index], gaps[index] - taken)

    for index, line in enumerate(lines):
        after[index] = min(line.lack(figures.stretch_normal), room_after(index))
    for index, line in enumerate(lines):
        before[index] = min(line.lack(figures.stretch_normal) - after[index], room_before(index))
    for index, line in enumerate(lines):
        after[index] += min(line.lack(1.0) - before[index] - after[index], room_after(index))
    return before[:-1], after[:-1]


def _place(line: _Line, before: int, after: int, reached: int, figures: FitFigures) -> Placement:
    room = before + line.slot + after
    whole = max(line.speech if line.speech < room else room, math.ceil(line.speech / figures.stretch_hard))
    if line.speech < line.slot:
        whole = min(line.slot, math.floor(line.speech / SLOWEST))
    start, played = line.start - before, min(whole, room)
    return Placement(
        line.id,
        start / RATE,
        (start + played) / RATE,
        line.start / RATE,
        line.end / RATE,
        stretch=line.speech / whole,
        borrowed_before=before / RATE,
        borrowed_after=max(0, start + played - line.end) / RATE,
        cut=(whole - played) / RATE,
        overlap=max(0, reached - start) / RATE,
        held=DOES_NOT_FIT if whole > played else "",
    )
