"""What a dataset is made of, counted in one pass over its rows: clips, hours, labels, and how measures are spread.

Memory grows with labels and with the steps of the measures' scales, not with clips. Lengths are added as samples and values counted in
whole steps, so that the order of the rows changes no digit.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nightdub.datasets.rows import RATE, Sample
from nightdub.tasks.rows import Hertz

SPLITS = ("train", "validation", "test")
LABELS = ("split", "language", "speaker", "emotion")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAST_SHARE = 0.05  # of the hours: a language or an emotion with less is named as a gap

Histogram = dict[int, int]  # steps of a measure's scale -> clips


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a clip: its unit, and the step to which its values are counted."""

    name: str
    unit: str
    step: float
    value: Callable[[Sample], float | None]


def _measured(name: str) -> Callable[[Sample], float | None]:
    return lambda row: getattr(row.measured, name) if row.measured else None


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("duration", "s", 0.01, lambda row: row.seconds),
        Measure("snr", "dB", 0.1, _measured("snr")),
        Measure("loudness", "LUFS", 0.1, _measured("loudness")),
        Measure("clipping", "%", 0.01, _measured("clipping")),
        Measure("bandwidth", "Hz", 10.0, _measured("bandwidth")),
        Measure("dnsmos", "MOS", 0.01, _measured("dnsmos")),
    )
}
PITCH = Measure("pitch", "Hz", 1.0, lambda _row: None)  # of the features, where the caller has them: the rows do not


@dataclass(frozen=True, slots=True)
class Tally:
    """Clips, and the samples in them at `RATE`."""

    clips: int = 0
    samples: int = 0

    @property
    def hours(self) -> float:
        """Return the hours of sound."""
        return self.samples / RATE / 3600


@dataclass(frozen=True)
class Composition:
    """The counts of a dataset's rows."""

    total: Tally = field(default_factory=Tally)
    copies: int = 0  # rows that are augmented copies of others: counted here, and in nothing else
    by: dict[str, dict[str, Tally]] = field(default_factory=dict)  # of `LABELS` -> label, "" = none -> tally
    splits: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)  # language, emotion -> label -> splits that have it
    speakers: dict[str, frozenset[str]] = field(default_factory=dict)  # language -> its named speakers
    values: dict[str, dict[str, Histogram]] = field(default_factory=dict)  # measure -> split -> histogram


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of a measure are spread, exact to one step of its scale."""

    n: int
    mean: float
    lowest: float
    highest: float
    quantiles: tuple[float, ...]  # at `QUANTILES`


def count(rows: Iterable[Sample], pitch: Callable[[Sample], Hertz | None] | None = None) -> Composition:
    """Count rows in one pass; `pitch` gives a clip's median pitch where the caller knows it. Augmented copies add to `copies` alone."""
    clips: dict[str, Counter[str]] = {name: Counter() for name in LABELS}
    samples: dict[str, Counter[str]] = {name: Counter() for name in LABELS}
    splits: dict[str, defaultdict[str, set[str]]] = {"language": defaultdict(set), "emotion": defaultdict(set)}
    speakers: defaultdict[str, set[str]] = defaultdict(set)
    measures = (*MEASURES.values(), Measure(PITCH.name, PITCH.unit, PITCH.step, pitch)) if pitch else tuple(MEASURES.values())
    values: dict[str, defaultdict[str, Counter[int]]] = {measure.name: defaultdict(Counter) for measure in measures}
    copies = 0
    for row in rows:
        if row.parent:
            copies += 1
            continue
        length = round(row.seconds * RATE)
        for name in LABELS:
            label = getattr(row, name)
            clips[name][label] += 1
            samples[name][label] += length
        for name, found in splits.items():
            found[getattr(row, name)].add(row.split)
        speakers[row.language] |= {row.speaker} - {""}
        for measure in measures:
            value = measure.value(row)
            if value is not None and math.isfinite(value):
                values[measure.name][row.split][round(value / measure.step)] += 1
    return Composition(
        Tally(clips["split"].total(), samples["split"].total()),
        copies,
        {name: {label: Tally(clips[name][label], samples[name][label]) for label in sorted(clips[name])} for name in LABELS},
        {name: {label: frozenset(there) for label, there in sorted(found.items())} for name, found in splits.items()},
        {language: frozenset(names) for language, names in sorted(speakers.items())},
        {name: {split: dict(sorted(found.items())) for split, found in sorted(there.items())} for name, there in values.items() if there},
    )


