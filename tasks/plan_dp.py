"""The least costly places for lines that follow one another: an exact dynamic program over starts and played lengths. Pure numpy.

A line may start at every 10 ms from where its original does, and last a multiple of 10 ms more or less than it was spoken. The ends
of a line so lie on a grid of its own, and the cheapest way to end by a given sample is a running minimum over it: no sample is rounded.
A line that finds no place within its limits makes itself and its neighbours `loose`: they may lie beyond their limits, at a price that
nothing else comes near, and only where even that is not enough is a line cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from nightdub.infra.errors import ScriptError

RATE = 48_000  # samples a second
STEP = 480  # samples between two starts that are tried: 10 ms
TOLERANCE = 0.1  # of a slot: how far outside it a line counts as in its place
FAR = 3 * RATE  # samples by which a loose line may lie beyond its limits
BEYOND, CUT = 1e2, 1e4  # price of a second beyond the limits; of a second cut, and of cutting at all: nothing else costs as much
TRIES = ((2, 1), (4, 1), (8, 1), (2, 2), (8, 2))  # one after the other: lines on each side that are made loose, and how much

Costs = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a plan pays, in units of one line played twice as fast."""

    outside: float  # for a line that lies further than a tenth of its slot outside it
    shift: float  # for each second between its start and the original's
    reach: float  # for each second that it ends after its slot
    haste: float = 1.0  # for playing at 2 instead of 1, and in proportion
    unevenness: float = 0.0  # the same by the square, so that haste is shared out
    strain: float = 1.0  # on top, from the option's normal stretch on
    slowness: float = 0.02  # for each 1 - stretch
    silence: float = 0.05  # for each second that it ends before its slot does
    pausing: float = 0.01  # for each second of silence that is put into it


@dataclass(frozen=True, slots=True)
class Option:
    """One way to say a line, with the limits of its stretch (spoken over played length)."""

    speech: int  # samples as spoken
    pause: int = 0  # samples of silence that may be put into it
    price: float = 0.0  # of the choice itself
    slowest: float = 0.95
    normal: float = 1.2
    hard: float = 1.3

    def shortest(self) -> int:
        """Return the fewest samples that it may be played in."""
        return math.ceil(self.speech / self.hard)

    def longest(self) -> int:
        """Return the most samples that it may be played in."""
        return math.floor(self.speech / self.slowest) + self.pause


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be placed, in samples of the programme."""

    start: int  # of its slot
    end: int
    first: int  # where it may start
    last: int  # where it must have ended
    options: tuple[Option, ...]
    rest: int | None = 0  # kept to the end of the line before; None = the two may sound at once
    least: int = 0  # no start lies before it and no end after `most`, however loose
    most: int = 1 << 62
    fixed: bool = False  # lies exactly from `first` to `last`
    loose: int = 0  # 1 = it may lie beyond its limits, 2 = and be cut


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line lies, with which of its options."""

    start: int
    end: int
    option: int
    cut: int = 0  # samples of it, at its hardest stretch, that have no place


@dataclass(frozen=True, slots=True)
class _Band:
    """One option of a line: number n of its grid of ends is sample `origin + n * STEP`."""

    option: int
    lengths: Counts  # (lengths,): that it may be played in
    costs: Costs  # (lengths,)
    origin: int
    early: int  # starts, from the first, and
    late: int  # ends, from the first: a place made of both is outside its slot by its start alone
    best: Costs  # (ends,): cheapest way to have ended by then


@dataclass(frozen=True, slots=True)
class _Table:
    """All that the program keeps of one line."""

    line: Line
    starts: Counts  # (starts,)
    arrive: Costs  # (starts,): cheapest way to start there, with the start's own price
    bands: tuple[_Band, ...]


def solve(lines: Sequence[Line], weights: Weights) -> list[Place]:
    """Return the places of least total cost, in the order of the lines; every line has one, whatever it costs.

    Raises:
        ScriptError: there is no programme to lie in.
    """
    lines, tries, tables = list(lines), [0] * len(lines), list[_Table]()
    while True:
        if (stuck := _fill(tables, lines, weights)) is not None:
            changed = _loosen(lines, tries, stuck)
            changed = _part(lines, stuck) if changed is None else changed
            del tables[changed:]
            continue
        places = _places(tables, weights)
        changes = [_loosen(lines, tries, index) for index, place in enumerate(places) if place.cut]
        if not (first := [change for change in changes if change is not None]):
            return places
        del tables[min(first) :]


