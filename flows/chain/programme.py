"""The programme: mix, lips, subtitles and the packed film. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from nightdub.flows.chain.parts import cause_of, one_by_one, param, param_of, plain, rows_of, whole
from nightdub.flows.chain.perception import shot_clip
from nightdub.flows.chain.subtitles import MARKS, SUBTITLES
from nightdub.infra.build import Inputs, Step
from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import Groups, Piece
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.audio import programme_samples
from nightdub.tasks.blendshapes import line_curves, write_curves
from nightdub.tasks.mix import mix_programme
from nightdub.tasks.mouth import animate_shot
from nightdub.tasks.package import package
from nightdub.tasks.picture import encode_shot, film_picture, plan_pieces
from nightdub.tasks.place import place_line
from nightdub.tasks.profile import PictureFigures, SoundFigures
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import (
    Acoustics,
    Clip,
    FaceTrack,
    MediaFacts,
    PicturePiece,
    Placement,
    Room,
    Segment,
    Shot,
    ShotClip,
    SpokenSound,
    write_rows,
)
from nightdub.tasks.sound import read_mono, write_sound
from nightdub.tasks.stems import StemFacts

RATE = 48_000  # Hz of the programme


def _split_place(inputs: Inputs) -> list[Item]:
    """One item for each line whose original has a course of level or a room that the dub's can follow."""
    places = {place.segment: place for place in inputs.rows("fit.placements", Placement)}
    original = {row.segment: row for row in inputs.rows("acoustics.rows", Acoustics)}
    return [
        Item(
            clip.segment,
            {"samples": round((place.end - place.start) * RATE), "contour": list(row.contour), "room": plain(row.room)},
            {"sound": clip.sound},
            cost=0.05,
        )
        for clip in inputs.rows("stretch.clips", Clip)
        if clip.sound and (place := places.get(clip.segment)) and (row := original.get(clip.segment)) and (row.contour or row.room)
    ]


def _place(item: Item, bench: Bench) -> Done:
    line, length = read_mono(bench.file(item.blobs["sound"]), rate=RATE), item.payload["samples"]
    room = param_of(item, "room", Room) if item.payload["room"] else None
    laid = place_line(line, RATE, length, item.payload["contour"], room)
    sound = write_sound(bench.new("line.wav"), laid, RATE)
    return Done({"sound": sound}, {"tail": max(len(laid) - min(len(line), length), 0) / RATE})


