"""Word and character errors: what was heard against what was meant, over text made comparable without harming any script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

from nightdub.quality.metrics import sclite
from nightdub.quality.metrics.alignment import Alignment, align, aligner
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.normalise import UNSPACED, characters, comparable
from nightdub.quality.metrics.pairs import TextPair, read_text_pairs
from nightdub.quality.statistics import ratio_interval
from nightdub.tasks.rows import Language, Measurement, Worst

_NO_REFERENCE = "no reference word"
_UNSPACED = "the language writes no spaces between words: the character error rate is the figure"
_MEANS: dict[str, tuple[str, float, str, str]] = {  # measure -> unit, highest value, definition, source
    "wer": (
        "%",
        inf,
        "substituted, deleted and inserted words per reference word, all lines together",
        "jiwer on comparable text; NIST files by sclite's costs",
    ),
    "cer": (
        "%",
        inf,
        "the same of characters as a reader counts them (UAX 29), spaces too where the language writes them",
        "jiwer on comparable text",
    ),
    "mer": ("%", 100, "share of words matched wrongly: errors per error or right word", "Morris, Maier and Green 2004; jiwer"),
    "inserted_words": (
        "words",
        inf,
        "words heard in lines whose reference has none; characters where the language writes no spaces",
        "own count; the rates leave these lines out",
    ),
}
_FAMILIES = {
    "recognition": ("what the recogniser heard in the original against the delivered script", ("wer", "cer", "mer", "inserted_words"), ""),
    "roundtrip": ("what a recogniser heard in the dub against the dub's own text", ("wer", "cer", "inserted_words"), ""),
    "words": ("hypotheses against references", tuple(_MEANS), "nightdub.quality.metrics.words:measure_file"),
}


def _fact(measure: str, of: str, alone: str) -> MetricFact:
    unit, highest, means, source = _MEANS[measure]
    why = "no line is without words" if measure == "inserted_words" else _NO_REFERENCE
    why += f"; {_UNSPACED}" if measure in ("wer", "mer") else ""
    return MetricFact(unit, 0, highest, f"{means}; {of}", source, why, alone, interval=measure != "inserted_words")


FACTS: dict[str, MetricFact] = {
    f"{family}.{measure}": _fact(measure, of, alone) for family, (of, measures, alone) in _FAMILIES.items() for measure in measures
}


def word_measurements(family: str, pairs: Sequence[TextPair], language: Language, heard_by: str = "") -> list[Measurement]:
    """Return the measures of one family (see `FACTS`) over all lines together.

    Args:
        family: "recognition", "roundtrip" or "words".
        pairs: What was meant and what was heard, one per line or utterance.
        language: Decides what counts as the same word (`normalise`), and whether words are counted at all.
        heard_by: The recogniser, for the row's engine.

    Lines whose reference has no word are left out of the rates and counted by `inserted_words`. `n` is the number of reference words
    (characters for cer), or of lines without words. Intervals are over lines drawn again with replacement.
    """
    engine = ", ".join(part for part in (heard_by, aligner()) if part)
    texts = [(pair.id, comparable(pair.reference, language), comparable(pair.hypothesis, language)) for pair in pairs]
    meant = [row for row in texts if row[1]]
    silent = [row for row in texts if not row[1]]
    rows: list[Measurement] = []
    if _code(language) in UNSPACED:
        rows += [Measurement(f"{family}.{measure}", None, "%", not_applicable=_UNSPACED) for measure in ("wer", "mer")]
    else:
        words = align([row[0] for row in meant], [row[1].split() for row in meant], [row[2].split() for row in meant])
        rows += [error_rate(f"{family}.wer", words, engine, len(silent)), match_error_rate(f"{family}.mer", words, engine, len(silent))]
    spelt = [(characters(reference, language), characters(heard, language)) for _, reference, heard in meant]
    glyphs = align([row[0] for row in meant], [pair[0] for pair in spelt], [pair[1] for pair in spelt])
    rows.append(error_rate(f"{family}.cer", glyphs, engine, len(silent)))
    heard = [(name, characters(text, language) if _code(language) in UNSPACED else text.split()) for name, _, text in silent]
    rows.append(inserted_words(f"{family}.inserted_words", heard, engine))
    return [row for row in rows if row.metric in FACTS]


def error_rate(metric: str, lines: Sequence[Alignment], engine: str, silent: int = 0) -> Measurement:
    """Return 100 * errors / reference units over all lines; not measured where there is none. `silent` lines were left out."""
    return _rate(metric, lines, engine, silent, lambda line: len(line.reference))


def match_error_rate(metric: str, lines: Sequence[Alignment], engine: str, silent: int = 0) -> Measurement:
    """Return 100 * errors / (errors + right units) over all lines (Morris, Maier and Green 2004)."""
    return _rate(metric, lines, engine, silent, lambda line: line.errors + line.hits)


def inserted_words(metric: str, heard: Sequence[tuple[str, Sequence[str]]], engine: str) -> Measurement:
    """Return the number of words heard in lines without a reference word; not applicable where there is no such line."""
    if not heard:
        return Measurement(metric, None, "words", engine=engine, not_applicable="no line is without words")
    found = sorted(((len(words), name, " ".join(words)) for name, words in heard if words), key=lambda row: (-row[0], row[1]))
    worst = tuple(Worst(name, float(count), text) for count, name, text in found[:WORST])
    return Measurement(metric, float(sum(row[0] for row in found)), "words", len(heard), engine, worst=worst)


def measure_file(path: Path, reference: Path | None, language: Language) -> list[Measurement]:
    """Return `words.*` of a file: JSON lines of `id`, `ref` and `hyp`, or a NIST hypothesis (trn, ctm) beside its reference (trn, stm).

    NIST files are compared as they stand but for case, as sclite does. Raises: PairsError where a file cannot be read as such.
    """
    if reference is None:
        return word_measurements("words", read_text_pairs(path), language)
    lines = sclite.score_files(reference, path)
    meant, silent = [line for line in lines if line.reference], [line for line in lines if not line.reference]
    return [
        error_rate("words.wer", lines, sclite.ENGINE),
        match_error_rate("words.mer", meant, sclite.ENGINE, len(silent)),
        Measurement("words.cer", None, "%", not_measured="NIST files are scored by words"),
        inserted_words("words.inserted_words", [(line.id, line.heard) for line in silent], sclite.ENGINE),
    ]


def _rate(metric: str, lines: Sequence[Alignment], engine: str, silent: int, below: Callable[[Alignment], int]) -> Measurement:
    units = sum(len(line.reference) for line in lines)
    if not units:
        return Measurement(metric, None, "%", engine=engine, not_measured=_NO_REFERENCE)
    errors, bases = [line.errors for line in lines], [below(line) for line in lines]
    ranked = sorted((line for line in lines if line.errors), key=lambda line: (-line.rate, line.id))
    found = ratio_interval(errors, bases)
    return Measurement(
        metric,
        100 * sum(errors) / sum(bases),
        "%",
        units,
        engine,
        worst=tuple(Worst(line.id, round(100 * line.errors / max(1, below(line)), 1), _said(line)) for line in ranked[:WORST]),
        detail=_counts(lines, silent),
        interval=(100 * found[0], 100 * found[1]) if found else None,
    )


def _counts(lines: Sequence[Alignment], silent: int) -> str:
    totals = [sum(getattr(line, name) for line in lines) for name in ("hits", "substitutions", "deletions", "insertions")]
    left = f"; {silent} lines without a reference left out" if silent else ""
    return "{} right, {} substituted, {} deleted, {} inserted".format(*totals) + left


def _said(line: Alignment) -> str:
    return ("" if all(len(unit) == 1 for unit in line.heard) else " ").join(line.heard)


def _code(language: Language) -> str:
    return language.split("-")[0].lower()
