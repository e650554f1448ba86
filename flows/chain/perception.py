"""Perception: from a source file to lines with words, speakers and features, and shots with faces. Once a title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, param, param_of, plain, rows_of, whole
from nightdub.infra.build import Inputs, Step
from nightdub.infra.media.ffmpeg import Groups, encode_sound, read_frames, read_groups
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.acoustics import describe as describe_place
from nightdub.tasks.acoustics import heard_until, with_rooms
from nightdub.tasks.audio import extract, speech_copy
from nightdub.tasks.clean import clean_segments
from nightdub.tasks.faces import Frame, find
from nightdub.tasks.features import describe
from nightdub.tasks.match import follow, match_script, speech_levels
from nightdub.tasks.picture import encode_shot
from nightdub.tasks.probe import probe_source
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.protocols import Heard, Sound
from nightdub.tasks.rows import (
    Acoustics,
    CastMember,
    Dropped,
    FaceTrack,
    Features,
    MediaFacts,
    Segment,
    Shot,
    ShotClip,
    Utterance,
    write_rows,
)
from nightdub.tasks.script import read_script
from nightdub.tasks.shots import detect
from nightdub.tasks.sound import SPEECH_RATE, read_mono, read_sound
from nightdub.tasks.speakers import assign, read_cast
from nightdub.tasks.speaking import SpokenLine, who_speaks
from nightdub.tasks.stems import StemFacts
from nightdub.tasks.stems import split as split_stems
from nightdub.tasks.timecode import rate_of
from nightdub.tasks.utterances import find_utterances
from nightdub.tasks.words import clip_spans, from_recognition, place_words

MATCHED = ("script.lines", "script.marks", "script.dropped", "utterances.utterances", "stems.speech", "probe.facts")
LOOK_EVERY = 10  # frames between two looks for a face: a look costs as much as warping three mouths


def _probe(item: Item, bench: Bench) -> Done:
    facts = probe_source(bench.file(item.blobs["in.source"]), suffix=bench.params["suffix"])
    return Done({"facts": write_rows(bench.new("facts.jsonl"), [facts])})


def _audio(item: Item, bench: Bench) -> Done:
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    return Done({"mix": extract(bench.file(item.blobs["in.source"]), bench.new("mix.wav"), facts)})


def _original(item: Item, bench: Bench) -> Done:
    """Encode the original's sound for the packages of all languages."""
    return Done({"sound": encode_sound(bench.file(item.blobs["audio.mix"]), bench.new("original.m4a"))})


def _stems(item: Item, bench: Bench) -> Done:
    delivered = [bench.file(item.blobs[name]) if name in item.blobs else None for name in ("in.music_and_effects", "in.dialogue")]
    dialogue, bed = bench.new("dialogue.wav"), bench.new("music-and-effects.wav")
    facts = split_stems(bench.file(item.blobs["audio.mix"]), dialogue, bed, delivered[0], bench.engine, delivered[1])
    speech = speech_copy(dialogue, bench.new("speech.wav"))
    return Done({"dialogue": dialogue, "bed": bed, "speech": speech, "facts": write_rows(bench.new("facts.jsonl"), [facts])})


def _utterances(item: Item, bench: Bench) -> Done:
    found = find_utterances(read_mono(bench.file(item.blobs["stems.speech"])), bench.engine)
    return Done({"utterances": write_rows(bench.new("utterances.jsonl"), found)})


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
    clips = [_clip(item, bench, item.payload["start"], item.payload["end"]) for item in items]
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
    clips = [_clip(item, bench, *item.payload["span"]) for item in items]
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
    clip = _clip(item, bench, item.payload["start"], item.payload["end"])
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

    speech = _clip(item, bench, float(shot.first / rate), float(shot.last / rate))
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


def _clip(item: Item, bench: Bench, start: float, end: float) -> Sound:
    return read_mono(bench.file(item.blobs["stems.speech"]), start, end)


def _shot(item: Item) -> Shot:
    return Shot(item.id, item.payload["first"], item.payload["last"])


PERCEPTION: tuple[Step, ...] = (
    Step("probe", 1, "title", ("in.source",), whole("in.source", cost=3), one_by_one(_probe), params=("suffix",)),
    Step("audio", 2, "title", ("in.source", "probe.facts"), whole("in.source", "probe.facts"), one_by_one(_audio)),
    Step("original", 1, "title", ("audio.mix",), whole("audio.mix", cost=2), one_by_one(_original)),
    Step(
        "stems",
        2,
        "title",
        ("audio.mix", "in.music_and_effects?", "in.dialogue?"),
        whole("audio.mix", "in.music_and_effects", "in.dialogue", cost=4),
        one_by_one(_stems),
        verb="separate",
    ),
    Step("utterances", 1, "title", ("stems.speech",), whole("stems.speech"), one_by_one(_utterances), verb="voice_activity"),
    Step(
        "script", 2, "title", ("in.script", "probe.facts"), whole("in.script", "probe.facts", cost=0.1), one_by_one(_script), optional=True
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
