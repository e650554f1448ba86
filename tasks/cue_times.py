"""When each cue comes and goes, in frames: with the voice, on the cuts of the picture, long enough to be read, all cues at once.

Source: Netflix subtitle timing guidelines (docs/subtitles.md has the table). Their 12 frames at 24 frames a second are half a second
here, and their 7 the same share of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# What it costs to break a rule, against frames by which a cue leaves its voice: the more broken rules, the worse, whatever the frames.
_ORDER, _GAP, _SHORT, _SPEED, _CUT, _OPEN_GAP = 1_000_000.0, 5000.0, 4000.0, 3000.0, 1500.0, 500.0
_MISSING = 50.0  # a frame that a cue lacks to be read, beside that it lacks any
_EARLY, _LATE, _LEAVES, _STAYS = 5.0, 3.0, 10.0, 1.0  # a frame: begins before its voice, after it; leaves before it should, after it
_KEPT = 20  # pairs of times of one cue that are weighed against its neighbours'


@dataclass(frozen=True, slots=True)
class Clock:
    """The figures of one film, in frames; `cuts` are the first frames of its shots but the first one's, in order."""

    half: int  # half a second
    gap: int
    shortest: int
    longest: int
    end: int  # first frame after the programme
    cuts: tuple[int, ...] = ()
    chains: bool = True  # small gaps are closed

    def cut_near(self, frame: int) -> int | None:
        """Return the cut nearest to a frame, less than half a second away."""
        place = bisect_left(self.cuts, frame)
        near = [cut for cut in self.cuts[max(place - 1, 0) : place + 1] if abs(cut - frame) < self.half]
        return min(near, key=lambda cut: abs(cut - frame)) if near else None

    def comes_well(self, frame: int) -> bool:
        """Return whether a cue may come at a frame: on a cut, or half a second from every one."""
        return self.cut_near(frame) in (None, frame)

    def goes_well(self, frame: int) -> bool:
        """Return whether a cue may go at a frame: the gap before a cut, or half a second from every one."""
        place = bisect_left(self.cuts, frame + self.gap)
        return self.cut_near(frame) is None or (place < len(self.cuts) and self.cuts[place] == frame + self.gap)

    def coming(self, frame: int) -> int:
        """Return where a cue comes whose voice begins at a frame: near a cut on it; just too far before it, half a second before it."""
        cut = self.cut_near(frame)
        if cut is None or frame >= cut - self._close:
            return frame if cut is None else cut
        return cut - self.half if cut >= self.half and self.comes_well(cut - self.half) else cut

    def going(self, frame: int) -> int:
        """Return where a cue goes that should go at a frame: near a cut the gap before it; too far after it, half a second after it."""
        cut = self.cut_near(frame)
        if cut is None or frame <= cut + self._close:
            return frame if cut is None else cut - self.gap
        return cut + self.half if self.goes_well(cut + self.half) else cut - self.gap

    @property
    def _close(self) -> int:
        return self.half * 7 // 12


@dataclass(frozen=True, slots=True)
class Wish:
    """What one cue is about: frames of its voice, and frames that it takes to be read."""

    first: int
    last: int
    needed: int


Times = tuple[int, int]


def plan_times(wishes: Sequence[Wish], clock: Clock) -> list[Times]:
    """Return first frame and first frame after each cue, with the least cost of all that the candidates of the cues allow.

    `wishes` are in order and do not overlap. Every rule is kept where it can be; see `check_cues` for those that are left broken.
    """
    options = [_options(wishes, index, clock) for index in range(len(wishes))]
    if not options:
        return []
    best: list[tuple[float, int]] = [(cost, -1) for cost, _ in options[0]]
    steps = [best]
    for before, after in pairwise(options):
        so_far = [(total, times) for (total, _), (_, times) in zip(best, before, strict=True)]
        ways = [
            min((total + _between(times, following, clock), index) for index, (total, times) in enumerate(so_far)) for _, following in after
        ]
        best = [(way + cost, index) for (way, index), (cost, _) in zip(ways, after, strict=True)]
        steps.append(best)
    index = min(range(len(best)), key=lambda place: best[place])
    chosen = []
    for step, option in zip(reversed(steps), reversed(options), strict=True):
        chosen.append(option[index][1])
        index = step[index][1]
    return chosen[::-1]


