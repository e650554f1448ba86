"""Is a candidate worse than what is stable? Pass, fail, or cannot tell: the last is an answer too, and releases nothing.

Both engines worked on the same lines, so that each resample scores both on the same draw (paired bootstrap, Koehn 2004), and whole
clusters are drawn, since lines of one speaker or title err together. Two one-sided questions are asked of each metric and language,
with p = (c + 1) / (resamples + 1), as sacreBLEU counts it:

- Is it not worse by the margin? Shown for every one of them: **pass**. All have to show it, so that no correction for several tests
  is needed (intersection-union test, Berger 1982).
- Is it worse at all? Shown for any of them, after Holm's correction for having asked several times: **fail**, unless the same one is
  shown to be worse by less than the margin.

Anything else is **cannot tell**, with the smallest regression that the set could have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from nightdub.infra.errors import ConfigError
from nightdub.quality.score import Score
from nightdub.quality.statistics import RESAMPLES, SEED, Interval, cluster_totals, percentiles, resampled_sums
from nightdub.tasks.rows import Language

Outcome = Literal["pass", "fail", "cannot_tell"]

LEVEL = 0.05  # one-sided
POWER = 0.8  # of the smallest regression that is named
FEWEST = 10  # clusters; with fewer the cluster bootstrap is too sure of itself (Cameron, Gelbach and Miller 2008)

# What a viewer or a corrector would not notice: our own choice, in the metric's unit.
MARGINS = {"wer": 0.5, "cer": 0.5, "bleu": 1.0, "chrf": 1.0, "ter": 1.0, "dnsmos": 0.05}


@dataclass(frozen=True, slots=True)
class Contrast:
    """A candidate beside a stable engine in one metric and language; `worse_by` is positive where the candidate is worse."""

    language: Language
    metric: str
    unit: str
    lines: int
    clusters: int
    candidate: float
    stable: float
    worse_by: float
    interval: Interval | None  # 95 % of `worse_by`
    standard_error: float
    margin: float
    p_worse: float  # of what was seen, or worse, if the candidate were just as good
    p_margin: float  # of what was seen, or better, if the candidate were worse by the margin
    stand_in: bool = False  # counted on the word of a listener that stands in for one good enough to judge by


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one contrast among all that were asked for."""

    contrast: Contrast
    outcome: Outcome
    p_worse: float  # after Holm's correction
    detectable: float  # smallest regression found in four of five tries, after the correction; in the metric's unit
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer to the whole question."""

    outcome: Outcome
    verdicts: tuple[Verdict, ...]


def contrast(
    language: Language,
    candidate: Score,
    stable: Score,
    clusters: Sequence[str],
    *,
    margin: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Contrast:
    """Hold two scores of the same lines against each other.

    Args:
        language: What was said, or the pair that was translated.
        candidate: Counts of the candidate, one row per line.
        stable: Counts of the stable engine, on the same lines in the same order.
        clusters: What each line belongs to; empty = every line by itself.
        margin: The worsening that does not matter, above 0; None = the metric's own.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        ConfigError: the scores are of different metrics or lines, or the metric has no margin.
    """
    margin = MARGINS.get(candidate.metric, 0.0) if margin is None else margin
    if candidate.metric != stable.metric or len(candidate.counts) != len(stable.counts):
        raise ConfigError("scores of different metrics or lines", where=candidate.metric, fix="evaluate both engines on the same set")
    if margin <= 0:
        raise ConfigError("no margin", where=candidate.metric, allowed="above 0", fix="name what does not matter")
    sign = -1.0 if candidate.higher_is_better else 1.0
    worse_by = sign * (candidate.value - stable.value)
    both = np.hstack([candidate.counts, stable.counts])
    many = len(cluster_totals(both, clusters))
    sums = resampled_sums(both, clusters, resamples, seed)
    place = (language, candidate.metric, candidate.unit, len(both), many, candidate.value, stable.value, worse_by)
    if sums is None:
        return Contrast(*place, None, 0.0, margin, 1.0, 1.0)
    width = candidate.counts.shape[1]
    drawn = sign * (candidate.of(sums[:, :width]) - stable.of(sums[:, width:]))
    spread = drawn - drawn.mean()  # what resampling alone does
    p_worse, p_margin = _share(spread >= worse_by), _share(spread <= worse_by - margin)
    return Contrast(*place, percentiles(drawn), float(drawn.std(ddof=1)), margin, p_worse, p_margin)


def judge(contrasts: Sequence[Contrast]) -> Comparison:
    """Return the verdict on each contrast and on the whole. Raises: ConfigError where there is nothing to judge."""
    if not contrasts:
        raise ConfigError("nothing was compared", fix="name a set that both engines can work on")
    corrected = holm([row.p_worse for row in contrasts])
    verdicts = tuple(_verdict(row, p, len(contrasts)) for row, p in zip(contrasts, corrected, strict=True))
    outcomes = {verdict.outcome for verdict in verdicts}
    outcome: Outcome = "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "cannot_tell"
    return Comparison(outcome, verdicts)


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, in the order given (Holm 1979)."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected


def detectable(standard_error: float, tests: int = 1) -> float:
    """Return the regression that is found with `POWER` where `tests` questions are asked: (z of level / tests + z of power) * SE."""
    normal = NormalDist()
    return (normal.inv_cdf(1 - LEVEL / tests) + normal.inv_cdf(POWER)) * standard_error


def _verdict(row: Contrast, p_worse: float, tests: int) -> Verdict:
    smallest, unit = detectable(row.standard_error, tests), "points" if row.unit == "%" else row.unit
    if row.clusters < FEWEST:
        return Verdict(row, "cannot_tell", p_worse, smallest, f"{row.clusters} clusters; {FEWEST} are needed")
    if row.stand_in:
        return Verdict(row, "cannot_tell", p_worse, smallest, "heard by a stand-in")
    if row.p_margin <= LEVEL:
        return Verdict(row, "pass", p_worse, smallest, f"not worse by {row.margin:g} {unit} (p {row.p_margin:.4f})")
    if p_worse <= LEVEL:
        return Verdict(row, "fail", p_worse, smallest, f"worse by {row.worse_by:.2f} {unit} (p {p_worse:.4f})")
    return Verdict(row, "cannot_tell", p_worse, smallest, f"this set shows regressions from {smallest:.2f} {unit} on")


def _share(hits: np.ndarray) -> float:
    """Return (c + 1) / (n + 1), which is never 0."""
    return float((np.count_nonzero(hits) + 1) / (len(hits) + 1))
