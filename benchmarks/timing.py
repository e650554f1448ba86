"""The planner against the rules of four other tools, over the same seeded lines of dialogue; then with shorter texts to choose from.

Slots are lognormal (median 2.4 s, 0.8 to 7), gaps too (median 0.5 s, 0.1 to 3), spoken length over slot lognormal with mean 1.15 and
standard deviation 0.25; three speakers. No text is changed, so that only the planning is compared, and every rule is told the exact
length of each line. The others' rules are written down here from what their code does, and lay what they would call an error as it
comes. `within`: lines that start and end no further than a tenth of their slot outside it. `late`: mean distance of a line's start
from the original's.

    python benchmarks/timing.py [lines]
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, pairwise
from statistics import fmean, quantiles

from report import emit

from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Placement, Segment
from nightdub.tasks.timing import Choice, choose

LINES, SEEDS = 1_500, (1, 2, 3)
SHORTER, PRICE = 0.85, 0.15  # of the length, as one further text of each line; its price is that of `tasks.wording`
FASTEST = 1.3
DRIFT = 0.05  # seconds
ROUNDING = 1e-4  # of a stretch: planned in whole samples
SHOWN = ("within", "stretch", "p95", "over", "overlap", "late"), ("within", "stretch", "p95", "late", "held")  # of theirs, of ours


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of dialogue: its slot, and how long it takes to say, in seconds."""

    start: float
    slot: float
    length: float
    speaker: str

    @property
    def end(self) -> float:
        return self.start + self.slot

    @property
    def room(self) -> float:
        """Return how far outside the slot the line counts as within it."""
        return 0.1 * self.slot


@dataclass(frozen=True, slots=True)
class Laid:
    """Where a rule has put a line."""

    start: float
    stretch: float
    length: float

    @property
    def end(self) -> float:
        return self.start + self.length / self.stretch


Rule = Callable[[Sequence[Spoken]], list[Laid]]


def dialogue(lines: int, seed: int) -> list[Spoken]:
    """Return made-up lines, one after the other."""
    rng = random.Random(seed)  # noqa: S311 - made-up lines
    spread = math.sqrt(math.log(1 + (0.25 / 1.15) ** 2))
    moment, made = 0.0, []
    for _ in range(lines):
        slot = min(max(rng.lognormvariate(math.log(2.4), 0.5), 0.8), 7.0)
        moment += min(max(rng.lognormvariate(math.log(0.5), 0.8), 0.1), 3.0)
        ratio = rng.lognormvariate(math.log(1.15) - spread**2 / 2, spread)
        made.append(Spoken(moment, slot, slot * ratio, f"s{rng.randrange(3)}"))
        moment += slot
    return made


def gaps(lines: Sequence[Spoken]) -> list[float]:
    """Return the silence after each line."""
    return [after.start - line.end for line, after in pairwise(lines)] + [3.0]


# ---------------------------------------------------------------- the others' rules


def greedy(lines: Sequence[Spoken]) -> list[Laid]:
    """open-dubbing: up to the next line's start, rounded up to tenths, at most 1.3."""
    return [
        Laid(line.start, min(max(math.ceil(10 * line.length / (line.slot + gap)) / 10, 1.0), 1.3), line.length)
        for line, gap in zip(lines, gaps(lines), strict=True)
    ]


def double(lines: Sequence[Spoken]) -> list[Laid]:
    """SoniTranslate: into the slot, rounded to tenths, 0.8 to 1.15 taken for 1, at most 2.1."""
    laid = []
    for line in lines:
        speed = min(max(line.length / line.slot, 0.8), 2.1)
        laid.append(Laid(line.start, 1.0 if speed <= 1.15 else round(speed, 1), line.length))
    return laid


def borrowing(lines: Sequence[Spoken]) -> list[Laid]:
    """VideoLingo: a line that is longer than its slot, or whose next one is, takes the next ones in; a chunk takes 1.5 s after it."""
    after = [min(gap, 1.5) for gap in gaps(lines)]
    laid, first = [], 0
    while first < len(lines):
        last = first + _taken_in(lines[first : first + 5], after[first : first + 5])
        speed, gaps_kept = _borrowed(lines[first:last], after[last - 1])
        laid += _one_after_the_other(lines[first:last], speed, math.inf if gaps_kept else 0.0, by=speed)
        first = last
    return laid


