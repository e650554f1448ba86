"""Verification: the dub heard by a recogniser, and everything measured that a policy may ask for. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.gather import IF_THERE, NEEDED, Shelf, gather
from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, param, param_of, plain
from nightdub.flows.chain.programme import RATE, heard_in_shot, lines_by_shot
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.instruments import Instruments
from nightdub.quality.measure import Findings, line_sound, measure_dub, measure_programme, speakers_of
from nightdub.quality.metrics.shot_score import ShotScore, score_shot
from nightdub.quality.metrics.speech import LineScore, score_line
from nightdub.tasks.protocols import Heard
from nightdub.tasks.rows import Clip, FaceTrack, MediaFacts, Segment, ShotClip, Speaker, Translation, write_rows
from nightdub.tasks.sound import read_mono

SCORES = ("listen.lines", "watch.shots")


def _split_roundtrip(inputs: Inputs) -> list[Item]:
    return [
        Item(clip.segment, blobs={"sound": clip.sound}, cost=0.4 * clip.duration)
        for clip in inputs.rows("stretch.clips", Clip)
        if clip.sound
    ]


def _roundtrip(items: Sequence[Item], bench: Bench) -> list[Done]:
    clips = [read_mono(bench.file(item.blobs["sound"])) for item in items]
    return [Done(row=plain(heard)) for heard in bench.engine.recognise(clips, bench.params["target"])]


def _join_roundtrip(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    heard = [
        {"segment": result.id, "text": row.text, "engine": result.engine}
        for result, row in zip(results, made_rows(results, Heard), strict=True)
        if row
    ]
    return {"heard": write_rows(folder / "heard.jsonl", heard)}


def _split_listen(inputs: Inputs) -> list[Item]:
    """One item for each spoken line, with what it is compared with; the original's line by its time."""
    spans, speakers = {line.id: line for line in inputs.rows("speakers.segments", Segment)}, inputs.rows("speakers.speakers", Speaker)
    texts, voices = {line.segment: line.text for line in inputs.rows("translate.lines", Translation)}, speakers_of(speakers)
    original = inputs.digest("stems.dialogue")
    return [
        Item(
            clip.segment,
            {"line": plain(Segment("", line.start, line.end, line.text)), "text": texts[clip.segment], "speaker": voices.get(line.id, "")},
            {"sound": clip.sound, "original": original},
            cost=0.15 * clip.duration,
        )
        for clip in inputs.rows("stretch.clips", Clip)
        if clip.sound and (line := spans[clip.segment])
    ]


def _listen(item: Item, bench: Bench) -> Done:
    clip, original = bench.file(item.blobs["sound"]), bench.file(item.blobs["original"])
    line, said = param_of(item, "line", Segment), item.payload
    sound = line_sound(item.id, clip, original, line, said["text"], bench.params["target"], said["speaker"])
    predictors = param(bench, "instruments", Instruments).predictors(commercial=bench.params["commercial"])
    return Done(row=plain(replace(score_line(sound, predictors), segment="")))


def _join_listen(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = zip(results, made_rows(results, LineScore), strict=True)
    return {"lines": write_rows(folder / "lines.jsonl", [replace(row, segment=result.id) for result, row in rows if row])}


def _split_watch(inputs: Inputs) -> list[Item]:
    """One item for each shot: the frames that were encoded for it, beside the original's; what is heard in it as for the lips."""
    tracks, source = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}, inputs.digest("in.source")
    rate, lines = Fraction(inputs.rows("probe.facts", MediaFacts)[0].frame_rate), lines_by_shot(inputs)
    return [
        Item(
            clip.shot,
            {"clip": plain(clip), "track": plain(tracks[clip.shot]), "rate": str(rate), "lines": lines[clip.shot]},
            {"source": source, "picture": clip.picture},
            cost=0.015 * (clip.last - clip.first),
        )
        for clip in inputs.rows("lips.clips", ShotClip)
    ]


def _watch(item: Item, bench: Bench) -> Done:
    clip, rate = param_of(item, "clip", ShotClip), Fraction(item.payload["rate"])
    speech, _ = heard_in_shot(item, bench, float((clip.last - clip.first) / rate))
    films = bench.file(item.blobs["source"]), bench.file(item.blobs["picture"])
    return Done(row=plain(score_shot(*films, clip, param_of(item, "track", FaceTrack), speech, RATE, rate, dub_first=0)))


def _join_watch(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = zip(results, made_rows(results, ShotScore), strict=True)
    lost = [row or ShotScore(result.id, 0, unread=cause_of(result)) for result, row in rows]
    return {"shots": write_rows(folder / "shots.jsonl", lost)}


def _split_measure(inputs: Inputs) -> list[Item]:
    names = [name for name in (*NEEDED, *SCORES, *IF_THERE) if inputs.has(name)]
    return [Item("whole", blobs={name: inputs.digest(name) for name in names}, cost=2)]


def _measure(items: Sequence[Item], bench: Bench) -> list[Done]:
    shelf = Shelf(items[0].blobs, bench.file)
    dub = gather("", shelf, bench.params)
    findings = Findings(shelf.rows("listen.lines", LineScore), shelf.rows("watch.shots", ShotScore), measure_programme(dub))
    inputs = {name: shelf.digests[name] for name in ("in.source", "package.film")}
    rows = [replace(row, inputs=inputs) for row in measure_dub(dub, findings)]
    return [Done({"measurements": write_rows(bench.new("measurements.jsonl"), rows)})]


VERIFICATION: tuple[Step, ...] = (
    Step(
        "roundtrip",
        1,
        "language",
        ("stretch.clips",),
        _split_roundtrip,
        _roundtrip,
        _join_roundtrip,
        "recognise",
        ("target",),
        tolerates_loss=True,
        optional=True,
    ),
    Step(
        "listen",
        1,
        "language",
        ("stretch.clips", "speakers.segments", "speakers.speakers", "translate.lines", "stems.dialogue"),
        _split_listen,
        one_by_one(_listen),
        _join_listen,
        params=("target", "commercial", "instruments"),
        tolerates_loss=True,
    ),
    Step(
        "watch",
        2,
        "language",
        ("lips.clips", "shots.shots", "faces.tracks", "fit.placements", "stretch.clips", "in.source", "probe.facts"),
        _split_watch,
        one_by_one(_watch),
        _join_watch,
        tolerates_loss=True,
    ),
    Step(
        "measure",
        4,
        "language",
        (*NEEDED, *SCORES, *(f"{name}?" for name in IF_THERE)),
        _split_measure,
        _measure,
        params=("source", "target", "subtitles", "refused", "commercial", "instruments"),
    ),
)
