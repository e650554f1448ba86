"""The steps that settle what is said and where it lies: a person's lines stay, and what is spoken again stands only where it is shorter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightdub.flows.chain import CHAIN
from nightdub.infra.ledger import Correction
from nightdub.infra.store import open_store
from nightdub.infra.work import Item, Order, Result, fill
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import (
    Clip,
    MediaFacts,
    Pause,
    Placement,
    Segment,
    Shot,
    Speaker,
    Translation,
    Utterance,
    Word,
    read_rows,
    write_rows,
)

LONG = "Bueno, yo no sé qué hay en la caja, señor, por favor."
WORDS = (Word("one", 1.0, 1.8), Word("two", 2.4, 3.4))
ROWS: dict[str, list[Any]] = {
    "cast.segments": [Segment("s0", 1.0, 3.4, "one two", "A", WORDS), Segment("s1", 5.0, 6.5, "Well, I do not know.", "B")],
    "cast.corrections": [],
    "shots.shots": [Shot("h0", 0, 250)],
    "utterances.utterances": [Utterance("u0", 1.0, 3.4), Utterance("u1", 5.0, 6.6)],
    "probe.facts": [MediaFacts("mp4", 10.0, 1, frame_rate="25/1")],
    "translate.lines": [Translation("s0", "Uno, dos.", "memory"), Translation("s1", LONG, "apertium")],
}


def run(name: str, folder: Path, **rows: list[Any]) -> dict[str, Path]:
    """Run one step that makes its output as a whole; `rows` are further inputs, "_" for "."."""
    (step,) = (step for step in CHAIN if step.name == name)
    store = open_store(str(folder / "store"))
    tables = ROWS | {key.replace("_", ".", 1): value for key, value in rows.items()}
    blobs = {key: store.put_file(write_rows(folder / key, value)) for key, value in tables.items()}
    params = {"source": "en", "target": "es", "fit": msgspec.to_builtins(FitFigures())}
    (result,) = fill(Order(step.work, (Item("whole", blobs=blobs),), ("key",), params, (), lambda *_: None, str(folder / "store")))
    if result.failed:
        pytest.fail(str(result.failed))
    return {key: store.fetch(digest) for key, digest in result.files.items()}


def clip(segment: str, seconds: float, text: str = "", pauses: Sequence[Pause] = ()) -> Clip:
    return Clip(segment, "key", "sound", seconds, "espeak-ng", text=text, pauses=tuple(pauses))


def locked(segment: str, text: str, place: Placement) -> Correction:
    line = Translation(segment, text, "apertium", rate=1.15)
    return Correction("film", "es", segment, locked=True, pinned={"line": msgspec.to_builtins(line), "place": msgspec.to_builtins(place)})


def test_the_line_that_does_not_fit_is_reworded_and_the_other_is_not(tmp_path: Path) -> None:
    first, second = read_rows(run("wording", tmp_path)["lines"], Translation)
    assert (first.text, first.notes) == ("Uno, dos.", ())
    assert second.text == "No sé qué hay en la caja."
    assert second.notes[0].startswith("shortened:")


def test_a_locked_line_keeps_its_text_its_rate_and_its_place(tmp_path: Path) -> None:
    where = Placement("s1", 4.9, 7.1, 5.0, 6.5)
    settled = [locked("s1", LONG, where)]
    lines = read_rows(run("wording", tmp_path, cast_corrections=settled)["lines"], Translation)
    assert (lines[1].text, lines[1].rate) == (LONG, 1.15)
    made = run("fit", tmp_path, convert_clips=[clip("s0", 2.0), clip("s1", 3.0)], cast_corrections=settled)
    places = read_rows(made["placements"], Placement)
    assert (places[1].start, places[1].end) == (4.9, 7.1)


def test_only_the_line_that_came_out_too_long_is_spoken_again(tmp_path: Path) -> None:
    lines = read_rows(run("wording", tmp_path)["lines"], Translation)
    spoken = [clip("s0", 2.0, "Uno, dos."), clip("s1", 3.4, lines[1].text)]
    again = read_rows(run("reconsider", tmp_path, wording_lines=lines, speak_clips=spoken)["lines"], Translation)
    assert [line.segment for line in again] == ["s1"]
    assert again[0].rate > 1.0


def test_a_pause_of_the_original_is_filled_with_silence(tmp_path: Path) -> None:
    """The original pauses for 0.6 s after 0.8 of its 1.8 s of speech, the dub for 0.2 s after 0.9 of its 1.8 s."""
    spoken = [clip("s0", 2.0, pauses=[Pause(0.9, 0.2)]), clip("s1", 1.5)]
    (place, _) = read_rows(run("fit", tmp_path, convert_clips=spoken)["placements"], Placement)
    assert place.stretch == 1.0
    assert [(pause.at, pause.length) for pause in place.pauses] == [(1.0, pytest.approx(0.4))]
    assert place.end == pytest.approx(3.4)


class Given:
    """Rows by name, as a step's inputs."""

    def __init__(self, **rows: list[Any]) -> None:
        self._rows = {key.replace("_", ".", 1): value for key, value in rows.items()}

    def rows(self, name: str, _kind: type[Any]) -> list[Any]:
        return self._rows[name]


def test_what_is_spoken_again_stands_only_where_it_is_shorter(tmp_path: Path) -> None:
    (step,) = (step for step in CHAIN if step.name == "revise")
    if step.join is None:
        pytest.fail("the step has lost its join")
    lines = [Translation(f"s{index}", "larga", "apertium") for index in range(4)]
    again = [replace(line, text="corta") for line in lines[1:]]
    before = [clip(line.segment, 2.0, "larga") for line in lines]
    results = [
        Result("s1", "k1", {"sound": "new"}, row=msgspec.to_builtins(Clip("", duration=1.5, text="corta"))),
        Result("s2", "k2", {"sound": "longer"}, row=msgspec.to_builtins(Clip("", duration=2.5, text="corta"))),
        Result("s3", "k3", failed={"code": "EngineError", "what": "silence"}),
    ]
    inputs = Given(speak_clips=before, wording_lines=lines, reconsider_lines=again, cast_speakers=[Speaker("A", ("s0", "s1", "s2", "s3"))])
    made = step.join(inputs, results, tmp_path)  # type: ignore[arg-type]
    clips, texts = read_rows(made["clips"], Clip), [line.text for line in read_rows(made["lines"], Translation)]
    assert [row.sound for row in clips] == ["sound", "new", "sound", "sound"]
    assert texts == [row.text for row in clips] == ["larga", "corta", "larga", "larga"]