def tolerant(lines: Sequence[Spoken]) -> list[Laid]:
    """KrillinAI: chunks of lines less than 1.5 s apart, five at most, each at one speed of 0.95 to 1.30; of the gaps 0.25 s are kept."""
    laid, first = [], 0
    for index, gap in enumerate(gaps(lines)):
        if gap > 1.5 or index - first == 4 or index == len(lines) - 1:
            chunk, first = lines[first : index + 1], index + 1
            kept = sum(min(0.25, one) for one in gaps(chunk)[:-1])
            speed = sum(line.length for line in chunk) / (chunk[-1].end - chunk[0].start - kept)
            laid += _one_after_the_other(chunk, min(max(speed, 0.95), 1.3), 0.25)
    return laid


def _taken_in(lines: Sequence[Spoken], after: Sequence[float]) -> int:
    """Return how many of these lines are one chunk."""
    if after[0] >= 1.5 or not any(line.length > line.slot for line in lines[:2]):
        return 1
    for count in range(2, len(lines) + 1):
        room = lines[count - 1].end + after[count - 1] - lines[0].start
        if after[count - 1] >= 1.5 or sum(line.length for line in lines[:count]) <= room:
            return count
    return len(lines)


def _borrowed(chunk: Sequence[Spoken], spare: float) -> tuple[float, bool]:
    """Return a chunk's speed, and whether its gaps are kept: 0.1 s less than the room is filled, up to 1.2 without the silence after it."""
    speech, whole = sum(line.length for line in chunk), chunk[-1].end - chunk[0].start
    silence = whole - sum(line.slot for line in chunk)
    for room in (whole, whole + spare):
        for taken, kept in ((speech + silence, True), (speech, False)):
            if taken / 1.2 < room:
                return max(1.0, taken / (room - 0.1)), kept
    return speech / (whole + spare - 0.1), False


def _one_after_the_other(chunk: Sequence[Spoken], speed: float, gap: float, by: float = 1.0) -> list[Laid]:
    """Lay a chunk's lines from its start on, with up to `gap` of the silence between them, that many times shorter."""
    moment, laid = chunk[0].start, []
    for line, silence in zip(chunk, gaps(chunk), strict=True):
        laid.append(Laid(moment, speed, line.length))
        moment = laid[-1].end + min(gap, silence) / by
    return laid


PEERS: dict[str, Rule] = {"greedy": greedy, "borrowing": borrowing, "tolerant": tolerant, "double": double}


# ---------------------------------------------------------------- ours


def planned(lines: Sequence[Spoken], figures: FitFigures) -> list[tuple[Placement, int]]:
    """Return the plan of a made-up programme; the second of a line's choices is its shorter text."""
    segments = [Segment(str(index), line.start, line.end, "said", line.speaker) for index, line in enumerate(lines)]
    texts = ((1.0, 0.0), (SHORTER, PRICE)) if figures.shorten else ((1.0, 0.0),)
    choices = {str(index): [Choice(line.length * share, price) for share, price in texts] for index, line in enumerate(lines)}
    return choose(segments, choices, figures, lines[-1].end + 3.0)


SETTINGS = {name: FitFigures(prefer=name, borrow=1.5, rest=0.05, shorten=False) for name in ("tight", "sync", "even", "natural")}
SETTINGS["tight_into"] = FitFigures(prefer="tight", borrow=1.5, rest=0.05, into=0.1, shorten=False)
SETTINGS["sync_shorter"] = FitFigures(prefer="sync", borrow=1.5, rest=0.05)


# ---------------------------------------------------------------- what came of it


@dataclass(frozen=True, slots=True)
class Tally:
    """How a rule did over one made-up programme; the means over several are one too."""

    within: float  # per cent
    stretch: float  # mean
    p95: float
    over: float  # per cent of lines played faster than 1.3
    overlap: float  # seconds
    late: float
    drift: float  # seconds by which the lines of the second half start later than those of the first, against the original
    cut: float = 0.0
    held: float = 0.0
    shortened: float = 0.0
    seconds: float = 0.0  # of one core, that the planning took


