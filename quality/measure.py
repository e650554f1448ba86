"""All measurements of one dub: from the rows of its steps, from its lines, its shots, and its programme as delivered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nightdub.quality.delivery import Delivery, programme_measurements
from nightdub.quality.dub import Dub
from nightdub.quality.instruments import instruments
from nightdub.quality.metrics import words
from nightdub.quality.metrics.account import account_measurements, make_account
from nightdub.quality.metrics.cloning import voice_rights
from nightdub.quality.metrics.comet import comet_score
from nightdub.quality.metrics.fid import face_crops, picture_distances
from nightdub.quality.metrics.fidelity import checked_lines
from nightdub.quality.metrics.films import vmaf
from nightdub.quality.metrics.leakage import RATE, LeakClip, leakage
from nightdub.quality.metrics.lse import face_clips, lip_sync_errors
from nightdub.quality.metrics.mixed import mix_measurements
from nightdub.quality.metrics.pairs import TextPair
from nightdub.quality.metrics.picture import picture_measurements
from nightdub.quality.metrics.same_picture import picture_difference
from nightdub.quality.metrics.script import script_measurements
from nightdub.quality.metrics.shot_score import ShotScore, score_shot
from nightdub.quality.metrics.speech import LineScore, LineSound, score_line, speech_measurements
from nightdub.quality.metrics.subtitles import Beside, subtitle_measurements
from nightdub.quality.metrics.timing import timing_account
from nightdub.quality.metrics.translation import flagged_lines, length_compliance, translation_scores, unchecked_lines
from nightdub.quality.metrics.words import word_measurements
from nightdub.tasks.glossary import NO_GLOSSARY
from nightdub.tasks.rows import Language, Measurement, Segment, ShotClip, Speaker, Worst
from nightdub.tasks.sound import SPEECH_RATE, read_mono, read_sound, to_mono
from nightdub.tasks.subtitles import cut_frames


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a dub's files, by parts that can be looked at beside one another."""

    lines: Sequence[LineScore]
    shots: Sequence[ShotScore]
    programme: Sequence[Measurement]  # of the programme and the delivered film
    picture: Sequence[Measurement] | None = None  # of the film's picture from end to end; None = it is yet to be looked at


def measure_dub(dub: Dub, findings: Findings) -> list[Measurement]:
    """Return one row for every metric of a whole dub, measured or with the reason why not."""
    return [
        *_from_rows(dub),
        *speech_measurements(findings.lines, predictors=instruments().predictors(commercial=dub.commercial)),
        *picture_measurements(findings.shots, dub.frame_rate),
        *(whole_picture(dub, findings.shots) if findings.picture is None else findings.picture),
        *findings.programme,
    ]


def examine(dub: Dub) -> list[Measurement]:
    """Measure a dub from its files alone, one part after the other."""
    return measure_dub(dub, Findings(score_lines(dub), score_shots(dub), measure_programme(dub)))


def score_lines(dub: Dub) -> list[LineScore]:
    """Listen to every dubbed line by itself, beside the original's."""
    spans, texts = {line.id: line for line in dub.segments}, {line.segment: line.text for line in dub.translations}
    speakers = speakers_of(dub.speakers)
    predictors = instruments().predictors(commercial=dub.commercial)
    return [
        score_line(
            line_sound(name, path, dub.files.original, spans[name], texts[name], dub.target, speaker, dub.files.voices.get(speaker)),
            predictors,
        )
        for name, path in dub.files.clips.items()
        for speaker in (speakers.get(name, ""),)
    ]


def speakers_of(speakers: Sequence[Speaker]) -> dict[str, str]:
    """Return segment -> speaker."""
    return {segment: speaker.id for speaker in speakers for segment in speaker.segments}


