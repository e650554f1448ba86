"""Shots: where the picture is cut, whose faces are seen and speak, and what can be kept of it. Once a title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, original_speech, param, param_of, plain, rows_of, whole
from nightdub.infra.build import Inputs, Step
from nightdub.infra.media.ffmpeg import Groups, read_frames, read_groups
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.faces import Frame, find
from nightdub.tasks.picture import encode_shot
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import (
    FaceTrack,
    MediaFacts,
    Segment,
    Shot,
    ShotClip,
    write_rows,
)
from nightdub.tasks.shots import detect
from nightdub.tasks.sound import SPEECH_RATE
from nightdub.tasks.speaking import SpokenLine, who_speaks

LOOK_EVERY = 10  # frames between two looks for a face: a look costs as much as warping three mouths


def _shots(item: Item, bench: Bench) -> Done:
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    frames = read_frames(bench.file(item.blobs["in.source"]), 0, facts.frames)
    return Done({"shots": write_rows(bench.new("shots.jsonl"), detect(frames, Fraction(facts.frame_rate)))})


def _split_shots(inputs: Inputs) -> list[Item]:
    blobs = {"in.source": inputs.digest("in.source")}
    return [
        Item(shot.id, {"first": shot.first, "last": shot.last}, blobs, cost=0.02 * (shot.last - shot.first))
        for shot in inputs.rows("shots.shots", Shot)
    ]


def _split_faces(inputs: Inputs) -> list[Item]:
    """One item for each shot in which somebody speaks: its lines in its own time, and who says them by order of appearance."""
    rate = Fraction(inputs.rows("probe.facts", MediaFacts)[0].frame_rate)
    blobs = {name: inputs.digest(name) for name in ("in.source", "stems.speech")}
    spoken = [line for line in inputs.rows("clean.segments", Segment) if not line.kind]
    return [
        Item(
            shot.id,
            {"first": shot.first, "last": shot.last, "rate": str(rate), "lines": plain(lines)},
            blobs,
            cost=0.02 * (shot.last - shot.first),
        )
        for shot in inputs.rows("shots.shots", Shot)
        if (lines := _lines_in(shot, spoken, rate))
    ]


def _lines_in(shot: Shot, spoken: Sequence[Segment], rate: Fraction) -> list[SpokenLine]:
    start, end = float(shot.first / rate), float(shot.last / rate)
    own = [line for line in spoken if line.start < end and line.end > start]
    names = list(dict.fromkeys(line.speaker for line in own if line.speaker))
    return [
        SpokenLine(
            round(max(0.0, line.start - start), 3),
            round(min(end, line.end) - start, 3),
            names.index(line.speaker) if line.speaker else -1,
        )
        for line in own
    ]


def _faces(item: Item, bench: Bench) -> Done:
    """Find the faces of a shot, then look at each frame again for the mouth that moves with the speech."""
    shot, rate = _shot(item), Fraction(item.payload["rate"])
    source, smallest = bench.file(item.blobs["in.source"]), param(bench, "picture", PictureFigures).smallest_face

    def frames() -> Iterator[Frame]:
        return read_frames(source, shot.first, shot.last)

    speech = original_speech(item, bench, float(shot.first / rate), float(shot.last / rate))
    found = find(frames(), shot, bench.engine, smallest, every=LOOK_EVERY)
    speaker = who_speaks(frames, shot, found, param_of(item, "lines", list[SpokenLine]), speech, SPEECH_RATE, float(rate))
    return Done(row=plain(replace(speaker, shot="")))


def _join_faces(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    looked = zip(made_rows(results, FaceTrack), results, strict=True)
    tracks = {result.id: row or FaceTrack("", skipped="not-looked-at") for row, result in looked}
    silent = FaceTrack("", skipped="no-speech")
    rows = [replace(tracks.get(shot.id, silent), shot=shot.id) for shot in inputs.rows("shots.shots", Shot)]
    return {"tracks": write_rows(folder / "tracks.jsonl", rows)}


def _groups(item: Item, bench: Bench) -> Done:
    return Done({"facts": write_rows(bench.new("facts.jsonl"), [read_groups(bench.file(item.blobs["in.source"]))])})


def _split_picture(inputs: Inputs) -> list[Item]:
    """Every shot of a film whose packets cannot be kept; none of one whose can."""
    return _split_shots(inputs) if inputs.rows("groups.facts", Groups)[0].why_not else []


def _picture(item: Item, bench: Bench) -> Done:
    out = bench.new("shot.mp4")
    clip = encode_shot(bench.file(item.blobs["in.source"]), _shot(item), param(bench, "picture", PictureFigures), out)
    return Done({"picture": out}, plain(clip))


def _join_picture(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Every shot as it was filmed: encoded, or without a picture of its own where the source's packets are kept."""
    kept = [ShotClip(shot.id, shot.first, shot.last, frames=shot.last - shot.first) for shot in inputs.rows("shots.shots", Shot)]
    return {"clips": write_rows(folder / "clips.jsonl", [shot_clip(result) for result in results] or kept)}


def shot_clip(result: Result) -> ShotClip:
    """Return a picture manifest's row from an item's result."""
    row = made_rows([result], ShotClip)[0] or ShotClip(result.id, 0, 0)
    return replace(row, shot=result.id, picture=result.files.get("picture", ""), key=result.key, failed=cause_of(result))


def _shot(item: Item) -> Shot:
    return Shot(item.id, item.payload["first"], item.payload["last"])


SHOTS: tuple[Step, ...] = (
    Step("shots", 2, "title", ("in.source", "probe.facts"), whole("in.source", "probe.facts", cost=3), one_by_one(_shots)),
    Step(
        "faces",
        2,
        "title",
        ("shots.shots", "in.source", "stems.speech", "clean.segments", "probe.facts"),
        _split_faces,
        one_by_one(_faces),
        _join_faces,
        "faces",
        ("picture",),
        tolerates_loss=True,
    ),
    Step("groups", 1, "title", ("in.source",), whole("in.source", cost=0.5), one_by_one(_groups)),
    Step(
        "picture",
        2,
        "title",
        ("shots.shots", "groups.facts", "in.source"),
        _split_picture,
        one_by_one(_picture),
        _join_picture,
        params=("picture",),
    ),
)
