"""Long recordings as clips: where speech was found, cut at pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nightdub.infra.errors import ConfigError
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import Samples
from nightdub.tasks.utterances import SHORTEST_GAP

Stretch = tuple[Seconds, Seconds]
_STEP: Seconds = 0.01  # between two places where speech that does not pause may be cut
_AROUND = 5  # steps whose power tells how quiet a place is


@dataclass(frozen=True, slots=True)
class Splitting:
    """The figures of splitting, as a recipe gives them."""

    shortest: Seconds = 3.0
    longest: Seconds = 30.0
    pause: Seconds = 0.6  # from here on a pause parts two clips, where both are long enough
    margin: Seconds = 0.15  # kept around speech, at most half of a pause

    def __post_init__(self) -> None:
        if not 0 < 2 * self.shortest <= self.longest:
            allowed = "longest at least twice shortest, both above 0"
            raise ConfigError(f"{self.shortest:g} to {self.longest:g} s", where="splitting", allowed=allowed, fix="correct the recipe")
        if not (self.pause >= SHORTEST_GAP and 0 <= self.margin < self.shortest / 4):
            allowed = f"a pause of {SHORTEST_GAP:g} s or more, a margin of up to a quarter of the shortest clip"
            raise ConfigError(
                f"pause {self.pause:g} s, margin {self.margin:g} s", where="splitting", allowed=allowed, fix="correct the recipe"
            )


def split_by_voice(samples: Samples, rate: int, segments: Sequence[Stretch], figures: Splitting) -> list[Stretch]:
    """Return start and end in seconds of each clip, ordered, none overlapping, none longer than `longest`.

    `segments` is what a voice activity engine returns for the same mono sound. All speech is in a clip: one that no neighbour is near
    enough for stays shorter than `shortest`, and is the length filter's to excuse. Gaps under 0.2 s are closures of plosives, never a
    place to cut; speech that goes on for longer than `longest` is cut at its quietest place. A sound without speech gives no clips.
    """
    length = samples.size / rate
    room = figures.longest - 2 * figures.margin
    pieces = [piece for run in _runs(segments, length) for piece in _cut(samples, rate, run, figures.shortest, room)]
    groups: list[Stretch] = []
    for start, end in pieces:
        if groups and _joins(groups[-1], (start, end), figures, room):
            groups[-1] = (groups[-1][0], end)
        else:
            groups.append((start, end))
    return _with_margins(groups, length, figures.margin)


def _runs(segments: Sequence[Stretch], length: Seconds) -> list[Stretch]:
    """Return the stretches of speech inside the sound, those with less than `SHORTEST_GAP` between them as one."""
    runs: list[Stretch] = []
    for start, end in sorted((max(start, 0.0), min(end, length)) for start, end in segments):
        if runs and end > start and start - runs[-1][1] < SHORTEST_GAP:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        elif end > start:
            runs.append((start, end))
    return runs


def _cut(samples: Samples, rate: int, run: Stretch, shortest: Seconds, room: Seconds) -> list[Stretch]:
    """Return a stretch in pieces of at most `room` seconds, each cut at the quietest place that leaves no piece under `shortest`."""
    pieces, (start, end) = [], run
    while end - start > room:
        earliest, latest = start + max(shortest, room / 2), min(start + room, end - shortest)
        at = _quietest(samples, rate, min(earliest, latest), latest)
        pieces.append((start, at))
        start = at
    return [*pieces, (start, end)]


def _quietest(samples: Samples, rate: int, earliest: Seconds, latest: Seconds) -> Seconds:
    step = max(1, round(_STEP * rate))
    first = round(earliest * rate)
    part = samples[first : max(round(latest * rate), first)]
    count = part.size // step
    if count < _AROUND:
        return latest
    powers = np.square(part[: count * step], dtype=np.float64).reshape(count, step).sum(axis=1)
    around = np.convolve(powers, np.ones(_AROUND), "valid")
    return (first + (int(around.argmin()) + _AROUND / 2) * step) / rate


def _joins(before: Stretch, after: Stretch, figures: Splitting, room: Seconds) -> bool:
    """Tell whether two neighbours are one clip: they fit, and there is no pause between them or one is too short alone."""
    if after[1] - before[0] > room:
        return False
    short = min(before[1] - before[0], after[1] - after[0]) + 2 * figures.margin < figures.shortest
    return short or after[0] - before[1] < figures.pause


def _with_margins(groups: Sequence[Stretch], length: Seconds, margin: Seconds) -> list[Stretch]:
    clips = []
    for index, (start, end) in enumerate(groups):
        before = groups[index - 1][1] if index else -start
        after = groups[index + 1][0] if index + 1 < len(groups) else 2 * length - end
        clips.append((start - min(margin, (start - before) / 2), end + min(margin, (after - end) / 2)))
    return [(round(start, 6), round(end, 6)) for start, end in clips]
