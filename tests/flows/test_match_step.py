"""The step `match` as a night builds it: rows and sound in, rows out; a script that fits comes out byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from nightdub.flows.chain.dialogue import DIALOGUE, MATCHED
from nightdub.flows.night import Books
from nightdub.infra.build import Ask, Builder
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import StepFailed
from nightdub.tasks.engines import load_engine
from nightdub.tasks.rows import Dropped, MediaFacts, ScriptMatch, Segment, Utterance, Word, write_rows
from nightdub.tasks.sound import SPEECH_RATE, write_sound

TEXTS = (
    "Open the red door",
    "Who is there",
    "Nobody you know",
    "Give me that old key now",
    "Never",
    "Then stay outside",
    "Fine",
    "Good night",
)
STARTS = (1.0, 4.0, 5.5, 9.0, 13.5, 15.0, 18.5, 20.0)
LINES = [
    Segment(f"s{index:04d}", start, start + 0.3 * len(text.split()), text, origin="script")
    for index, (start, text) in enumerate(zip(STARTS, TEXTS, strict=True))
]
HEARD = [
    replace(
        line,
        id=f"u{line.id}-0",
        origin="recognised",
        engine="ear",
        words=tuple(Word(word, line.start + 0.3 * at, line.start + 0.3 * (at + 1)) for at, word in enumerate(line.text.split())),
    )
    for line in LINES
]
LENGTH = 24.0


def build(books: Books, folder: Path, lines: list[Segment], marks: list[Segment] = []) -> dict[str, str]:  # noqa: B006
    """Build the step and return what it made, name -> digest."""
    step = next(step for step in DIALOGUE if step.name == "match")
    sound = np.zeros(round(LENGTH * SPEECH_RATE), np.float32)
    for line in LINES:
        sound[round(line.start * SPEECH_RATE) : round(line.end * SPEECH_RATE)] = 0.1
    tables: dict[str, list[Any]] = {
        "script.lines": lines,
        "script.marks": marks,
        "script.dropped": [Dropped("s9999", "[sighs]", "non-speech")],
        "utterances.utterances": [Utterance(line.id, line.start - 0.1, line.end + 0.1) for line in LINES],
        "probe.facts": [MediaFacts("mp4", LENGTH, 1)],
        "recognise.segments": HEARD,
    }
    inputs = {name: books.store.put_file(write_rows(folder / name, rows)) for name, rows in tables.items()}
    inputs["stems.speech"] = books.store.put_file(write_sound(folder / "speech.wav", sound, SPEECH_RATE))
    assert set(inputs) == {*MATCHED, "recognise.segments"}
    with open_compute("threads", 1) as compute:
        builder = Builder(books.store, books.ledger, compute, load_engine, {}, books.ledger.start_run("test", {}), 1)
        return builder.build(Ask(step, "film", "", inputs, {})).outputs


def rows(books: Books, outputs: dict[str, str], name: str, kind: type[Any]) -> list[Any]:
    return msgspec.json.Decoder(kind).decode_lines(books.store.get_bytes(outputs[name]))


def test_a_script_that_fits_is_the_same_bytes(books: Books, tmp_path: Path) -> None:
    marks = [Segment("m", 2.0, 3.0, "EXIT", kind="on-screen")]
    outputs = build(books, tmp_path, LINES, marks)
    assert books.store.get_bytes(outputs["lines"]) == (tmp_path / "script.lines").read_bytes()
    assert books.store.get_bytes(outputs["marks"]) == (tmp_path / "script.marks").read_bytes()
    assert books.store.get_bytes(outputs["dropped"]) == (tmp_path / "script.dropped").read_bytes()
    (report,) = rows(books, outputs, "report", ScriptMatch)
    assert (report.trusted, report.rate, report.listener) == (True, 1.0, "ear")


def test_a_late_script_is_moved_with_its_marks_and_every_line_stays_in_the_account(books: Books, tmp_path: Path) -> None:
    late = [replace(line, start=line.start + 5, end=line.end + 5) for line in LINES]
    late.append(Segment("s0008", 29.5, 30.5, "A line after the end", origin="script"))
    outputs = build(books, tmp_path, late, [Segment("m", 7.0, 8.0, "EXIT", kind="on-screen"), Segment("n", 40.0, 41.0, "END")])
    moved = rows(books, outputs, "lines", Segment)
    assert [line.start for line in moved] == pytest.approx(STARTS, abs=0.1)
    assert [line.start for line in rows(books, outputs, "marks", Segment)] == [pytest.approx(2.0, abs=0.1)]
    assert {row.id: row.reason for row in rows(books, outputs, "dropped", Dropped)} == {
        "s9999": "non-speech",
        "s0008": "past-the-end",
        "n": "past-the-end",
    }


def test_a_script_that_lies_after_the_end_fails_the_title_with_what_to_do(books: Books, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="is this the script of this programme"):
        build(books, tmp_path, [replace(line, start=line.start + 500, end=line.end + 500) for line in LINES[:3]])
