"""How a delivered script fits the sound that it was held against, and whether it is in the title's language."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.fidelity import COMMON, WRITING
from nightdub.quality.metrics.normalise import comparable
from nightdub.tasks.rows import Language, Measurement, ScriptMatch, Segment, Worst

_OURS, _NONE = "docs/alignment.md", "no script was delivered"
TELLING = 20  # common words, or letters of another writing, below which a text is too short to tell its language

FACTS: dict[str, MetricFact] = {
    "script.aligned": MetricFact(
        "%", 0, 100, "lines of the script found in the sound; 0 where the script as a whole is another film's or cut's", _OURS, _NONE
    ),
    "script.unscripted": MetricFact(
        "%", 0, 100, "speech in stretches of more than 1 s that no line of the script lies on, of all speech", _OURS, "no speech was found"
    ),
    "script.drift": MetricFact("%", 0, inf, "difference of the script's speed from the sound's, made up for", _OURS, _NONE),
    "script.jumps": MetricFact(
        "jumps", 0, inf, "places at which the script's offset from the sound changes: a scene was cut or put in", _OURS, _NONE
    ),
    "script.correction": MetricFact("s", 0, inf, "the farthest that a line was moved from its delivered time", _OURS, _NONE),
    "script.language": MetricFact(
        "%",
        0,
        100,
        "common words of the title's language in the script, against those of the language that has the most in it; of languages with a "
        "writing of their own, letters of it",
        "own word lists",
        "the script is too short to tell, or the language has no word list",
    ),
    "script.estimated": MetricFact(
        "%", 0, 100, "lines of the script whose words were not found in the sound, so that their times are spread by length", _OURS, _NONE
    ),
}


def script_measurements(report: ScriptMatch | None, segments: Sequence[Segment], language: Language) -> list[Measurement]:
    """Return the family's rows; `report` is None where no script was delivered."""
    if report is None or not report.lines:
        return [Measurement(metric, None, fact.unit, engine="nightdub", not_applicable=_NONE) for metric, fact in FACTS.items()]
    listener = f"nightdub and {report.listener}" if report.listener else "nightdub"
    n, verdicts = len(report.lines), Counter(line.verdict for line in report.lines)
    other = [line for line in report.lines if line.verdict != "aligned"]
    far = max(report.lines, key=lambda line: abs(line.moved))
    counts = "; ".join(f"{count} x {verdict}" for verdict, count in sorted(verdicts.items()))
    pieces = "; ".join(f"{piece.first} to {piece.last}: {piece.offset:+.3f} s" for piece in report.stretches)
    return [
        Measurement(
            "script.aligned",
            100 * verdicts["aligned"] / n,
            "%",
            n,
            listener,
            worst=tuple(Worst(line.segment, line.delivered, line.verdict) for line in other[:WORST]),
            detail=counts,
        ),
        _unscripted(report),
        Measurement("script.drift", round(100 * abs(report.rate - 1), 4), "%", n, listener, detail=f"rate {report.rate:.6f}"),
        Measurement("script.jumps", float(max(len(report.stretches) - 1, 0)), "jumps", n, listener, detail=pieces),
        Measurement("script.correction", abs(far.moved), "s", n, listener, worst=(Worst(far.segment, far.moved),) if far.moved else ()),
        _language([segment.text for segment in segments], language),
        _estimated(segments),
    ]


def _unscripted(report: ScriptMatch) -> Measurement:
    if report.speech <= 0:
        return Measurement("script.unscripted", None, "%", engine="nightdub", not_measured="no speech was found")
    longest = sorted(report.unscripted, key=lambda row: (row.start - row.end, row.start))[:WORST]
    seconds = sum(row.end - row.start for row in report.unscripted)
    return Measurement(
        "script.unscripted",
        min(100.0, 100 * seconds / report.speech),
        "%",
        max(1, round(report.speech)),
        "nightdub",
        worst=tuple(Worst(f"{row.start:.1f} s", round(row.end - row.start, 3), "speech that no line covers") for row in longest),
        detail=f"{seconds:.1f} s in {len(report.unscripted)} stretches",
    )


def _language(texts: Sequence[str], language: Language) -> Measurement:
    share, n, best = language_share(texts, language)
    if share is None:
        why = "too little text to tell" if language in COMMON or language in WRITING else f"no word list for {language}"
        return Measurement("script.language", None, "%", n, "nightdub", not_applicable=why)
    return Measurement("script.language", share, "%", n, "nightdub", detail=f"most like {best}")


def language_share(texts: Sequence[str], language: Language) -> tuple[float | None, int, Language]:
    """Return how much of what tells a language apart is the given one's in %, on how many words or letters, and the likeliest language.

    None where the texts hold fewer than `TELLING` of them, or nothing is known of the language.
    """
    letters = Counter(unicodedata.name(char, "?").split()[0] for text in texts for char in text if char.isalpha())
    total = letters.total()
    written = {name: sum(letters[kind] for kind in kinds) for name, kinds in WRITING.items()}
    foreign = max(written, key=lambda name: written[name])
    if language in WRITING or written[foreign] > total / 2:
        share = written.get(language, 0) / total if total else 0.0
        kana = letters["HIRAGANA"] + letters["KATAKANA"] > total / 10
        if language in ("ja", "zh") and kana != (language == "ja"):  # both write with Chinese characters, one of them with kana too
            share = 0.0
        return (100 * share if total >= TELLING else None), total, foreign if written[foreign] > total / 2 else ""
    words = Counter(word for text in texts for word in comparable(text).split())
    hits = {name: sum(words[word] for word in common) for name, common in COMMON.items()}
    best = max(hits, key=lambda name: (hits[name], name == language))
    if language not in hits or hits[best] < TELLING:
        return None, hits[best], best
    return 100 * hits[language] / hits[best], hits[best], best


def _estimated(segments: Sequence[Segment]) -> Measurement:
    lines = [segment for segment in segments if segment.origin == "script"]
    engine = next((line.engine for line in lines if line.engine), "")
    if not engine:
        return Measurement("script.estimated", None, "%", engine="nightdub", not_applicable="no aligner of the profile knows the language")
    lost = [line for line in lines if not line.engine]
    worst = tuple(Worst(line.id, line.start, line.text) for line in lost[:WORST])
    return Measurement("script.estimated", 100 * len(lost) / len(lines), "%", len(lines), engine, worst=worst)
