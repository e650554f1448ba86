"""The programme: mix, lips, subtitles and the packed film. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from nightdub.flows.chain.parts import one_by_one, param, param_of, plain, rows_of, whole
from nightdub.flows.chain.perception import shot_clip
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.audio import programme_samples
from nightdub.tasks.mix import mix_programme
from nightdub.tasks.mouth import animate_shot
from nightdub.tasks.package import package
from nightdub.tasks.profile import PictureFigures, SoundFigures, SubtitleFigures
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import (
    Clip,
    Cue,
    FaceTrack,
    Features,
    MediaFacts,
    Placement,
    Segment,
    Shot,
    ShotClip,
    SpokenSound,
    Translation,
    write_rows,
)
from nightdub.tasks.sound import read_mono
from nightdub.tasks.stems import StemFacts
from nightdub.tasks.subtitle_files import write_subtitles
from nightdub.tasks.subtitles import make_cues

RATE = 48_000  # Hz of the programme


def _split_mix(inputs: Inputs) -> list[Item]:
    names = ("fit.placements", "stretch.clips", "stems.bed", "stems.facts", "features.rows", "probe.facts")
    lines = {f"line.{clip.segment}": clip.sound for clip in inputs.rows("stretch.clips", Clip) if clip.sound}
    return [Item("whole", blobs={name: inputs.digest(name) for name in names} | lines, cost=3)]


def _mix(item: Item, bench: Bench) -> Done:
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    placements = rows_of(bench, item, "fit.placements", Placement)
    clips = {clip.segment: clip for clip in rows_of(bench, item, "stretch.clips", Clip) if clip.sound}
    levels = {row.segment: row.level for row in rows_of(bench, item, "features.rows", Features) if row.level < 0}
    stems = rows_of(bench, item, "stems.facts", StemFacts)[0]
    programme, dialogue = bench.new("programme.wav"), bench.new("dialogue.wav")
    mixed = mix_programme(
        [place for place in placements if place.segment in clips and place.end > place.start],
        {name: bench.file(clip.sound) for name, clip in clips.items()},
        bench.file(item.blobs["stems.bed"]),
        programme,
        dialogue,
        figures=param(bench, "sound", SoundFigures),
        clean_bed=stems.method == "delivered",
        segment_levels=levels,
        total_samples=programme_samples(facts),
    )
    return Done({"programme": programme, "dialogue": dialogue, "facts": write_rows(bench.new("facts.jsonl"), [mixed])})


def _split_lips(inputs: Inputs) -> list[Item]:
    """One item for each shot in which somebody is seen while a line is heard."""
    rate, heard = inputs.rows("probe.facts", MediaFacts)[0].frame_rate, lines_by_shot(inputs)
    tracks = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}
    return [
        _lips_item(shot, tracks[shot.id], heard[shot.id], rate, inputs.digest("in.source"))
        for shot in inputs.rows("shots.shots", Shot)
        if heard[shot.id] and not tracks[shot.id].skipped
    ]


def _lips_item(shot: Shot, track: FaceTrack, lines: list[dict[str, Any]], rate: str, source: str) -> Item:
    """Describe a shot by itself: boxes and lines counted from its first frame, so that only what is heard in it changes its key."""
    payload = {"first": shot.first, "last": shot.last, "rate": rate, "track": plain(replace(track, shot="")), "lines": lines}
    return Item(shot.id, payload, {"in.source": source}, cost=0.03 * (shot.last - shot.first))


def lines_by_shot(inputs: Inputs) -> dict[str, list[dict[str, Any]]]:
    """Return shot -> what is heard in it: start from the shot's first frame, digest of the sound, and phonemes of each dubbed line."""
    rate = Fraction(inputs.rows("probe.facts", MediaFacts)[0].frame_rate)
    clips = {clip.segment: clip for clip in inputs.rows("stretch.clips", Clip) if clip.sound}
    places = [place for place in inputs.rows("fit.placements", Placement) if place.segment in clips]
    found = {}
    for shot in inputs.rows("shots.shots", Shot):
        start, end = float(shot.first / rate), float(shot.last / rate)
        found[shot.id] = [
            {"start": round(place.start - start, 6), "sound": clips[place.segment].sound, "sounds": plain(clips[place.segment].sounds)}
            for place in places
            if place.start < end and place.end > start
        ]
    return found


def _lips(item: Item, bench: Bench) -> Done:
    shot, rate = Shot(item.id, item.payload["first"], item.payload["last"]), Fraction(item.payload["rate"])
    speech, sounds = heard_in_shot(item, bench, float((shot.last - shot.first) / rate))
    out = bench.new("shot.mp4")
    made = animate_shot(
        bench.file(item.blobs["in.source"]),
        shot,
        replace(param_of(item, "track", FaceTrack), shot=shot.id),
        speech,
        RATE,
        sounds=sounds,
        engine=bench.engine,
        out=out,
        figures=param(bench, "picture", PictureFigures),
        frame_rate=f"{rate.numerator}/{rate.denominator}",
    )
    return Done({}, plain(made), skipped=made.skipped) if made.skipped else Done({"picture": out}, plain(made))


