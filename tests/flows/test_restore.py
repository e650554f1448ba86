"""A ledger restored from an older backup learns again, from the store, what readers were promised in the time between."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tiny

from nightdub.apps.upkeep import restore
from nightdub.flows.consents import recall_withdrawals, withdraw
from nightdub.flows.night import Books, load_catalogue, load_houses, open_books
from nightdub.flows.plan import make_plan
from nightdub.flows.pointer import carry_out, released_package
from nightdub.flows.recipe import FileDigests
from nightdub.flows.release import move_pointer, release, rollback
from nightdub.flows.released import find_released
from nightdub.flows.report import make_report
from nightdub.flows.title import Outcome
from nightdub.flows.upkeep import collect_garbage, tidy
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import Consent, TitleLanguage

FILM = ("film", "es")


def put(books: Books, content: str) -> str:
    """Note a film as built and held, and return its digest."""
    film = books.store.put_bytes(content.encode())
    run = books.ledger.start_run("test", {})
    books.ledger.put_title_languages([TitleLanguage(*FILM, "bare", content, {}, "held", [], film, run)])
    return film


def move(books: Books, package: str, action: Any = "release") -> None:
    move_pointer(books, *FILM, package, decision=None, action=action, who="Ana", why="because")


def moves(books: Books) -> list[tuple[str, str, str]]:
    """Return action, package and previous of every move, oldest first."""
    return [(row.action, row.package, row.previous) for row in reversed(books.ledger.releases(*FILM))]


@pytest.fixture
def backup(books: Books, tmp_path: Path) -> Path:
    """A backup in which the film's first version is out."""
    move(books, put(books, "one"))
    books.ledger.put_consent(Consent("c1", "A", "*", []))
    books.ledger.back_up(tmp_path / "backup")
    return tmp_path / "backup"


def test_a_release_of_the_lost_hour_stays_out_and_is_entered_again(books: Books, backup: Path) -> None:
    first, second = released_package(books, *FILM), put(books, "two")
    move(books, second)
    lost = books.ledger.releases(*FILM)[0]
    books.ledger.restore(backup)
    assert [package for _, package, _ in moves(books)] == [first]
    done = tidy(books)
    assert (done.moves_recalled, done.pointers_moved) == (1, 0)
    assert released_package(books, *FILM) == second
    again = books.ledger.releases(*FILM)[0]
    assert (again.action, again.package, again.previous, again.created) == ("release", second, first, lost.created)
    assert (again.who, again.decision) == ("nightdub", None)
    assert "restored from an older backup" in again.why
    assert tidy(books).moves_recalled == 0
    assert len(moves(books)) == 2


def test_a_withdrawal_of_the_lost_hour_holds_also_for_a_film_that_the_ledger_never_saw(books: Books, backup: Path) -> None:
    second = put(books, "two")
    move(books, second)
    move(books, "", "withdraw")
    books.ledger.restore(backup)
    assert books.ledger.title_languages()[FILM].state == "held"
    tidy(books)
    assert released_package(books, *FILM) == ""
    assert moves(books)[-1] == ("withdraw", "", second)
    put(books, "two")  # the next night makes the same bytes
    with pytest.raises(LedgerError, match="withdrawn"):
        release(books, *FILM, "Max", "I like it")
    assert released_package(books, *FILM) == ""


def test_a_rollback_of_the_lost_hour_is_known_although_the_same_film_is_out(books: Books, backup: Path) -> None:
    first, second = released_package(books, *FILM), put(books, "two")
    move(books, second)
    assert rollback(books, *FILM, "Ana", "wrong name") == first
    books.ledger.restore(backup)
    assert tidy(books).moves_recalled == 1
    assert moves(books)[-1] == ("rollback", first, second)
    with pytest.raises(LedgerError, match="no earlier release"):
        rollback(books, *FILM, "Ana", "again")


def test_a_person_who_acts_before_the_next_night_acts_on_what_is_out(books: Books, backup: Path) -> None:
    first, second = released_package(books, *FILM), put(books, "two")
    move(books, second)
    books.ledger.restore(backup)
    assert rollback(books, *FILM, "Ana", "wrong name") == first
    assert [action for action, _, _ in moves(books)] == ["release", "release", "rollback"]
    assert tidy(books).moves_recalled == 0


def test_a_film_that_the_ledger_has_never_heard_of_stays_out(books: Books, backup: Path) -> None:
    move_pointer(books, "new", "fr", put(books, "new"), decision=None, action="release", who="gate", why="pass")
    books.ledger.restore(backup)
    assert tidy(books).moves_recalled == 1
    assert books.ledger.releases("new", "fr")[0].package == released_package(books, "new", "fr") != ""
    collect_garbage(books, grace_seconds=-60.0)
    assert books.store.get_bytes(released_package(books, "new", "fr")) == b"new"