def cost(line: Line, place: Place, weights: Weights) -> float:
    """Return what one line costs in its place."""
    length, start, end = (np.array([value]) for value in (place.end - place.start, place.start, place.end))
    early, late = _inside(line, start, end)
    own = _length_costs(line, line.options[place.option], length, weights) + _start_costs(line, start, weights)
    return float((own + _end_costs(line, end, weights))[0]) + weights.outside * bool(early or not late)


def _fill(tables: list[_Table], lines: Sequence[Line], weights: Weights) -> int | None:
    """Make the tables that are missing; return the line for which there is no place, if there is one."""
    for index in range(len(tables), len(lines)):
        table = _table(lines[index], tables[-1] if tables else None, weights)
        if table is None:
            return index
        tables.append(table)
    return None


def _loosen(lines: list[Line], tries: list[int], index: int) -> int | None:
    """Make a line and its neighbours loose, more so at each try; return the first that changed, None where none did."""
    while tries[index] < len(TRIES):
        radius, loose = TRIES[tries[index]]
        tries[index] += 1
        around = range(max(0, index - radius), min(len(lines), index + radius + 1))
        changed = [other for other in around if lines[other].loose < loose and not lines[other].fixed]
        for other in changed:
            lines[other] = replace(lines[other], loose=loose)
        if changed:
            return changed[0]
    return None


def _part(lines: list[Line], index: int) -> int:
    """Let a line sound at once with the one before it, then with any: lines that do not move leave it no place at all."""
    line = lines[index]
    if line.rest is None and line.least == 0:
        raise ScriptError("a line has no place", where="timing", allowed="a programme that lasts", fix="probe the source again")
    lines[index] = replace(line, rest=None, least=line.least if line.rest is not None else 0)
    return index


# ---------------------------------------------------------------- forward


def _table(line: Line, before: _Table | None, weights: Weights) -> _Table | None:
    """Return the costs of every end of one line, or None where it can end nowhere."""
    starts = _starts(line)
    if not starts.size:
        return None
    arrive = _start_costs(line, starts, weights) + _waited(line, starts, before)
    bands = tuple(_band(line, index, starts, arrive, weights) for index in range(len(line.options)))
    return _Table(line, starts, arrive, bands) if any(np.isfinite(band.best[-1]) for band in bands) else None


def _band(line: Line, option: int, starts: Counts, arrive: Costs, weights: Weights) -> _Band:
    """Cross every start with every length; of those that end together the cheapest counts."""
    lengths = _lengths(line, line.options[option])
    ends = int(starts[0] + lengths[0]) + STEP * np.arange(starts.size + lengths.size - 1)
    early, late = _inside(line, starts, ends)
    costs = _length_costs(line, line.options[option], lengths, weights)
    inside = _cheapest(arrive + weights.outside * (np.arange(starts.size) < early), costs)
    best = np.append(inside[:late], weights.outside + _cheapest(arrive, costs)[late:]) + _end_costs(line, ends, weights)
    best[ends > _latest(line)] = np.inf
    return _Band(option, lengths, costs, int(ends[0]), early, late, np.minimum.accumulate(best))


def _cheapest(arrive: Costs, costs: Costs) -> Costs:
    """Return the least sum of a start and a length for each end, shape (starts + lengths - 1,)."""
    grid = np.full((costs.size, arrive.size + costs.size - 1), np.inf)
    row, item = grid.strides
    np.add(costs[:, None], arrive, out=as_strided(grid, (costs.size, arrive.size), (row + item, item)))
    return np.asarray(grid.min(axis=0))


def _waited(line: Line, starts: Counts, before: _Table | None) -> Costs:
    """Return the cheapest way for all lines before to have ended in time for each start."""
    if before is None:
        return np.zeros(starts.size)
    if line.rest is None:
        return np.full(starts.size, min(band.best[-1] for band in before.bands))
    least = np.full(starts.size, np.inf)
    for band in before.bands:
        ended = (starts - line.rest - band.origin) // STEP
        least = np.minimum(least, np.where(ended >= 0, band.best[np.clip(ended, 0, band.best.size - 1)], np.inf))
    return least


