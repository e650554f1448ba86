"""Speech: from lines to their sound in another language, laid on the original's time. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from nightdub.flows.chain.parts import cause_of, made_rows, one_by_one, param, param_of, plain
from nightdub.flows.chain.translation import TRANSLATE
from nightdub.flows.chain.wording import FIT, RECONSIDER, WORDING
from nightdub.infra.build import Inputs, Step
from nightdub.infra.ledger import Correction
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.line_rules import broken_rules
from nightdub.quality.policy import Rule
from nightdub.tasks.cast import clip_with_rights
from nightdub.tasks.pauses import find_silences, shift_sounds
from nightdub.tasks.rows import (
    Clip,
    Pause,
    Placement,
    Speaker,
    Translation,
    write_rows,
)
from nightdub.tasks.sound import read_mono, read_sound, write_sound
from nightdub.tasks.speak import speak_line
from nightdub.tasks.stretch import scale_sounds, stretch_file
from nightdub.tasks.timing import played_samples
from nightdub.tasks.voice import convert_line
from nightdub.tasks.voice_clips import RATE as REFERENCE_RATE

RATE = 48_000  # Hz of the programme


def _split_speak(inputs: Inputs) -> list[Item]:
    return _spoken_items(inputs, inputs.rows("wording.lines", Translation))


def _split_revise(inputs: Inputs) -> list[Item]:
    """One item for each line that is to be spoken again."""
    return _spoken_items(inputs, inputs.rows("reconsider.lines", Translation))


def _spoken_items(inputs: Inputs, lines: Sequence[Translation]) -> list[Item]:
    """Return one item a line: its text and rate, and the voice it should be near to.

    Only where a consent record holds does a clip of the speaker's own voice go with it, for engines that clone.
    """
    speakers, locked = _speakers_by_line(inputs), _locked(inputs)
    items = []
    for line in lines:
        if line.segment in locked:
            continue
        speaker = speakers.get(line.segment)
        said = Translation("", line.text, "", estimate=line.estimate, rate=line.rate, failed=line.failed)
        payload = {"line": plain(said), "speaker": plain(_voice(speaker))}
        blobs = {"reference": speaker.reference} if speaker and speaker.consent and speaker.reference else {}
        items.append(Item(line.segment, payload, blobs, cost=0.1))
    return items


def _speak(item: Item, bench: Bench) -> Done:
    """Speak one line; one that breaks the policy's line rules counts as failed, so that the next engine of the chain is asked."""
    line, speaker = param_of(item, "line", Translation), param_of(item, "speaker", Speaker)
    reference = read_mono(bench.file(item.blobs["reference"]), rate=REFERENCE_RATE) if "reference" in item.blobs else None
    made = speak_line(line, bench.params["target"], bench.engine, speaker=speaker, reference=reference, reference_rate=REFERENCE_RATE)
    if made.spoken.failed:
        return Done(failed=made.spoken.failed)
    rules = param(bench, "line_rules", tuple[Rule, ...])
    if broken := broken_rules(made.spoken.sound, made.spoken.sample_rate, line.estimate / made.rate, rules):
        return Done(failed="; ".join(broken))
    sound = write_sound(bench.new("line.wav"), made.spoken.sound, made.spoken.sample_rate)
    cloned = item.blobs["reference"] if made.spoken.cloned else ""
    row = Clip("", duration=made.duration, rate=made.rate, sounds=made.spoken.sounds, voice=made.spoken.voice, cloned=cloned)
    silences = find_silences(made.spoken.sound, made.spoken.sample_rate)
    return Done({"sound": sound}, plain(replace(row, text=line.text, pauses=silences)))


def _split_convert(inputs: Inputs) -> list[Item]:
    """One item a line: its sound, and the voice it is moved to; the character's model goes with it where a consent record holds."""
    speakers = _speakers_by_line(inputs)
    return [
        Item(
            clip.segment,
            {"speaker": plain(_voice(speakers.get(clip.segment))), "clip": plain(_bare(clip))},
            {"sound": clip.sound, **_models(speakers.get(clip.segment))},
            cost=0.6 * clip.duration,
        )
        for clip in inputs.rows("revise.clips", Clip)
        if clip.sound and not clip.locked
    ]


def _convert(item: Item, bench: Bench) -> Done:
    samples, rate = read_sound(bench.file(item.blobs["sound"]))
    models: dict[str, Any] = {name: str(bench.file(item.blobs[name])) for name in ("model", "model_index") if name in item.blobs}
    made = convert_line(samples, rate, replace(param_of(item, "speaker", Speaker), **models), bench.engine)
    if made.failed:
        return Done(failed=made.failed)
    row = item.payload["clip"] | ({"cloned": item.blobs["model"]} if made.cloned else {})
    return Done({"sound": write_sound(bench.new("line.wav"), made.sound, rate)}, row)


