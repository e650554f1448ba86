"""Hearing: from a source file to its sound, its stems and where somebody speaks. Once a title."""

from __future__ import annotations

from nightdub.flows.chain.parts import one_by_one, rows_of, whole
from nightdub.infra.build import Step
from nightdub.infra.media.ffmpeg import encode_sound
from nightdub.infra.work import Bench, Done, Item
from nightdub.tasks.audio import extract, speech_copy
from nightdub.tasks.probe import probe_source
from nightdub.tasks.rows import (
    MediaFacts,
    write_rows,
)
from nightdub.tasks.sound import read_mono
from nightdub.tasks.stems import split as split_stems
from nightdub.tasks.utterances import find_utterances


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


HEARING: tuple[Step, ...] = (
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
)
