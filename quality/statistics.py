"""Intervals: what a measured number leaves open. Percentile bootstrap with a fixed seed; Wilson's for shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
SEED = 12345
CONFIDENCE = 0.95

Interval = tuple[float, float]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of the mean of independent values; None for fewer than two."""
    return ratio_interval(values, np.ones(len(values)).tolist())


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of sum(numerators) / sum(denominators), units resampled together; None for fewer than two.

    With errors and reference words of utterances this is the interval of a corpus word error rate (Bisani and Ney 2004).
    """
    if len(numerators) < 2:
        return None
    above, below = np.asarray(numerators, float), np.asarray(denominators, float)
    counts = _counts(len(above))
    sums = counts @ below
    kept = sums > 0
    return _interval((counts @ above)[kept] / sums[kept]) if kept.any() else None


def share_interval(hits: int, n: int) -> Interval | None:
    """Return Wilson's 95 % interval of a share, as fractions of one; None where n is 0."""
    if n == 0:
        return None
    z = 1.959964
    centre, spread = (hits + z * z / 2) / (n + z * z), z / (n + z * z) * np.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, float(centre - spread)), min(1.0, float(centre + spread))


def _counts(n: int) -> npt.NDArray[np.float64]:
    """Return how often each of n units is drawn in each resample, shape (resamples, n)."""
    return np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)))
    return float(low), float(high)
