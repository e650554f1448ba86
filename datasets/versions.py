"""What changed between two versions of a dataset: line by line, in sums, and in how its values are distributed.

Both manifests are read side by side in the order of their ids, a line of each at a time: memory grows with what changed, not with what
is there.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from nightdub.datasets.rows import Excused, Sample
from nightdub.datasets.texts import rate
from nightdub.infra.errors import ConfigError
from nightdub.tasks.rows import Seconds

KINDS: Mapping[str, tuple[str, ...]] = {  # what a changed line may have another one of -> fields
    "sound": ("sound",),
    "text": ("text",),
    "split": ("split",),
    "label": ("language", "speaker", "emotion", "tags"),
    "source": ("source", "source_start", "source_end", "recording"),
    "features": ("features",),
    "other": ("audio_path", "seconds", "parent", "variant", "written", "measured", "words"),
}
COUNTED = ("split", "language", "emotion", "speaker")
_LISTED = 20  # lines of each sort that `as_text` shows

Sum = tuple[int, Seconds]  # clips and their seconds


@dataclass(slots=True)
class Difference:
    """What changed from an old version to a new one."""

    old: Sum = (0, 0.0)
    new: Sum = (0, 0.0)
    added: list[str] = field(default_factory=list)
    removed: dict[str, str] = field(default_factory=dict)  # id -> reason code, empty where the new version does not say
    changed: dict[str, tuple[str, ...]] = field(default_factory=dict)  # id -> names of `KINDS`
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> split before and now
    sums: dict[str, dict[str, tuple[Sum, Sum]]] = field(default_factory=dict)  # of `COUNTED` -> value -> old and new

    def as_text(self) -> str:
        """Return it in words: sums first, then the first lines of each sort."""
        kinds = Counter(kind for found in self.changed.values() for kind in found)
        reasons = Counter(self.removed.values())
        lines = [f"clips {self.old[0]} -> {self.new[0]}, hours {self.old[1] / 3600:.2f} -> {self.new[1] / 3600:.2f}"]
        lines.append(f"added {len(self.added)}, removed {len(self.removed)}{_counts(reasons)}, changed {len(self.changed)}{_counts(kinds)}")
        for name, values in self.sums.items():
            lines += _table(name, values)
        lines += _listed("added", self.added)
        lines += _listed("removed", [f"{id_}: {code or 'no reason given'}" for id_, code in self.removed.items()])
        lines += _listed("changed", [f"{id_}: {', '.join(kinds)}" for id_, kinds in self.changed.items()])
        lines += _listed("in another split", [f"{id_}: {before} -> {now}" for id_, (before, now) in self.moved.items()])
        return "\n".join(lines) + "\n"


class Drift(NamedTuple):
    """How far a distribution is from the earlier version's: 0 the same, 1 nothing in common."""

    name: str
    statistic: str  # "Kolmogorov-Smirnov" or "total variation"
    value: float


def diff(old: Path, new: Path, excused: Path | None = None) -> Difference:
    """Return what changed between two manifests: files of `Sample` rows as JSON lines, each in the order of its ids.

    Args:
        old: The earlier one.
        new: The later one.
        excused: The later version's `Excused` rows as JSON lines; they say why clips were removed.

    Raises: ConfigError for a line that is none, out of order or twice.
    """
    found = Difference()
    sums: dict[str, dict[str, tuple[list[float], list[float]]]] = {name: defaultdict(lambda: ([0, 0.0], [0, 0.0])) for name in COUNTED}
    for before, after in _side_by_side(old, new):
        if before is not None:
            _add(sums, before, 0)
            found.old = (found.old[0] + 1, found.old[1] + before.seconds)
        if after is not None:
            _add(sums, after, 1)
            found.new = (found.new[0] + 1, found.new[1] + after.seconds)
        _enter(found, before, after)
    for row in _excused(excused) if excused and found.removed else ():
        if row.id in found.removed and not found.removed[row.id]:
            found.removed[row.id] = row.code
    found.sums = {
        name: {value: ((int(a[0]), a[1]), (int(b[0]), b[1])) for value, (a, b) in sorted(values.items())} for name, values in sums.items()
    }
    return found


def drift(old: Iterable[Sample], new: Iterable[Sample]) -> list[Drift]:
    """Return how far each distribution moved; what neither version has is left out, what one alone has is 1.

    Seconds, signal-to-noise ratio, loudness and bandwidth of the source, length of the text and characters a second by the
    Kolmogorov-Smirnov statistic; shares of languages, emotions, speakers and splits by total variation.
    """
    before, after = _distributions(old), _distributions(new)
    numbers = [Drift(name, "Kolmogorov-Smirnov", _apart(before[0][name], after[0][name])) for name in sorted({*before[0], *after[0]})]
    shares = [
        Drift(name, "total variation", _variation(before[1][name], after[1][name])) for name in COUNTED if before[1][name] or after[1][name]
    ]
    return numbers + shares


