"""Sound against picture: whether what dub and original share lies at the same time in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nightdub.quality.metrics import lse
from nightdub.quality.metrics.carried import duration
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.lag import ENGINE, PLACE, PLACES, find_course, spread
from nightdub.quality.metrics.opened import as_timed_wav
from nightdub.tasks.rows import Measurement, Seconds, Worst

_NOTHING_SHARED = "nothing that original and dub share can be heard: no music or effects, or other ones"

FACTS: dict[str, MetricFact] = lse.FACTS | {
    "sync.av_offset": MetricFact(
        "ms",
        -1e7,
        1e7,
        "how late the sound that dub and original share (music, effects, room) lies in the dub; below 0 = early",
        "generalised cross-correlation (Knapp and Carter 1976); EBU R37 allows sound 40 ms early to 60 ms late",
        f"{_NOTHING_SHARED}, or no original is given",
        "nightdub.quality.metrics.sync:measure_file",
    ),
}

Spans = Sequence[tuple[Seconds, Seconds]]

_NOTHING_TO_PLACE = "between its lines the original has nothing that could be placed in time: silence, or a steady tone"
_FEWEST = 4  # places between the lines, or the whole programme is listened to


def measure_file(path: Path, reference: Path | None, language: str) -> list[Measurement]:  # noqa: ARG001
    """Return by how much the sound of a film or sound file is late against a reference's; the language is not used.

    Raises: MediaError where a file cannot be read.
    """
    if reference is None:
        return [Measurement("sync.av_offset", None, "ms", engine=ENGINE, not_measured="no original is given to compare with")]
    with as_timed_wav(reference) as original, as_timed_wav(path) as dub:
        return [av_offset(original, dub, [])]


def av_offset(original: Path, dub: Path, spoken: Spans) -> Measurement:
    """Return by how much the sound that both share is late in the dub, in ms, in the middle of the programme.

    Both are WAV or FLAC that start with the first frame. `spoken` is where either speaks: the places lie between, as long as there
    are enough of them. Raises: MediaError.
    """
    length = duration(original)
    quiet = list(_between(spoken, length))
    starts = quiet if len(quiet) >= _FEWEST else spread(length)
    course = find_course(original, dub, starts)
    if course is None or not course.steady:
        course = find_course(original, dub, starts, upside_down=True)
    if course is None or not course.steady:
        if find_course(original, original, quiet) is None:
            return Measurement("sync.av_offset", None, "ms", engine=ENGINE, not_applicable=_NOTHING_TO_PLACE)
        return Measurement("sync.av_offset", None, "ms", engine=ENGINE, not_measured=_NOTHING_SHARED)
    strays = sorted(course.lags, key=lambda lag: -abs(lag.late))[:WORST]
    worst = tuple(Worst(f"{lag.time:.1f} s", round(1000 * lag.late, 3)) for lag in strays)
    where = "between the lines" if starts is quiet and spoken else "all over the programme"
    return Measurement("sync.av_offset", 1000 * course.at(length / 2), "ms", len(course.lags), ENGINE, worst=worst, detail=where)


def _between(spoken: Spans, length: Seconds) -> Iterator[Seconds]:
    """Yield the starts of places that lie wholly between spans, evenly chosen where there are many."""
    starts: list[Seconds] = []
    reached = 0.0
    for start, end in [*sorted(spoken), (length, length)]:
        starts += [reached + index * PLACE for index in range(int((start - reached) / PLACE))]
        reached = max(reached, end)
    count = min(len(starts), PLACES)
    yield from (starts[index * len(starts) // count] for index in range(count))
