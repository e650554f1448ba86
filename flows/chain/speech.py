"""Speech: from lines to their sound in another language, laid on the original's time. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, param, param_of, plain, rows_of, whole
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.line_rules import broken_rules
from nightdub.quality.policy import Rule
from nightdub.tasks.glossary import NO_GLOSSARY, read_glossary
from nightdub.tasks.memory import NO_MEMORY, read_memory
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import (
    Clip,
    MediaFacts,
    Placement,
    Segment,
    Speaker,
    Translation,
    write_rows,
)
from nightdub.tasks.sound import SPEECH_RATE, read_mono, read_sound, write_sound
from nightdub.tasks.speak import speak_line
from nightdub.tasks.stretch import scale_sounds, stretch_file
from nightdub.tasks.timing import plan, played_samples
from nightdub.tasks.translate import Hint, find_hint, translate_hinted
from nightdub.tasks.voice import convert_line

RATE = 48_000  # Hz of the programme
REFERENCE = 12.0  # seconds of a voice that are given to an engine that clones


def _split_translate(inputs: Inputs) -> list[Item]:
    """One item a line, with what memory and glossary say of it: an edited table changes only the lines that it speaks of."""
    memory = read_memory(inputs.path("in.memory")) if inputs.has("in.memory") else NO_MEMORY
    glossary = read_glossary(inputs.path("in.glossary")) if inputs.has("in.glossary") else NO_GLOSSARY
    source, target = inputs.params["source"], inputs.params["target"]
    return [
        Item(
            line.id,
            {
                "text": line.text,
                "slot": round(line.end - line.start, 3),
                "hint": plain(find_hint(line.text, source, target, memory, glossary)),
            },
            cost=0.3,
        )
        for line in inputs.rows("speakers.segments", Segment)
    ]


def _translate(items: Sequence[Item], bench: Bench) -> list[Done]:
    lines = [Segment(item.id, 0.0, item.payload["slot"], item.payload["text"]) for item in items]
    hints = [param_of(item, "hint", Hint) for item in items]
    made = translate_hinted(lines, hints, bench.params["source"], bench.params["target"], bench.engine)
    return [Done(row=plain(replace(line, segment="")), failed=line.failed) for line in made]


def _join_translate(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    lines = [
        replace(row or Translation("", "", result.engine, failed=cause_of(result)), segment=result.id)
        for row, result in zip(made_rows(results, Translation), results, strict=True)
    ]
    return {"lines": write_rows(folder / "translations.jsonl", lines)}


def _split_speak(inputs: Inputs) -> list[Item]:
    """One item a line: its text, its time, and the voice it should be near to.

    Only where the cast list names a consent record does a clip of the original voice go with it, for engines that clone.
    """
    speakers, references = _speakers_by_line(inputs), _references(inputs)
    items = []
    for line in inputs.rows("translate.lines", Translation):
        speaker = speakers.get(line.segment)
        payload = {"line": plain(replace(line, segment="", source="", origin="", notes=())), "speaker": plain(_voice(speaker))}
        reference = references.get(speaker.id) if speaker and speaker.consent else None
        blobs = {"reference": inputs.digest("stems.speech")} if reference else {}
        items.append(Item(line.segment, payload | ({"reference": reference} if reference else {}), blobs, cost=0.1))
    return items


def _references(inputs: Inputs) -> dict[str, list[float]]:
    """Return speaker -> start and end of its longest line of up to `REFERENCE` seconds."""
    longest: dict[str, list[float]] = {}
    for line in inputs.rows("speakers.segments", Segment):
        start, end = longest.get(line.speaker, [0.0, 0.0])
        if end - start < line.end - line.start <= REFERENCE:
            longest[line.speaker] = [line.start, line.end]
    return longest


def _speak(item: Item, bench: Bench) -> Done:
    """Speak one line; one that breaks the policy's line rules counts as failed, so that the next engine of the chain is asked."""
    line, speaker = param_of(item, "line", Translation), param_of(item, "speaker", Speaker)
    reference = read_mono(bench.file(item.blobs["reference"]), *item.payload["reference"]) if "reference" in item.blobs else None
    figures, target = param(bench, "fit", FitFigures), bench.params["target"]
    made = speak_line(line, target, figures, bench.engine, speaker=speaker, reference=reference, reference_rate=SPEECH_RATE)
    if made.spoken.failed:
        return Done(failed=made.spoken.failed)
    rules = param(bench, "line_rules", tuple[Rule, ...])
    if broken := broken_rules(made.spoken.sound, made.spoken.sample_rate, line.estimate / made.rate, rules):
        return Done(failed="; ".join(broken))
    sound = write_sound(bench.new("line.wav"), made.spoken.sound, made.spoken.sample_rate)
    return Done({"sound": sound}, plain(Clip("", duration=made.duration, rate=made.rate, sounds=made.spoken.sounds)))


def _split_convert(inputs: Inputs) -> list[Item]:
    speakers = _speakers_by_line(inputs)
    return [
        Item(
            clip.segment,
            {"speaker": plain(_voice(speakers.get(clip.segment))), "clip": plain(_bare(clip))},
            {"sound": clip.sound},
            cost=0.6 * clip.duration,
        )
        for clip in inputs.rows("speak.clips", Clip)
        if clip.sound
    ]