def _between(times: Times, following: Times, clock: Clock) -> float:
    rest = following[0] - times[1]
    if rest < clock.gap:
        return _GAP if rest >= 0 else _ORDER - rest
    return _OPEN_GAP if clock.chains and clock.gap < rest < clock.half else 0.0


def _options(wishes: Sequence[Wish], index: int, clock: Clock) -> list[tuple[float, Times]]:
    """Return the best pairs of times of one cue by themselves, each with its cost; the plainest one is always among them."""
    wish = wishes[index]
    following = wishes[index + 1] if index + 1 < len(wishes) else None
    entries = _entries(wish, wishes[index - 1] if index else None, following, clock)
    limit = following.first - clock.gap if following else clock.end
    plain = (wish.first, max(min(wish.last, limit, wish.first + clock.longest), wish.first + 1))
    pairs = {(first, last) for first in entries for last in _exits(wish, first, following, clock)} | {plain}
    costed = sorted((_cost(times, wish, clock), times) for times in pairs)
    return costed[:_KEPT] + [(cost, times) for cost, times in costed[_KEPT:] if times == plain]


def _entries(wish: Wish, before: Wish | None, following: Wish | None, clock: Clock) -> set[int]:
    earliest = max(wish.first - clock.half, 0)
    limit = following.first - clock.gap if following else clock.end
    wanted = {wish.first, earliest, limit - max(wish.needed, clock.shortest)} | ({before.last + clock.gap} if before else set())
    found = {near for frame in wanted for near in (frame, clock.coming(max(frame, 0)))} | set(_cuts_in(clock, earliest, wish.first))
    latest = max(wish.first, clock.coming(wish.first))
    return {frame for frame in found if earliest <= frame <= latest and frame < clock.end} or {wish.first}


def _exits(wish: Wish, first: int, following: Wish | None, clock: Clock) -> Iterator[int]:
    """Yield the frames at which a cue may go that came at `first`."""
    most = max(min(first + clock.longest, clock.end), first + 1)
    stay = min(max(wish.last, first + wish.needed, first + clock.shortest), most)
    wanted = {stay, wish.last, most}
    if following:
        wanted |= {frame - clock.gap for frame in (following.first, clock.coming(following.first), max(following.first - clock.half, 0))}
        wanted |= {cut - clock.gap for cut in _cuts_in(clock, following.first - clock.half, following.first)}
    near = set(_cuts_in(clock, first + clock.shortest, stay + clock.half))
    wanted |= {clock.going(frame) for frame in wanted} | {cut - clock.gap for cut in near} | {cut + clock.half for cut in near}
    yield from (frame for frame in wanted if first < frame <= most)


def _cuts_in(clock: Clock, first: int, last: int) -> Sequence[int]:
    return clock.cuts[bisect_left(clock.cuts, first) : bisect_left(clock.cuts, last + 1)]


def _cost(times: Times, wish: Wish, clock: Clock) -> float:
    first, last = times
    length = last - first
    cost = 0.0
    for wanted, price in ((clock.shortest, _SHORT), (wish.needed, _SPEED)):
        cost += price + _MISSING * (wanted - length) if length < wanted else 0.0
    cost += _CUT * (not clock.comes_well(first)) + _CUT * (not clock.goes_well(last))
    ideal, stay = clock.coming(wish.first), max(wish.last, first + wish.needed, first + clock.shortest)
    cost += _EARLY * max(ideal - first, 0) + _LATE * max(first - ideal, 0)
    leave = clock.going(stay)
    return cost + _LEAVES * max(leave - last, 0) + _STAYS * max(last - leave, 0)