# ---------------------------------------------------------------- line by line


def _side_by_side(old: Path, new: Path) -> Iterator[tuple[Sample | None, Sample | None]]:
    """Yield the lines of both with the same id together; equal lines are decoded once."""
    left, right = _lines(old), _lines(new)
    one, other = next(left, None), next(right, None)
    while one or other:
        if other is None or (one is not None and one[1].id < other[1].id):
            yield one[1] if one else None, None
            one = next(left, None)
        elif one is None or other[1].id < one[1].id:
            yield None, other[1]
            other = next(right, None)
        else:
            yield one[1], one[1] if one[0] == other[0] else other[1]
            one, other = next(left, None), next(right, None)


def _lines(path: Path) -> Iterator[tuple[bytes, Sample]]:
    decoder, last = msgspec.json.Decoder(Sample), ""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = decoder.decode(line)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise ConfigError(str(error), where=f"{path}:{number}", fix="build the version again") from None
            if number > 1 and row.id <= last:
                raise ConfigError(f"id {row.id!r} after {last!r}", where=f"{path}:{number}", allowed="each id once, in their order")
            last = row.id
            yield line, row


def _excused(path: Path) -> Iterator[Excused]:
    decoder = msgspec.json.Decoder(Excused)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield decoder.decode(line)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise ConfigError(str(error), where=f"{path}:{number}", fix="build the version again") from None


def _enter(found: Difference, before: Sample | None, after: Sample | None) -> None:
    """Enter one id into the difference."""
    if before is None and after is not None:
        found.added.append(after.id)
    elif after is None and before is not None:
        found.removed[before.id] = ""
    elif before is not after and before is not None and after is not None:
        kinds = tuple(kind for kind, names in KINDS.items() if any(getattr(before, name) != getattr(after, name) for name in names))
        if kinds:
            found.changed[after.id] = kinds
        if before.split != after.split:
            found.moved[after.id] = (before.split, after.split)


def _add(sums: dict[str, dict[str, tuple[list[float], list[float]]]], row: Sample, side: int) -> None:
    for name in COUNTED:
        place = sums[name][getattr(row, name)][side]
        place[0] += 1
        place[1] += row.seconds


# ---------------------------------------------------------------- in words


def _counts(counts: Counter[str]) -> str:
    parts = [f"{name or 'no reason given'} {count}" for name, count in sorted(counts.items())]
    return f" ({', '.join(parts)})" if parts else ""


def _table(name: str, values: Mapping[str, tuple[Sum, Sum]]) -> Iterator[str]:
    """Yield the values whose clips or hours changed."""
    for value, (before, after) in values.items():
        if before[0] != after[0] or abs(before[1] - after[1]) > 1e-6:
            yield f"{name} {value or '(none)'}: clips {before[0]} -> {after[0]}, hours {before[1] / 3600:.2f} -> {after[1] / 3600:.2f}"


def _listed(title: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield f"{title}:"
        yield from (f"  {row}" for row in rows[:_LISTED])
    if len(rows) > _LISTED:
        yield f"  and {len(rows) - _LISTED} more"


# ---------------------------------------------------------------- distributions


def _distributions(rows: Iterable[Sample]) -> tuple[dict[str, array[float]], dict[str, Counter[str]]]:
    numbers: dict[str, array[float]] = defaultdict(lambda: array("d"))
    shares: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
    for row in rows:
        for name, value in _numbers(row):
            if value is not None:
                numbers[name].append(value)
        for name in COUNTED:
            if value := getattr(row, name):
                shares[name][value] += 1
    return numbers, shares


def _numbers(row: Sample) -> Iterator[tuple[str, float | None]]:
    yield "seconds", row.seconds
    yield "text length", float(len(row.text))
    yield "characters a second", rate(row.text, row.seconds)
    if row.measured:
        for name in ("snr", "loudness", "bandwidth"):
            yield name, getattr(row.measured, name)


def _apart(old: array[float], new: array[float]) -> float:
    """Return the largest distance between two cumulative distributions."""
    if not old or not new:
        return 1.0
    one, other = np.sort(np.frombuffer(old)), np.sort(np.frombuffer(new))
    values = np.concatenate([one, other])
    steps = np.searchsorted(one, values, "right") / len(one) - np.searchsorted(other, values, "right") / len(other)
    return float(np.abs(steps).max())


def _variation(old: Counter[str], new: Counter[str]) -> float:
    """Return half the sum of the differences of all shares."""
    if not old or not new:
        return 1.0
    whole, other = old.total(), new.total()
    return sum(abs(old[value] / whole - new[value] / other) for value in {*old, *new}) / 2
