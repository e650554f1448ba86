"""Word error rate, over text made comparable without harming any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Measurement, Worst

FACTS: dict[str, MetricFact] = {
    "recognition.wer": MetricFact("%", 0, inf, "word errors of the recogniser on the original against the delivered script"),
    "roundtrip.wer": MetricFact("%", 0, inf, "word errors of a recogniser on the dub against the dub's own text"),
}


def comparable(text: str) -> str:
    """Return text in NFC, case-folded, with everything but letters, marks and digits as single spaces.

    Marks are kept: removing them turns Korean into jamo and Japanese voiced kana into unvoiced ones. An apostrophe inside a word stays.
    """
    kept = [
        char if unicodedata.category(char)[0] in "LMN" or char == "'" else " "
        for char in unicodedata.normalize("NFC", text.replace("’", "'")).casefold()
    ]
    return " ".join(word.strip("'") for word in "".join(kept).split() if word.strip("'"))


def word_error_rate(metric: str, ids: Sequence[str], references: Sequence[str], hypotheses: Sequence[str], engine: str) -> Measurement:
    """Return 100 * (substitutions + deletions + insertions) / reference words, over all lines together (jiwer).

    Not measured where there is no reference word. `n` is the number of reference words; the worst lines are named with their own rate.
    """
    import jiwer

    pairs = [(name, comparable(one), comparable(other)) for name, one, other in zip(ids, references, hypotheses, strict=True)]
    pairs = [pair for pair in pairs if pair[1]]
    if not pairs:
        return Measurement(metric, None, "%", not_measured="no reference words")
    whole = jiwer.process_words([pair[1] for pair in pairs], [pair[2] for pair in pairs])
    words = whole.hits + whole.substitutions + whole.deletions
    rates = sorted(
        ((100 * jiwer.wer(reference, heard), name, heard) for name, reference, heard in pairs), key=lambda row: (-row[0], row[1])
    )
    worst = tuple(Worst(name, round(rate, 1), heard) for rate, name, heard in rates[:WORST] if rate > 0)
    return Measurement(metric, 100 * whole.wer, "%", words, engine, worst=worst)
