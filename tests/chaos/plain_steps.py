"""The steps of the small chain. Worker processes load this file, and with it nothing that takes long to load."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from nightdub.infra.build import Inputs, Step
from nightdub.infra.errors import EngineError
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.tasks.rows import Measurement, Speaker, VoiceClip, read_rows, write_rows


def _spoken(inputs: Inputs) -> list[str]:
    return inputs.path("in.source").read_text().splitlines()


def _split_read(inputs: Inputs) -> list[Item]:
    """One item for each spoken line; what names the title is part of each, so that not one item serves two titles."""
    head, *lines = _spoken(inputs)
    return [Item(f"s{index}", {"head": head, "text": text}) for index, text in enumerate(lines)]


def _read(items: Sequence[Item], bench: Bench) -> list[Done]:
    return [_trouble(item.payload["text"]) or _file(item, bench, f"{item.payload['head']}|{item.payload['text']}") for item in items]


def _join_read(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = [{"id": row.id, "sound": row.files.get("text", "")} for row in results]
    return {"lines": _write(folder / "lines.jsonl", rows)}


def _split_voices(inputs: Inputs) -> list[Item]:
    return [Item("whole", {}, {"lines": inputs.digest("read.lines")})]


def _speakers(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Name one character, who says every line: what a series' voice book is told of."""
    (item,) = items
    rows = _rows(bench.file(item.blobs["lines"]))
    speaker = Speaker("ana", tuple(row["id"] for row in rows), pitch_median=200.0, named=True)
    return [Done({"speakers": write_rows(bench.new("speakers"), [speaker])})]


def _voices(items: Sequence[Item], bench: Bench) -> list[Done]:
    (item,) = items
    sound = _rows(bench.file(item.blobs["lines"]))[0]["sound"]
    clips = [VoiceClip("ana", sound, 0.0, 1.0, 1.0)] if sound else []
    return [Done({"clips": write_rows(bench.new("clips"), clips)})]


def _split_speak(inputs: Inputs) -> list[Item]:
    rows = _rows(inputs.path("read.lines"))
    return [Item(row["id"], {"failed": not row["sound"]}, {"line": row["sound"]} if row["sound"] else {}) for row in rows]


def _speak(items: Sequence[Item], bench: Bench) -> list[Done]:
    language = bench.params["target"]
    return [
        Done(failed="the line could not be read")
        if item.payload["failed"]
        else _file(item, bench, f"{language}|{bench.file(item.blobs['line']).read_text()}")
        for item in items
    ]


def _join_speak(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    rows = [{"id": row.id, "sound": row.files.get("text", ""), "failed": bool(row.failed)} for row in results]
    return {"clips": _write(folder / "clips.jsonl", rows)}


def _split_lips(inputs: Inputs) -> list[Item]:
    return [Item(row["id"], {}, {"sound": row["sound"]}) for row in _rows(inputs.path("speak.clips")) if row["sound"]]


def _lips(items: Sequence[Item], bench: Bench) -> list[Done]:
    """Fail for about half of the lines: the step is there where a script was delivered, and the film goes without what it lacks."""
    sounds = [item.blobs["sound"] for item in items]
    return [
        Done(failed="no face") if int(sound, 16) % 2 else _file(item, bench, f"lips of {sound[:8]}")
        for item, sound in zip(items, sounds, strict=True)
    ]


def _join_lips(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    return {"shots": _write(folder / "shots.jsonl", [{"id": row.id, "shot": row.files.get("text", "")} for row in results])}


def _split_package(inputs: Inputs) -> list[Item]:
    names = ("speak.clips", "lips.shots")
    return [Item("whole", {"head": _spoken(inputs)[0]}, {name: inputs.digest(name) for name in names if inputs.has(name)})]


def _package(items: Sequence[Item], bench: Bench) -> list[Done]:
    (item,) = items
    shots = [row["shot"] for row in _rows(bench.file(item.blobs["lips.shots"]))] if "lips.shots" in item.blobs else []
    clips = [row["sound"] for row in _rows(bench.file(item.blobs["speak.clips"])) if row["sound"]]
    text = "\n".join(bench.file(digest).read_text() for digest in [*clips, *filter(None, shots)])
    return [_file(item, bench, f"{item.payload['head']}|{len(clips)}\n{text}\n", "film")]


def _split_measure(inputs: Inputs) -> list[Item]:
    return [Item("whole", {}, {"film": inputs.digest("package.film"), "clips": inputs.digest("speak.clips")})]


def _measure(items: Sequence[Item], bench: Bench) -> list[Done]:
    (item,) = items
    rows = _rows(bench.file(item.blobs["clips"]))
    failed, spoken = sum(row["failed"] for row in rows), len(bench.file(item.blobs["film"]).read_text().splitlines())
    counts = {"lines": len(rows), "spoken": len(rows) - failed, "excused": 0, "missing_lines": int(spoken < 1), "failed_lines": failed}
    measured = [Measurement(f"account.{name}", float(value), "lines", max(1, len(rows))) for name, value in counts.items()]
    return [Done({"measurements": write_rows(bench.new("measurements"), measured)})]


def _split_gate(inputs: Inputs) -> list[Item]:
    return [Item("whole", {}, {"measurements": inputs.digest("measure.measurements")})]


def _gate(items: Sequence[Item], bench: Bench) -> list[Done]:
    (item,) = items
    lacking = not read_rows(bench.file(item.blobs["measurements"]), Measurement)
    row = Measurement("data.failed_expectations", float(lacking), "expectations", 1)
    return [Done({"measurements": write_rows(bench.new("measurements"), [row])})]


TITLE_STEPS = (
    Step("read", 1, "title", ("in.source",), _split_read, _read, _join_read),
    Step("speakers", 1, "title", ("read.lines",), _split_voices, _speakers),
    Step("voices", 1, "title", ("read.lines",), _split_voices, _voices),
)
LANGUAGE_STEPS = (
    Step("speak", 1, "language", ("in.source", "read.lines", "in.voices?"), _split_speak, _speak, _join_speak, params=("target",)),
    Step("lips", 1, "language", ("in.script", "speak.clips"), _split_lips, _lips, _join_lips, tolerates_loss=True, optional=True),
    Step("package", 1, "language", ("in.source", "speak.clips", "lips.shots?"), _split_package, _package),
    Step("measure", 1, "language", ("package.film", "speak.clips"), _split_measure, _measure),
    Step("data_gate", 1, "language", ("measure.measurements",), _split_gate, _gate),
)
CHAIN = TITLE_STEPS + LANGUAGE_STEPS


def _trouble(text: str) -> Done | None:
    """Do what the first word of a spoken line asks for."""
    word = text.partition(" ")[0]
    if word == "poison":
        raise ValueError("a fault in our own code")
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "slow":
        time.sleep(0.05)
    return Done(failed=str(EngineError("cannot be said"))) if word == "fail" else None


def _file(item: Item, bench: Bench, text: str, name: str = "text") -> Done:
    path = bench.new(f"{item.id}.{name}")
    path.write_text(text)
    return Done({name: path})


def _rows(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row, order="sorted") + b"\n" for row in rows))
    return path
