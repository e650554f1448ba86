"""The timing account: what was cut, overlapped, borrowed, stretched and moved to lay the dub on the original's time.

Where a value can be worked out from the times of lines and sounds, it is, and the planner's own word counts only where it says more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil, inf

import numpy as np

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.statistics import mean_interval, share_interval
from nightdub.tasks.rows import Measurement, Placement, Seconds, Worst

_NO_LINE = "no line was placed"
_OURS = "definition of this project"
_SLC = "speech length compliance (Wu et al., VideoDubber, AAAI 2023, arXiv 2211.16934)"

FACTS: dict[str, MetricFact] = {
    "timing.cut": MetricFact("s", 0, inf, "speech lost at the ends of lines", _OURS, _NO_LINE),
    "timing.overlap": MetricFact("s", 0, inf, "speech that lies on a line before, beyond what the originals do", _OURS, _NO_LINE),
    "timing.together": MetricFact("s", 0, inf, "speech that lies on a line before, as the originals do", _OURS, _NO_LINE),
    "timing.borrowed": MetricFact("s", 0, inf, "silence around the original lines that the dub's lines take", _OURS, _NO_LINE),
    "timing.paused": MetricFact("s", 0, inf, "silence put into lines where the original pauses", _OURS, _NO_LINE),
    "timing.late": MetricFact("s", 0, inf, "mean distance between the starts of a line and of the original's", _OURS, _NO_LINE),
    "timing.held_lines": MetricFact("lines", 0, inf, "lines that do not fit within their limits at the hardest stretch", _OURS, _NO_LINE),
    "timing.stretched_lines": MetricFact("lines", 0, inf, "lines played more than 1 % faster or slower than spoken", _OURS, _NO_LINE),
    "timing.stretch_mean": MetricFact("ratio", 0, 10, "mean of spoken length over played length", _OURS, _NO_LINE),
    "timing.stretch_p95": MetricFact("ratio", 0, 10, "95th percentile of spoken length over played length", _OURS, _NO_LINE),
    "timing.within": MetricFact("%", 0, 100, "lines that start and end no further than 10 % of their slot outside it", _OURS, _NO_LINE),
    "timing.slc_20": MetricFact("%", 0, 100, "lines played within 20 % of the original line's length", _SLC, _NO_LINE),
    "timing.slc_40": MetricFact("%", 0, 100, "lines played within 40 % of the original line's length", _SLC, _NO_LINE),
    "timing.onset_drift": MetricFact(
        "ms", -inf, inf, "mean of how late the last tenth of the lines start after the original's; below 0 = early", _OURS, _NO_LINE
    ),
    "timing.missing_lines": MetricFact(
        "lines", 0, inf, "lines that have a sound and no place in the dub", _OURS, "the lines' sounds are not known"
    ),
}

ENGINE = "nightdub"
TOLERANCE = 0.1  # of the slot: how far a line may begin before or end after it and still count as within
_STRETCHED = 0.01  # of the spoken length
_ROUNDING = 0.001  # seconds that a sound may be longer than its place: stretchers round
_EXACT = 1e-9  # so that a line at the very edge of a tolerance is inside it


@dataclass(frozen=True, slots=True)
class _Line:
    """A placed line with what was found of it."""

    place: Placement
    cut: Seconds
    overlap: Seconds  # beyond what the originals overlap
    together: Seconds

    @property
    def played(self) -> Seconds:
        return self.place.end - self.place.start

    @property
    def original(self) -> Seconds:
        return self.place.slot_end - self.place.slot_start

    @property
    def borrowed(self) -> Seconds:
        return max(self.place.slot_start - self.place.start, 0.0) + max(self.place.end - self.place.slot_end, 0.0)


def timing_account(
    placements: Sequence[Placement],
    *,
    slots: Mapping[str, tuple[Seconds, Seconds]] | None = None,
    sounds: Mapping[str, Seconds] | None = None,
) -> list[Measurement]:
    """Return the timing account of a dub.

    Args:
        placements: Where each line lies.
        slots: Segment -> start and end of the original line; without it, what the placements say of it.
        sounds: Segment -> length of the sound that is laid; without it, cuts are what the placements say, and none is missed.
    """
    missing = _missing(placements, sounds)
    if not placements:
        rows = [Measurement(name, None, fact.unit, not_measured=_NO_LINE) for name, fact in FACTS.items()]
        return [*rows[:-1], missing]
    lines = _examine(placements, slots or {}, sounds or {})
    held = [line.place for line in lines if line.place.held]
    return [
        _sum("timing.cut", lines, lambda line: line.cut),
        _sum("timing.overlap", lines, lambda line: line.overlap),
        _sum("timing.together", lines, lambda line: line.together),
        _sum("timing.borrowed", lines, lambda line: line.borrowed),
        _sum("timing.paused", lines, lambda line: sum((pause.length for pause in line.place.pauses), 0.0)),
        _mean("timing.late", lines, lambda line: abs(line.place.start - line.place.slot_start)),
        replace(
            _count("timing.held_lines", len(held), lines), worst=tuple(Worst(row.segment, row.stretch, row.held) for row in held[:WORST])
        ),
        _stretched(lines),
        _mean("timing.stretch_mean", lines, lambda line: line.place.stretch),
        Measurement(
            "timing.stretch_p95",
            float(np.percentile([line.place.stretch for line in lines], 95)),
            "ratio",
            len(lines),
            ENGINE,
            worst=_highest(lines, lambda line: line.place.stretch),
        ),
        _share("timing.within", lines, lambda line: within(line.place), lambda line: line.borrowed),
        _share("timing.slc_20", lines, lambda line: _complies(line, 0.2), _departure),
        _share("timing.slc_40", lines, lambda line: _complies(line, 0.4), _departure),
        _onset_drift(lines),
        missing,
    ]


def within(place: Placement) -> bool:
    """Return whether a line starts and ends no further than a tenth of its slot outside it."""
    room = TOLERANCE * (place.slot_end - place.slot_start)
    return place.start >= place.slot_start - room and place.end <= place.slot_end + room


def _examine(placements: Sequence[Placement], slots: Mapping[str, tuple[Seconds, Seconds]], sounds: Mapping[str, Seconds]) -> list[_Line]:
    """Return the lines in the order of their starts, with cut and overlap worked out again from the times."""
    ordered = sorted(placements, key=lambda place: (place.start, place.end))
    reached = [-inf, *accumulate((place.end for place in ordered), max)]
    originals = _overlaps({place.segment: slots.get(place.segment, (place.slot_start, place.slot_end)) for place in placements})
    lines = []
    for place, before in zip(ordered, reached, strict=False):
        start, end = slots.get(place.segment, (place.slot_start, place.slot_end))
        excess = sounds.get(place.segment, 0.0) - (place.end - place.start)
        cut = max(place.cut, excess if excess > _ROUNDING else 0.0)
        overlap = max(place.overlap, min(before, place.end) - place.start, 0.0)
        together = min(overlap, originals[place.segment])
        beyond = overlap - together if overlap - together > _EXACT else 0.0
        lines.append(_Line(replace(place, slot_start=start, slot_end=end), cut, beyond, together))
    return lines


def _overlaps(spans: Mapping[str, tuple[Seconds, Seconds]]) -> dict[str, Seconds]:
    """Return how far each of the original lines lies on those that start before it."""
    reached, found = -inf, {}
    for name, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        found[name] = max(0.0, min(reached, end) - start)
        reached = max(reached, end)
    return found


def _complies(line: _Line, part: float) -> bool:
    return abs(line.played - line.original) <= part * line.original + _EXACT


def _departure(line: _Line) -> float:
    """Return by what share of the original's length the played length departs from it."""
    return abs(line.played - line.original) / line.original if line.original > 0 else inf


