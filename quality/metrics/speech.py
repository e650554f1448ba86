"""How the spoken lines sound: each line is scored by itself, on any worker; a title's measurements are made of the scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from nightdub.infra.errors import MachineLacks, MediaError
from nightdub.infra.settings import load_settings
from nightdub.quality.metrics import listeners, predicted, signal, voice
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.predicted import Predictors
from nightdub.quality.metrics.speakers import speaker_measurements
from nightdub.quality.statistics import mean_interval
from nightdub.tasks.duration import PACES, count_letters, estimate
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Decibel, Hertz, Language, Measurement, Seconds, Worst
from nightdub.tasks.sound import SPEECH_RATE, read_mono, read_sound, resample, to_mono

_PACED = "no line of five letters and half a second; no pace for the language"

FACTS: dict[str, MetricFact] = {
    "speech.rate": MetricFact("letters/s", 0, inf, "sounded letters in a second of line, mean", "tasks/duration.py", _PACED, interval=True),
    "speech.pace_fastest": MetricFact("%", 0, inf, "the fastest line's pace, 100 = normal for its language", "tasks/duration.py", _PACED),
    "speech.pace_slowest": MetricFact("%", 0, inf, "the slowest line's pace, 100 = normal for its language", "tasks/duration.py", _PACED),
    **signal.FACTS,
    **voice.FACTS,
    **predicted.FACTS,
    **listeners.FACTS,
}

# Metric -> the score that it is made of, how the lines are folded into one value, and on which side the worst lines lie.
_FOLDS: dict[str, tuple[str, str, str]] = {
    "speech.clipping": ("clipping", "highest", "highest"),
    "speech.offset": ("offset", "highest", "highest"),
    "speech.hum": ("hum", "highest", "highest"),
    "speech.snr": ("snr", "lowest", "lowest"),
    "speech.bandwidth": ("bandwidth", "lowest", "lowest"),
    "speech.loop": ("loop", "highest", "highest"),
    "speech.gap": ("gap", "highest", "highest"),
    "speech.tail": ("tail", "highest", "highest"),
    "speech.silence_share": ("silence_share", "highest", "highest"),
    "speech.level": ("level", "mean", "lowest"),
    "speech.rate": ("rate", "mean", "highest"),
    "speech.pace_fastest": ("pace", "highest", "highest"),
    "speech.pace_slowest": ("pace", "lowest", "lowest"),
    "speech.pitch_agreement": ("pitch_agreement", "mean", "lowest"),
    "speech.energy_agreement": ("energy_agreement", "mean", "lowest"),
    "speech.pitch_difference": ("pitch_difference", "mean", "highest"),
    "speech.similarity": ("similarity", "mean", "lowest"),
} | {metric: (metric.removeprefix("speech."), "mean", "lowest") for metric in predicted.FACTS}


@dataclass(frozen=True, slots=True)
class LineSound:
    """One dubbed line to be scored. Every sound is mono float32 in [-1, 1], shape (samples,), at `rate` Hz."""

    segment: str
    sound: Sound
    rate: int
    text: str
    language: Language
    speaker: str = ""  # empty = not known: the line is compared with no other
    original: Sound | None = None  # the original line: another language, the same speaker
    reference: Sound | None = None  # the speaker's own voice, saying anything; None = the original stands for it
    clean: Sound | None = None  # the same line, clean, sample by sample


@dataclass(frozen=True, slots=True)
class LineScore:
    """What was measured of one line; None = not measured, and `unmeasured` says why. Units as in the metrics' facts."""

    segment: str
    speaker: str = ""
    seconds: Seconds = 0.0
    silent: bool = False
    clipping: float | None = None
    offset: float | None = None
    hum: Decibel | None = None
    snr: Decibel | None = None
    bandwidth: Hertz | None = None
    loop: Seconds | None = None
    gap: float | None = None  # ms
    tail: Decibel | None = None
    silence_share: float | None = None
    level: Decibel | None = None
    rate: float | None = None
    pace: float | None = None
    pitch: Hertz | None = None
    pitch_agreement: float | None = None
    energy_agreement: float | None = None
    pitch_difference: float | None = None
    timbre: tuple[float, ...] = ()  # MFCC 1 to 19 of voiced frames
    voice: tuple[float, ...] = ()  # 256 numbers of Resemblyzer
    similarity: float | None = None
    dnsmos_sig: float | None = None
    dnsmos_bak: float | None = None
    dnsmos_ovrl: float | None = None
    dnsmos_p808: float | None = None
    utmos: float | None = None
    nisqa: float | None = None
    pesq: float | None = None
    stoi: float | None = None
    unmeasured: dict[str, str] = field(default_factory=dict)  # field -> why


