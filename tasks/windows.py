"""How far each line may lie outside its slot: the silence around it that is its to take, before the lines are weighed against each other.

All moments are samples of 48 kHz. Two speakers who are heard at once in the original stay so, each within its own slot on that side.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from nightdub.tasks.plan_dp import RATE
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.surroundings import Surroundings

NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Slot:
    """The original line; `pin` is where a person has put its dub."""

    id: str
    start: int
    end: int
    speaker: str = ""  # empty = not known: taken for somebody else than everybody
    spoken: bool = True  # False: there is no sound to be laid
    pin: tuple[int, int] | None = None

    @property
    def begin(self) -> int:
        """Return where the line is expected to start."""
        return self.pin[0] if self.pin else self.start


@dataclass(frozen=True, slots=True)
class Window:
    """Where a slot's line may start and must have ended; `rest` is kept to the line before it in the same sequence."""

    slot: Slot
    first: int
    last: int
    rest: int | None = None  # None = the two may sound at once
    least: int = 0  # bounds that hold even for a line that does not fit
    most: int = NEVER
    nested: bool = False  # the original is heard within another line: it stands in no sequence


@dataclass(frozen=True, slots=True)
class _Edges:
    """Moments that no line may reach, in order; `rest` is kept to them."""

    ends: Sequence[int]  # of what lies before a line
    starts: Sequence[int]  # of what lies after one
    rest: int = 0

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]], rest: int = 0) -> _Edges:
        spans = list(spans)
        return cls(sorted(end for _, end in spans), sorted(start for start, _ in spans), rest)

    def around(self, slot: Slot) -> tuple[int, int]:
        """Return how far a slot's line may reach on either side; never less than the slot."""
        before, after = bisect_right(self.ends, slot.start), bisect_left(self.starts, slot.end)
        first = min(self.ends[before - 1] + self.rest, slot.start) if before else 0
        return first, max(self.starts[after] - self.rest, slot.end) if after < len(self.starts) else NEVER


def find_windows(slots: Sequence[Slot], around: Surroundings, figures: FitFigures) -> list[Window]:
    """Return a window for each spoken slot, in the order in which the lines are expected. `slots` are in the order of their starts."""
    spoken = [slot for slot in slots if slot.spoken]
    reached = accumulate((slot.end for slot in spoken), max, initial=0)
    nested = {slot.id for slot, before in zip(spoken, reached, strict=False) if slot.end <= before and slot.start < before}
    order = sorted(spoken, key=lambda slot: slot.begin)
    sequence = [slot for slot in order if slot.id not in nested]
    rests = dict(_rests(sequence, round(figures.rest * RATE)))
    together = {slot.id for pair in pairwise(sequence) if rests[pair[1].id] is None for slot in pair}
    end = round(around.length * RATE)
    fences = _Edges.of([(end, NEVER), *((slot.start, slot.end) for slot in spoken if slot.id in nested | together)])
    limits = {slot.id: limit for slot, limit in zip(spoken, _limits(slots, spoken, around, figures), strict=True)}
    return [_window(slot, limits[slot.id], rests.get(slot.id), fences, nested=slot.id in nested) for slot in order]


def _window(slot: Slot, limit: tuple[int, int], rest: int | None, fences: _Edges, *, nested: bool) -> Window:
    if slot.pin:
        return Window(slot, *slot.pin, rest, nested=nested)
    first, last = (slot.start, slot.end) if nested else limit
    least, most = fences.around(slot)
    return Window(slot, max(first, least), min(last, most), rest, least, most, nested)


def _rests(sequence: Sequence[Slot], rest: int) -> Iterator[tuple[str, int | None]]:
    """Yield what each line keeps to the one before: no more than the originals do, and nothing where two speakers are heard at once."""
    if sequence:
        yield sequence[0].id, 0
    for before, slot in pairwise(sequence):
        if before.start < slot.end and slot.start < before.end:
            yield slot.id, 0 if slot.speaker and slot.speaker == before.speaker else None
        else:
            yield slot.id, min(rest, slot.start - before.end) if slot.start >= before.end else rest


# ---------------------------------------------------------------- what may be borrowed


def _limits(slots: Sequence[Slot], spoken: Sequence[Slot], around: Surroundings, figures: FitFigures) -> Iterator[tuple[int, int]]:
    """Yield for each spoken slot how far the programme, `borrow`, cuts, foreign voices and other speakers let its line reach."""
    borrow, length = round(figures.borrow * RATE), round(around.length * RATE)
    moments = [(round(start * RATE), round(end * RATE)) for start, end in (*around.voices, *((cut, cut) for cut in around.cuts))]
    edges = (_Edges.of(moments), _Edges.of(((slot.start, slot.end) for slot in slots if not slot.spoken), round(figures.rest * RATE)))
    for slot, before, after in zip(spoken, _others_before(spoken), _others_after(spoken), strict=True):
        firsts, lasts = zip(*(edge.around(slot) for edge in edges), strict=True)
        into = int(figures.into * (slot.end - slot.start))
        first = slot.start if before > slot.start else max(0, slot.start - borrow, before - into, *firsts)
        last = slot.end if before > slot.end or after < slot.end else min(length, slot.end + borrow, after + into, *lasts)
        yield first, last


def _others_before(slots: Sequence[Slot]) -> Iterator[int]:
    """Yield for each slot how far the slots before it reach that are another speaker's."""
    who, reached, others = "", -NEVER, -NEVER  # the speaker who reaches furthest, how far, and how far everybody else
    for slot in slots:
        speaker = slot.speaker or slot.id
        yield others if speaker == who else reached
        if speaker == who:
            reached = max(reached, slot.end)
        elif slot.end >= reached:
            who, reached, others = speaker, slot.end, reached
        else:
            others = max(others, slot.end)


def _others_after(slots: Sequence[Slot]) -> list[int]:
    """Return for each slot where the next one starts that is another speaker's."""
    found: list[int] = []
    who, start, other = "", NEVER, NEVER  # whose line comes next, where it starts, and where the next starts that is not theirs
    for slot in reversed(slots):
        speaker = slot.speaker or slot.id
        found.append(other if speaker == who else start)
        who, start, other = speaker, slot.start, found[-1]
    return found[::-1]
