"""Where each line lies: the whole title is planned at once. Pure, and counted in samples.

The picture never moves. A line keeps to its original's slot and the silence around it: no further than `borrow` on a side, never across
a cut, onto a voice that no line speaks, or into another speaker's line by more than `into` of its own slot. What it costs to start
elsewhere than the original, to end after it and to be played faster is weighed for all lines together (`tasks.plan_dp`); a point on the
frontier between keeping time and keeping speed is one row of `PREFERENCES`. All arithmetic is in whole samples of 48 kHz, so that
nothing drifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from nightdub.infra.errors import ScriptError
from nightdub.tasks.plan_dp import RATE, Line, Option, Place, Weights, solve
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Pause, Placement, Seconds, Segment
from nightdub.tasks.surroundings import Surroundings
from nightdub.tasks.windows import Slot, Window, find_windows

SLOWEST = 0.95  # a short line is slowed to fill its slot, down to this stretch (KrillinAI's figure too)
DOES_NOT_FIT = "does-not-fit"
PREFERENCES: dict[str, Weights] = {
    "tight": Weights(outside=1.0, shift=1.0, reach=0.8),
    "sync": Weights(outside=0.4, shift=0.4, reach=0.3),
    "even": Weights(outside=0.2, shift=0.2, reach=0.1, unevenness=3.0),
    "natural": Weights(outside=0.05, shift=0.1, reach=0.05),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to say a line: how long it takes, and how far it may be made shorter or longer."""

    duration: Seconds
    price: float = 0.0  # of the choice itself, in units of one line played twice as fast
    pauses: tuple[Pause, ...] = ()  # silence that may be put in
    slowest: float = SLOWEST
    normal: float | None = None  # None = as the figures say
    hard: float | None = None


def plan(
    segments: Sequence[Segment],
    durations: Mapping[str, Seconds],
    figures: FitFigures,
    around: Surroundings | Seconds,
    *,
    pauses: Mapping[str, Sequence[Pause]] | None = None,
    pinned: Mapping[str, Placement] | None = None,
) -> list[Placement]:
    """Return one placement for each spoken line, in the order of the segments; a line without a duration above 0 keeps its slot empty.

    For every placement `duration = (end - start + cut - pauses) * stretch`. A line that does not fit within its limits lies beyond them
    in full, beside its neighbours, and is held for a person; only what nothing makes room for within 3 s of them is cut.

    Args:
        segments: The lines in the order of their starts.
        durations: Segment -> length of its sound.
        figures: Limits and preference.
        around: The programme around the lines, or only its length.
        pauses: Segment -> where in its sound silence may be put in, and how much.
        pinned: Segment -> where a person has put it: it lies there whatever the others do.

    Raises:
        ScriptError: the segments are not in the order of their starts, or one ends before it starts.
    """
    found = pauses or {}
    choices = {name: (Choice(length, pauses=tuple(found.get(name, ()))),) for name, length in durations.items()}
    return [placement for placement, _ in choose(segments, choices, figures, around, pinned=pinned)]


def choose(
    segments: Sequence[Segment],
    choices: Mapping[str, Sequence[Choice]],
    figures: FitFigures,
    around: Surroundings | Seconds,
    *,
    pinned: Mapping[str, Placement] | None = None,
) -> list[tuple[Placement, int]]:
    """Return for each line where it lies and which of its choices is said; as `plan` for the rest."""
    _check(segments)
    around = around if isinstance(around, Surroundings) else Surroundings(around)
    windows = find_windows(_slots(segments, choices, pinned or {}, samples(around.length)), around, figures)
    lines = [_line(window, choices[window.slot.id], figures) for window in windows]
    places = _solve(windows, lines, PREFERENCES[figures.prefer])
    return _in_order(segments, [_placed(*one, choices[one[0].slot.id]) for one in zip(windows, lines, places, strict=True)])


def samples(seconds: Seconds) -> int:
    """Return the nearest sample of the programme."""
    return round(seconds * RATE)