def score_line(line: LineSound, predictors: Predictors = Predictors()) -> LineScore:  # noqa: B008 - frozen
    """Return what can be measured of one line. The same line gives the same score, on every worker with the same packages.

    Raises:
        MediaError: a sample is not a number, or is infinite.
        MachineLacks: a predictor's file is no TorchScript model.
    """
    if not np.isfinite(line.sound).all():
        raise MediaError("samples that are not finite numbers", where=line.segment, allowed="[-1, 1]", fix="make the line again")
    low = resample(line.sound, line.rate, SPEECH_RATE)
    levels = signal.frame_levels(low, SPEECH_RATE)
    level = signal.active_level(levels)
    score = LineScore(line.segment, line.speaker, len(line.sound) / line.rate)
    if level is None or signal.is_silent(levels):
        return replace(score, silent=True, silence_share=100.0, unmeasured=dict.fromkeys(_FIELDS, "the line is silent"))
    values: dict[str, Any] = _waveform(line, low, level) | {"level": level, "silence_share": signal.silence_share(levels)}
    reasons: dict[str, str] = {}
    for part in (_pace(line, levels), _voice(line, low), predicted.predict(line.sound, line.rate, predictors), _clean(line)):
        values |= part[0]
        reasons |= part[1]
    reasons |= {name: "too short" for name in _FIELDS if values.get(name) is None and name not in reasons}
    return replace(score, unmeasured=reasons, **{name: _rounded(value) for name, value in values.items()})


def speech_measurements(
    scores: Sequence[LineScore],
    ratings: Sequence[listeners.Rating] = (),
    predictors: Predictors = Predictors(),  # noqa: B008 - frozen
) -> list[Measurement]:
    """Return one row for every metric of the family, from the scores of one title-language's lines.

    Faults are the worst line's value, opinions and agreements the mean over lines with its interval; `n` is lines. `ratings` are the
    listeners' scores of the title, where there are any; `predictors` those that the lines were scored with.
    """
    known = predicted.engines(predictors) | {"similarity": voice.identity_engine()}
    rows = [_folded(metric, scores, *known.get(fold[0], ("nightdub", ""))) for metric, fold in _FOLDS.items()]
    return [*rows, _silent(scores), _level_difference(scores), *speaker_measurements(scores), listeners.mean_opinion(ratings)]


def measure_file(path: Path, reference: Path | None, language: Language) -> list[Measurement]:
    """Return the family's rows for one sound file, or `speech.mos` of a CSV file with listeners' scores.

    `reference` serves as the original, the speaker's voice and the clean line.

    A measurement by hand releases nothing: NISQA's licence is for the person to keep. Raises: MediaError, MachineLacks, PairsError.
    """
    if path.suffix.lower() == ".csv":
        return [listeners.mean_opinion(listeners.read_ratings(path))]
    settings = load_settings()
    predictors = Predictors(str(settings.utmos or ""), str(settings.nisqa or ""), commercial=False)
    samples, rate = read_sound(path)
    beside = read_mono(reference, rate=rate) if reference else None
    line = LineSound(path.stem, to_mono(samples), rate, "", language, original=beside, reference=beside, clean=beside)
    return [row for row in speech_measurements([score_line(line, predictors)], predictors=predictors) if FACTS[row.metric].alone]


_FIELDS = tuple(dict.fromkeys(name for name, _, _ in _FOLDS.values()))


def _waveform(line: LineSound, low: Sound, level: Decibel) -> dict[str, float | None]:
    mains = signal.hum(low, SPEECH_RATE)
    return {
        "clipping": signal.clipped_share(line.sound, line.rate),
        "offset": signal.offset_share(line.sound),
        "hum": mains[0] if mains else None,
        "snr": signal.noise_ratio(low, SPEECH_RATE),
        "bandwidth": signal.bandwidth(line.sound, line.rate),
        "loop": signal.repeated(low, SPEECH_RATE),
        "gap": 1000 * signal.longest_gap(line.sound, line.rate, level),
        "tail": signal.tail_level(line.sound, line.rate, level),
    }


