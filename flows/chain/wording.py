"""Wording and timing: what is said of each line, and where it lies; the whole title at once. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import msgspec

from nightdub.flows.chain.parts import one_by_one, param, rows_of, whole
from nightdub.infra.build import Step
from nightdub.infra.ledger import Correction
from nightdub.infra.work import Bench, Done, Item
from nightdub.tasks.glossary import NO_GLOSSARY, read_glossary
from nightdub.tasks.pauses import match_pauses
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Clip, MediaFacts, Placement, Segment, Shot, Translation, Utterance, write_rows
from nightdub.tasks.surroundings import Surroundings, surroundings
from nightdub.tasks.timing import plan
from nightdub.tasks.wording import choose_wordings, reconsider

_AROUND = ("cast.segments", "shots.shots", "utterances.utterances", "probe.facts")
_SAID = (*_AROUND, "in.glossary", "cast.corrections")


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the plan of a title-language is made with, beside the lines themselves."""

    segments: Sequence[Segment]
    around: Surroundings
    locked: dict[str, Correction]  # segment -> the line as a person left it

    @property
    def pinned(self) -> dict[str, Placement]:
        return {
            name: replace(msgspec.convert(row.pinned["place"], Placement, strict=False), segment=name) for name, row in self.locked.items()
        }

    def as_locked(self, lines: Sequence[Translation]) -> list[Translation]:
        """Return the lines, those that a person has locked as they were."""
        kept = {
            name: replace(msgspec.convert(row.pinned["line"], Translation, strict=False), segment=name) for name, row in self.locked.items()
        }
        return [kept.get(line.segment, line) for line in lines]


def _scene(item: Item, bench: Bench) -> _Scene:
    facts, segments = rows_of(bench, item, "probe.facts", MediaFacts)[0], rows_of(bench, item, "cast.segments", Segment)
    shots, utterances = rows_of(bench, item, "shots.shots", Shot), rows_of(bench, item, "utterances.utterances", Utterance)
    around = surroundings(facts.duration, shots, Fraction(facts.frame_rate), utterances, segments)
    settled = rows_of(bench, item, "cast.corrections", Correction)
    return _Scene(segments, around, {row.segment: row for row in settled if row.locked and row.pinned})


def _terms(item: Item, bench: Bench, segments: Sequence[Segment]) -> dict[str, list[str]]:
    """Return segment -> the terms that its translation has to keep."""
    glossary = read_glossary(bench.file(item.blobs["in.glossary"])) if "in.glossary" in item.blobs else NO_GLOSSARY
    source, target = bench.params["source"], bench.params["target"]
    return {line.id: [place.term.target for place in glossary.find(line.text, source, target)] for line in segments}


def _wording(item: Item, bench: Bench) -> Done:
    scene, figures = _scene(item, bench), param(bench, "fit", FitFigures)
    lines = scene.as_locked(rows_of(bench, item, "translate.lines", Translation))
    terms = _terms(item, bench, scene.segments)
    made = choose_wordings(scene.segments, lines, bench.params["target"], figures, scene.around, terms, scene.pinned)
    return Done({"lines": write_rows(bench.new("lines.jsonl"), scene.as_locked(made))})


def _reconsider(item: Item, bench: Bench) -> Done:
    scene, figures = _scene(item, bench), param(bench, "fit", FitFigures)
    lines, clips = rows_of(bench, item, "wording.lines", Translation), rows_of(bench, item, "speak.clips", Clip)
    terms = _terms(item, bench, scene.segments)
    made = reconsider(scene.segments, lines, clips, bench.params["target"], figures, scene.around, terms, scene.pinned)
    return Done({"lines": write_rows(bench.new("lines.jsonl"), made)})


def _fit(item: Item, bench: Bench) -> Done:
    scene = _scene(item, bench)
    clips = {clip.segment: clip for clip in rows_of(bench, item, "convert.clips", Clip) if clip.sound}
    pauses = {line.id: match_pauses(line, clip.pauses, clip.duration) for line in scene.segments if (clip := clips.get(line.id))}
    durations = {name: clip.duration for name, clip in clips.items()}
    made = plan(scene.segments, durations, param(bench, "fit", FitFigures), scene.around, pauses=pauses, pinned=scene.pinned)
    made = [_as_pinned(place, scene.pinned[place.segment]) if place.segment in scene.pinned else place for place in made]
    return Done({"placements": write_rows(bench.new("placements.jsonl"), made)})


def _as_pinned(place: Placement, pinned: Placement) -> Placement:
    """Return a locked line's place with what was bent and held when it was locked; its slot may be another now."""
    return replace(place, stretch=pinned.stretch, cut=pinned.cut, pauses=pinned.pauses, held=pinned.held)


WORDING = Step(
    "wording",
    1,
    "language",
    ("translate.lines", *_AROUND, "in.glossary?", "cast.corrections"),
    whole("translate.lines", *_SAID, cost=2),
    one_by_one(_wording),
    params=("source", "target", "fit"),
)
RECONSIDER = Step(
    "reconsider",
    1,
    "language",
    ("wording.lines", "speak.clips", *_AROUND, "in.glossary?", "cast.corrections"),
    whole("wording.lines", "speak.clips", *_SAID, cost=2),
    one_by_one(_reconsider),
    params=("source", "target", "fit"),
)
FIT = Step(
    "fit",
    2,
    "language",
    ("convert.clips", *_AROUND, "cast.corrections"),
    whole("convert.clips", *_AROUND, "cast.corrections", cost=1),
    one_by_one(_fit),
    params=("fit",),
)