def line_sound(
    name: str, clip: Path, original: Path, line: Segment, text: str, target: Language, speaker: str, reference: Path | None = None
) -> LineSound:
    """Return one dubbed line with the original's, from their files; `reference` is the clip of the speaker's own voice."""
    samples, rate = read_sound(clip)
    beside = read_mono(original, line.start, line.end, rate) if line.end > line.start else None
    known = read_mono(reference, rate=rate) if reference else None
    return LineSound(name, to_mono(samples), rate, text, target, speaker, beside, known)


def score_shots(dub: Dub) -> list[ShotScore]:
    """Compare every shot of the delivered film with the original's."""
    rate, tracks = dub.frame_rate, {track.shot: track for track in dub.tracks}
    found = []
    for clip in dub.shot_clips:
        speech = read_mono(dub.files.dialogue, float(clip.first / rate), float(clip.last / rate), SPEECH_RATE)
        found.append(score_shot(dub.files.source, dub.files.film, clip, tracks[clip.shot], speech, SPEECH_RATE, rate))
    return found


def measure_programme(dub: Dub) -> list[Measurement]:
    """Measure the programme, the delivered film against it, and what is left of the original's dialogue."""
    files, spoken = dub.files, [(line.start, line.end) for line in dub.segments if line.end > line.start]
    subtitles, channels = (dub.target,), dub.original_channels
    languages = dub.target, dub.source
    delivery = Delivery(files.film, files.programme, files.source, *languages, dub.frame_rate, dub.spans, spoken, subtitles, channels)
    faces = face_clips(files.film, files.programme, dub.shots, dub.tracks, dub.frame_rate)
    mixed = mix_measurements(files.dialogue, dub.placements, dub.tails)
    return [*programme_measurements(delivery), *lip_sync_errors(faces), *mixed, leakage(_leak_clips(dub))]


def whole_picture(dub: Dub, shots: Sequence[ShotScore]) -> list[Measurement]:
    """Return what is measured of the film's picture from end to end, whose shots were judged one by one."""
    same = picture_difference(dub.files.source, dub.files.film, dub.shot_clips, shots)
    if shots and all(shot.kept for shot in shots):
        why, units = "every packet is the original's own", (("vmaf", "VMAF"), ("fid", "FID"), ("kid", "KID"))
        return [same, *(Measurement(f"picture.{name}", None, unit, not_applicable=why) for name, unit in units)]
    faces = (face_crops(path, dub.shot_clips, dub.tracks) for path in (dub.files.source, dub.files.film))
    return [same, vmaf(dub.files.source, dub.files.film), *picture_distances(*faces)]


def _leak_clips(dub: Dub) -> Iterator[LeakClip]:
    """Yield the original's lines with what the programme holds beside the dub: the bed as it was laid."""
    gain = np.float32(10 ** (dub.gain / 20))  # of the whole mix: the original never had it
    for line in dub.segments:
        if line.end > line.start:
            whole, speech = (read_mono(path, line.start, line.end, RATE) for path in (dub.files.programme, dub.files.dialogue))
            size = min(len(whole), len(speech))
            yield LeakClip(line.id, read_mono(dub.files.original, line.start, line.end, RATE), (whole[:size] - speech[:size]) / gain)


