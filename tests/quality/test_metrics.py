"""Measures against answers that were published or worked out by hand."""

from __future__ import annotations

import pytest

from nightdub.quality.metrics.account import account_measurements, make_account
from nightdub.quality.metrics.timing import timing_account
from nightdub.quality.metrics.translation import flagged_lines, translation_scores, unchecked_lines
from nightdub.tasks.rows import Clip, Dropped, Placement, Segment, Translation


def line(name: str, text: str, *notes: str) -> Translation:
    return Translation(name, text, "engine", notes=notes)


def test_identical_translations_score_a_hundred_and_others_less() -> None:
    references = {"a": "la puerta está cerrada por la noche", "b": "el tren llega a las ocho de la mañana"}
    same = {row.metric: row for row in translation_scores([line(name, text) for name, text in references.items()], references, "es")}
    assert same["translation.bleu"].value == pytest.approx(100)
    assert same["translation.chrf"].value == pytest.approx(100)
    assert same["translation.bleu"].n == 2
    other = {row.metric: row for row in translation_scores([line("a", "puerta cerrada"), line("b", "tren ocho")], references, "es")}
    assert other["translation.chrf"].value is not None
    assert other["translation.chrf"].value < 50
    assert {worst.segment for worst in other["translation.chrf"].worst} == {"a", "b"}


def test_without_references_translation_is_not_measured() -> None:
    assert all(row.value is None and row.not_measured for row in translation_scores([line("a", "x")], {}, "es"))


def test_lines_with_complaints_are_counted_and_glossary_notes_are_none() -> None:
    row = flagged_lines([line("a", "x", "untranslated-word:foo"), line("b", "y", "glossary"), line("c", "z")])
    assert (row.value, row.n, row.worst[0].segment) == (1.0, 3, "a")


def test_a_line_that_nobody_checked_is_counted() -> None:
    lines = [Translation("a", "x", "memory"), Translation("b", "y", "apertium"), Translation("c", "z", "apertium")]
    row = unchecked_lines(lines, {"c": "zz"})
    assert (row.value, row.n, [worst.segment for worst in row.worst]) == (1.0, 3, ["b"])


def test_timing_account_adds_up() -> None:
    places = [
        Placement("a", 0.0, 1.0, 0.0, 1.0),
        Placement("b", 0.9, 2.0, 1.0, 2.0, stretch=1.25, overlap=0.1),
        Placement("c", 2.0, 4.0, 2.0, 3.0, stretch=1.3, cut=0.25, held="does-not-fit"),
    ]
    values = {row.metric: row.value for row in timing_account(places)}
    assert values["timing.cut"] == pytest.approx(0.25)
    assert values["timing.overlap"] == pytest.approx(0.1)
    assert values["timing.held_lines"] == 1
    assert values["timing.within"] == pytest.approx(200 / 3)
    assert values["timing.stretch_p95"] == pytest.approx(1.295)  # linear between 1.25 and 1.3


def test_nothing_placed_is_not_measured() -> None:
    assert all(row.value is None for row in timing_account([]))


def test_the_account_names_a_line_that_vanished() -> None:
    segments = [Segment(name, 0, 1, "x") for name in "abcd"]
    clips = [Clip("a", sound="1"), Clip("b", skipped="non-speech"), Clip("c", failed="engine died")]
    account = make_account(segments, [Dropped("e", "", "empty-text")], clips)
    assert (account.segments, account.spoken, account.excused, account.failed) == (5, 1, 2, 1)
    assert not account.balanced
    assert {row.metric: row.value for row in account_measurements(account, clips)}["account.missing_lines"] == 1


def test_an_account_without_lines_has_no_share() -> None:
    rows = {row.metric: row for row in account_measurements(make_account([], [], []), [])}
    assert rows["account.excused_share"].value is None
