"""Lips: shots in which a mouth follows the dub, and its curves for animators. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from nightdub.flows.chain.parts import one_by_one, param, param_of, plain, rows_of, whole
from nightdub.flows.chain.shots import shot_clip
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.blendshapes import line_curves, write_curves
from nightdub.tasks.mouth import animate_shot
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import (
    Clip,
    FaceTrack,
    MediaFacts,
    Placement,
    Segment,
    Shot,
    ShotClip,
    SpokenSound,
    write_rows,
)
from nightdub.tasks.sound import read_mono

RATE = 48_000  # Hz of the programme


def _split_lips(inputs: Inputs) -> list[Item]:
    """One item for each shot in which somebody is seen while a line is heard."""
    rate, heard = inputs.rows("probe.facts", MediaFacts)[0].frame_rate, lines_by_shot(inputs)
    tracks = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}
    return [
        _lips_item(shot, tracks[shot.id], heard[shot.id], rate, inputs.digest("in.source"))
        for shot in inputs.rows("shots.shots", Shot)
        if heard[shot.id] and not tracks[shot.id].skipped
    ]


def _lips_item(shot: Shot, track: FaceTrack, lines: list[dict[str, Any]], rate: str, source: str) -> Item:
    """Describe a shot by itself: boxes and lines counted from its first frame, so that only what is heard in it changes its key."""
    payload = {"first": shot.first, "last": shot.last, "rate": rate, "track": plain(replace(track, shot="")), "lines": lines}
    return Item(shot.id, payload, {"in.source": source}, cost=0.03 * (shot.last - shot.first))


def lines_by_shot(inputs: Inputs) -> dict[str, list[dict[str, Any]]]:
    """Return shot -> what is heard in it: start from the shot's first frame, digest of the sound, and phonemes of each dubbed line.

    Where faces take turns a line has the span (seconds) of the face that says it, and one that nobody seen says is left out.
    """
    rate = Fraction(inputs.rows("probe.facts", MediaFacts)[0].frame_rate)
    tracks = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}
    clips = {clip.segment: clip for clip in inputs.rows("stretch.clips", Clip) if clip.sound}
    places = [place for place in inputs.rows("fit.placements", Placement) if place.segment in clips]
    found = {}
    for shot in inputs.rows("shots.shots", Shot):
        start, end = float(shot.first / rate), float(shot.last / rate)
        found[shot.id] = [
            {"start": round(place.start - start, 6), "sound": clips[place.segment].sound, "sounds": plain(clips[place.segment].sounds)}
            | own
            for place in places
            if place.start < end and place.end > start and (own := _own_span(place, shot, tracks[shot.id], rate)) is not None
        ]
    return found


def _own_span(place: Placement, shot: Shot, track: FaceTrack, rate: Fraction) -> dict[str, Any] | None:
    """Return the span of the face that says a line, found by the middle of the original line in this shot; None = nobody seen does."""
    if not track.spans:
        return {}
    first, last = (min(max(float(moment * rate), shot.first), shot.last) for moment in (place.slot_start, place.slot_end))
    own = next((span for span in track.spans if span.first <= (first + last) / 2 < span.last), None)
    return {"span": [round(float((frame - shot.first) / rate), 6) for frame in (own.first, own.last)]} if own else None


def _lips(item: Item, bench: Bench) -> Done:
    shot, rate = Shot(item.id, item.payload["first"], item.payload["last"]), Fraction(item.payload["rate"])
    speech, sounds = heard_in_shot(item, bench, float((shot.last - shot.first) / rate))
    out = bench.new("shot.mp4")
    made = animate_shot(
        bench.file(item.blobs["in.source"]),
        shot,
        replace(param_of(item, "track", FaceTrack), shot=shot.id),
        speech,
        RATE,
        sounds=sounds,
        engine=bench.engine,
        out=out,
        figures=param(bench, "picture", PictureFigures),
        frame_rate=f"{rate.numerator}/{rate.denominator}",
    )
    return Done({}, plain(made), skipped=made.skipped) if made.skipped else Done({"picture": out}, plain(made))


def heard_in_shot(item: Item, bench: Bench, length: float) -> tuple[Sound, list[SpokenSound]]:
    """Return the dubbed speech under a shot, 48 kHz from its first frame, and its phonemes in the shot's time."""
    track, sounds = np.zeros(round(length * RATE), np.float32), []
    for line in item.payload["lines"]:
        clip, first = read_mono(bench.file(line["sound"]), rate=RATE), round(line["start"] * RATE)
        start, stop = line.get("span", (0.0, length))
        begin, end = max(first, round(start * RATE)), min(first + len(clip), round(stop * RATE), len(track))
        if begin < end:
            track[begin:end] += clip[begin - first : end - first]
        phonemes = msgspec.convert(line["sounds"], list[SpokenSound], strict=False)
        timed = [replace(sound, start=sound.start + line["start"], end=sound.end + line["start"]) for sound in phonemes]
        sounds += [sound for sound in timed if sound.end > start and sound.start < stop]
    return track, sorted(sounds, key=lambda sound: sound.start)


def _join_lips(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Every shot of the film: redrawn where it could be, as it was filmed elsewhere, with the reason."""
    redrawn = {result.id: result for result in results}
    tracks = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}
    rows = [_shot_of_dub(clip, redrawn.get(clip.shot), tracks[clip.shot]) for clip in inputs.rows("picture.clips", ShotClip)]
    return {"clips": write_rows(folder / "clips.jsonl", rows)}


def _shot_of_dub(original: ShotClip, redrawn: Result | None, track: FaceTrack) -> ShotClip:
    if redrawn is None:
        return replace(original, skipped=track.skipped or "no-speech")
    row = shot_clip(redrawn)
    return row if row.picture else replace(original, skipped=row.skipped, failed=row.failed)


def _curves(item: Item, bench: Bench) -> Done:
    """Write the mouth of every dubbed line as blendshapes, for those who animate heads."""
    rate, dialogue = float(Fraction(rows_of(bench, item, "probe.facts", MediaFacts)[0].frame_rate)), bench.file(item.blobs["mix.dialogue"])
    clips = {clip.segment: clip for clip in rows_of(bench, item, "stretch.clips", Clip) if clip.sound}
    speakers = {row.id: row.speaker for row in rows_of(bench, item, "cast.segments", Segment)}
    lines = (
        line_curves(
            place.segment,
            speakers.get(place.segment, ""),
            place.start,
            clips[place.segment].sounds,
            read_mono(dialogue, place.start, place.end, RATE),
            RATE,
            rate,
        )
        for place in rows_of(bench, item, "fit.placements", Placement)
        if place.segment in clips and place.end > place.start
    )
    return Done({"blendshapes": write_curves(bench.new("blendshapes.csv"), lines, rate)})


LIPS: tuple[Step, ...] = (
    Step(
        "lips",
        2,
        "language",
        ("shots.shots", "faces.tracks", "picture.clips", "fit.placements", "stretch.clips", "in.source", "probe.facts"),
        _split_lips,
        one_by_one(_lips),
        _join_lips,
        "lips",
        ("picture",),
        tolerates_loss=True,
    ),
    Step(
        "curves",
        1,
        "language",
        ("fit.placements", "stretch.clips", "cast.segments", "mix.dialogue", "probe.facts"),
        whole("fit.placements", "stretch.clips", "cast.segments", "mix.dialogue", "probe.facts", cost=0.5),
        one_by_one(_curves),
    ),
)
