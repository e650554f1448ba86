"""BLEU and chrF against human references, by sacreBLEU, with its signature."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Language, Measurement, Translation, Worst
from nightdub.tasks.translate import GLOSSARY, KEPT, MEMORY

FACTS: dict[str, MetricFact] = {
    "translation.bleu": MetricFact("BLEU", 0, 100, "corpus BLEU of the dubbed lines against human references (sacreBLEU)"),
    "translation.chrf": MetricFact("chrF", 0, 100, "corpus chrF2 of the dubbed lines against human references (sacreBLEU)"),
    "translation.unchecked_lines": MetricFact("lines", 0, inf, "lines of an engine beside which no human translation stands"),
    "translation.flagged_lines": MetricFact("lines", 0, inf, "lines with an untranslated word, a changed number or a broken term"),
}

BY_PEOPLE = (MEMORY, GLOSSARY, KEPT)  # origins of a line that a person wrote

TOKENISERS: dict[Language, str] = {"ja": "char", "ko": "char", "zh": "zh"}  # 13a splits by spaces, which these have few of


def translation_scores(lines: Sequence[Translation], references: dict[str, str], language: Language) -> list[Measurement]:
    """Return corpus BLEU and chrF2 (0 to 100) of the lines that an engine translated and that have a reference.

    Lines written by people are left out: their memory and their references are often the same text, which says nothing.

    Args:
        lines: The dubbed lines.
        references: Segment id -> human translation.
        language: The target language; decides BLEU's tokeniser.

    Not measured where no line has a reference. `n` is the number of lines compared.
    """
    by_engines = [line for line in lines if line.origin not in BY_PEOPLE]
    if lines and not by_engines:
        why = "people translated every line"
        return [
            Measurement("translation.bleu", None, "BLEU", not_applicable=why),
            Measurement("translation.chrf", None, "chrF", not_applicable=why),
        ]
    pairs = [(line.segment, line.text, references[line.segment]) for line in by_engines if references.get(line.segment)]
    if not pairs:
        why = "no reference translations" if not references else "no line of an engine has a reference"
        return [
            Measurement("translation.bleu", None, "BLEU", not_measured=why),
            Measurement("translation.chrf", None, "chrF", not_measured=why),
        ]
    import sacrebleu

    bleu, chrf = sacrebleu.BLEU(tokenize=TOKENISERS.get(language, "13a")), sacrebleu.CHRF()
    texts, wanted = [pair[1] for pair in pairs], [[pair[2] for pair in pairs]]
    scores = sorted((chrf.sentence_score(text, [reference]).score, name, text) for name, text, reference in pairs)
    worst = tuple(Worst(name, round(score, 1), text) for score, name, text in scores[:WORST])
    values = [("translation.bleu", "BLEU", bleu), ("translation.chrf", "chrF", chrf)]
    return [
        Measurement(
            metric, metric_of.corpus_score(texts, wanted).score, unit, len(pairs), f"sacreBLEU {metric_of.get_signature()}", worst=worst
        )
        for metric, unit, metric_of in values
    ]


def unchecked_lines(lines: Sequence[Translation], references: dict[str, str]) -> Measurement:
    """Return the number of lines that an engine translated and that no human translation stands beside."""
    unchecked = [line for line in lines if line.origin not in BY_PEOPLE and not references.get(line.segment)]
    worst = tuple(Worst(line.segment, 1.0, line.text) for line in unchecked[:WORST])
    return Measurement("translation.unchecked_lines", float(len(unchecked)), "lines", len(lines), "nightdub", worst=worst)


def flagged_lines(lines: Sequence[Translation]) -> Measurement:
    """Return the number of lines with a note that something is wrong: an untranslated word, a changed number, a broken term."""
    flagged = [line for line in lines if any(not note.startswith("glossary") for note in line.notes)]
    worst = tuple(Worst(line.segment, float(len(line.notes)), "; ".join(line.notes)) for line in flagged[:WORST])
    return Measurement("translation.flagged_lines", float(len(flagged)), "lines", len(lines), "nightdub", worst=worst)
