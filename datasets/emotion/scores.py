"""How right a classifier is, from its confusion matrix, and beside what costs nothing: chance and the majority's label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
MEASURES = ("accuracy", "unweighted recall", "macro F1")


def confusion(truth: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> Numbers:
    """Return how many clips of each label (rows) were found to be of each (columns). Raises: KeyError for a label that is not one."""
    place = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)))
    for one, other in zip(truth, found, strict=True):
        counts[place[one], place[other]] += 1
    return counts


def measures(counts: Numbers) -> Numbers:
    """Return accuracy, unweighted recall and macro F1 of confusion matrices, shape (..., k, k) -> (..., 3).

    The means over labels are over those that occur in the truth. NaN where nothing does.
    """
    right, true, found = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1), counts.sum(axis=-2)
    occurs = true > 0
    recall, harmonic = _ratio(right, true), _ratio(2 * right, true + found)
    many = occurs.sum(axis=-1)
    return np.stack(
        [
            _ratio(right.sum(axis=-1), true.sum(axis=-1), np.nan),
            _ratio((recall * occurs).sum(axis=-1), many, np.nan),
            _ratio((harmonic * occurs).sum(axis=-1), many, np.nan),
        ],
        axis=-1,
    )


def baselines(learned: Sequence[str], truth: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Return the accuracy of drawing a label by chance, and of always saying the one that is most frequent in what was learned from."""
    most = max(sorted(set(learned)), key=list(learned).count)
    return {"chance": 1 / len(labels), "majority": sum(label == most for label in truth) / len(truth)}


def _ratio(over: Numbers, under: Numbers, empty: float = 0.0) -> Numbers:
    return np.where(under > 0, over / np.maximum(under, 1e-12), empty)
