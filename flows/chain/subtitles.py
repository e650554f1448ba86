"""What stands on screen: marks of the script in the target language, and every set of subtitles. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.parts import one_by_one, param, param_of, plain, rows_of, whole
from nightdub.flows.chain.translation import join_lines, people_say
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item
from nightdub.tasks.captions import CaptionSets, make_sets, one_at_a_time, shown_marks, unseen_lines
from nightdub.tasks.formats.files import write_subtitles
from nightdub.tasks.marks import plain_text, translate_marks
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import FaceTrack, MediaFacts, Placement, Segment, Shot, Speaker, Translation, write_rows
from nightdub.tasks.subtitles import Screen, cut_frames, spoken_lines
from nightdub.tasks.translate import Hint, find_hint

_LINES = ("revise.lines", "translate.lines", "fit.placements", "cast.segments", "cast.speakers")
_FILM = ("faces.tracks", "shots.shots", "probe.facts")
_MARKS = ("match.marks", "marks.lines")  # where a script was delivered
_MORE = {  # output -> set of subtitles, and format
    "translated.srt": ("translated", "srt"),
    "translated.vtt": ("translated", "vtt"),
    "translated.ttml": ("translated", "ttml"),
    "forced.srt": ("forced", "srt"),
    "forced.vtt": ("forced", "vtt"),
    "forced.ttml": ("forced", "ttml"),
    "sdh.srt": ("sdh", "srt"),
    "sdh.vtt": ("sdh", "vtt"),
    "sdh.ttml": ("sdh", "ttml"),
}


def _split_marks(inputs: Inputs) -> list[Item]:
    """One item for each text in the picture and each sound, with what people say of it."""
    source, target, said = inputs.params["source"], inputs.params["target"], people_say(inputs)
    return [
        Item(
            mark.id,
            {
                "text": mark.text,
                "kind": mark.kind,
                "hint": plain(find_hint(replace(mark, text=plain_text(mark)), source, target, said)),
            },
            cost=0.3,
        )
        for mark in inputs.rows("match.marks", Segment)
    ]


def _translate(items: Sequence[Item], bench: Bench) -> list[Done]:
    marks = [Segment(item.id, 0.0, 0.0, item.payload["text"], kind=item.payload["kind"]) for item in items]
    hints = [param_of(item, "hint", Hint) for item in items]
    made = translate_marks(marks, hints, bench.params["source"], bench.params["target"], bench.engine)
    return [Done(row=plain(replace(line, segment="")), failed=line.failed) for line in made]


def _subtitles(item: Item, bench: Bench) -> Done:
    """Write every set; one without a cue has no files, but the dub's own always has."""
    sets, target = _sets(item, bench), bench.params["target"]
    files = write_subtitles(sets.dub, target, bench.scratch)
    more = {"translated": sets.translated, "forced": sets.forced, "sdh": sets.sdh}
    written = {name: write_subtitles(cues, target, _folder(bench, name)) for name, cues in more.items() if cues}
    files |= {output: written[name][form] for output, (name, form) in _MORE.items() if name in written}
    flat = write_subtitles(one_at_a_time(sets.dub), target, _folder(bench, "film"))
    return Done(files | {"cues": write_rows(bench.new("cues.jsonl"), sets.dub), "film.srt": flat["srt"]})


def _folder(bench: Bench, name: str) -> Path:
    folder = bench.scratch / name
    folder.mkdir()
    return folder


def _sets(item: Item, bench: Bench) -> CaptionSets:
    facts, shots = rows_of(bench, item, "probe.facts", MediaFacts)[0], rows_of(bench, item, "shots.shots", Shot)
    segments = {row.id: row for row in rows_of(bench, item, "cast.segments", Segment)}
    rate, speakers = Fraction(facts.frame_rate), {name: row.speaker for name, row in segments.items()}
    placed = {place.segment: (place.start, place.end) for place in rows_of(bench, item, "fit.placements", Placement)}
    heard = {name: (row.start, row.end) for name, row in segments.items()}
    dubbed = spoken_lines(rows_of(bench, item, "revise.lines", Translation), placed, speakers)
    whole_lines = spoken_lines(rows_of(bench, item, "translate.lines", Translation), heard, speakers)
    spoken, original = (
        [replace(line, position=segments[line.id].position) for line in lines if line.id in segments] for lines in (dubbed, whole_lines)
    )
    marks = shown_marks(rows_of(bench, item, "match.marks", Segment), rows_of(bench, item, "marks.lines", Translation))
    unseen = unseen_lines(list(segments.values()), shots, rows_of(bench, item, "faces.tracks", FaceTrack), rate)
    figures = param(bench, "subtitles", SubtitleFigures)
    screen = Screen(bench.params["target"], figures, rate, facts.duration, cut_frames(shots, rate))
    return make_sets(spoken, original, marks, rows_of(bench, item, "cast.speakers", Speaker), unseen, screen)


MARKS = Step(
    "marks",
    1,
    "language",
    ("match.marks", "in.memory?", "in.glossary?", "in.approved?", "cast.corrections"),
    _split_marks,
    _translate,
    join_lines,
    "translate",
    ("source", "target", "translation"),
    tolerates_loss=True,
    optional=True,
)
SUBTITLES = Step(
    "subtitles",
    2,
    "language",
    (*_LINES, *_FILM, *(f"{name}?" for name in _MARKS)),
    whole(*_LINES, *_FILM, *_MARKS, cost=0.3),
    one_by_one(_subtitles),
    params=("target", "subtitles"),
)
