"""Intervals and resamples: what a measured number leaves open. Percentile bootstrap with a fixed seed; Wilson's for shares.

The bootstrap draws whole clusters (speakers, titles) where it is told them: lines of one speaker err together, and drawing them one by
one would make the interval too narrow (Davison and Hinkley 1997, 3.8).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
SEED = 12345
CONFIDENCE = 0.95
DRAWS = 1 << 20  # made at a time: 8 MiB of indices and 8 MiB of counts, whatever the number of resamples

Interval = tuple[float, float]
Numbers = npt.NDArray[np.float64]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of the mean of independent values; None for fewer than two."""
    return ratio_interval(values, np.ones(len(values)).tolist())


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float], clusters: Sequence[Hashable] = ()) -> Interval | None:
    """Return the 95 % interval of sum(numerators) / sum(denominators), units resampled together; None for fewer than two.

    With errors and reference words of utterances this is the interval of a corpus word error rate (Bisani and Ney 2004).
    `clusters` names what each unit belongs to; empty = every unit by itself.
    """
    sums = resampled_sums(np.stack([np.asarray(numerators, float), np.asarray(denominators, float)], axis=1), clusters)
    if sums is None:
        return None
    kept = sums[sums[:, 1] > 0]
    return percentiles(kept[:, 0] / kept[:, 1]) if len(kept) else None


def share_interval(hits: int, n: int) -> Interval | None:
    """Return Wilson's 95 % interval of a share, as fractions of one; None where n is 0."""
    if n == 0:
        return None
    z = 1.959964
    centre, spread = (hits + z * z / 2) / (n + z * z), z / (n + z * z) * np.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, float(centre - spread)), min(1.0, float(centre + spread))


def resampled_sums(
    units: npt.NDArray[np.floating], clusters: Sequence[Hashable] = (), resamples: int = RESAMPLES, seed: int = SEED
) -> Numbers | None:
    """Return the sums over each resample, shape (resamples, k); None for fewer than two clusters.

    Args:
        units: One row of numbers per unit, shape (units, k).
        clusters: What each unit belongs to, drawn as a whole; empty = every unit by itself.
        resamples: How many times as many clusters as there are get drawn, with replacement.
        seed: The same seed gives the same draws.
    """
    totals = cluster_totals(np.asarray(units, np.float64), clusters)
    many = len(totals)
    if many < 2:
        return None
    rng = np.random.default_rng(seed)
    sums = np.empty((resamples, totals.shape[1]))
    step = max(1, DRAWS // many)
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        draws = rng.integers(0, many, size=(rows, many), dtype=np.int64) + many * np.arange(rows)[:, None]
        counts = np.bincount(draws.ravel(), minlength=rows * many).reshape(rows, many)
        sums[first : first + rows] = counts.astype(np.float64) @ totals
    return sums


def cluster_totals(units: Numbers, clusters: Sequence[Hashable]) -> Numbers:
    """Return the sum of each cluster's rows, clusters in the order of their first unit, shape (clusters, k)."""
    if not len(clusters):
        return units
    order = {name: index for index, name in enumerate(dict.fromkeys(clusters))}
    totals = np.zeros((len(order), units.shape[1]))
    np.add.at(totals, [order[name] for name in clusters], units)
    return totals


def percentiles(values: npt.NDArray[np.floating]) -> Interval:
    """Return the 95 % interval of resampled values."""
    low, high = np.percentile(values, (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)))
    return float(low), float(high)
