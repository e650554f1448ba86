"""All measurements of one dub, put together from the rows that its steps left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from nightdub.quality.metrics.account import account_measurements, make_account
from nightdub.quality.metrics.timing import timing_account
from nightdub.quality.metrics.translation import flagged_lines, translation_scores, unchecked_lines
from nightdub.quality.metrics.words import word_error_rate
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import (
    Clip,
    Cue,
    Decibel,
    Dropped,
    Language,
    Measurement,
    Placement,
    Seconds,
    Segment,
    ShotClip,
    Translation,
    Worst,
)
from nightdub.tasks.subtitles import check_cues

BS1770 = "nightdub BS.1770-4"


@dataclass(frozen=True, slots=True)
class Dub:
    """Everything that is measured of one title-language. `None` and empty mean that the thing was not there to measure."""

    source: Language
    target: Language
    segments: Sequence[Segment]
    dropped: Sequence[Dropped]
    translations: Sequence[Translation]
    clips: Sequence[Clip]
    placements: Sequence[Placement]
    cues: Sequence[Cue]
    frame_rate: Fraction
    frames: int  # of the dub's picture
    source_frames: int
    sound_length: Seconds  # of the dub's programme
    picture_length: Seconds
    subtitles: SubtitleFigures
    leakage: Measurement
    loudness: Decibel | None = None
    true_peak: Decibel | None = None
    references: Mapping[str, str] = field(default_factory=dict)  # segment -> human translation
    recognised: Sequence[Segment] | None = None  # what a recogniser heard in the original; None = none was asked
    heard: Mapping[str, str] | None = None  # segment -> what a recogniser heard in the dub
    listener: str = ""  # the recogniser that heard the dub
    stand_ins: Sequence[str] = ()  # recognisers that stand in for one good enough to judge by
    shots: Sequence[ShotClip] = ()
    stem_warnings: Sequence[str] = ()
    refused: Sequence[str] = ()  # engines of the profile that may not be used commercially


def measure_dub(dub: Dub) -> list[Measurement]:
    """Return one row for every metric that a policy can name, measured or with the reason why not."""
    account = make_account(dub.segments, dub.dropped, dub.clips)
    return [
        *account_measurements(account, dub.clips),
        *timing_account(dub.placements),
        _recognition(dub),
        *translation_scores(dub.translations, dict(dub.references), dub.target),
        unchecked_lines(dub.translations, dict(dub.references)),
        flagged_lines(dub.translations),
        _roundtrip(dub),
        _level("loudness.dialogue", dub.loudness, "LKFS", BS1770, "no dialogue to gate by"),
        _level("loudness.true_peak", dub.true_peak, "dBTP", BS1770, "digital silence"),
        *_picture(dub),
        Measurement("sound.stem_warnings", float(len(dub.stem_warnings)), "warnings", 1, "nightdub", detail="; ".join(dub.stem_warnings)),
        _subtitles(dub),
        dub.leakage,
        Measurement("speech.mos", None, "MOS", not_measured="no listeners' scores and no predictor in this profile"),
        Measurement("rights.refused", float(len(dub.refused)), "engines", 1, "nightdub", detail=", ".join(dub.refused)),
    ]


def spoken_words(segments: Sequence[Segment], recognised: Sequence[Segment]) -> dict[str, str]:
    """Return segment -> the recognised words that lie in it in time; words outside every line go to the nearest one."""
    found: dict[str, list[str]] = {segment.id: [] for segment in segments}
    for word in sorted((word for line in recognised for word in line.words), key=lambda word: word.start):
        middle = (word.start + word.end) / 2
        nearest = min(segments, key=lambda segment: max(segment.start - middle, middle - segment.end, 0.0))
        found[nearest.id].append(word.text)
    return {name: " ".join(words) for name, words in found.items()}


def _recognition(dub: Dub) -> Measurement:
    if dub.recognised is None or not dub.segments:
        return Measurement("recognition.wer", None, "%", not_measured="no recogniser of the profile knows the language")
    if any(segment.origin != "script" for segment in dub.segments):
        return Measurement("recognition.wer", None, "%", not_measured="no script to compare with")
    heard = spoken_words(dub.segments, dub.recognised)
    engine = next((line.engine for line in dub.recognised if line.engine), "")
    row = word_error_rate("recognition.wer", list(heard), [segment.text for segment in dub.segments], list(heard.values()), engine)
    return replace(row, stand_in=engine in dub.stand_ins)


def _roundtrip(dub: Dub) -> Measurement:
    if dub.heard is None:
        return Measurement("roundtrip.wer", None, "%", not_measured="no recogniser of the profile knows the language")
    texts = {line.segment: line.text for line in dub.translations}
    names = [name for name in texts if name in dub.heard]
    row = word_error_rate("roundtrip.wer", names, [texts[name] for name in names], [dub.heard[name] for name in names], dub.listener)
    return replace(row, stand_in=dub.listener in dub.stand_ins)


def _level(metric: str, value: Decibel | None, unit: str, engine: str, why: str) -> Measurement:
    return Measurement(metric, value, unit, int(value is not None), engine, not_measured="" if value is not None else why)


def _picture(dub: Dub) -> list[Measurement]:
    failed = [shot for shot in dub.shots if shot.failed]
    worst = tuple(Worst(shot.shot, 1.0, shot.failed) for shot in failed[:3])
    return [
        Measurement("picture.failed_shots", float(len(failed)), "shots", len(dub.shots), "nightdub", worst=worst),
        Measurement("picture.frame_difference", float(abs(dub.frames - dub.source_frames)), "frames", dub.frames, "ffprobe"),
        Measurement("picture.length_difference", 1000 * abs(dub.sound_length - dub.picture_length), "ms", 1, "ffprobe"),
    ]


def _subtitles(dub: Dub) -> Measurement:
    found = check_cues(dub.cues, dub.target, dub.subtitles, dub.frame_rate)
    worst = tuple(Worst(next(iter(row.segments), ""), row.value, f"{row.rule}, allowed {row.allowed:g}") for row in found[:3])
    if not dub.cues:
        return Measurement("subtitles.violations", None, "cues", not_measured="no cue was made")
    return Measurement("subtitles.violations", float(len(found)), "cues", len(dub.cues), "nightdub", worst=worst)
