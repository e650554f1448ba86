"""From the outputs of a title-language's steps to the dub that is measured; the measuring steps and the fault corpus share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from nightdub.quality.dub import Dub, Files
from nightdub.tasks.engines import TABLE
from nightdub.tasks.glossary import Glossary, read_glossary
from nightdub.tasks.memory import read_memory
from nightdub.tasks.mix import MixFacts
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import (
    Clip,
    Cue,
    Dropped,
    FaceTrack,
    MediaFacts,
    Placement,
    Segment,
    Shot,
    ShotClip,
    Speaker,
    Translation,
    read_rows,
)
from nightdub.tasks.stems import StemFacts

Value = TypeVar("Value")

FILES = ("in.source", "package.film", "stems.dialogue", "stems.bed", "mix.programme", "mix.dialogue")
SUBTITLES = ("subtitles.srt", "subtitles.vtt", "subtitles.ttml")
ROWS = (
    "speakers.segments",
    "speakers.speakers",
    "clean.dropped",
    "translate.lines",
    "stretch.clips",
    "fit.placements",
    "subtitles.cues",
    "shots.shots",
    "faces.tracks",
    "lips.clips",
    "probe.facts",
    "package.facts",
    "mix.facts",
    "stems.facts",
)
IF_THERE = ("recognise.segments", "roundtrip.heard", "in.references", "in.glossary")
NEEDED = FILES + SUBTITLES + ROWS


@dataclass(frozen=True)
class Shelf:
    """Where outputs are found: names -> digests, and what brings the bytes of a digest to a local file."""

    digests: Mapping[str, str]
    fetch: Callable[[str], Path]

    def has(self, name: str) -> bool:
        """Return whether there is such an output."""
        return name in self.digests

    def path(self, name: str) -> Path:
        """Return a local file with an output."""
        return self.fetch(self.digests[name])

    def rows(self, name: str, kind: type[Value]) -> list[Value]:
        """Return an output's rows; none where there is no such output."""
        return read_rows(self.path(name), kind) if self.has(name) else []


def gather(title: str, shelf: Shelf, params: Mapping[str, Any], *, with_clips: bool = False) -> Dub:
    """Return a dub from the outputs of its steps; `params` holds source, target, subtitles, refused and commercial, as a step gets them."""
    segments = shelf.rows("speakers.segments", Segment)
    mixed, stems = shelf.rows("mix.facts", MixFacts)[0], shelf.rows("stems.facts", StemFacts)[0]
    clips = shelf.rows("stretch.clips", Clip)
    heard = shelf.rows("roundtrip.heard", dict) if shelf.has("roundtrip.heard") else None
    return Dub(
        title=title,
        source=params["source"],
        target=params["target"],
        files=_files(shelf, clips if with_clips else ()),
        segments=segments,
        speakers=shelf.rows("speakers.speakers", Speaker),
        dropped=shelf.rows("clean.dropped", Dropped),
        translations=shelf.rows("translate.lines", Translation),
        clips=clips,
        placements=shelf.rows("fit.placements", Placement),
        cues=shelf.rows("subtitles.cues", Cue),
        shots=shelf.rows("shots.shots", Shot),
        tracks=shelf.rows("faces.tracks", FaceTrack),
        shot_clips=shelf.rows("lips.clips", ShotClip),
        source_facts=shelf.rows("probe.facts", MediaFacts)[0],
        facts=shelf.rows("package.facts", MediaFacts)[0],
        subtitles=msgspec.convert(params["subtitles"], SubtitleFigures, strict=False),
        gain=mixed.gain,
        bed_delivered=stems.method == "delivered",
        stem_warnings=stems.warnings,
        refused=params["refused"],
        commercial=params["commercial"],
        glossary=_glossary(shelf),
        references=_references(shelf, segments, params),
        recognised=shelf.rows("recognise.segments", Segment) if shelf.has("recognise.segments") else None,
        heard={row["segment"]: row["text"] for row in heard} if heard is not None else None,
        listener=next((row["engine"] for row in heard or ()), ""),
        stand_ins=[spec.name for spec in TABLE if spec.verb == "recognise" and spec.stand_in],
    )


def _files(shelf: Shelf, clips: Sequence[Clip]) -> Files:
    source, film, original, bed, programme, dialogue = (shelf.path(name) for name in FILES)
    subtitles = {name.partition(".")[2]: shelf.path(name) for name in SUBTITLES}
    return Files(
        source, film, original, bed, programme, dialogue, subtitles, {clip.segment: shelf.fetch(clip.sound) for clip in clips if clip.sound}
    )


def _glossary(shelf: Shelf) -> Glossary | None:
    return read_glossary(shelf.path("in.glossary")) if shelf.has("in.glossary") else None


def _references(shelf: Shelf, segments: Sequence[Segment], params: Mapping[str, Any]) -> dict[str, str]:
    """Return segment -> the human translation of its text, where one was delivered."""
    if not shelf.has("in.references"):
        return {}
    references = read_memory(shelf.path("in.references"))
    found = {segment.id: references.find(segment.text, params["source"], params["target"]) for segment in segments}
    return {name: text for name, text in found.items() if text}
