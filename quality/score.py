"""Scores of an engine over an evaluation set, as sums of what is counted per line, so that any resample of the lines can be scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nightdub.quality.metrics.alignment import align, aligner
from nightdub.quality.metrics.normalise import UNSPACED, characters, comparable
from nightdub.quality.metrics.translation import bleu_of, chrf_of, ter_of, tokeniser
from nightdub.quality.statistics import Interval, Numbers, percentiles, resampled_sums
from nightdub.tasks.rows import Language

Line = tuple[str, str]  # reference, hypothesis


@dataclass(frozen=True)
class Score:
    """One metric over a set.

    `counts` has one row per line, shape (lines, k). `of` turns sums of such rows, shape (m, k), into m values.
    """

    metric: str
    unit: str
    higher_is_better: bool
    counts: Numbers
    of: Callable[[Numbers], Numbers]
    engine: str  # what counted, with version

    @property
    def value(self) -> float:
        """Return the score of the whole set."""
        return float(self.of(self.counts.sum(axis=0, keepdims=True))[0])

    def interval(self, clusters: Sequence[str]) -> Interval | None:
        """Return the 95 % interval of the value, whole clusters resampled; None for fewer than two clusters."""
        sums = resampled_sums(self.counts, clusters)
        return None if sums is None else percentiles(self.of(sums))


def word_scores(lines: Sequence[Line], language: Language) -> list[Score]:
    """Return word and character error rates in percent, as `metrics.words` counts them; character errors alone without spaced words.

    Lines whose reference has no word count nothing.
    """
    texts = [(comparable(reference, language), comparable(heard, language)) for reference, heard in lines]
    rates = [] if language in UNSPACED else [_error_rate("wer", [(one.split(), other.split()) for one, other in texts])]
    return [*rates, _error_rate("cer", [(characters(one, language), characters(other, language)) for one, other in texts])]


def translation_scores(lines: Sequence[Line], language: Language) -> list[Score]:
    """Return corpus BLEU, chrF2 (0 to 100) and TER in percent against the references, as sacreBLEU counts them.

    TER is of single characters where the target language writes no spaces.
    """
    import sacrebleu

    texts, wanted = [hypothesis for _, hypothesis in lines], [reference for reference, _ in lines]
    parted = ([" ".join(text) for text in texts], [" ".join(text) for text in wanted]) if language in UNSPACED else (texts, wanted)
    return [
        _sacre("bleu", "BLEU", sacrebleu.BLEU(tokenize=tokeniser(language)), texts, wanted, bleu_of),
        _sacre("chrf", "chrF", sacrebleu.CHRF(), texts, wanted, chrf_of),
        _sacre("ter", "%", sacrebleu.TER(), *parted, ter_of),
    ]


def mean_score(metric: str, unit: str, values: Sequence[float], engine: str) -> Score:
    """Return the mean over lines of a value that is better the higher it is, such as a predicted opinion score."""
    counts = np.stack([np.asarray(values, float), np.ones(len(values))], axis=1)
    return Score(metric, unit, higher_is_better=True, counts=counts, of=_ratio, engine=engine)


def _error_rate(metric: str, pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Score:
    meant = [index for index, (one, _) in enumerate(pairs) if one]
    counts = np.zeros((len(pairs), 2))
    found = align([str(index) for index in meant], [pairs[index][0] for index in meant], [pairs[index][1] for index in meant])
    for index, row in zip(meant, found, strict=True):
        counts[index] = 100 * row.errors, len(row.reference)
    return Score(metric, "%", higher_is_better=False, counts=counts, of=_ratio, engine=aligner())


def _ratio(sums: Numbers) -> Numbers:
    """Return first column / second; a resample without anything to compare scores 0, as it has no error to show."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)


def _sacre(metric: str, unit: str, counter: Any, texts: list[str], wanted: list[str], of: Callable[[Numbers], Numbers]) -> Score:
    """Count with sacreBLEU's own statistics per line, those that its significance test resamples (sacrebleu/significance.py)."""
    counts = np.array(counter._extract_corpus_statistics(texts, [wanted]), float)
    return Score(metric, unit, metric != "ter", counts, of, f"sacreBLEU {counter.get_signature()}")
