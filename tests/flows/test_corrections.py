"""Corrections over real nights of a tiny title: what they touch, what a lock keeps, and how they find their lines again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from nightdub.flows.chain.settled import anchor_of, find_lines
from nightdub.flows.corrections import Change, Desk, apply_sheet, edit, open_desk, sheet_rows, take_back
from nightdub.flows.kept import read_kept
from nightdub.flows.night import Books, open_books
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import Correction
from nightdub.tasks.rows import Segment

SAID = {"who": "Eva", "why": "register"}
LINES = [Segment("s0", 1.0, 2.0, "Yes.", "A"), Segment("s1", 5.0, 6.0, "No.", "B"), Segment("s2", 9.0, 10.0, "Yes.", "A")]


def corrected(line: Segment, **more: object) -> Correction:
    return Correction("t", "es", line.id, text="x", pinned=anchor_of(line), **more)  # type: ignore[arg-type]


def test_a_correction_holds_for_its_line_while_that_says_the_same() -> None:
    rows = [corrected(LINES[0]), corrected(LINES[1])]
    assert find_lines(LINES, rows) == (rows, [])


def test_a_correction_follows_its_words_to_another_id_and_the_nearest_time() -> None:
    later = [Segment("s0", 0.2, 0.8, "New."), *(replace(line, id=f"s{index + 1}") for index, line in enumerate(LINES))]
    found, lost = find_lines(later, [corrected(LINES[2]), corrected(LINES[0])])
    assert ([row.segment for row in found], lost) == (["s1", "s3"], [])


def test_of_equal_words_the_nearest_in_time_is_meant_and_not_the_id() -> None:
    early = [
        Segment("s0", 0.1, 0.5, "New.", "A"),
        Segment("s1", 1.0, 2.0, "Yes.", "A"),
        Segment("s2", 5.0, 6.0, "No.", "B"),
        Segment("s3", 9.0, 10.0, "Yes.", "A"),
    ]
    at_nine = Correction("t", "es", "s1", text="x", pinned=anchor_of(LINES[2]))
    assert [row.segment for row in find_lines(early, [at_nine])[0]] == ["s3"]


def test_a_correction_whose_words_are_gone_is_lost_and_named() -> None:
    gone = corrected(LINES[1])
    assert find_lines([LINES[0], LINES[2]], [gone, corrected(LINES[0])]) == ([corrected(LINES[0])], [gone])
    assert find_lines([LINES[0]], [corrected(LINES[0]), corrected(LINES[2])]) == ([corrected(LINES[0])], [corrected(LINES[2])])


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home = tmp_path_factory.mktemp("corrections")
    tiny.build_catalogue(home, tiny.TITLES[:1])
    with open_books(tiny.settings_for(home)) as opened:
        yield opened


def night(books: Books) -> Desk:
    tiny.run_titles(books, books.settings.home / "catalogue/catalogue.csv")
    return open_desk(books, "plain", "es")


@pytest.mark.slow
def test_one_line_from_the_first_night_to_its_lock(books: Books, tmp_path: Path) -> None:
    first = night(books)
    one, other = first.lines
    with pytest.raises(LedgerError, match="no line 'nowhere'"):
        edit(books, first, "nowhere", Change(text="Hola"), **SAID)
    with pytest.raises(LedgerError, match=r"0 <= start < end"):
        edit(books, first, one, Change(start=999.0), **SAID)
    with pytest.raises(LedgerError, match="changes and is to be locked at once"):
        edit(books, first, one, Change(text="Otra cosa.", lock=True), **SAID)
    assert edit(books, first, one, Change(text=first.lines[one].translation.text), **SAID) is None

    edit(books, first, one, Change(text="Su mensaje es breve.", approve=True), **SAID)
    second = night(books)
    assert (second.lines[one].translation.text, second.lines[one].translation.origin) == ("Su mensaje es breve.", "person")
    assert second.lines[one].clip.sound != first.lines[one].clip.sound
    assert second.lines[other].clip.sound == first.lines[other].clip.sound  # the other line was not touched
    assert [(row.target, row.segment) for row in books.ledger.approved("en", "es")] == [("Su mensaje es breve.", one)]

    edit(books, second, other, Change(text="Está cerrada."), **SAID)
    with pytest.raises(LedgerError, match="is not made yet"):
        edit(books, open_desk(books, "plain", "es"), other, Change(lock=True), **SAID)
    pending = open_desk(books, "plain", "es")
    assert apply_sheet(books, pending, sheet_rows(pending), **SAID).corrected == ()  # a sheet shows what is settled, not only what is made
    edit(books, pending, other, Change(text=second.lines[other].translation.text), **SAID)  # and back
    edit(books, second, one, Change(lock=True), **SAID)
    with pytest.raises(LedgerError, match="it is locked"):
        edit(books, night(books), one, Change(text="Mejor así."), **SAID)
    profile = books.settings.home / "profiles/tiny.yaml"
    profile.write_text(profile.read_text() + "fit: {rate_slowest: 0.8, prefer: tight}\n")
    engines = profile.read_text()
    profile.write_text(engines.replace("{name: espeak-ng}", "{name: espeak-ng, settings: {normal_rate: 150}}"))
    third = night(books)
    assert third.lines[other].clip.sound != second.lines[other].clip.sound  # another voice speaks it now
    assert (third.lines[one].clip.sound, third.lines[one].clip.locked) == (second.lines[one].clip.sound, True)
    assert third.lines[one].place == second.lines[one].place
    assert third.lines[one].translation == second.lines[one].translation

    assert take_back(books, third, one)
    assert take_back(books, third, other)
    last = night(books)
    assert last.lines[one].translation.origin == "memory"
    assert not take_back(books, last, one)


@pytest.mark.slow
def test_a_sheet_settles_what_was_changed_and_names_what_it_cannot(books: Books) -> None:
    desk = night(books)
    one, other = sheet_rows(desk)
    assert apply_sheet(books, desk, [one, other], **SAID) == type(apply_sheet(books, desk, [], **SAID))()
    stale = replace(other, text="Otra cosa.", revision="0000")
    done = apply_sheet(books, desk, [replace(one, text="Breve.", end=one.end + 0.1, approve=True), stale], **SAID)
    assert (done.corrected, done.approved) == ((one.line,), (one.line,))
    assert [f"{other.line} is no longer as it was exported" in row for row in done.refused] == [True]
    kept = books.ledger.corrections("plain", "es")
    assert [(row.segment, row.text, row.end) for row in kept] == [(one.line, "Breve.", pytest.approx(one.end + 0.1))]
    plan = read_kept(books.ledger, kept[0].created)
    assert ("plain", "es") in plan.corrections
    again = night(books)
    assert (again.lines[one.line].translation.text, again.lines[one.line].segment.end) == ("Breve.", pytest.approx(one.end + 0.1))