def _stretched(lines: Sequence[_Line]) -> Measurement:
    faster = sum(line.place.stretch > 1 + _STRETCHED for line in lines)
    slower = sum(line.place.stretch < 1 - _STRETCHED for line in lines)
    row = _count("timing.stretched_lines", faster + slower, lines)
    worst = _highest(lines, lambda line: abs(line.place.stretch - 1))
    return replace(row, worst=tuple(one for one in worst if one.value > _STRETCHED), detail=f"{faster} faster, {slower} slower")


def _onset_drift(lines: Sequence[_Line]) -> Measurement:
    last = lines[-ceil(len(lines) / 10) :]
    late = [1000 * (line.place.start - line.place.slot_start) for line in last]
    worst = sorted(zip(last, late, strict=True), key=lambda row: -abs(row[1]))[:WORST]
    return Measurement(
        "timing.onset_drift",
        sum(late) / len(late),
        "ms",
        len(late),
        ENGINE,
        worst=tuple(Worst(line.place.segment, round(value, 3)) for line, value in worst if value),
        interval=mean_interval(late),
    )


def _missing(placements: Sequence[Placement], sounds: Mapping[str, Seconds] | None) -> Measurement:
    if sounds is None:
        return Measurement("timing.missing_lines", None, "lines", not_measured="the lines' sounds are not known")
    lost = sorted(set(sounds) - {place.segment for place in placements})
    worst = tuple(Worst(segment, round(sounds[segment], 3)) for segment in lost[:WORST])
    return Measurement("timing.missing_lines", float(len(lost)), "lines", len(sounds), ENGINE, worst=worst)


def _sum(metric: str, lines: Sequence[_Line], value: Callable[[_Line], float]) -> Measurement:
    worst = tuple(row for row in _highest(lines, value) if row.value > 0)
    return Measurement(metric, round(sum(value(line) for line in lines), 6), "s", len(lines), ENGINE, worst=worst)


def _mean(metric: str, lines: Sequence[_Line], value: Callable[[_Line], float]) -> Measurement:
    values = [value(line) for line in lines]
    mean = sum(values) / len(values)
    worst = tuple(row for row in _highest(lines, value) if row.value > 0)
    return Measurement(metric, mean, FACTS[metric].unit, len(lines), ENGINE, worst=worst, interval=mean_interval(values))


def _count(metric: str, count: int, lines: Sequence[_Line]) -> Measurement:
    return Measurement(metric, float(count), "lines", len(lines), ENGINE)


def _share(metric: str, lines: Sequence[_Line], fits: Callable[[_Line], bool], departure: Callable[[_Line], float]) -> Measurement:
    outside = [line for line in lines if not fits(line)]
    hits = len(lines) - len(outside)
    low, high = share_interval(hits, len(lines)) or (0.0, 1.0)
    worst = tuple(replace(row, value=min(row.value, 1e6)) for row in _highest(outside, departure))
    return Measurement(metric, 100 * hits / len(lines), "%", len(lines), ENGINE, worst=worst, interval=(100 * low, 100 * high))


def _highest(lines: Sequence[_Line], value: Callable[[_Line], float]) -> tuple[Worst, ...]:
    ordered = sorted(lines, key=lambda line: (-value(line), line.place.segment))
    return tuple(Worst(line.place.segment, round(value(line), 4)) for line in ordered[:WORST])
