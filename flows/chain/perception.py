"""Perception: from a source file to lines with words, speakers and features, and shots with faces. Once a title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, param, plain, rows_of, whole
from nightdub.infra.build import Inputs, Step
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.audio import extract, speech_copy
from nightdub.tasks.clean import clean_segments
from nightdub.tasks.faces import track
from nightdub.tasks.features import describe
from nightdub.tasks.picture import encode_shot
from nightdub.tasks.probe import probe_source
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.protocols import Heard, Sound
from nightdub.tasks.rows import CastMember, Dropped, FaceTrack, Features, MediaFacts, Segment, Shot, ShotClip, Utterance, write_rows
from nightdub.tasks.script import read_script
from nightdub.tasks.shots import detect
from nightdub.tasks.sound import SPEECH_RATE, read_mono
from nightdub.tasks.speakers import assign, read_cast
from nightdub.tasks.stems import split as split_stems
from nightdub.tasks.utterances import find_utterances
from nightdub.tasks.words import clip_spans, from_recognition, place_words

LOOK_EVERY = 10  # frames between two looks for a face: a look costs as much as warping ten mouths


def _probe(item: Item, bench: Bench) -> Done:
    facts = probe_source(bench.file(item.blobs["in.source"]), suffix=bench.params["suffix"])
    return Done({"facts": write_rows(bench.new("facts.jsonl"), [facts])})


def _audio(item: Item, bench: Bench) -> Done:
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    return Done({"mix": extract(bench.file(item.blobs["in.source"]), bench.new("mix.wav"), facts)})


def _stems(item: Item, bench: Bench) -> Done:
    delivered = bench.file(item.blobs["in.music_and_effects"]) if "in.music_and_effects" in item.blobs else None
    dialogue, bed = bench.new("dialogue.wav"), bench.new("music-and-effects.wav")
    facts = split_stems(bench.file(item.blobs["audio.mix"]), dialogue, bed, delivered, bench.engine)
    speech = speech_copy(dialogue, bench.new("speech.wav"))
    return Done({"dialogue": dialogue, "bed": bed, "speech": speech, "facts": write_rows(bench.new("facts.jsonl"), [facts])})


def _utterances(item: Item, bench: Bench) -> Done:
    found = find_utterances(read_mono(bench.file(item.blobs["stems.speech"])), bench.engine)
    return Done({"utterances": write_rows(bench.new("utterances.jsonl"), found)})


def _script(item: Item, bench: Bench) -> Done:
    script = read_script(bench.file(item.blobs["in.script"]), rows_of(bench, item, "probe.facts", MediaFacts)[0].duration, "script")
    lines, dropped = clean_segments(script.segments)  # before alignment: a "[sighs]" is no word to look for in the sound
    dropped = [*script.dropped, *dropped]
    return Done({"lines": write_rows(bench.new("lines.jsonl"), lines), "dropped": write_rows(bench.new("dropped.jsonl"), dropped)})


def _split_recognise(inputs: Inputs) -> list[Item]:
    return [
        Item(
            row.id, {"start": row.start, "end": row.end}, {"stems.speech": inputs.digest("stems.speech")}, cost=0.4 * (row.end - row.start)
        )
        for row in inputs.rows("utterances.utterances", Utterance)
    ]


def _recognise(items: Sequence[Item], bench: Bench) -> list[Done]:
    clips = [_clip(item, bench, item.payload["start"], item.payload["end"]) for item in items]
    return [Done(row=plain(heard), failed=heard.failed) for heard in bench.engine.recognise(clips, bench.params["source"])]


def _join_recognise(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    utterances = inputs.rows("utterances.utterances", Utterance)
    heard = [row or Heard("", failed=cause_of(result)) for row, result in zip(made_rows(results, Heard), results, strict=True)]
    engine = next((result.engine for result in results if result.engine), "")
    segments, dropped = from_recognition(utterances, heard, engine)
    return {"segments": write_rows(folder / "segments.jsonl", segments), "dropped": write_rows(folder / "dropped.jsonl", dropped)}


def _split_words(inputs: Inputs) -> list[Item]:
    lines = inputs.rows("script.lines", Segment)
    spans = clip_spans(lines, inputs.rows("probe.facts", MediaFacts)[0].duration)
    blobs = {"stems.speech": inputs.digest("stems.speech")}
    return [Item(line.id, {"text": line.text, "span": list(span)}, blobs, cost=0.1) for line, span in zip(lines, spans, strict=True)]


def _words(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Find the script's words in the sound; without an engine for the language nothing is found, and the join says so."""
    if bench.engine is None:
        return [Done() for _ in items]
    clips = [_clip(item, bench, *item.payload["span"]) for item in items]
    heard = bench.engine.align(clips, [item.payload["text"] for item in items], bench.params["source"])
    return [Done(row=plain(found)) for found in heard]