def _starts(line: Line) -> Counts:
    if line.fixed:
        return np.array([line.first])
    low, high = (line.first - FAR, line.last + FAR) if line.loose else (line.first, line.last)
    high = min(high, line.most) - min(int(_lengths(line, option)[0]) for option in line.options)
    first, last = -((line.start - max(low, line.least)) // STEP), (high - line.start) // STEP
    return line.start + STEP * np.arange(first, last + 1)


def _lengths(line: Line, option: Option) -> Counts:
    """Return the played lengths that are tried: as spoken, and every 10 ms from there."""
    if line.fixed:
        return np.array([line.last - line.first])
    shortest = 1 if line.loose > 1 else option.shortest()
    return option.speech + STEP * np.arange(-((option.speech - shortest) // STEP), (option.longest() - option.speech) // STEP + 1)


def _latest(line: Line) -> int:
    return line.last if line.fixed else min(line.last + FAR * bool(line.loose), line.most)


# ---------------------------------------------------------------- prices


def _inside(line: Line, starts: Counts, ends: Counts) -> tuple[int, int]:
    """Return how many starts lie more than a tenth of the slot before it, and how many ends no more than that after it."""
    room = TOLERANCE * (line.end - line.start)
    return int(np.searchsorted(starts, line.start - room)), int(np.searchsorted(ends, line.end + room, side="right"))


def _start_costs(line: Line, starts: Counts, weights: Weights) -> Costs:
    beyond = np.maximum(line.first - starts, 0)
    return np.asarray((weights.shift * np.abs(starts - line.start) + BEYOND * beyond) / RATE)


def _end_costs(line: Line, ends: Counts, weights: Weights) -> Costs:
    after, before = np.maximum(ends - line.end, 0), np.maximum(line.end - ends, 0)
    return np.asarray((weights.reach * after + weights.silence * before + BEYOND * np.maximum(ends - line.last, 0)) / RATE)


def _length_costs(line: Line, option: Option, lengths: Counts, weights: Weights) -> Costs:
    """Return the price of each played length: silence is put in before speech is slowed, and nothing is cut above the hardest stretch."""
    paused = np.clip(lengths - option.speech, 0, option.pause)
    lost = np.maximum(option.shortest() - lengths, 0)
    stretch = option.speech / (lengths - paused + lost)
    haste = np.maximum(stretch - 1, 0)
    own = weights.haste * haste + weights.unevenness * haste**2 + weights.strain * np.maximum(stretch - option.normal, 0)
    slow = weights.slowness * np.maximum(1 - stretch, 0)
    lost = lost if not line.fixed else np.zeros_like(lost)
    return np.asarray(option.price + own + slow + (weights.pausing * paused + CUT * lost) / RATE + CUT * (lost > 0))


# ---------------------------------------------------------------- backward


def _places(tables: Sequence[_Table], weights: Weights) -> list[Place]:
    """Follow the least cost back from the last line to the first."""
    found: list[Place] = []
    by: int | None = None  # sample by which the line must have ended
    for table in reversed(tables):
        found.append(_place(table, by, weights))
        by = None if table.line.rest is None else found[-1].start - table.line.rest
    return found[::-1]


def _place(table: _Table, by: int | None, weights: Weights) -> Place:
    ended = [band.best.size - 1 if by is None else min((by - band.origin) // STEP, band.best.size - 1) for band in table.bands]
    band, last = min(zip(table.bands, ended, strict=True), key=lambda pair: float(pair[0].best[pair[1]]) if pair[1] >= 0 else np.inf)
    end = int(np.argmax(band.best <= band.best[last]))
    rows = np.arange(max(0, end - band.lengths.size + 1), min(end, table.starts.size - 1) + 1)
    costs = table.arrive[rows] + band.costs[end - rows]
    if end < band.late:
        costs[rows < band.early] += weights.outside
    row = int(rows[np.argmin(costs)])
    start, played = int(table.starts[row]), int(band.lengths[end - row])
    return Place(start, start + played, band.option, max(0, table.line.options[band.option].shortest() - played))