def spread(composition: Composition, measure: str, split: str = "") -> Spread | None:
    """Return how a measure is spread over a split, or over all clips; None where no clip has it."""
    there = composition.values.get(measure, {})
    found: Counter[int] = Counter()
    for name, histogram in there.items():
        if split in ("", name):
            found.update(histogram)
    if not found:
        return None
    step, n, steps = step_of(measure), found.total(), sorted(found)
    mean = sum(value * times for value, times in found.items()) * step / n
    reached, ranks = 0, [max(1, math.ceil(share * n)) for share in QUANTILES]
    quantiles: list[float] = []
    for value in steps:
        reached += found[value]
        while len(quantiles) < len(ranks) and ranks[len(quantiles)] <= reached:
            quantiles.append(_at(value, step))
    return Spread(n, round(mean, 3), _at(steps[0], step), _at(steps[-1], step), tuple(quantiles))


def step_of(measure: str) -> float:
    """Return the step of a measure's scale."""
    return (MEASURES | {PITCH.name: PITCH})[measure].step


def unit_of(measure: str) -> str:
    """Return the unit of a measure."""
    return (MEASURES | {PITCH.name: PITCH})[measure].unit


def _at(value: int, step: float) -> float:
    return round(value * step, 2)


def gaps(composition: Composition) -> list[str]:
    """Return what the counts show to be missing: labels, speakers, splits, and what is rare. Nothing that was not counted."""
    total = composition.total.clips
    if not total:
        return ["There is no clip."]
    found = [f"Split {name} is empty." for name in SPLITS if name not in composition.by["split"]]
    missing = {name: composition.by[name].get("", Tally()).clips for name in ("speaker", "emotion", "language")}
    found += [f"No clip has a label of {name}." for name, clips in missing.items() if clips == total]
    found += [f"{clips} of {total} clips have no label of {name}." for name, clips in missing.items() if 0 < clips < total]
    found += [f"Language {language or 'unknown'} has one speaker." for language, names in composition.speakers.items() if len(names) == 1]
    for name in ("language", "emotion"):
        found += _rare(composition, name)
        found += _absent(composition, name)
    return found + _unmeasured(composition)


def _rare(composition: Composition, name: str) -> list[str]:
    labels = {label: tally for label, tally in composition.by[name].items() if label}
    whole = sum(tally.samples for tally in labels.values())
    if len(labels) < 2 or not whole:
        return []
    return [
        f"{name.capitalize()} {label} has {100 * tally.samples / whole:.2g} % of the hours that have a label of {name}."
        for label, tally in labels.items()
        if tally.samples < LEAST_SHARE * whole
    ]


def _absent(composition: Composition, name: str) -> list[str]:
    """Return the labels that a split lacks which is not empty."""
    splits = [split for split in SPLITS if split in composition.by["split"]]
    lacking = {split: [label for label, there in composition.splits[name].items() if label and split not in there] for split in splits}
    return [f"Split {split} has no clip of {name} {', '.join(labels)}." for split, labels in lacking.items() if labels]


def _unmeasured(composition: Composition) -> list[str]:
    counts = {name: sum(sum(histogram.values()) for histogram in there.values()) for name, there in composition.values.items()}
    total = composition.total.clips
    return [f"{name} could not be told of {total - n} of {total} clips." for name, n in counts.items() if n < total]
