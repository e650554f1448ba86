"""The data gates as a step of the chain, and what a night does with their verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightdub.flows.chain.data_gates import CHECKED, DATA_GATES, MARKS, SCRIPT
from nightdub.flows.data_gate import check_catalogue, show_pages
from nightdub.flows.night import Books
from nightdub.infra.build import Ask, Builder
from nightdub.infra.compute import open_compute
from nightdub.quality.data.verdict import DataVerdict
from nightdub.tasks.engines import load_engine
from nightdub.tasks.rows import Clip, Cue, Measurement, MediaFacts, Placement, Segment, Title, Translation, write_rows

SHA = "0123456789abcdef" * 4
TABLES: dict[str, list[Any]] = {
    "cast.segments": [Segment("s0", 1.0, 3.0, "hello", "S1", origin="script")],
    "revise.lines": [Translation("s0", "hola", "memory", "hello", 0.8, 2.0)],
    "convert.clips": [Clip("s0", SHA, SHA, 1.8, "espeak-ng")],
    "stretch.clips": [Clip("s0", SHA, SHA, 2.0, "espeak-ng")],
    "fit.placements": [Placement("s0", 1.0, 3.0, 1.0, 3.0)],
    "subtitles.cues": [Cue(1, 1.0, 3.0, ("hola",), ("s0",))],
    "measure.measurements": [Measurement("timing.cut", 0.0, "s", 1, "nightdub")],
    "probe.facts": [MediaFacts("mp4", 5.0, 1)],
    "match.lines": [Segment("s0", 1.0, 3.0, "hello", origin="script")],
}


def build(books: Books, tmp_path: Path, **changes: list[Any]) -> dict[str, str]:
    """Build the step over the tables, as a night does, and return what it made as "step.output" -> digest."""
    (step,) = DATA_GATES
    tables = TABLES | {name.replace("_", ".", 1): rows for name, rows in changes.items()}
    inputs = {name: books.store.put_file(write_rows(tmp_path / name, rows)) for name, rows in tables.items()}
    with open_compute("threads", 1) as compute:
        builder = Builder(books.store, books.ledger, compute, load_engine, {}, books.ledger.start_run("test", {}), 1)
        built = builder.build(Ask(step, "film", "es", inputs, {}))
    books.ledger.set_heads("film", "es", {step.name: built.key})
    return {f"{step.name}.{name}": digest for name, digest in built.outputs.items()}


def read(books: Books, outputs: dict[str, str], name: str, kind: type[Any]) -> list[Any]:
    return msgspec.json.Decoder(kind).decode_lines(books.store.get_bytes(outputs[f"data_gate.{name}"]))


def test_the_step_asks_for_the_tables_that_it_checks() -> None:
    (step,) = DATA_GATES
    assert step.inputs == (*CHECKED, f"{SCRIPT}?", f"{MARKS}?")
    assert set(TABLES) == {*CHECKED, SCRIPT}


def test_sound_tables_pass_with_a_page_for_each_gate(books: Books, tmp_path: Path) -> None:
    outputs = build(books, tmp_path)
    verdicts = read(books, outputs, "verdicts", DataVerdict)
    assert [verdict.reason for verdict in verdicts] == [""] * 7
    assert [(row.metric, row.value) for row in read(books, outputs, "measurements", Measurement)] == [
        ("data.failed_expectations", 0.0),
        ("data.suites_passed", 7.0),
    ]
    shown = books.settings.home / show_pages(books, "film", "es")
    assert shown == books.settings.home / "review/film/es/data/index.html"
    for verdict in verdicts:
        assert f"Data gate: {verdict.suite}" in (shown.parent / f"{verdict.suite}.html").read_text()


def test_a_bad_table_is_a_reason_that_names_suite_and_expectation(books: Books, tmp_path: Path) -> None:
    outputs = build(books, tmp_path, revise_lines=[replace(TABLES["revise.lines"][0], text=" ")])
    (failed, _) = read(books, outputs, "measurements", Measurement)
    assert failed.detail.startswith("data gate translation: a line has a text or the cause why not (not so in 1 of 1 rows)")
    assert failed.value == 2
    assert {row.segment for row in failed.worst} == {
        "translation: a line has a text or the cause why not",
        "translation: some line has a text",
    }


def test_a_field_that_became_null_is_named_by_the_gate_and_raises_nothing(books: Books, tmp_path: Path) -> None:
    broken = [{"segment": "s0", "start": None, "end": 3.0}]  # what NaN becomes in JSON
    (failed, _) = read(books, build(books, tmp_path, fit_placements=broken), "measurements", Measurement)
    assert "start is a finite number" in failed.detail


def test_a_title_language_that_was_never_checked_has_no_pages(books: Books) -> None:
    assert show_pages(books, "film", "fr") == ""


@pytest.mark.parametrize(("titles", "reasons"), [
    ([Title("film", "/film.mp4", "en", ("es",))], ()),
    ([Title("film", "/film.mp4", "en", ("es", "en"))],
     ("data gate catalogue: targets are known languages, each once, and not the source's (not so in 1 of 1 rows)",)),
])  # fmt: skip
def test_the_catalogue_is_checked_as_one_table(titles: list[Title], reasons: tuple[str, ...], books: Books) -> None:
    assert check_catalogue(books, titles) == reasons
    assert "Data gate: catalogue" in (books.settings.home / "data/catalogue.html").read_text()