def played_samples(placement: Placement) -> int:
    """Return how long the line's sound must be with its pauses, before its end is cut, in samples of 48 kHz."""
    return samples(placement.end) - samples(placement.start) + samples(placement.cut)


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


def _slots(
    segments: Sequence[Segment], choices: Mapping[str, Sequence[Choice]], pinned: Mapping[str, Placement], length: int
) -> list[Slot]:
    """Return the slots of the dialogue, none of them past the programme's end."""
    return [
        Slot(
            segment.id,
            min(samples(segment.start), length),
            min(samples(segment.end), length),
            segment.speaker,
            spoken=any(samples(choice.duration) for choice in choices.get(segment.id, ())),
            pin=_pin(pinned.get(segment.id)),
        )
        for segment in segments
        if not segment.kind
    ]


def _pin(placement: Placement | None) -> tuple[int, int] | None:
    return (samples(placement.start), samples(placement.end)) if placement and placement.end > placement.start else None


def _line(window: Window, choices: Sequence[Choice], figures: FitFigures) -> Line:
    """Return the line that is to be placed; one that a person has placed may be played at any speed."""
    free = 1e6 if window.slot.pin else 0.0
    options = tuple(
        Option(
            max(1, samples(choice.duration)),
            samples(sum(pause.length for pause in choice.pauses)),
            choice.price,
            choice.slowest,
            choice.normal or figures.stretch_normal,
            free or choice.hard or figures.stretch_hard,
        )
        for choice in choices
    )
    slot = window.slot
    return Line(
        slot.start, slot.end, window.first, window.last, options, window.rest, window.least, window.most, fixed=slot.pin is not None
    )


def _solve(windows: Sequence[Window], lines: Sequence[Line], weights: Weights) -> list[Place]:
    """Place the lines that follow one another together, and each that is heard within another by itself."""
    sequence = iter(solve([line for line, window in zip(lines, windows, strict=True) if not window.nested], weights))
    return [solve([line], weights)[0] if window.nested else next(sequence) for line, window in zip(lines, windows, strict=True)]


def _placed(window: Window, line: Line, place: Place, choices: Sequence[Choice]) -> tuple[Placement, int]:
    slot, option = window.slot, line.options[place.option]
    whole = place.end - place.start + place.cut
    paused = min(max(0, whole - option.speech), option.pause)
    beyond = place.start < window.first or place.end > window.last
    placement = Placement(
        slot.id,
        place.start / RATE,
        place.end / RATE,
        slot.start / RATE,
        slot.end / RATE,
        stretch=option.speech / (whole - paused),
        borrowed_before=max(0, slot.start - place.start) / RATE,
        borrowed_after=max(0, place.end - slot.end) / RATE,
        cut=place.cut / RATE,
        held=DOES_NOT_FIT if beyond or place.cut else "",
        pauses=tuple(share_out(paused, choices[place.option].pauses)),
    )
    return placement, place.option


def _in_order(segments: Sequence[Segment], placed: Sequence[tuple[Placement, int]]) -> list[tuple[Placement, int]]:
    """Return the placements in the order of the segments, each with what it shares with those that start before it."""
    ordered = sorted(placed, key=lambda one: one[0].start)
    reached = accumulate((samples(placement.end) for placement, _ in ordered), max, initial=0)
    found = {
        placement.segment: (
            replace(placement, overlap=max(0, min(before, samples(placement.end)) - samples(placement.start)) / RATE),
            option,
        )
        for (placement, option), before in zip(ordered, reached, strict=False)
    }
    return [found[segment.id] for segment in segments if segment.id in found]


def share_out(paused: int, pauses: Sequence[Pause]) -> Iterator[Pause]:
    """Yield samples of silence shared out over the places for it, in proportion to what each may take; none is lost to rounding."""
    sums = list(accumulate(pause.length for pause in pauses))
    reached = 0
    for pause, upto in zip(pauses, sums if paused else [], strict=False):
        share, reached = round(paused * upto / sums[-1]) - reached, round(paused * upto / sums[-1])
        if share:
            yield Pause(pause.at, share / RATE)
