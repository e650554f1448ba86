"""The map from a script's time to the sound's: one rate, and an offset that changes where a scene was cut or put in.

The rate and the offsets worth a look are found by cross-correlation of stretches of the script with the sound (FFT), the lines' own
offsets among them by an exact dynamic program with a price for each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from nightdub.tasks.match_evidence import EDGE, FINE, REST, Evidence
from nightdub.tasks.rows import Seconds

Floats = npt.NDArray[np.float64]

COARSE = 0.1  # seconds; clock of the curves over all offsets
WINDOW = 40  # lines whose offset is looked for together
MOST = 50  # windows a script is cut into without their overlaps: a longer script has longer windows
WIDEST = 1200.0  # seconds that a window's lines may begin apart
LONGEST_LINE = 60.0  # seconds; of a longer line the rest is not looked at by windows
SAMPLE = 24  # windows by which rates are compared
CLOSE = 1.5  # seconds of offset within which words say little, since their places in a line are only estimated
STRAY = 4  # lines; fewer between two stretches of one offset are no scene of their own
GROUP = 20  # lines whose own offset is measured together
PEAKS = 4  # offsets kept from each window
FEWEST = 8  # lines below which no other map than the delivered one is looked for
JUMP = 10.0  # nats that a change of offset has to bring; four lines of two seconds do
TICK = 0.1  # seconds; clock on which the order of chained lines is kept
NEAR = 0.2  # seconds; nearer to the delivered times than this nothing is moved
FREE = 0.004  # part of the rate that may be measured rather than known: a projector's or a tape's
_FILM, _NTSC, _PAL = Fraction(24), Fraction(24000, 1001), Fraction(25)
RATES = tuple(sorted({one / other for one in (_FILM, _NTSC, _PAL) for other in (_FILM, _NTSC, _PAL)}, key=lambda rate: abs(rate - 1)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines `first` up to, not including, `last`, which have one offset: sound time = rate x script time + offset."""

    first: int
    last: int
    offset: Seconds


@dataclass(frozen=True, slots=True)
class TimeMap:
    """What the script's times become; `gain` is the evidence for it in nats."""

    rate: float
    stretches: tuple[Stretch, ...]
    gain: float = 0.0
    bound: frozenset[int] = frozenset()  # lines that speak for it themselves

    @property
    def delivered(self) -> bool:
        """Return whether nothing moves."""
        return self.rate == 1.0 and all(stretch.offset == 0.0 for stretch in self.stretches)


# ---------------------------------------------------------------- curves over all offsets


