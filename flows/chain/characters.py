"""Characters: the clip that shows each speaker's own voice, once a title; and in each language whose voice speaks the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nightdub.flows.chain.parts import made_rows, one_by_one, param_of, plain, rows_of, whole
from nightdub.flows.chain.settled import find_lines
from nightdub.infra.build import Inputs, Step
from nightdub.infra.ledger import Correction
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.cast import cast_speakers
from nightdub.tasks.rows import BookVoice, Features, Permission, Segment, Speaker, VoiceClip, write_rows
from nightdub.tasks.sound import read_mono, write_sound
from nightdub.tasks.voice_clips import RATE, Candidate, candidates, score_clip

_CAST = ("speakers.speakers", "speakers.segments", "voices.clips", "in.voices", "in.consents", "in.corrections")


def _split_voices(inputs: Inputs) -> list[Item]:
    """One item a speaker, with the lines that may show its voice."""
    segments, features = inputs.rows("speakers.segments", Segment), inputs.rows("features.rows", Features)
    blobs = {"stems.dialogue": inputs.digest("stems.dialogue")}
    return [
        Item(speaker.id, {"candidates": plain(found)}, blobs, cost=0.05 * len(found))
        for speaker in inputs.rows("speakers.speakers", Speaker)
        if (found := candidates(speaker, segments, features))
    ]


def _voices(item: Item, bench: Bench) -> Done:
    best, sound = Candidate(0.0, 0.0, 0.0), np.zeros(0, np.float32)
    for candidate in param_of(item, "candidates", list[Candidate]):
        if candidate.score <= best.score:  # the best come first: no later one can be better
            break
        clip = read_mono(bench.file(item.blobs["stems.dialogue"]), candidate.start, candidate.end, RATE)
        if (score := candidate.score * score_clip(clip, RATE)) > best.score:
            best, sound = replace(candidate, score=score), clip
    if not sound.size:
        return Done(skipped="no-clean-line")
    return Done({"sound": write_sound(bench.new("voice.wav"), sound, RATE)}, plain(VoiceClip("", "", best.start, best.end, best.score)))


def _join_voices(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = [
        replace(row or VoiceClip(""), speaker=result.id, sound=result.files.get("sound", ""))
        for result, row in zip(results, made_rows(results, VoiceClip), strict=True)
    ]
    return {"clips": write_rows(folder / "clips.jsonl", rows)}


def _cast(item: Item, bench: Bench) -> Done:
    speakers, clips = rows_of(bench, item, "speakers.speakers", Speaker), rows_of(bench, item, "voices.clips", VoiceClip)
    book, permissions = rows_of(bench, item, "in.voices", BookVoice), rows_of(bench, item, "in.consents", Permission)
    lines = rows_of(bench, item, "speakers.segments", Segment)
    found, lost = find_lines(lines, rows_of(bench, item, "in.corrections", Correction))
    settled = {row.segment: row for row in found}
    segments = sorted((_corrected(line, settled.get(line.id)) for line in lines), key=_place)
    chosen = cast_speakers(_regrouped(speakers, segments), clips, book, permissions, bench.params["target"])
    rows: dict[str, Sequence[object]] = {"speakers": chosen, "segments": segments, "corrections": found, "lost": lost}
    return Done({name: write_rows(bench.new(f"{name}.jsonl"), written) for name, written in rows.items()})


def _corrected(line: Segment, settled: Correction | None) -> Segment:
    """Return a line with the time and the speaker that a person gave it in this language; words found at another time are no longer its."""
    if settled is None:
        return line
    start, end = (old if new is None else new for old, new in ((line.start, settled.start), (line.end, settled.end)))
    words = tuple(word for word in line.words if start <= word.start and word.end <= end)
    return replace(line, start=start, end=end, speaker=settled.speaker or line.speaker, words=words)


def _place(line: Segment) -> tuple[float, str]:
    return line.start, line.id


def _regrouped(speakers: Sequence[Speaker], segments: Sequence[Segment]) -> list[Speaker]:
    """Return who speaks which lines, with speakers that a person named and without those who say nothing any more."""
    lines: dict[str, list[str]] = {}
    for line in segments:
        lines.setdefault(line.speaker, []).append(line.id)
    known = {speaker.id: speaker for speaker in speakers}
    rows = [known.get(name) or Speaker(name, (), named=True) for name in (*known, *(name for name in lines if name not in known))]
    return [replace(row, segments=tuple(lines[row.id])) for row in rows if row.id in lines]


VOICES = Step(
    "voices",
    1,
    "title",
    ("speakers.speakers", "speakers.segments", "features.rows", "stems.dialogue"),
    _split_voices,
    one_by_one(_voices),
    _join_voices,
    tolerates_loss=True,
)
CAST = Step(
    "cast",
    2,
    "language",
    (*_CAST[:3], *(f"{name}?" for name in _CAST[3:])),
    whole(*_CAST, cost=0.1),
    one_by_one(_cast),
    params=("target",),
)