def _from_rows(dub: Dub) -> list[Measurement]:
    account = make_account(dub.segments, dub.dropped, dub.clips)
    subtitles = {name: path.read_bytes() for name, path in dub.files.subtitles.items()}
    beside = Beside(cut_frames(dub.shots, dub.frame_rate), dub.whole_lines, dub.segments, dub.marks, dub.mark_lines)
    return [
        *account_measurements(account, dub.clips, dub.lost),
        *voice_rights(dub.clips, dub.speakers, dub.consents),
        *timing_account(
            dub.placements,
            slots={line.id: (line.start, line.end) for line in dub.segments},
            sounds={clip.segment: clip.duration for clip in dub.clips if clip.sound},
        ),
        *_recognition(dub),
        *script_measurements(dub.script, dub.segments, dub.source),
        *translation_scores(dub.translations, dict(dub.references), dub.target),
        unchecked_lines(dub.translations, dict(dub.references)),
        flagged_lines(dub.translations),
        *_against_sources(dub),
        *checked_lines(dub.translations, dub.glossary or NO_GLOSSARY, dub.source, dub.target),
        *_roundtrip(dub),
        *_picture(dub),
        *subtitle_measurements(subtitles, dub.cues, dub.translations, dub.placements, dub.target, dub.subtitles, dub.frame_rate, beside),
        Measurement("sound.stem_warnings", float(len(dub.stem_warnings)), "warnings", 1, "nightdub", detail="; ".join(dub.stem_warnings)),
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


def _recognition(dub: Dub) -> list[Measurement]:
    if dub.recognised is None or not dub.segments:
        return _unheard("recognition", "no recogniser of the profile knows the language")
    if any(segment.origin != "script" for segment in dub.segments):
        return _unheard("recognition", "no script to compare with")
    heard = spoken_words(dub.segments, dub.recognised)
    engine = next((line.engine for line in dub.recognised if line.engine), "")
    pairs = [TextPair(segment.id, segment.text, heard[segment.id]) for segment in dub.segments]
    return _by_listener(dub, word_measurements("recognition", pairs, dub.source, engine), engine)


def _roundtrip(dub: Dub) -> list[Measurement]:
    if dub.heard is None:
        return _unheard("roundtrip", "no recogniser of the profile knows the language")
    pairs = [TextPair(line.segment, line.text, dub.heard[line.segment]) for line in dub.translations if line.segment in dub.heard]
    return _by_listener(dub, word_measurements("roundtrip", pairs, dub.target, dub.listener), dub.listener)


def _against_sources(dub: Dub) -> list[Measurement]:
    """Return what is judged beside the source text: lengths, and COMET where its checkpoint is there."""
    lines = [line for line in dub.translations if line.text and line.source]
    sources, texts = [line.source for line in lines], [line.text for line in lines]
    pairs = [TextPair(line.segment, dub.references.get(line.segment, ""), line.text, line.source) for line in lines]
    return [length_compliance([line.segment for line in lines], sources, texts), comet_score(pairs, commercial=dub.commercial)]


def _unheard(family: str, why: str) -> list[Measurement]:
    rows = [(metric, fact) for metric, fact in words.FACTS.items() if metric.startswith(f"{family}.")]
    return [Measurement(metric, None, fact.unit, not_measured=why) for metric, fact in rows]


def _by_listener(dub: Dub, rows: Sequence[Measurement], engine: str) -> list[Measurement]:
    return [replace(row, stand_in=engine in dub.stand_ins) for row in rows]


def _redrawn(clips: Sequence[ShotClip]) -> Measurement:
    """Return how much of the picture was redrawn, and why the shots that were not are as they are."""
    frames, moved = sum(clip.last - clip.first for clip in clips), sum(clip.moved for clip in clips)
    kept = Counter(clip.skipped for clip in clips if clip.skipped)
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(kept.items(), key=lambda row: (-row[1], row[0])))
    return Measurement("picture.redrawn_frames", 100 * moved / max(frames, 1), "%", frames, "nightdub", detail=reasons)


def _picture(dub: Dub) -> list[Measurement]:
    frames = dub.facts.frames
    failed = [shot for shot in dub.shot_clips if shot.failed]
    worst = tuple(Worst(shot.shot, 1.0, shot.failed) for shot in failed[:3])
    return [
        Measurement("picture.failed_shots", float(len(failed)), "shots", len(dub.shot_clips), "nightdub", worst=worst),
        _redrawn(dub.shot_clips),
        Measurement("picture.frame_difference", float(abs(frames - dub.source_facts.frames)), "frames", frames, "ffprobe"),
        Measurement("picture.length_difference", 1000 * abs(dub.facts.audio_duration - dub.facts.duration), "ms", 1, "ffprobe"),
    ]