def _join_speak(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Every line: as a person locked it, else as it was spoken now."""
    made = {result.id: _clip_row(result) for result in results} | _locked(inputs)
    clips = [made[line.segment] for line in inputs.rows("wording.lines", Translation) if line.segment in made]
    return {"clips": write_rows(folder / "clips.jsonl", _with_rights(inputs, clips))}


def _join_revise(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Every line as it stands, with its text: spoken again where that made it shorter, as it was elsewhere."""
    again = {clip.segment: clip for clip in _with_rights(inputs, [_clip_row(result) for result in results])}
    before = inputs.rows("speak.clips", Clip)
    better = {clip.segment: new for clip in before if (new := again.get(clip.segment)) and new.sound and new.duration < clip.duration}
    reworded = {line.segment: line for line in inputs.rows("reconsider.lines", Translation) if line.segment in better}
    lines = [reworded.get(line.segment, line) for line in inputs.rows("wording.lines", Translation)]
    clips = [better.get(clip.segment, clip) for clip in before]
    return {"clips": write_rows(folder / "clips.jsonl", clips), "lines": write_rows(folder / "lines.jsonl", lines)}


def _join_convert(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"clips": write_rows(folder / "clips.jsonl", _with_rights(inputs, _joined_clips(inputs.rows("revise.clips", Clip), results)))}


def _locked(inputs: Inputs) -> dict[str, Clip]:
    """Return segment -> the clip of each line that a person has locked, its voice converted already."""
    rows = [row for row in inputs.rows("cast.corrections", Correction) if row.locked and "clip" in row.pinned]
    return {row.segment: replace(msgspec.convert(row.pinned["clip"], Clip, strict=False), segment=row.segment, locked=True) for row in rows}


def _with_rights(inputs: Inputs, clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips with the record that allowed to clone their voice, or with the reason why a neutral one speaks."""
    speakers = _speakers_by_line(inputs)
    return [clip_with_rights(clip, speakers.get(clip.segment)) for clip in clips]


def _models(speaker: Speaker | None) -> dict[str, str]:
    if speaker is None or not (speaker.consent and speaker.model):
        return {}
    return {"model": speaker.model} | ({"model_index": speaker.model_index} if speaker.model_index else {})


def _split_stretch(inputs: Inputs) -> list[Item]:
    places = {place.segment: place for place in inputs.rows("fit.placements", Placement)}
    return [
        Item(
            clip.segment,
            {
                "samples": played_samples(places[clip.segment]),
                "stretch": places[clip.segment].stretch,
                "pauses": plain(places[clip.segment].pauses),
                "clip": plain(_bare(clip)),
            },
            {"sound": clip.sound},
            cost=0.3,
        )
        for clip in inputs.rows("convert.clips", Clip)
        if clip.sound and clip.segment in places and played_samples(places[clip.segment]) > 0
    ]


def _stretch(item: Item, bench: Bench) -> Done:
    out, clip = bench.new("line.wav"), param_of(item, "clip", Clip)
    stretch, pauses = item.payload["stretch"], param_of(item, "pauses", tuple[Pause, ...])
    stretch_file(bench.file(item.blobs["sound"]), out, item.payload["samples"], pauses)
    sounds = shift_sounds(scale_sounds(clip.sounds, stretch), [replace(pause, at=pause.at / stretch) for pause in pauses])
    return Done({"sound": out}, plain(replace(clip, duration=item.payload["samples"] / RATE, sounds=tuple(sounds))))


def _join_stretch(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"clips": write_rows(folder / "clips.jsonl", _joined_clips(inputs.rows("convert.clips", Clip), results))}


def _speakers_by_line(inputs: Inputs) -> dict[str, Speaker]:
    return {segment: speaker for speaker in inputs.rows("cast.speakers", Speaker) for segment in speaker.segments}


def _voice(speaker: Speaker | None) -> Speaker:
    """Return what of a speaker decides how a line sounds: not its name, nor which other lines it has, nor its rights and files.

    Pitch and formants are rounded to steps that nobody hears, so that one edited line does not move the median under all the others.
    """
    if speaker is None:
        return Speaker("", ())
    low, median, high = (5.0 * round(value / 5) for value in (speaker.pitch_low, speaker.pitch_median, speaker.pitch_high))
    formants = tuple(50.0 * round(value / 50) for value in speaker.formants)
    sound: dict[str, Any] = {"pitch_low": low, "pitch_median": median, "pitch_high": high, "formants": formants}
    return Speaker("", (), **sound, voice=speaker.voice, gender=speaker.gender)


def _bare(clip: Clip) -> Clip:
    """Return a clip's row without what only its place in the film, or its speaker's rights, decide."""
    return replace(clip, segment="", key="", sound="", engine="", tried=(), consent="", neutral="")


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
            kept: dict[str, Any] = {"engine": clip.engine, "rate": clip.rate, "consent": clip.consent, "neutral": clip.neutral}
            rows.append(replace(_clip_row(result), **kept, tried=(*clip.tried, *result.tried)))
    return rows


SPEECH: tuple[Step, ...] = (
    TRANSLATE,
    WORDING,
    Step(
        "speak",
        4,
        "language",
        ("wording.lines", "cast.speakers", "cast.corrections"),
        _split_speak,
        one_by_one(_speak),
        _join_speak,
        "speak",
        ("target", "line_rules"),
    ),
    RECONSIDER,
    Step(
        "revise",
        1,
        "language",
        ("reconsider.lines", "wording.lines", "speak.clips", "cast.speakers", "cast.corrections"),
        _split_revise,
        one_by_one(_speak),
        _join_revise,
        "speak",
        ("target", "line_rules"),
        tolerates_loss=True,
    ),
    Step("convert", 4, "language", ("revise.clips", "cast.speakers"), _split_convert, one_by_one(_convert), _join_convert, "convert"),
    FIT,
    Step("stretch", 3, "language", ("fit.placements", "convert.clips"), _split_stretch, one_by_one(_stretch), _join_stretch),
)