def heard_in_shot(item: Item, bench: Bench, length: float) -> tuple[Sound, list[SpokenSound]]:
    """Return the dubbed speech under a shot, 48 kHz from its first frame, and its phonemes in the shot's time."""
    track, sounds = np.zeros(round(length * RATE), np.float32), []
    for line in item.payload["lines"]:
        clip, first = read_mono(bench.file(line["sound"]), rate=RATE), round(line["start"] * RATE)
        begin, end = max(first, 0), min(first + len(clip), len(track))
        track[begin:end] += clip[begin - first : end - first]
        phonemes = msgspec.convert(line["sounds"], list[SpokenSound], strict=False)
        sounds += [replace(sound, start=sound.start + line["start"], end=sound.end + line["start"]) for sound in phonemes]
    return track, sorted((sound for sound in sounds if sound.end > 0 and sound.start < length), key=lambda sound: sound.start)


def _join_lips(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Every shot of the film: redrawn where it could be, as it was filmed elsewhere, with the reason."""
    redrawn = {result.id: result for result in results}
    tracks = {row.shot: row for row in inputs.rows("faces.tracks", FaceTrack)}
    rows = [_shot_of_dub(clip, redrawn.get(clip.shot), tracks[clip.shot]) for clip in inputs.rows("picture.clips", ShotClip)]
    return {"clips": write_rows(folder / "clips.jsonl", rows)}


def _shot_of_dub(original: ShotClip, redrawn: Result | None, track: FaceTrack) -> ShotClip:
    if redrawn is None:
        return replace(original, skipped=track.skipped or "no-speech")
    row = shot_clip(redrawn)
    return row if row.picture else replace(original, skipped=row.skipped, failed=row.failed)


def _subtitles(item: Item, bench: Bench) -> Done:
    facts = rows_of(bench, item, "probe.facts", MediaFacts)[0]
    speakers = {row.id: row.speaker for row in rows_of(bench, item, "speakers.segments", Segment)}
    target, figures = bench.params["target"], param(bench, "subtitles", SubtitleFigures)
    lines, places = rows_of(bench, item, "translate.lines", Translation), rows_of(bench, item, "fit.placements", Placement)
    cues: list[Cue] = make_cues(lines, places, target, figures, Fraction(facts.frame_rate), duration=facts.duration, speakers=speakers)
    return Done(write_subtitles(cues, target, bench.scratch) | {"cues": write_rows(bench.new("cues.jsonl"), cues)})


def _split_package(inputs: Inputs) -> list[Item]:
    names = ("lips.clips", "mix.programme", "audio.mix", "subtitles.srt", "probe.facts")
    shots = {f"shot.{clip.shot}": clip.picture for clip in inputs.rows("lips.clips", ShotClip)}
    return [Item("whole", blobs={name: inputs.digest(name) for name in names} | shots, cost=4)]


def _package(item: Item, bench: Bench) -> Done:
    shots = [bench.file(clip.picture) for clip in rows_of(bench, item, "lips.clips", ShotClip)]
    source, target = bench.params["source"], bench.params["target"]
    film = bench.new("film.mp4")
    subtitles = bench.new("subtitles.srt")
    subtitles.symlink_to(bench.file(item.blobs["subtitles.srt"]))
    facts = package(
        shots,
        bench.file(item.blobs["mix.programme"]),
        bench.file(item.blobs["audio.mix"]),
        {target: subtitles},
        languages=(source, target),
        source=rows_of(bench, item, "probe.facts", MediaFacts)[0],
        out=film,
    )
    return Done({"film": film, "facts": write_rows(bench.new("facts.jsonl"), [facts])})


PROGRAMME: tuple[Step, ...] = (
    Step(
        "mix",
        1,
        "language",
        ("fit.placements", "stretch.clips", "stems.bed", "stems.facts", "features.rows", "probe.facts"),
        _split_mix,
        one_by_one(_mix),
        params=("sound",),
    ),
    Step(
        "lips",
        1,
        "language",
        ("shots.shots", "faces.tracks", "picture.clips", "fit.placements", "stretch.clips", "in.source", "probe.facts"),
        _split_lips,
        one_by_one(_lips),
        _join_lips,
        "lips",
        ("picture",),
        tolerates_loss=True,
    ),
    Step(
        "subtitles",
        1,
        "language",
        ("translate.lines", "fit.placements", "speakers.segments", "probe.facts"),
        whole("translate.lines", "fit.placements", "speakers.segments", "probe.facts", cost=0.2),
        one_by_one(_subtitles),
        params=("target", "subtitles"),
    ),
    Step(
        "package",
        1,
        "language",
        ("lips.clips", "mix.programme", "audio.mix", "subtitles.srt", "probe.facts"),
        _split_package,
        one_by_one(_package),
        params=("source", "target"),
    ),
)
