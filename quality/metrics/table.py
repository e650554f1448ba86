"""Every metric that a rule may name: unit, range and definition. A policy that names another one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class MetricFact:
    unit: str
    lowest: float
    highest: float
    means: str


METRICS: dict[str, MetricFact] = {
    "account.lines": MetricFact("lines", 0, inf, "lines of dialogue in the original, before anything was left out"),
    "account.spoken": MetricFact("lines", 0, inf, "lines with sound in the dub"),
    "account.excused": MetricFact("lines", 0, inf, "lines left out on purpose, each with a reason code"),
    "account.missing_lines": MetricFact(
        "lines", 0, inf, "lines of dialogue that are neither spoken, excused with a reason nor failed with a cause"
    ),
    "account.failed_lines": MetricFact("lines", 0, inf, "lines that could not be made, with their causes"),
    "account.excused_share": MetricFact("%", 0, 100, "lines left out on purpose, with a reason code, of all lines"),
    "timing.cut": MetricFact("s", 0, inf, "speech lost at the ends of lines"),
    "timing.overlap": MetricFact("s", 0, inf, "speech that lies on the line before"),
    "timing.held_lines": MetricFact("lines", 0, inf, "lines that do not fit even at the hardest stretch"),
    "timing.stretch_p95": MetricFact("ratio", 0, 10, "95th percentile of spoken length over played length"),
    "timing.within": MetricFact("%", 0, 100, "lines that start and end no further than 10 % of their slot outside it"),
    "recognition.wer": MetricFact("%", 0, inf, "word errors of the recogniser on the original against the delivered script"),
    "translation.bleu": MetricFact("BLEU", 0, 100, "corpus BLEU of the dubbed lines against human references (sacreBLEU)"),
    "translation.chrf": MetricFact("chrF", 0, 100, "corpus chrF2 of the dubbed lines against human references (sacreBLEU)"),
    "translation.unchecked_lines": MetricFact("lines", 0, inf, "lines of an engine beside which no human translation stands"),
    "translation.flagged_lines": MetricFact("lines", 0, inf, "lines with an untranslated word, a changed number or a broken term"),
    "roundtrip.wer": MetricFact("%", 0, inf, "word errors of a recogniser on the dub against the dub's own text"),
    "loudness.dialogue": MetricFact("LKFS", -70, 0, "integrated loudness of the programme where dialogue lies (BS.1770-4)"),
    "loudness.true_peak": MetricFact("dBTP", -100, 20, "highest inter-sample peak of the programme (BS.1770-4 annex 2)"),
    "picture.length_difference": MetricFact("ms", 0, inf, "length of the dub's sound against its picture, absolute"),
    "picture.frame_difference": MetricFact("frames", 0, inf, "frames of the dub against the original, absolute"),
    "picture.failed_shots": MetricFact("shots", 0, inf, "shots whose mouths should have been redrawn and could not be"),
    "sound.stem_warnings": MetricFact("warnings", 0, inf, "complaints about the stems: a delivered one that does not fit was not used"),
    "subtitles.violations": MetricFact("cues", 0, inf, "breaches of the subtitle rules of profile and language"),
    "leakage.original": MetricFact("dB", -120, 20, "original dialogue left in the dub, against its own level"),
    "speech.mos": MetricFact("MOS", 1, 5, "mean opinion of listeners, or of a named predictor"),
    "rights.refused": MetricFact("engines", 0, inf, "engines used whose licence forbids commercial use"),
}
