"""Verification: the dub heard by a recogniser, and everything measured that a policy may ask for. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from nightdub.flows.chain.parts import made_rows, param, plain, rows_of
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.measure import Dub, measure_dub
from nightdub.quality.metrics.leakage import RATE, LeakClip, leakage
from nightdub.tasks.engines import TABLE
from nightdub.tasks.memory import read_memory
from nightdub.tasks.mix import MixFacts
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.protocols import Heard, Sound
from nightdub.tasks.rows import Clip, Cue, Dropped, Measurement, MediaFacts, Placement, Segment, ShotClip, Translation, write_rows
from nightdub.tasks.sound import read_mono
from nightdub.tasks.stems import StemFacts

MEASURED = (
    "speakers.segments",
    "clean.dropped",
    "translate.lines",
    "stretch.clips",
    "fit.placements",
    "subtitles.cues",
    "mix.facts",
    "package.facts",
    "probe.facts",
    "mix.programme",
    "mix.dialogue",
    "stems.dialogue",
    "stems.facts",
    "lips.clips",
    "stems.bed",
)
IF_THERE = ("recognise.segments", "roundtrip.heard", "in.references")


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


def _split_measure(inputs: Inputs) -> list[Item]:
    names = [name for name in MEASURED + IF_THERE if inputs.has(name)]
    return [Item("whole", blobs={name: inputs.digest(name) for name in names}, cost=2)]


def _measure(items: Sequence[Item], bench: Bench) -> list[Done]:
    rows = measure_dub(_dub(items[0], bench))
    return [Done({"measurements": write_rows(bench.new("measurements.jsonl"), rows)})]


def _dub(item: Item, bench: Bench) -> Dub:
    """Gather what is measured from the rows and sounds that the steps left."""
    mixed = rows_of(bench, item, "mix.facts", MixFacts)[0]
    source, film = rows_of(bench, item, "probe.facts", MediaFacts)[0], rows_of(bench, item, "package.facts", MediaFacts)[0]
    segments = rows_of(bench, item, "speakers.segments", Segment)
    heard = rows_of(bench, item, "roundtrip.heard", dict) if "roundtrip.heard" in item.blobs else None
    return Dub(
        source=bench.params["source"],
        target=bench.params["target"],
        segments=segments,
        dropped=rows_of(bench, item, "clean.dropped", Dropped),
        translations=rows_of(bench, item, "translate.lines", Translation),
        clips=rows_of(bench, item, "stretch.clips", Clip),
        placements=rows_of(bench, item, "fit.placements", Placement),
        cues=rows_of(bench, item, "subtitles.cues", Cue),
        frame_rate=Fraction(film.frame_rate),
        frames=film.frames,
        source_frames=source.frames,
        sound_length=film.audio_duration,
        picture_length=film.duration,
        subtitles=param(bench, "subtitles", SubtitleFigures),
        loudness=mixed.loudness,
        true_peak=mixed.true_peak,
        leakage=_leakage(item, bench, segments),
        references=_references(item, bench, segments),
        recognised=rows_of(bench, item, "recognise.segments", Segment) if "recognise.segments" in item.blobs else None,
        heard={row["segment"]: row["text"] for row in heard} if heard is not None else None,
        listener=next((row["engine"] for row in heard or ()), ""),
        stand_ins=[spec.name for spec in TABLE if spec.verb == "recognise" and spec.stand_in],
        shots=rows_of(bench, item, "lips.clips", ShotClip),
        stem_warnings=rows_of(bench, item, "stems.facts", StemFacts)[0].warnings,
        refused=bench.params["refused"],
    )


def _references(item: Item, bench: Bench, segments: Sequence[Segment]) -> dict[str, str]:
    """Return segment -> the human translation of its text, where one was delivered."""
    if "in.references" not in item.blobs:
        return {}
    references = read_memory(bench.file(item.blobs["in.references"]))
    found = {segment.id: references.find(segment.text, bench.params["source"], bench.params["target"]) for segment in segments}
    return {name: text for name, text in found.items() if text}


def _leakage(item: Item, bench: Bench, segments: Sequence[Segment]) -> Measurement:
    """Look for the original's lines in what the programme holds beside the dub: the bed as it was laid."""
    original, programme, dub = (bench.file(item.blobs[name]) for name in ("stems.dialogue", "mix.programme", "mix.dialogue"))
    gain = 10 ** (rows_of(bench, item, "mix.facts", MixFacts)[0].gain / 20)  # of the whole mix: the original never had it
    spans = [(line.id, line.start, line.end) for line in segments if line.end > line.start]
    return leakage(
        LeakClip(name, read_mono(original, start, end, RATE), _beside(programme, dub, start, end) / gain) for name, start, end in spans
    )


def _beside(programme: Path, dub: Path, start: float, end: float) -> Sound:
    """Return what the programme holds beside the dubbed lines."""
    whole, speech = read_mono(programme, start, end, RATE), read_mono(dub, start, end, RATE)
    size = min(len(whole), len(speech))
    return whole[:size] - speech[:size]


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
        "measure",
        1,
        "language",
        (*MEASURED, *(f"{name}?" for name in IF_THERE)),
        _split_measure,
        _measure,
        params=("source", "target", "subtitles", "refused"),
    ),
)
