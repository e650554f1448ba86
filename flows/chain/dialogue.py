"""Dialogue: lines with their words, how they sound and who says them, from a script or by ear. Once a title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, original_speech, plain, rows_of, whole
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.acoustics import describe as describe_place
from nightdub.tasks.acoustics import heard_until, with_rooms
from nightdub.tasks.clean import clean_segments
from nightdub.tasks.features import describe
from nightdub.tasks.match import follow, match_script, speech_levels
from nightdub.tasks.protocols import Heard
from nightdub.tasks.rows import (
    Acoustics,
    CastMember,
    Dropped,
    Features,
    MediaFacts,
    Segment,
    Utterance,
    write_rows,
)
from nightdub.tasks.script import read_script
from nightdub.tasks.sound import SPEECH_RATE, read_sound
from nightdub.tasks.speakers import assign, read_cast
from nightdub.tasks.stems import StemFacts
from nightdub.tasks.timecode import rate_of
from nightdub.tasks.words import clip_spans, from_recognition, place_words

MATCHED = ("script.lines", "script.marks", "script.dropped", "utterances.utterances", "stems.speech", "probe.facts")


def _script(item: Item, bench: Bench) -> Done:
    """Dialogue goes on as lines; what is read and never spoken, text on screen and sounds, is left as marks for the subtitles."""
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    rate = rate_of(Fraction(facts.frame_rate))
    script = read_script(bench.file(item.blobs["in.script"]), facts.duration, "script", rate, late=True)
    lines, dropped = clean_segments(script.segments)  # before alignment: a "[sighs]" is no word to look for in the sound
    rows = {"lines": lines, "marks": script.marks, "dropped": [*script.dropped, *dropped]}
    return Done({name: write_rows(bench.new(f"{name}.jsonl"), of) for name, of in rows.items()})


def _split_recognise(inputs: Inputs) -> list[Item]:
    return [
        Item(
            row.id, {"start": row.start, "end": row.end}, {"stems.speech": inputs.digest("stems.speech")}, cost=0.4 * (row.end - row.start)
        )
        for row in inputs.rows("utterances.utterances", Utterance)
    ]


def _recognise(items: Sequence[Item], bench: Bench) -> list[Done]:
    clips = [original_speech(item, bench, item.payload["start"], item.payload["end"]) for item in items]
    return [Done(row=plain(heard), failed=heard.failed) for heard in bench.engine.recognise(clips, bench.params["source"])]


def _join_recognise(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    utterances = inputs.rows("utterances.utterances", Utterance)
    heard = [row or Heard("", failed=cause_of(result)) for row, result in zip(made_rows(results, Heard), results, strict=True)]
    engine = next((result.engine for result in results if result.engine), "")
    segments, dropped = from_recognition(utterances, heard, engine)
    return {"segments": write_rows(folder / "segments.jsonl", segments), "dropped": write_rows(folder / "dropped.jsonl", dropped)}


def _match(item: Item, bench: Bench) -> Done:
    """Hold the script against the sound: lines where they are said, the others left out with their reasons, and the report."""
    heard = rows_of(bench, item, "recognise.segments", Segment)
    length = rows_of(bench, item, "probe.facts", MediaFacts)[0].duration
    found = match_script(
        rows_of(bench, item, "script.lines", Segment),
        rows_of(bench, item, "utterances.utterances", Utterance),
        [word for line in heard for word in line.words],
        length,
        levels=speech_levels(bench.file(item.blobs["stems.speech"])),
        listener=next((line.engine for line in heard if line.engine), ""),
    )
    marks, late = follow(rows_of(bench, item, "script.marks", Segment), found.report, length)
    rows = {
        "lines": found.lines,
        "marks": marks,
        "dropped": [*rows_of(bench, item, "script.dropped", Dropped), *found.dropped, *late],
        "report": [found.report],
    }
    return Done({name: write_rows(bench.new(f"{name}.jsonl"), of) for name, of in rows.items()})


def _split_words(inputs: Inputs) -> list[Item]:
    lines = inputs.rows("match.lines", Segment)
    spans = clip_spans(lines, inputs.rows("probe.facts", MediaFacts)[0].duration)
    blobs = {"stems.speech": inputs.digest("stems.speech")}
    return [Item(line.id, {"text": line.text, "span": list(span)}, blobs, cost=0.1) for line, span in zip(lines, spans, strict=True)]


def _words(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Find the script's words in the sound; without an engine for the language nothing is found, and the join says so."""
    if bench.engine is None:
        return [Done() for _ in items]
    clips = [original_speech(item, bench, *item.payload["span"]) for item in items]
    heard = bench.engine.align(clips, [item.payload["text"] for item in items], bench.params["source"])
    return [Done(row=plain(found)) for found in heard]