def tally(lines: Sequence[Spoken], laid: Sequence[Laid]) -> Tally:
    """Measure what a rule laid."""
    pairs = list(zip(lines, laid, strict=True))
    inside = [one.start >= line.start - line.room - 1e-9 and one.end <= line.end + line.room + 1e-9 for line, one in pairs]
    late = [one.start - line.start for line, one in pairs]
    reached = list(accumulate((one.end for one in laid), max))
    overlap = sum(max(0.0, min(before, one.end) - one.start) for before, one in zip(reached, laid[1:], strict=False))
    speeds = [one.stretch for one in laid]
    return Tally(
        100 * fmean(inside),
        fmean(speeds),
        quantiles(speeds, n=20)[-1],
        100 * fmean(speed > FASTEST + ROUNDING for speed in speeds),
        overlap,
        fmean(map(abs, late)),
        fmean(late[len(late) // 2 :]) - fmean(late[: len(late) // 2]),
    )


def tally_plan(lines: Sequence[Spoken], figures: FitFigures) -> Tally:
    """Measure one of our settings."""
    started = time.process_time()
    plan = planned(lines, figures)
    seconds = time.process_time() - started
    found = tally(lines, [Laid(place.start, place.stretch, (place.end - place.start) * place.stretch) for place, _ in plan])
    cut, held = sum(place.cut for place, _ in plan), sum(bool(place.held) for place, _ in plan)
    return replace(found, cut=cut, held=held, shortened=100 * fmean(option for _, option in plan), seconds=seconds)


def mean(tallies: Sequence[Tally]) -> Tally:
    """Return the means over several programmes; the longest of the times."""
    sums = {field.name: fmean(getattr(one, field.name) for one in tallies) for field in fields(Tally)}
    return Tally(**sums | {"seconds": max(one.seconds for one in tallies)})


def beats(ours: Tally, peer: Tally) -> bool:
    """Return whether a setting has no worse mean stretch and 15 points more within, or as many within and no line over 1.3."""
    clean = ours.overlap == 0 and ours.cut == 0 and abs(ours.drift) < DRIFT
    more = ours.within >= peer.within + 15 or (ours.within >= peer.within and peer.over > 0 == ours.over)
    return clean and more and ours.stretch <= peer.stretch


def main(lines: int) -> None:
    programmes = [dialogue(lines, seed) for seed in SEEDS]
    peers = {name: mean([tally(spoken, rule(spoken)) for spoken in programmes]) for name, rule in PEERS.items()}
    ours = {name: mean([tally_plan(spoken, figures) for spoken in programmes]) for name, figures in SETTINGS.items()}
    settings = {name: found for name, found in ours.items() if not SETTINGS[name].shorten}
    won = {name: next((setting for setting, found in settings.items() if beats(found, peer)), "none") for name, peer in peers.items()}
    slowest = max(found.seconds for found in ours.values())
    figures: dict[str, float | int | str] = {"lines": lines, "programmes": len(SEEDS), "plan_cpu_s": slowest}
    for name, found in (peers | ours).items():
        figures |= {f"{name}_{field.name}": getattr(found, field.name) for field in fields(Tally) if field.name in SHOWN[name in ours]}
    figures |= {f"{name}_beaten_by": setting for name, setting in won.items()}
    figures |= {
        f"ours_most_{name}": max(abs(getattr(found, name)) for found in ours.values()) for name in ("over", "overlap", "cut", "drift")
    }
    figures |= {"shortened_lines": ours["sync_shorter"].shortened}
    best = {name: max(found.within for found in settings.values() if found.stretch <= peer.stretch) for name, peer in peers.items()}
    ratio = min(best[name] / peer.within for name, peer in peers.items())
    better = ours["sync_shorter"].within >= ours["sync"].within and ours["sync_shorter"].stretch <= ours["sync"].stretch
    met = "none" not in won.values() and slowest < 2 and better
    emit(
        "timing",
        figures,
        ratio,
        "each rule beaten by a setting (docs/timing.md), 1,500 lines planned in under 2 s of processor time",
        met=met,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) == 2 else LINES)