def _join_place(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Every clip of the film: as it was laid where it was, else as it was stretched."""
    laid = {result.id: result for result in results if "sound" in result.files}
    rows = [
        replace(clip, sound=laid[clip.segment].files["sound"], tail=laid[clip.segment].row["tail"]) if clip.segment in laid else clip
        for clip in inputs.rows("stretch.clips", Clip)
    ]
    return {"clips": write_rows(folder / "clips.jsonl", rows)}


def _split_mix(inputs: Inputs) -> list[Item]:
    names = ("fit.placements", "place.clips", "stems.bed", "stems.facts", "acoustics.rows", "probe.facts")
    lines = {f"line.{clip.segment}": clip.sound for clip in inputs.rows("place.clips", Clip) if clip.sound}
    return [Item("whole", blobs={name: inputs.digest(name) for name in names} | lines, cost=3)]


def _mix(item: Item, bench: Bench) -> Done:
    """Lay the lines over the bed: programme, dialogue and bed, and the stereo of a 5.1 programme."""
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    clips = {clip.segment: clip for clip in rows_of(bench, item, "place.clips", Clip) if clip.sound}
    placements = rows_of(bench, item, "fit.placements", Placement)
    mixed = mix_programme(
        [place for place in placements if place.segment in clips and place.end > place.start],
        {name: bench.file(clip.sound) for name, clip in clips.items()},
        bench.file(item.blobs["stems.bed"]),
        bench.scratch,
        figures=param(bench, "sound", SoundFigures),
        clean_bed=rows_of(bench, item, "stems.facts", StemFacts)[0].clean_bed,
        original={row.segment: row for row in rows_of(bench, item, "acoustics.rows", Acoustics)},
        total_samples=programme_samples(facts),
        tails={name: clip.tail for name, clip in clips.items()},
    )
    made = {"programme": bench.new("programme.wav"), "dialogue": bench.new("dialogue.wav"), "bed": bench.new("bed.wav")}
    folded = {"stereo": bench.new("stereo.wav")} if mixed.channels > 2 else {}
    return Done(made | folded | {"facts": write_rows(bench.new("facts.jsonl"), [mixed])})


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


def _planned(inputs: Inputs) -> list[PicturePiece]:
    return plan_pieces(inputs.rows("lips.clips", ShotClip), inputs.rows("groups.facts", Groups)[0])


def _split_bridges(inputs: Inputs) -> list[Item]:
    """One item for each stretch of original frames between a redrawn shot and the next key frame."""
    blobs = {"in.source": inputs.digest("in.source")}
    return [
        Item(f"{piece.shot}-{piece.first}", {"first": piece.first, "last": piece.last}, blobs, cost=0.02 * (piece.last - piece.first))
        for piece in _planned(inputs)
        if not piece.kept and not piece.picture
    ]


def _bridge(item: Item, bench: Bench) -> Done:
    out, shot = bench.new("bridge.mp4"), Shot(item.id, item.payload["first"], item.payload["last"])
    encode_shot(bench.file(item.blobs["in.source"]), shot, param(bench, "picture", PictureFigures), out)
    return Done({"picture": out})


def _join_bridges(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """The film's picture from the first frame to the last. Raises: MediaError where a piece of it could not be made."""
    if lost := next((result for result in results if not result.files), None):
        raise MediaError(f"frames between two shots: {cause_of(lost)}", where=lost.id, fix="run the night again")
    made = iter(results)
    pieces = [piece if piece.kept or piece.picture else replace(piece, picture=next(made).files["picture"]) for piece in _planned(inputs)]
    return {"pieces": write_rows(folder / "pieces.jsonl", pieces)}


def _split_package(inputs: Inputs) -> list[Item]:
    names = ("bridges.pieces", "groups.facts", "mix.programme", "original.sound", "subtitles.film.srt", "probe.facts", "in.source")
    pictures = {f"piece.{piece.first}": piece.picture for piece in inputs.rows("bridges.pieces", PicturePiece) if piece.picture}
    return [Item("whole", blobs={name: inputs.digest(name) for name in names} | pictures, cost=4)]


def _silent_film(item: Item, bench: Bench) -> tuple[Path, int]:
    """Return the dub's picture, and how many of its frames are the source's own packets."""
    pieces = [
        Piece(piece.first, piece.last, bench.file(piece.picture) if piece.picture else None)
        for piece in rows_of(bench, item, "bridges.pieces", PicturePiece)
    ]
    out = bench.new("picture.mp4")
    return out, film_picture(bench.file(item.blobs["in.source"]), pieces, rows_of(bench, item, "probe.facts", MediaFacts)[0], out)


def _package(item: Item, bench: Bench) -> Done:
    picture, kept = _silent_film(item, bench)
    source, target = bench.params["source"], bench.params["target"]
    film = bench.new("film.mp4")
    subtitles = bench.new("subtitles.srt")
    subtitles.symlink_to(bench.file(item.blobs["subtitles.film.srt"]))
    facts = package(
        picture,
        bench.file(item.blobs["mix.programme"]),
        bench.file(item.blobs["original.sound"]),
        {target: subtitles},
        languages=(source, target),
        source=rows_of(bench, item, "probe.facts", MediaFacts)[0],
        out=film,
    )
    facts = replace(facts, kept_frames=kept, not_kept=rows_of(bench, item, "groups.facts", Groups)[0].why_not)
    return Done({"film": film, "facts": write_rows(bench.new("facts.jsonl"), [facts])})


PROGRAMME: tuple[Step, ...] = (
    Step(
        "place",
        1,
        "language",
        ("fit.placements", "stretch.clips", "acoustics.rows"),
        _split_place,
        one_by_one(_place),
        _join_place,
        tolerates_loss=True,
    ),
    Step(
        "mix",
        2,
        "language",
        ("fit.placements", "place.clips", "stems.bed", "stems.facts", "acoustics.rows", "probe.facts"),
        _split_mix,
        one_by_one(_mix),
        params=("sound",),
    ),
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
    MARKS,
    SUBTITLES,
    Step(
        "bridges",
        1,
        "language",
        ("lips.clips", "groups.facts", "in.source"),
        _split_bridges,
        one_by_one(_bridge),
        _join_bridges,
        params=("picture",),
    ),
    Step(
        "package",
        2,
        "language",
        ("bridges.pieces", "groups.facts", "mix.programme", "original.sound", "subtitles.film.srt", "probe.facts", "in.source"),
        _split_package,
        one_by_one(_package),
        params=("source", "target"),
    ),
)
