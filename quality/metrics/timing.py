"""The timing account: what was cut, overlapped, stretched and moved to lay the dub on the original's time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import numpy as np

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Measurement, Placement, Worst

FACTS: dict[str, MetricFact] = {
    "timing.cut": MetricFact("s", 0, inf, "speech lost at the ends of lines"),
    "timing.overlap": MetricFact("s", 0, inf, "speech that lies on the line before"),
    "timing.held_lines": MetricFact("lines", 0, inf, "lines that do not fit even at the hardest stretch"),
    "timing.stretch_p95": MetricFact("ratio", 0, 10, "95th percentile of spoken length over played length"),
    "timing.within": MetricFact("%", 0, 100, "lines that start and end no further than 10 % of their slot outside it"),
}

TOLERANCE = 0.1  # of the slot: how far a line may begin before or end after it and still count as within


def timing_account(placements: Sequence[Placement]) -> list[Measurement]:
    """Return seconds cut and overlapped, lines held, the 95th percentile of stretch, and the share of lines within their slots."""
    if not placements:
        units = {
            "timing.cut": "s",
            "timing.overlap": "s",
            "timing.held_lines": "lines",
            "timing.stretch_p95": "ratio",
            "timing.within": "%",
        }
        return [Measurement(metric, None, unit, not_measured="no line was placed") for metric, unit in units.items()]
    count = len(placements)
    held = [place for place in placements if place.held]
    return [
        _sum("timing.cut", placements, lambda place: place.cut),
        _sum("timing.overlap", placements, lambda place: place.overlap),
        Measurement(
            "timing.held_lines",
            float(len(held)),
            "lines",
            count,
            "nightdub",
            worst=tuple(Worst(place.segment, place.stretch, place.held) for place in held[:WORST]),
        ),
        Measurement(
            "timing.stretch_p95",
            float(np.percentile([place.stretch for place in placements], 95)),
            "ratio",
            count,
            "nightdub",
            worst=_highest(placements, lambda place: place.stretch),
        ),
        Measurement("timing.within", 100 * sum(within(place) for place in placements) / count, "%", count, "nightdub"),
    ]


def within(place: Placement) -> bool:
    """Return whether a line starts and ends no further than a tenth of its slot outside it."""
    room = TOLERANCE * (place.slot_end - place.slot_start)
    return place.start >= place.slot_start - room and place.end <= place.slot_end + room


def _sum(metric: str, placements: Sequence[Placement], value: Callable[[Placement], float]) -> Measurement:
    worst = tuple(row for row in _highest(placements, value) if row.value > 0)
    return Measurement(metric, round(sum(value(place) for place in placements), 6), "s", len(placements), "nightdub", worst=worst)


def _highest(placements: Sequence[Placement], value: Callable[[Placement], float]) -> tuple[Worst, ...]:
    ordered = sorted(placements, key=lambda place: (-value(place), place.segment))
    return tuple(Worst(place.segment, round(value(place), 4)) for place in ordered[:WORST])