def _join_words(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    lines = inputs.rows("script.lines", Segment)
    spans = clip_spans(lines, inputs.rows("probe.facts", MediaFacts)[0].duration)
    engine = next((result.engine for result in results if result.engine), "")
    return {
        "segments": write_rows(
            folder / "segments.jsonl", place_words(lines, spans, made_rows(results, Heard), engine, inputs.params["source"])
        )
    }


def _clean(item: Item, bench: Bench) -> Done:
    segments, dropped = clean_segments(rows_of(bench, item, "words.segments", Segment))
    dropped = [*rows_of(bench, item, "script.dropped", Dropped), *dropped]
    return Done({"segments": write_rows(bench.new("segments.jsonl"), segments), "dropped": write_rows(bench.new("dropped.jsonl"), dropped)})


def _split_features(inputs: Inputs) -> list[Item]:
    blobs = {"stems.speech": inputs.digest("stems.speech")}
    return [Item(row.id, {"start": row.start, "end": row.end}, blobs, cost=0.05) for row in inputs.rows("clean.segments", Segment)]


def _features(item: Item, bench: Bench) -> Done:
    clip = _clip(item, bench, item.payload["start"], item.payload["end"])
    return Done(row=plain(describe(clip, SPEECH_RATE, "")))


def _join_features(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = [replace(row, segment=result.id) for row, result in zip(made_rows(results, Features), results, strict=True) if row]
    return {"rows": write_rows(folder / "features.jsonl", rows)}


def _speakers(item: Item, bench: Bench) -> Done:
    cast: list[CastMember] = read_cast(bench.file(item.blobs["in.cast"])) if "in.cast" in item.blobs else []
    segments, speakers = assign(rows_of(bench, item, "clean.segments", Segment), rows_of(bench, item, "features.rows", Features), cast)
    return Done(
        {"segments": write_rows(bench.new("segments.jsonl"), segments), "speakers": write_rows(bench.new("speakers.jsonl"), speakers)}
    )


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


def _faces(item: Item, bench: Bench) -> Done:
    shot = _shot(item)
    frames = read_frames(bench.file(item.blobs["in.source"]), shot.first, shot.last)
    return Done(row=plain(track(frames, shot, bench.engine, param(bench, "picture", PictureFigures).smallest_face, every=LOOK_EVERY)))


def _join_faces(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    tracks = [
        row or FaceTrack(result.id, skipped="not-looked-at") for row, result in zip(made_rows(results, FaceTrack), results, strict=True)
    ]
    return {
        "tracks": write_rows(folder / "tracks.jsonl", [replace(row, shot=result.id) for row, result in zip(tracks, results, strict=True)])
    }


def _picture(item: Item, bench: Bench) -> Done:
    out = bench.new("shot.mp4")
    clip = encode_shot(bench.file(item.blobs["in.source"]), _shot(item), param(bench, "picture", PictureFigures), out)
    return Done({"picture": out}, plain(clip))


def _join_picture(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"clips": write_rows(folder / "clips.jsonl", [shot_clip(result) for result in results])}


def shot_clip(result: Result) -> ShotClip:
    """Return a picture manifest's row from an item's result."""
    row = made_rows([result], ShotClip)[0] or ShotClip(result.id, 0, 0)
    return replace(row, shot=result.id, picture=result.files.get("picture", ""), key=result.key, failed=cause_of(result))


def _clip(item: Item, bench: Bench, start: float, end: float) -> Sound:
    return read_mono(bench.file(item.blobs["stems.speech"]), start, end)


def _shot(item: Item) -> Shot:
    return Shot(item.id, item.payload["first"], item.payload["last"])


PERCEPTION: tuple[Step, ...] = (
    Step("probe", 1, "title", ("in.source",), whole("in.source", cost=3), one_by_one(_probe), params=("suffix",)),
    Step("audio", 1, "title", ("in.source", "probe.facts"), whole("in.source", "probe.facts"), one_by_one(_audio)),
    Step(
        "stems",
        1,
        "title",
        ("audio.mix", "in.music_and_effects?"),
        whole("audio.mix", "in.music_and_effects", cost=4),
        one_by_one(_stems),
        verb="separate",
    ),
    Step("utterances", 1, "title", ("stems.speech",), whole("stems.speech"), one_by_one(_utterances), verb="voice_activity"),
    Step(
        "script", 1, "title", ("in.script", "probe.facts"), whole("in.script", "probe.facts", cost=0.1), one_by_one(_script), optional=True
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
        "words",
        1,
        "title",
        ("script.lines", "stems.speech", "probe.facts"),
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
        ("words.segments|recognise.segments", "script.dropped|recognise.dropped"),
        whole("words.segments", "script.dropped", cost=0.1),
        one_by_one(_clean),
        advice="deliver a script, or name a recogniser for this language in the profile",
    ),
    Step("features", 1, "title", ("clean.segments", "stems.speech"), _split_features, one_by_one(_features), _join_features),
    Step(
        "speakers",
        1,
        "title",
        ("clean.segments", "features.rows", "in.cast?"),
        whole("clean.segments", "features.rows", "in.cast"),
        one_by_one(_speakers),
    ),
    Step("shots", 1, "title", ("in.source", "probe.facts"), whole("in.source", "probe.facts", cost=3), one_by_one(_shots)),
    Step(
        "faces",
        1,
        "title",
        ("shots.shots", "in.source"),
        _split_shots,
        one_by_one(_faces),
        _join_faces,
        "faces",
        ("picture",),
        tolerates_loss=True,
    ),
    Step("picture", 1, "title", ("shots.shots", "in.source"), _split_shots, one_by_one(_picture), _join_picture, params=("picture",)),
)
