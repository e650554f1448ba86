"""The steps in which an engine works on an evaluation set: each line is an item, so that what was made once is not made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nightdub.datasets.evaluation import Example
from nightdub.flows.chain.parts import cause_of, one_by_one, plain
from nightdub.infra.build import Inputs, Step
from nightdub.infra.media.raw import g722_to_wav
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.metrics.predicted import Predictors, predict
from nightdub.tasks.protocols import Request, Sound
from nightdub.tasks.rows import write_rows
from nightdub.tasks.sound import read_mono, read_sound, to_mono, write_sound

PER_LETTER = {"translate": 0.002, "speak": 0.004, "hear": 0.02}  # seconds expected per letter, for batches of about equal work
DNSMOS = "dnsmos_ovrl"  # DNSMOS P.835, its opinion of the whole


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an engine made of one line, in the report format; `hyp` is empty where it failed."""

    id: str
    ref: str
    hyp: str
    cluster: str
    failed: str = ""
    dnsmos: float | None = None  # predicted opinion of what was spoken, 1 to 5; None = nothing was spoken


def _split_sounds(inputs: Inputs) -> list[Item]:
    """Return an item for each recording; how long it is shows before decoding only in its text."""
    rows = [row for row in inputs.rows("in.set", Example) if row.audio]
    return [Item(row.id, {"format": row.format}, {"sound": row.audio}, cost=PER_LETTER["hear"] * (20 + len(row.text))) for row in rows]


def _recognise(items: Sequence[Item], bench: Bench) -> list[Done]:
    clips = [_sound(item, bench) for item in items]
    heard = bench.engine.recognise(clips, bench.params["language"])
    return [Done(row={"text": row.text}, failed=row.failed) for row in heard]


def _sound(item: Item, bench: Bench) -> Sound:
    path = bench.file(item.blobs["sound"])
    return read_mono(g722_to_wav(path, bench.new(f"{item.blobs['sound']}.wav")) if item.payload["format"] == ".g722" else path)


def _join_heard(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return _hypotheses(inputs, results, folder, target="")


def _split_texts(inputs: Inputs) -> list[Item]:
    cost = PER_LETTER["translate" if inputs.params.get("target") else "speak"]
    return [Item(row.id, {"text": row.text}, cost=cost * len(row.text)) for row in inputs.rows("in.set", Example)]


def _translate(items: Sequence[Item], bench: Bench) -> list[Done]:
    made = bench.engine.translate([item.payload["text"] for item in items], bench.params["language"], bench.params["target"])
    return [Done(row={"text": row.text}, failed=row.failed) for row in made]


def _join_translated(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return _hypotheses(inputs, results, folder, target=inputs.params["target"])


def _speak(items: Sequence[Item], bench: Bench) -> list[Done]:
    spoken = bench.engine.speak([Request(item.payload["text"], bench.params["language"]) for item in items])
    done = []
    for index, row in enumerate(spoken):
        files = {} if row.failed else {"sound": write_sound(bench.new(f"{index}.wav"), row.sound, row.sample_rate)}
        done.append(Done(files, failed=row.failed))
    return done


def _join_spoken(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Write the set anew with what was spoken in place of the recordings; a line that failed has none."""
    sounds = {result.id: result.files.get("sound", "") for result in results}
    rows = [replace(row, audio=sounds[row.id], format=".wav" if sounds[row.id] else "") for row in inputs.rows("in.set", Example)]
    return {"set": write_rows(folder / "set.jsonl", rows)}


def _hypotheses(inputs: Inputs, results: Sequence[Result], folder: Path, target: str) -> dict[str, Path]:
    """Write a row for every line of the set: also for those that had no sound, or at which the engine failed."""
    made = {result.id: result for result in results}
    rows = []
    for row in inputs.rows("in.set", Example):
        result = made.get(row.id)
        text = "" if result is None or result.failed else str(result.row["text"])
        failed = "no sound" if result is None else cause_of(result)
        rows.append(plain(Hypothesis(row.id, row.translations[target] if target else row.text, text, row.cluster or row.id, failed)))
    return {"hypotheses": write_rows(folder / "hypotheses.jsonl", rows)}


def _rate(item: Item, bench: Bench) -> Done:
    sound, rate = read_sound(bench.file(item.blobs["sound"]))
    values, reasons = predict(to_mono(sound), rate, Predictors())
    return Done(row={"dnsmos": values[DNSMOS]}) if DNSMOS in values else Done(failed=reasons[DNSMOS])


def _join_rated(inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """Write what was heard, if anybody listened, with the opinion of how it sounds."""
    rated = {result.id: result.row.get("dnsmos") for result in results if not result.failed}
    heard = {row.id: row for row in inputs.rows("in.heard", Hypothesis)} if inputs.has("in.heard") else {}
    rows = []
    for row in inputs.rows("in.set", Example):
        known = heard.get(row.id) or Hypothesis(row.id, row.text, "", row.cluster or row.id, "" if row.audio else "no sound")
        rows.append(plain(replace(known, dnsmos=rated.get(row.id))))
    return {"hypotheses": write_rows(folder / "hypotheses.jsonl", rows)}


# `environment` is empty but where the regression test runs again what nothing else has changed of.
RECOGNISE = Step(
    "evaluate-recognise",
    1,
    "language",
    ("in.set",),
    _split_sounds,
    _recognise,
    _join_heard,
    verb="recognise",
    params=("language", "environment"),
)
TRANSLATE = Step(
    "evaluate-translate",
    1,
    "language",
    ("in.set",),
    _split_texts,
    _translate,
    _join_translated,
    verb="translate",
    params=("language", "target", "environment"),
)
SPEAK = Step(
    "evaluate-speak", 1, "language", ("in.set",), _split_texts, _speak, _join_spoken, verb="speak", params=("language", "environment")
)
RATE = Step(
    "evaluate-rate",
    1,
    "language",
    ("in.set", "in.heard?"),
    _split_sounds,
    one_by_one(_rate),
    _join_rated,
    params=("predictor", "environment"),
    tolerates_loss=True,
)
