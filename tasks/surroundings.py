"""What lies around the lines of a title: the cuts of its picture, and voices that no line speaks. Neither is covered by a dub."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile

from nightdub.tasks.rows import Seconds, Segment, Shot, Utterance
from nightdub.tasks.shots import LONGEST, shots_between

Span = tuple[Seconds, Seconds]

EDGE: Seconds = 0.25  # a voice this near to a line is the line's own: a detector begins early and ends late
MOST_PARTS = 200  # of one take that are looked at
SHORTEST: Seconds = 0.2  # less speech beside the lines is a breath


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The programme around the lines; both tuples in order."""

    length: Seconds
    cuts: tuple[Seconds, ...] = ()
    voices: tuple[Span, ...] = ()  # measured speech that is no line's


def surroundings(
    length: Seconds, shots: Sequence[Shot], frame_rate: Fraction, utterances: Iterable[Utterance], segments: Sequence[Segment]
) -> Surroundings:
    """Return what lies around the dialogue of a title."""
    return Surroundings(length, tuple(find_cuts(shots, frame_rate)), tuple(find_voices(utterances, segments)))


def find_cuts(shots: Sequence[Shot], frame_rate: Fraction) -> Iterator[Seconds]:
    """Yield the moments at which the picture cuts; long takes are stored in equal parts, between which nothing cuts."""
    first = 0
    while first < len(shots):
        first += _parts(shots[first : first + MOST_PARTS], frame_rate)
        if first < len(shots):
            yield float(shots[first].first / frame_rate)


def find_voices(utterances: Iterable[Utterance], segments: Iterable[Segment]) -> Iterator[Span]:
    """Yield the stretches of measured speech that lie beside all lines: somebody is heard there whom no line speaks for."""
    lines = _joined((line.start - EDGE, line.end + EDGE) for line in segments if not line.kind)
    starts, ends = [first for first, _ in lines], [last for _, last in lines]
    for utterance in utterances:
        start = utterance.start
        for first, last in lines[bisect_right(ends, start) : bisect_left(starts, utterance.end)]:
            if first - start >= SHORTEST:
                yield start, first
            start = last
        if utterance.end - start >= SHORTEST:
            yield start, utterance.end


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that touch as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _parts(shots: Sequence[Shot], frame_rate: Fraction) -> int:
    """Return how many shots, from the first, are parts of one take: as many as it would have been cut into, at the same frames."""
    begin, size = shots[0].first, shots[0].last - shots[0].first
    if 2 * (size + 1) < LONGEST * frame_rate:
        return 1  # nothing is cut into parts as short as this
    run = 1 + sum(1 for _ in takewhile(lambda shot: not shot.entry and abs(shot.last - shot.first - size) <= 1, shots[1:]))
    for count in range(run, 1, -1):
        parts = shots_between([], shots[count - 1].last - begin, frame_rate)
        if [(part.first + begin, part.last + begin) for part in parts] == [(shot.first, shot.last) for shot in shots[:count]]:
            return count
    return 1