class Curves:
    """Evidence for every offset of a stretch of lines at once, by cross-correlation (FFT)."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        step = round(COARSE / FINE)
        longest = max(float(evidence.starts[last - 1] - evidence.starts[first]) for first, last in windows(evidence.starts)) + LONGEST_LINE
        self.size = 1 << int(np.ceil(np.log2((evidence.length + longest * float(max(RATES))) / COARSE)))
        spectra = []
        for signal in (evidence.voice, evidence.onset):
            padded = np.pad(signal, (0, -len(signal) % step)).reshape(-1, step).mean(axis=1)
            spectra.append(np.fft.rfft((padded - padded.mean()).astype(np.float32), self.size))
        self.voice, self.onset = spectra

    def over(self, first: int, last: int, rate: float) -> tuple[Floats, Floats]:
        """Return offsets in seconds and the nats for each, for lines `first` up to `last`."""
        evidence = self.evidence
        origin = evidence.starts[first] * rate - REST
        template, starts = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        for line in range(first, last):
            start, end = evidence.starts[line] * rate - origin, evidence.ends[line] * rate - origin
            low, high = round(start / COARSE), round(end / COARSE)
            before, after = round(evidence.rest_before[line] * rate / COARSE), round(evidence.rest_after[line] * rate / COARSE)
            template[low:high] = 1
            template[max(low - before, 0) : low] -= 0.5
            template[high : high + after] -= 0.5
            starts[low] += 1
        both = self.voice * np.conj(np.fft.rfft(template)) * COARSE + 0.5 * self.onset * np.conj(np.fft.rfft(starts))
        curve = np.fft.irfft(both, self.size) + evidence.anchors.curve(first, last, rate, origin, COARSE, self.size)
        lags = np.arange(self.size)
        behind = int((evidence.length + REST) / COARSE)
        lags = np.where(lags > behind, lags - self.size, lags)
        return lags * COARSE - origin, curve


def windows(starts: Floats) -> list[tuple[int, int]]:
    """Return the stretches of lines whose offset is looked for together, each beginning in the middle of the one before."""
    count = len(starts)
    size = max(WINDOW, count // MOST)
    firsts = range(0, max(1, count - size // 2), size // 2)
    return [(first, min(first + size, int(np.searchsorted(starts, starts[first] + WIDEST)))) for first in firsts]


def peaks(offsets: Floats, curve: Floats) -> list[tuple[float, float]]:
    """Return the highest point of each of the `PEAKS` best seconds of a curve, as (nats, offset)."""
    block = round(1 / COARSE)
    seconds = np.pad(curve, (0, -len(curve) % block), constant_values=-np.inf).reshape(-1, block)
    best = seconds.argmax(axis=1)
    heights = seconds[np.arange(len(seconds)), best]
    order = np.argsort(-heights, kind="stable")[:PEAKS]
    return [(float(heights[at]), float(offsets[at * block + best[at]])) for at in order if np.isfinite(heights[at])]


# ---------------------------------------------------------------- the chain of lines


def chain(evidence: Evidence, rate: float, offsets: Floats) -> tuple[float, list[tuple[int, int]]]:
    """Return the best chain of (line, offset) pairs and its nats: an exact dynamic program.

    A line that does not speak for an offset may be left out for nothing; what is chained lies in the sound in the script's order; a
    change of offset costs `JUMP`, and so do leaving the delivered offset at the start and another rate than the delivered one.
    """
    lines, choices = len(evidence.starts), len(offsets)
    back = np.full((lines, choices), -1, np.int32)  # the pair before, as line x choices + offset
    lane, lane_end = np.full(choices, -np.inf), np.full(choices, -1, np.int64)  # best chain that ends with each offset
    ticks = int(evidence.length / TICK) + 2
    until, until_end = np.full(ticks, -np.inf), np.full(ticks, -1, np.int64)  # ... that ends by each moment
    begin = np.where((offsets == 0.0) & (rate == 1.0), 0.0, -JUMP) - (0.0 if rate == 1.0 else JUMP)
    best, best_end = 0.0, -1
    for line in range(lines):
        own = evidence.activity(line, rate, offsets) + evidence.anchors.of_line(line, rate, offsets)
        moment = np.clip((evidence.starts[line] * rate + offsets + EDGE) / TICK, 0, ticks - 1).astype(np.int64)
        jumped = until[moment] - JUMP
        total = np.maximum(np.maximum(lane, begin), jumped)
        origin = np.where(lane >= total, lane_end, np.where(jumped > begin, until_end[moment], -1))
        total = total + own
        for choice in np.flatnonzero(own > 0):
            if total[choice] <= lane[choice]:
                continue
            here = line * choices + int(choice)
            back[line, choice] = origin[choice]
            lane[choice], lane_end[choice] = total[choice], here
            best, best_end = max((best, best_end), (float(total[choice]), here))
        arrived = np.clip(np.ceil((evidence.ends[line] * rate + offsets) / TICK), 0, ticks - 1).astype(np.int64)
        for choice in np.flatnonzero((own > 0) & (lane_end // choices == line) & (lane > until[arrived])):
            first = arrived[choice]
            last = first + int(np.searchsorted(until[first:], lane[choice]))
            until[first:last], until_end[first:last] = lane[choice], lane_end[choice]
    pairs = []
    while best_end >= 0:
        pairs.append(divmod(best_end, choices))
        best_end = int(back[pairs[-1]])
    return best, pairs[::-1]


# ---------------------------------------------------------------- the map


def find_map(evidence: Evidence) -> TimeMap:
    """Return the map with the best chain over all rates; the delivered times where nothing else is clearly better."""
    count = len(evidence.starts)
    if count < FEWEST:
        return TimeMap(1.0, (Stretch(0, count, 0.0),))
    every = windows(evidence.starts)
    curves = Curves(evidence)
    rates = [float(rate) for rate in RATES]
    some = every[:: -(-len(every) // SAMPLE)]
    gains = {rate: sum(float(curves.over(*window, rate)[1].max()) for window in some) for rate in rates}
    likely = {1.0, *sorted(rates, key=lambda rate: -gains[rate])[:2]}
    found = max((_mapped(curves, rate) for rate in sorted(likely)), key=lambda mapped: mapped.gain)
    for _ in range(2):
        rate = _free_rate(evidence, found)
        better = _mapped(curves, rate) if rate != found.rate else found
        if better.gain <= found.gain:
            break
        found = better
    return _snapped(found)


def _mapped(curves: Curves, rate: float) -> TimeMap:
    """Return the best map at one rate, its offsets brought to the fine clock."""
    evidence = curves.evidence
    tops = [peaks(*curves.over(*window, rate)) for window in windows(evidence.starts)]
    found = sorted({round(offset / COARSE) * COARSE for top in tops for _, offset in top} | {0.0})
    gain, pairs = chain(evidence, rate, np.array(found))
    groups: list[tuple[list[int], float]] = []
    for _, run in groupby(pairs, key=lambda pair: pair[1]):
        lines = list(run)
        _add(evidence, rate, groups, [line for line, _ in lines], found[lines[0][1]])
    if not groups:
        return TimeMap(rate, (Stretch(0, len(evidence.starts), 0.0),), gain)
    edges = [0, *(_border(evidence, rate, one, other) for one, other in pairwise(groups)), len(evidence.starts)]
    stretches = tuple(Stretch(first, last, offset) for (first, last), (_, offset) in zip(pairwise(edges), groups, strict=True))
    return TimeMap(rate, stretches, gain, frozenset(line for line, _ in pairs))


def _add(evidence: Evidence, rate: float, groups: list[tuple[list[int], float]], lines: list[int], offset: float) -> None:
    """Add a group of lines with one offset, on the fine clock; to a group before that is as good for both.

    Words tell no near offsets apart: for a step under `CLOSE` the speech alone must bring the price of a jump.
    """
    own = _exact(evidence, rate, lines, offset)
    for back in (1, 2):  # the group before, or the one before a few strayed lines
        if len(groups) < back or abs(groups[-back][1] - own) > CLOSE:
            continue
        both = [*groups[-back][0], *lines]
        joint = _exact(evidence, rate, both, groups[-back][1])
        apart = _speech(evidence, rate, groups[-back][0], groups[-back][1]) + _speech(evidence, rate, lines, own)
        if apart - _speech(evidence, rate, both, joint) < JUMP and (back == 1 or len(groups[-1][0]) < STRAY):
            groups[-back:] = [(both, joint)]
            return
    groups.append((lines, own))


def _speech(evidence: Evidence, rate: float, lines: Sequence[int], offset: float) -> float:
    """Return the nats that lines have for an offset by speech alone."""
    at = np.array([offset])
    return sum(float(evidence.activity(line, rate, at)[0]) for line in lines)


def _border(evidence: Evidence, rate: float, one: tuple[list[int], float], other: tuple[list[int], float]) -> int:
    """Return the first line of the second of two stretches: those between that speak for neither go where they have room."""
    stop = evidence.starts[other[0][0]] * rate + other[1]
    for line in range(one[0][-1] + 1, other[0][0]):
        if evidence.ends[line] * rate + one[1] > stop:
            return line
    return other[0][0]


def _exact(evidence: Evidence, rate: float, group: Sequence[int], offset: float) -> float:
    """Return the offset near the given one at which these lines lie best, on the fine clock; the given one where all are equal."""
    around: Floats = offset + np.arange(-25, 26, dtype=np.float64) * FINE
    total = sum((evidence.activity(line, rate, around) for line in group), np.zeros(len(around)))
    return float(around[int(np.argmax(total - 1e-9 * np.abs(around - offset)))])


def _free_rate(evidence: Evidence, found: TimeMap) -> float:
    """Return the rate with what is left of a drift inside long stretches, by least squares over groups of lines."""
    moments: list[Floats] = []
    moves: list[Floats] = []
    for stretch in found.stretches:
        lines = [line for line in range(stretch.first, stretch.last) if line in found.bound]
        groups = [lines[at : at + GROUP] for at in range(0, len(lines) - GROUP + 1, GROUP)]
        if len(groups) < 2:
            continue
        times = np.array([evidence.starts[group].mean() for group in groups])
        own = np.array([_exact(evidence, found.rate, group, stretch.offset) for group in groups])
        moments.append(times - times.mean())
        moves.append(own - own.mean())
    if not moments:
        return found.rate
    time, move = np.concatenate(moments), np.concatenate(moves)
    slope = float(np.clip((time @ move) / (time @ time), -FREE, FREE))
    longest = max(float(np.ptp(part)) for part in moments)
    return found.rate + slope if abs(slope) * longest > NEAR else found.rate


def _snapped(found: TimeMap) -> TimeMap:
    """Return the map with offsets as delivered where they are near enough to it."""
    if found.rate != 1.0:
        return found
    stretches: list[Stretch] = []
    for stretch in found.stretches:
        offset = 0.0 if abs(stretch.offset) < NEAR else round(stretch.offset, 3)
        if stretches and stretches[-1].offset == offset:
            stretches[-1] = replace(stretches[-1], last=stretch.last)
        else:
            stretches.append(replace(stretch, offset=offset))
    return replace(found, stretches=tuple(stretches))
