"""From the outputs of a title-language's steps to the dub that is measured; the measuring steps and the fault corpus share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import soundfile

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
    Permission,
    Placement,
    ScriptMatch,
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
    "cast.segments",
    "cast.speakers",
    "clean.dropped",
    "revise.lines",
    "stretch.clips",
    "place.clips",
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
MORE_SUBTITLES = tuple(f"subtitles.{name}.{form}" for name in ("translated", "forced", "sdh") for form in ("srt", "vtt", "ttml"))
IF_THERE = (
    "cast.lost",
    "match.report",
    "match.marks",
    "marks.lines",
    "translate.lines",
    "recognise.segments",
    "roundtrip.heard",
    "in.references",
    "in.glossary",
    "in.consents",
    *MORE_SUBTITLES,
)
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
    segments = shelf.rows("cast.segments", Segment)
    mixed, stems = shelf.rows("mix.facts", MixFacts)[0], shelf.rows("stems.facts", StemFacts)[0]
    clips, speakers = shelf.rows("stretch.clips", Clip), shelf.rows("cast.speakers", Speaker)
    heard = shelf.rows("roundtrip.heard", dict) if shelf.has("roundtrip.heard") else None
    return Dub(
        title=title,
        source=params["source"],
        target=params["target"],
        files=_files(shelf, clips if with_clips else (), speakers if with_clips else ()),
        segments=segments,
        speakers=speakers,
        consents=shelf.rows("in.consents", Permission),
        dropped=shelf.rows("clean.dropped", Dropped),
        lost=[str(row["segment"]) for row in shelf.rows("cast.lost", dict)],
        translations=shelf.rows("revise.lines", Translation),
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
        tails={clip.segment: clip.tail for clip in shelf.rows("place.clips", Clip) if clip.tail},
        original_channels=soundfile.info(shelf.path("stems.bed")).channels,
        bed_delivered=stems.clean_bed,
        stem_warnings=stems.warnings,
        refused=params["refused"],
        commercial=params["commercial"],
        glossary=_glossary(shelf),
        references=_references(shelf, segments, params),
        marks=shelf.rows("match.marks", Segment),
        mark_lines=shelf.rows("marks.lines", Translation),
        whole_lines=shelf.rows("translate.lines", Translation),
        script=next(iter(shelf.rows("match.report", ScriptMatch)), None),
        recognised=shelf.rows("recognise.segments", Segment) if shelf.has("recognise.segments") else None,
        heard={row["segment"]: row["text"] for row in heard} if heard is not None else None,
        listener=next((row["engine"] for row in heard or ()), ""),
        stand_ins=[spec.name for spec in TABLE if spec.verb == "recognise" and spec.stand_in],
    )


def _files(shelf: Shelf, clips: Sequence[Clip], speakers: Sequence[Speaker]) -> Files:
    source, film, original, bed, programme, dialogue = (shelf.path(name) for name in FILES)
    subtitles = {name.partition(".")[2]: shelf.path(name) for name in (*SUBTITLES, *MORE_SUBTITLES) if shelf.has(name)}
    lines = {clip.segment: shelf.fetch(clip.sound) for clip in clips if clip.sound}
    voices = {speaker.id: shelf.fetch(speaker.reference) for speaker in speakers if speaker.reference}
    return Files(source, film, original, bed, programme, dialogue, subtitles, lines, voices)


def _glossary(shelf: Shelf) -> Glossary | None:
    return read_glossary(shelf.path("in.glossary")) if shelf.has("in.glossary") else None


def _references(shelf: Shelf, segments: Sequence[Segment], params: Mapping[str, Any]) -> dict[str, str]:
    """Return segment -> the human translation of its text, where one was delivered."""
    if not shelf.has("in.references"):
        return {}
    references = read_memory(shelf.path("in.references"))
    found = {segment.id: references.find(segment.text, params["source"], params["target"]) for segment in segments}
    return {name: text for name, text in found.items() if text}
