"""What is counted of a speech dataset before it is released."""

from __future__ import annotations

from math import inf

from nightdub.quality.metrics.fact import MetricFact

_SOURCE = "its manifest"


def _fact(
    unit: str, means: str, source: str = _SOURCE, unmeasured: str = "never: an empty dataset has none", highest: float = inf
) -> MetricFact:
    return MetricFact(unit, 0, highest, means, source, unmeasured)


FACTS: dict[str, MetricFact] = {
    "dataset.samples": _fact("clips", "clips in the dataset, augmented copies left out"),
    "dataset.hours": _fact("h", "sound in the dataset"),
    "dataset.size": _fact("GB", "sound in its standard form, 10^9 bytes"),
    "dataset.languages": _fact("languages", "languages with a clip"),
    "dataset.speakers": _fact("speakers", "speakers with a clip"),
    "dataset.missing_clips": _fact("clips", "rows of the corpus that are neither in the dataset nor excused with a reason"),
    "dataset.failed_clips": _fact("clips", "clips at which a step failed through no fault of theirs"),
    "dataset.excused_share": _fact("%", "rows of the corpus that are excused, those beyond the recipe's limit left out", highest=100),
    "dataset.leaks": _fact(
        "leaks", "speakers, recordings or sentences in two splits that the recipe keeps apart, near-duplicates and augmented copies apart"
    ),
    "dataset.empty_splits": _fact("splits", "splits that the recipe wants and that have no clip"),
    "dataset.smallest_language": _fact("%", "share of the clips that the smallest language has", highest=100),
    "dataset.smallest_emotion": _fact(
        "%", "share of the labelled clips that the smallest emotion has", unmeasured="no clip is labelled", highest=100
    ),
    "dataset.drift": _fact(
        "distance",
        "largest distance of a distribution from the version before: Kolmogorov-Smirnov, total variation",
        "datasets/versions.py",
        "no version before",
        highest=1,
    ),
    "dataset.snr": MetricFact(
        "dB", -60, 96, "median signal to noise of the clips", "minimum statistics (Martin 2001)", "no clip of 0.4 s or more"
    ),
    "dataset.without_consent": _fact("speakers", "speakers without a consent that holds", "the ledger", "the recipe asks for no consents"),
}
