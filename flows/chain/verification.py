"""Verification: the dub heard by a recogniser, and everything measured that a policy may ask for. Once for each target language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.gather import IF_THERE, NEEDED, Shelf, gather
from nightdub.flows.chain.lips import RATE, heard_in_shot, lines_by_shot
from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, param, param_of, plain
from nightdub.infra.build import Inputs, Step
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.instruments import Instruments
from nightdub.quality.measure import Findings, line_sound, measure_dub, measure_programme, speakers_of
from nightdub.quality.metrics.shot_score import ShotScore, score_frames
from nightdub.quality.metrics.speech import LineScore, score_line
from nightdub.tasks.lips import Frame
from nightdub.tasks.picture import parts_of
from nightdub.tasks.protocols import Heard
from nightdub.tasks.rows import Clip, FaceTrack, MediaFacts, PicturePiece, Segment, ShotClip, Speaker, Translation, write_rows
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
    spans, speakers = {line.id: line for line in inputs.rows("cast.segments", Segment)}, inputs.rows("cast.speakers", Speaker)
    texts, voices = {line.segment: line.text for line in inputs.rows("revise.lines", Translation)}, speakers_of(speakers)
    original, own = inputs.digest("stems.dialogue"), {row.id: {"voice": row.reference} for row in speakers if row.reference}
    return [
        Item(
            clip.segment,
            {"line": plain(Segment("", line.start, line.end, line.text)), "text": texts[clip.segment], "speaker": voices.get(line.id, "")},
            {"sound": clip.sound, "original": original, **own.get(voices.get(line.id, ""), {})},
            cost=0.15 * clip.duration,
        )
        for clip in inputs.rows("stretch.clips", Clip)
        if clip.sound and (line := spans[clip.segment])
    ]


def _listen(item: Item, bench: Bench) -> Done:
    clip, original = bench.file(item.blobs["sound"]), bench.file(item.blobs["original"])
    line, said = param_of(item, "line", Segment), item.payload
    voice = bench.file(item.blobs["voice"]) if "voice" in item.blobs else None
    sound = line_sound(item.id, clip, original, line, said["text"], bench.params["target"], said["speaker"], voice)
    predictors = param(bench, "instruments", Instruments).predictors(commercial=bench.params["commercial"])
    return Done(row=plain(replace(score_line(sound, predictors), segment="")))


def _join_listen(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = zip(results, made_rows(results, LineScore), strict=True)
    return {"lines": write_rows(folder / "lines.jsonl", [replace(row, segment=result.id) for result, row in rows if row])}


def _split_watch(inputs: Inputs) -> list[Item]:
    """One item for each shot that is not the source's own packets throughout: its frames beside the original's, and what is heard in it."""
    tracks = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}
    rate, lines = str(Fraction(inputs.rows("probe.facts", MediaFacts)[0].frame_rate)), lines_by_shot(inputs)
    pieces, items = inputs.rows("bridges.pieces", PicturePiece), []
    for clip in inputs.rows("lips.clips", ShotClip):
        parts = parts_of(clip, pieces)
        blobs = {"source": inputs.digest("in.source"), **{f"piece.{part.first}": part.picture for part in parts if part.picture}}
        payload = {"clip": plain(clip), "track": plain(tracks[clip.shot]), "rate": rate, "lines": lines[clip.shot], "parts": plain(parts)}
        if not all(part.kept for part in parts):
            items.append(Item(clip.shot, payload, blobs, cost=0.015 * (clip.last - clip.first)))
    return items


def _watch(item: Item, bench: Bench) -> Done:
    clip, rate = param_of(item, "clip", ShotClip), Fraction(item.payload["rate"])
    speech, _ = heard_in_shot(item, bench, float((clip.last - clip.first) / rate))
    source, face = bench.file(item.blobs["source"]), param_of(item, "track", FaceTrack)
    return Done(row=plain(score_frames(source, _frames(item, bench), clip, face, speech, RATE, rate)))


def _frames(item: Item, bench: Bench) -> Iterator[Frame]:
    """Yield a shot's frames in the film: the source's where its packets were kept, else those that were encoded."""
    for part in param_of(item, "parts", list[PicturePiece]):
        first = part.first if part.kept else part.within
        yield from read_frames(bench.file(part.picture or item.blobs["source"]), first, first + part.last - part.first)


def _join_watch(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = zip(results, made_rows(results, ShotScore), strict=True)
    seen = {result.id: row or ShotScore(result.id, 0, unread=cause_of(result)) for result, row in rows}
    scores = [seen.get(clip.shot) or _same(clip) for clip in inputs.rows("lips.clips", ShotClip)]
    return {"shots": write_rows(folder / "shots.jsonl", scores)}


def _same(clip: ShotClip) -> ShotScore:
    """Return the score of a shot that is the source's own packets: every frame is the same."""
    frames = clip.last - clip.first
    return ShotScore(clip.shot, frames, identical=frames, kept=True)


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
        3,
        "language",
        ("stretch.clips", "cast.segments", "cast.speakers", "revise.lines", "stems.dialogue"),
        _split_listen,
        one_by_one(_listen),
        _join_listen,
        params=("target", "commercial", "instruments"),
        tolerates_loss=True,
    ),
    Step(
        "watch",
        3,
        "language",
        ("lips.clips", "bridges.pieces", "shots.shots", "faces.tracks", "fit.placements", "stretch.clips", "in.source", "probe.facts"),
        _split_watch,
        one_by_one(_watch),
        _join_watch,
        tolerates_loss=True,
    ),
    Step(
        "measure",
        6,
        "language",
        (*NEEDED, *SCORES, *(f"{name}?" for name in IF_THERE)),
        _split_measure,
        _measure,
        params=("source", "target", "subtitles", "refused", "commercial", "instruments"),
    ),
)