def _convert(item: Item, bench: Bench) -> Done:
    samples, rate = read_sound(bench.file(item.blobs["sound"]))
    made = convert_line(samples, rate, param_of(item, "speaker", Speaker), bench.engine)
    if made.failed:
        return Done(failed=made.failed)
    return Done({"sound": write_sound(bench.new("line.wav"), made.sound, rate)}, item.payload["clip"])


def _join_speak(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"clips": write_rows(folder / "clips.jsonl", [_clip_row(result) for result in results])}


def _join_convert(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"clips": write_rows(folder / "clips.jsonl", _joined_clips(inputs.rows("speak.clips", Clip), results))}


def _fit(item: Item, bench: Bench) -> Done:
    durations = {clip.segment: clip.duration for clip in rows_of(bench, item, "convert.clips", Clip) if clip.sound}
    length = rows_of(bench, item, "probe.facts", MediaFacts)[0].duration
    placements = plan(rows_of(bench, item, "speakers.segments", Segment), durations, param(bench, "fit", FitFigures), length)
    return Done({"placements": write_rows(bench.new("placements.jsonl"), placements)})


def _split_stretch(inputs: Inputs) -> list[Item]:
    places = {place.segment: place for place in inputs.rows("fit.placements", Placement)}
    return [
        Item(
            clip.segment,
            {"samples": played_samples(places[clip.segment]), "stretch": places[clip.segment].stretch, "clip": plain(_bare(clip))},
            {"sound": clip.sound},
            cost=0.3,
        )
        for clip in inputs.rows("convert.clips", Clip)
        if clip.sound and clip.segment in places and played_samples(places[clip.segment]) > 0
    ]


def _stretch(item: Item, bench: Bench) -> Done:
    out, clip = bench.new("line.wav"), param_of(item, "clip", Clip)
    stretch_file(bench.file(item.blobs["sound"]), out, item.payload["samples"])
    row = replace(clip, duration=item.payload["samples"] / RATE, sounds=scale_sounds(clip.sounds, item.payload["stretch"]))
    return Done({"sound": out}, plain(row))


def _join_stretch(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"clips": write_rows(folder / "clips.jsonl", _joined_clips(inputs.rows("convert.clips", Clip), results))}


def _speakers_by_line(inputs: Inputs) -> dict[str, Speaker]:
    return {segment: speaker for speaker in inputs.rows("speakers.speakers", Speaker) for segment in speaker.segments}


def _voice(speaker: Speaker | None) -> Speaker:
    """Return what of a speaker decides how a line sounds: not its name, nor which other lines it has.

    Pitch and formants are rounded to steps that nobody hears, so that one edited line does not move the median under all the others.
    """
    if speaker is None:
        return Speaker("", ())
    low, median, high = (5.0 * round(value / 5) for value in (speaker.pitch_low, speaker.pitch_median, speaker.pitch_high))
    formants = tuple(50.0 * round(value / 50) for value in speaker.formants)
    return replace(speaker, id="", segments=(), pitch_low=low, pitch_median=median, pitch_high=high, formants=formants)


def _bare(clip: Clip) -> Clip:
    """Return a clip's row without what only its place in the film decides."""
    return replace(clip, segment="", key="", sound="", engine="", tried=())


def _clip_row(result: Result) -> Clip:
    row = made_rows([result], Clip)[0] or Clip("")
    return replace(
        row,
        segment=result.id,
        key=result.key,
        sound=result.files.get("sound", ""),
        engine=result.engine,
        skipped=result.skipped,
        failed=cause_of(result),
        tried=result.tried,
    )


def _joined_clips(before: Sequence[Clip], results: Sequence[Result]) -> list[Clip]:
    """Return one row for each line: made in this step, or with what kept it from getting here."""
    made = {result.id: result for result in results}
    rows = []
    for clip in before:
        result = made.get(clip.segment)
        if result is None:
            rows.append(clip)
        else:
            rows.append(replace(_clip_row(result), engine=clip.engine, rate=clip.rate, tried=(*clip.tried, *result.tried)))
    return rows


SPEECH: tuple[Step, ...] = (
    Step(
        "translate",
        1,
        "language",
        ("speakers.segments", "in.memory?", "in.glossary?"),
        _split_translate,
        _translate,
        _join_translate,
        "translate",
        ("source", "target"),
    ),
    Step(
        "speak",
        2,
        "language",
        ("translate.lines", "speakers.speakers", "speakers.segments", "stems.speech"),
        _split_speak,
        one_by_one(_speak),
        _join_speak,
        "speak",
        ("target", "fit", "line_rules"),
    ),
    Step("convert", 2, "language", ("speak.clips", "speakers.speakers"), _split_convert, one_by_one(_convert), _join_convert, "convert"),
    Step(
        "fit",
        1,
        "language",
        ("convert.clips", "speakers.segments", "probe.facts"),
        whole("convert.clips", "speakers.segments", "probe.facts", cost=0.2),
        one_by_one(_fit),
        params=("fit",),
    ),
    Step("stretch", 2, "language", ("fit.placements", "convert.clips"), _split_stretch, one_by_one(_stretch), _join_stretch),
)
