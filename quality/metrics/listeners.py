"""What listeners said of a title's lines. `speech.mos` is their mean and nothing else: a prediction keeps its own name."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import PairsError
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.statistics import ratio_interval
from nightdub.tasks.rows import Measurement, Worst

LISTENERS = 5  # fewer are no panel

FACTS: dict[str, MetricFact] = {
    "speech.mos": MetricFact(
        "MOS",
        1,
        5,
        "mean opinion of five listeners or more",
        "ITU-T P.800",
        "no scores, or of fewer listeners",
        "nightdub.quality.metrics.speech:measure_file",
        interval=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """What one listener gave one line, 1 to 5."""

    segment: str
    listener: str
    score: float


def read_ratings(path: Path) -> list[Rating]:
    """Read listeners' scores: CSV with the columns `segment`, `listener` and `score`, one row for each listener and line.

    Raises:
        PairsError: the file cannot be read, a column is missing, a score is no number from 1 to 5, or stands twice. Names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            if missing := {"segment", "listener", "score"} - set(table.fieldnames or ()):
                raise PairsError(f"no column {', '.join(sorted(missing))}", where=f"{path}:1", allowed="segment,listener,score")
            rows = [(table.line_num, _rating(path, table.line_num, row)) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PairsError(str(error), where=str(path), allowed="CSV in UTF-8 with segment,listener,score") from error
    seen: dict[tuple[str, str], int] = {}
    for number, rating in rows:
        first = seen.setdefault((rating.segment, rating.listener), number)
        if first != number:
            raise PairsError(f"listener {rating.listener} scored {rating.segment} already in line {first}", where=f"{path}:{number}")
    return [rating for _, rating in rows]


def mean_opinion(ratings: Sequence[Rating]) -> Measurement:
    """Return the mean of all scores, with an interval over lines; not measured for fewer than five listeners (ITU-T P.800)."""
    listeners = {rating.listener for rating in ratings}
    if len(listeners) < LISTENERS:
        why = f"{len(listeners)} listeners, {LISTENERS} wanted" if ratings else "no listeners' scores"
        return Measurement("speech.mos", None, "MOS", not_measured=why)
    lines: dict[str, list[float]] = {}
    for rating in ratings:
        lines.setdefault(rating.segment, []).append(rating.score)
    means = sorted((sum(scores) / len(scores), name) for name, scores in lines.items())
    interval = ratio_interval([sum(scores) for scores in lines.values()], [len(scores) for scores in lines.values()])
    return Measurement(
        "speech.mos",
        sum(rating.score for rating in ratings) / len(ratings),
        "MOS",
        len(ratings),
        f"{len(listeners)} listeners",
        worst=tuple(Worst(name, round(mean, 2)) for mean, name in means[:WORST]),
        interval=interval,
    )


def _rating(path: Path, number: int, row: Mapping[str, str | None]) -> Rating:
    segment, listener, text = (row[name] or "" for name in ("segment", "listener", "score"))
    try:
        score = float(text)
    except ValueError:
        score = 0.0
    if not (segment and listener and 1 <= score <= 5):
        raise PairsError(
            f"{segment!r}, {listener!r}, {text!r}", where=f"{path}:{number}", allowed="a segment, a listener, a score from 1 to 5"
        )
    return Rating(segment, listener, score)
