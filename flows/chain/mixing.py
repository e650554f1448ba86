"""Mixing: every line in its place and room, over music and effects. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nightdub.flows.chain.parts import one_by_one, param, param_of, plain, rows_of
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.audio import programme_samples
from nightdub.tasks.mix import mix_programme
from nightdub.tasks.place import place_line
from nightdub.tasks.profile import SoundFigures
from nightdub.tasks.rows import (
    Acoustics,
    Clip,
    MediaFacts,
    Placement,
    Room,
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


MIXING: tuple[Step, ...] = (
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
)