def _pace(line: LineSound, levels: signal.Levels) -> predicted.Scores:
    """Return letters a second, and the pace against the language's normal one, from the first to the last frame that sounds."""
    if line.language not in PACES:
        return {}, dict.fromkeys(("rate", "pace"), f"no pace for language {line.language!r}")
    active = np.flatnonzero(signal.active_frames(levels))
    seconds, letters = (active[-1] - active[0]) * signal.HOP + signal.FRAME, count_letters(line.text)
    if letters < 5 or seconds < 0.5:
        return {}, dict.fromkeys(("rate", "pace"), "under five letters, or half a second")
    values = {"pace": 100 * estimate(line.text, line.language) / seconds}
    if any(character.isdigit() for character in line.text):
        return values, {"rate": "digits are spoken with letters that are not there"}
    return values | {"rate": letters / seconds}, {}


def _voice(line: LineSound, low: Sound) -> tuple[dict[str, Any], dict[str, str]]:
    contour = voice.track_pitch(low)
    values: dict[str, Any] = {"pitch": voice.median_pitch(contour), "timbre": voice.timbre(low, contour)}
    reasons: dict[str, str] = {}
    if line.original is None or not len(line.original):
        reasons |= dict.fromkeys(("pitch_agreement", "energy_agreement", "pitch_difference"), "no original sound")
    else:
        original = resample(line.original, line.rate, SPEECH_RATE)
        other = voice.median_pitch(voice.track_pitch(original))
        values["pitch_agreement"], values["energy_agreement"] = voice.agreement(low, original)
        values["pitch_difference"] = abs(voice.semitones(values["pitch"], other)) if values["pitch"] and other else None
    own = line.reference if line.reference is not None else line.original
    try:
        values["voice"] = voice.identity(low)
        beside = voice.known_voice(resample(own, line.rate, SPEECH_RATE).tobytes()) if own is not None else ()
    except MachineLacks as error:
        return values, reasons | {"similarity": f"{error.what}: {error.fix}"}
    if own is None:
        reasons["similarity"] = "no reference and no original sound"
    elif values["voice"] and beside:
        values["similarity"] = voice.cosine(values["voice"], beside)
    return values, reasons


def _clean(line: LineSound) -> predicted.Scores:
    if line.clean is None:
        return {}, dict.fromkeys(("pesq", "stoi"), "no clean recording of the line")
    return predicted.compare(line.sound, line.clean, line.rate)


def _rounded(value: Any) -> Any:
    """Return a number with six digits after the point: sums in another order give the same row."""
    return round(float(value), 6) if isinstance(value, float | np.floating) else value


def _folded(metric: str, scores: Sequence[LineScore], engine: str, weights: str) -> Measurement:
    name, fold, side = _FOLDS[metric]
    unit, known = FACTS[metric].unit, [(value, score.segment) for score in scores if (value := getattr(score, name)) is not None]
    reasons = Counter(score.unmeasured[name] for score in scores if name in score.unmeasured)
    said = "; ".join(f"{count} lines: {why}" for why, count in sorted(reasons.items()))
    if not known:
        return Measurement(metric, None, unit, not_measured=reasons.most_common(1)[0][0] if reasons else "no line was spoken")
    values = [value for value, _ in known]
    value = {"mean": sum(values) / len(values), "highest": max(values), "lowest": min(values)}[fold]
    ordered = sorted(
        (row for row in known if row[0] or side == "lowest"), key=lambda row: (-row[0] if side == "highest" else row[0], row[1])
    )
    worst = tuple(Worst(segment, round(value, 3)) for value, segment in ordered[:WORST])
    interval = mean_interval(values) if fold == "mean" else None
    return Measurement(metric, value, unit, len(values), engine, worst=worst, detail=said, interval=interval, weights=weights)


def _silent(scores: Sequence[LineScore]) -> Measurement:
    if not scores:
        return Measurement("speech.silent_lines", None, "lines", not_measured="no line was spoken")
    silent = [score for score in scores if score.silent]
    worst = tuple(Worst(score.segment, round(score.seconds, 3), "seconds of silence") for score in silent[:WORST])
    return Measurement("speech.silent_lines", float(len(silent)), "lines", len(scores), "nightdub", worst=worst)


def _level_difference(scores: Sequence[LineScore]) -> Measurement:
    levels = [(score.level, score.segment) for score in scores if score.level is not None]
    if len(levels) < 3:
        return Measurement("speech.level_difference", None, "dB", not_applicable=f"{len(levels)} lines that sound: too few to compare")
    middle = float(np.median([level for level, _ in levels]))
    away = sorted(((abs(level - middle), segment, level) for level, segment in levels), key=lambda row: (-row[0], row[1]))
    worst = tuple(Worst(segment, round(distance, 2), f"{level:.1f} dBFS") for distance, segment, level in away[:WORST])
    return Measurement(
        "speech.level_difference", away[0][0], "dB", len(levels), "nightdub", worst=worst, detail=f"median {middle:.1f} dBFS"
    )