def _join_words(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    lines = inputs.rows("match.lines", Segment)
    spans = clip_spans(lines, inputs.rows("probe.facts", MediaFacts)[0].duration)
    engine = next((result.engine for result in results if result.engine), "")
    return {
        "segments": write_rows(
            folder / "segments.jsonl", place_words(lines, spans, made_rows(results, Heard), engine, inputs.params["source"])
        )
    }


def _clean(item: Item, bench: Bench) -> Done:
    segments, dropped = clean_segments(rows_of(bench, item, "words.segments", Segment))
    dropped = [*rows_of(bench, item, "match.dropped", Dropped), *dropped]
    return Done({"segments": write_rows(bench.new("segments.jsonl"), segments), "dropped": write_rows(bench.new("dropped.jsonl"), dropped)})


def _split_features(inputs: Inputs) -> list[Item]:
    blobs = {"stems.speech": inputs.digest("stems.speech")}
    return [Item(row.id, {"start": row.start, "end": row.end}, blobs, cost=0.05) for row in inputs.rows("clean.segments", Segment)]


def _features(item: Item, bench: Bench) -> Done:
    clip = original_speech(item, bench, item.payload["start"], item.payload["end"])
    return Done(row=plain(describe(clip, SPEECH_RATE, "")))


def _join_features(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = [replace(row, segment=result.id) for row, result in zip(made_rows(results, Features), results, strict=True) if row]
    return {"rows": write_rows(folder / "features.jsonl", rows)}


def _split_acoustics(inputs: Inputs) -> list[Item]:
    """One item for each line: its time, and up to when nothing but its room is heard after it."""
    lines, blobs = inputs.rows("clean.segments", Segment), {"stems.dialogue": inputs.digest("stems.dialogue")}
    true = inputs.rows("stems.facts", StemFacts)[0].true_dialogue
    spans = [(line.start, line.end) for line in lines]
    return [
        Item(line.id, {"start": line.start, "end": line.end, "until": until, "true": true}, blobs, cost=0.05)
        for line, until in zip(lines, heard_until(spans), strict=True)
    ]


def _acoustics(item: Item, bench: Bench) -> Done:
    sound, rate = read_sound(bench.file(item.blobs["stems.dialogue"]), item.payload["start"], item.payload["until"])
    length = round((item.payload["end"] - item.payload["start"]) * rate)
    return Done(row=plain(describe_place(sound, rate, length, true=item.payload["true"])))


def _join_acoustics(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    spans = [(line.start, line.end) for line in inputs.rows("clean.segments", Segment)]
    found = zip(results, made_rows(results, Acoustics), strict=True)
    rows = with_rooms([replace(row or Acoustics(""), segment=result.id) for result, row in found], spans)
    return {"rows": write_rows(folder / "acoustics.jsonl", rows)}


def _speakers(item: Item, bench: Bench) -> Done:
    cast: list[CastMember] = read_cast(bench.file(item.blobs["in.cast"])) if "in.cast" in item.blobs else []
    segments, speakers = assign(rows_of(bench, item, "clean.segments", Segment), rows_of(bench, item, "features.rows", Features), cast)
    return Done(
        {"segments": write_rows(bench.new("segments.jsonl"), segments), "speakers": write_rows(bench.new("speakers.jsonl"), speakers)}
    )


DIALOGUE: tuple[Step, ...] = (
    Step(
        "script", 3, "title", ("in.script", "probe.facts"), whole("in.script", "probe.facts", cost=0.1), one_by_one(_script), optional=True
    ),
    Step(
        "recognise",
        1,
        "title",
        ("stems.speech", "utterances.utterances"),
        _split_recognise,
        _recognise,
        _join_recognise,
        "recognise",
        ("source",),
        tolerates_loss=True,
        optional=True,
    ),
    Step(
        "match",
        1,
        "title",
        (*MATCHED, "recognise.segments?"),
        whole(*MATCHED, "recognise.segments", cost=3),
        one_by_one(_match),
        optional=True,
    ),
    Step(
        "words",
        2,
        "title",
        ("match.lines", "stems.speech", "probe.facts"),
        _split_words,
        _words,
        _join_words,
        "align",
        ("source",),
        needs_engine=False,
        tolerates_loss=True,
        optional=True,
    ),
    Step(
        "clean",
        1,
        "title",
        ("words.segments|recognise.segments", "match.dropped|recognise.dropped"),
        whole("words.segments", "match.dropped", cost=0.1),
        one_by_one(_clean),
        advice="deliver a script, or name a recogniser for this language in the profile",
    ),
    Step("features", 1, "title", ("clean.segments", "stems.speech"), _split_features, one_by_one(_features), _join_features),
    Step(
        "acoustics",
        1,
        "title",
        ("clean.segments", "stems.dialogue", "stems.facts"),
        _split_acoustics,
        one_by_one(_acoustics),
        _join_acoustics,
        tolerates_loss=True,
    ),
    Step(
        "speakers",
        2,
        "title",
        ("clean.segments", "features.rows", "in.cast?"),
        whole("clean.segments", "features.rows", "in.cast"),
        one_by_one(_speakers),
    ),
)