def test_a_decision_explains_a_recalled_release_as_soon_as_there_is_one(books: Books, backup: Path) -> None:
    second = put(books, "two")
    move(books, second)
    books.ledger.restore(backup)
    tidy(books)
    run = books.ledger.start_run("test", {})
    said = {"run": run, "recipe": "", "policy": "", "policy_digest": "", "reasons": [], "rules": []}
    number = books.ledger.record_decision(*FILM, outcome="pass", **said)
    for _ in range(2):
        move_pointer(books, *FILM, second, decision=number, action="release", who="gate", why="pass")
    assert [(row.package, row.decision) for row in books.ledger.releases(*FILM)][:2] == [(second, number), (second, None)]
    assert len(moves(books)) == 3


def test_clocks_that_disagree_undo_nothing(books: Books, backup: Path) -> None:
    """The pointer's move is younger by its clock than the ledger's newest, and the ledger knows both."""
    first, second = released_package(books, *FILM), put(books, "two")
    clock = books.ledger._clock
    books.ledger._clock = lambda: clock() + timedelta(seconds=30)
    move(books, second)
    books.ledger._clock = clock
    assert rollback(books, *FILM, "Ana", "wrong name") == first
    assert (tidy(books).moves_recalled, released_package(books, *FILM)) == (0, first)


def test_pointers_of_the_first_version_follow_the_ledger(books: Books, backup: Path) -> None:
    first, name = released_package(books, *FILM), "releases/film/es"
    pointer = books.store.read_pointer(name)
    assert pointer
    old = {"language": "es", "package": "f" * 64, "synthetic": True, "title": "film"}
    books.store.write_pointer(name, msgspec.json.encode(old), pointer.version)
    assert released_package(books, *FILM) == "f" * 64
    assert carry_out(books, *FILM)
    assert released_package(books, *FILM) == first


def test_a_pointer_that_cannot_be_read_stops_no_other(books: Books, backup: Path) -> None:
    books.store.write_pointer("releases/bad/es", b"[", None)
    books.ledger.record_release(*FILM, action="withdraw", package="", decision=None, who="Ana", why="because")
    assert tidy(books).pointers_moved == 1
    assert released_package(books, *FILM) == ""


def test_a_consent_withdrawn_in_the_lost_hour_stays_withdrawn(books: Books, backup: Path) -> None:
    withdraw(books, "c1", "Eva")
    books.ledger.restore(backup)
    assert books.ledger.consents()[0].withdrawn is None
    assert tidy(books).withdrawals_recalled == 1
    assert books.ledger.consents()[0].withdrawn is not None
    assert recall_withdrawals(books) == 0


@pytest.mark.slow
def test_the_night_after_a_restore_makes_the_lost_hour_again_and_undoes_nothing(undisturbed: Any, tmp_path: Path) -> None:
    catalogue = undisturbed.copied(tmp_path / "home")
    settings = tiny.settings_for(tmp_path / "home")
    with open_books(settings) as books:
        books.ledger.back_up(tmp_path / "backup")
        texts = catalogue.parent / "plain/texts.csv"
        texts.write_text(texts.read_text().replace(".", "!", 1))
        (edited,) = tiny.run_titles(books, catalogue)
        assert (edited.state, released_package(books, "plain", "es")) == ("released", edited.package)
        assert edited.package != undisturbed.packages["plain", "es"]
        move_pointer(books, "face", "es", "", decision=None, action="withdraw", who="Eva", why="a consent ended")
        with pytest.raises(LedgerError, match="a night is at work"):
            books.ledger.restore(tmp_path / "backup")
        edited_in = books.ledger.runs(1)[0].id
        for run in books.ledger.runs():
            books.ledger.finish_run(run.id, "done", {})
    assert restore(settings, tmp_path / "backup") == 0
    with open_books(settings) as books:
        assert edited_in not in {run.id for run in books.ledger.runs()}
        assert released_package(books, "plain", "es") == edited.package
        listed = load_catalogue(settings, catalogue)
        plan = make_plan(listed.titles, load_houses(settings, listed), books.ledger, FileDigests(books.ledger))
        (again,) = tiny.run_titles(books, catalogue)
        assert (again.package, again.state) == (edited.package, "released")
        assert (again.made, again.reused) == (edited.made, edited.reused)
        assert (released_package(books, "plain", "es"), released_package(books, "face", "es")) == (edited.package, "")
        assert books.ledger.releases("plain", "es")[0].decision is not None
        outcomes: list[Outcome] = [again]
        report = make_report(books, books.ledger.runs(1)[0].id, catalogue, listed, plan, outcomes, 0.0)
        assert report.balanced
        assert {(row.title, row.language): row.state for row in report.results}["face", "es"] == "held"
        first = rollback(books, "plain", "es", "Ana", "wrong word")
        for path in (settings.home / "store/objects").rglob("*"):
            os.utime(path, (0, 0))
        collect_garbage(books, grace_seconds=3600.0)
        found = find_released(books, "plain", "es")  # not the newest dub, and still whole: it can be delivered
        assert found.film == first == undisturbed.packages["plain", "es"]
        assert [name for name, digest in found.made.digests.items() if not books.store.exists(digest)] == []
