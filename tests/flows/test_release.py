"""Released is what the ledger says last and the pointer shows: by the gate, by a person, back again, and after a crash between the two."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from nightdub.flows import release as room
from nightdub.flows.night import Books, Night
from nightdub.flows.plan import Planned
from nightdub.flows.pointer import carry_out, released_package
from nightdub.flows.publish import export_package
from nightdub.flows.recipe import FileDigests, House, HouseParts, Recipe
from nightdub.flows.release import decide_and_release, release, rollback
from nightdub.flows.upkeep import tidy
from nightdub.infra.errors import LedgerError, PointerConflict
from nightdub.infra.ledger import TitleLanguage
from nightdub.infra.store import Pointer, Store
from nightdub.quality.policy import Policy, Rule
from nightdub.tasks.profile import Profile
from nightdub.tasks.rows import Measurement, Title

FILM = Title("film", "film.mp4", "en", ("es",))
NO_FAILED_LINE = Policy("strict", (Rule("account.failed_lines", "==", 0, "lines"),))
HOUSE = House(Profile("bare", "strict", commercial=False, engines={}), NO_FAILED_LINE)


def judge(books: Books, content: str, failed_lines: float | None = 0) -> tuple[str, str]:
    """Let the gate judge a film with these bytes, as the end of a night does; return its digest and the state."""
    film = books.store.put_bytes(content.encode())
    row = Measurement("account.failed_lines", failed_lines, "lines", n=5, not_measured="" if failed_lines is not None else "nobody counted")
    night = Night(books, None, {}, FileDigests(books.ledger), books.ledger.start_run("test", {}))  # type: ignore[arg-type]
    planned = Planned(FILM, "es", Recipe(HouseParts({}, content), {}), "", ("new",))
    measured = books.store.put_bytes(msgspec.json.encode(row) + b"\n")
    outputs = {"package.film": film, "measure.measurements": measured, "data_gate.measurements": books.store.put_bytes(b"")}
    state, reasons = decide_and_release(night, planned, HOUSE, outputs)
    standing = TitleLanguage("film", "es", "bare", content, {}, state, list(reasons), film, night.run)
    books.ledger.put_title_languages([standing])
    return film, state


def moves(books: Books) -> list[tuple[str, str, str]]:
    """Return action, package and who of every move, oldest first."""
    return [(row.action, row.package, row.who) for row in reversed(books.ledger.releases("film", "es"))]


def test_the_gate_releases_what_passes(books: Books) -> None:
    film, state = judge(books, "one")
    assert (state, released_package(books, "film", "es")) == ("released", film)
    assert moves(books) == [("release", film, "gate")]
    assert books.ledger.releases()[0].decision == books.ledger.decisions()[0].id


@pytest.mark.parametrize("failed_lines", [2, None])
def test_a_held_newer_version_leaves_the_released_one_standing(books: Books, failed_lines: float | None) -> None:
    first, _ = judge(books, "one")
    second, state = judge(books, "two", failed_lines)
    assert (state, released_package(books, "film", "es")) == ("held", first)
    path = export_package(books, "film", "es", second, first)
    home = books.settings.home
    assert path == "review/film/film.es.mp4"
    assert ((home / path).read_text(), (home / "released/film/film.es.mp4").read_text()) == ("two", "one")


def test_a_new_version_follows_and_the_previous_one_is_kept(books: Books) -> None:
    first, _ = judge(books, "one")
    second, _ = judge(books, "two")
    assert released_package(books, "film", "es") == second
    assert [(row.package, row.previous) for row in books.ledger.releases()] == [(second, first), (first, "")]


def test_the_same_version_again_is_no_new_release(books: Books) -> None:
    film, _ = judge(books, "one")
    assert judge(books, "one") == (film, "released")
    assert len(moves(books)) == 1


def test_a_person_releases_what_was_held_and_signs_for_it(books: Books) -> None:
    film, state = judge(books, "one", failed_lines=1)
    assert (state, released_package(books, "film", "es")) == ("held", "")
    assert release(books, "film", "es", "ana", "the line is a sigh") == film
    assert released_package(books, "film", "es") == film
    assert books.ledger.releases()[0].why == "the line is a sigh"
    assert books.ledger.title_languages()["film", "es"].state == "released"


def test_what_was_never_built_cannot_be_released_or_taken_back(books: Books) -> None:
    for move in (release, rollback):
        with pytest.raises(LedgerError, match=r"film/es: no.*next: nightdub status"):
            move(books, "film", "es", "ana", "because")


def test_a_rollback_serves_the_version_before(books: Books) -> None:
    first, _ = judge(books, "one")
    second, _ = judge(books, "two")
    assert rollback(books, "film", "es", "ana", "wrong name in line 3") == first
    assert released_package(books, "film", "es") == first
    assert moves(books)[-1] == ("rollback", first, "ana")
    tidy(books)
    assert released_package(books, "film", "es") == first
    assert export_package(books, "film", "es", second, first) == "review/film/film.es.mp4"


def test_a_first_release_has_nothing_to_go_back_to(books: Books) -> None:
    film, _ = judge(books, "one")
    with pytest.raises(LedgerError, match="no earlier release"):
        rollback(books, "film", "es", "ana", "because")
    assert released_package(books, "film", "es") == film


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a flow that dies between the ledger's row and the pointer."""

    class Killed(BaseException):
        pass

    def die(*_: object) -> bool:
        raise Killed

    def run(books: Books, content: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(room, "carry_out", die)
            with pytest.raises(Killed):
                judge(books, content)

    return run


def test_a_crash_before_the_pointer_is_mended_by_housekeeping(books: Books, crash: Any) -> None:
    first, _ = judge(books, "one")
    crash(books, "two")
    assert released_package(books, "film", "es") == first
    assert tidy(books).pointers_moved == 1
    assert released_package(books, "film", "es") == books.ledger.releases()[0].package != first
    assert tidy(books).pointers_moved == 0


def test_a_crash_before_the_pointer_is_mended_by_the_same_release_again(books: Books, crash: Any) -> None:
    judge(books, "one")
    crash(books, "two")
    second, _ = judge(books, "two")
    assert released_package(books, "film", "es") == second
    assert len(moves(books)) == 2


def test_a_rollback_after_a_crash_stays(books: Books, crash: Any) -> None:
    """The pointer still shows the old version, and the ledger must not bring the new one back."""
    first, _ = judge(books, "one")
    crash(books, "two")
    assert rollback(books, "film", "es", "ana", "not this one") == first
    assert tidy(books).pointers_moved == 0
    assert released_package(books, "film", "es") == first


@dataclass
class Crowd:
    """A store whose readers of a pointer wait for each other, so that all decide on the same version."""

    store: Store
    gate: threading.Barrier

    def read_pointer(self, name: str) -> Pointer | None:
        pointer = self.store.read_pointer(name)
        self.gate.wait(30)
        return pointer

    def write_pointer(self, name: str, value: bytes, expected: str | None) -> Pointer:
        return self.store.write_pointer(name, value, expected)


@pytest.mark.parametrize("standing", ["", "one"])
def test_of_two_who_move_a_pointer_at_once_one_wins(books: Books, standing: str) -> None:
    if standing:
        judge(books, standing)
    books.ledger.record_release("film", "es", action="release", package="a" * 64, decision=None, who="ana", why="it is good")
    crowd = replace(books, store=Crowd(books.store, threading.Barrier(2)))  # type: ignore[arg-type]

    def move(_: int) -> bool:
        try:
            return carry_out(crowd, "film", "es")
        except PointerConflict:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(move, range(2))) == [False, True]
    assert released_package(books, "film", "es") == "a" * 64


def test_what_retention_has_deleted_is_not_gone_back_to(books: Books) -> None:
    first, _ = judge(books, "one")
    second, _ = judge(books, "two")
    books.store.delete(first)
    with pytest.raises(LedgerError, match="no earlier release"):
        rollback(books, "film", "es", "ana", "wrong name")
    assert released_package(books, "film", "es") == second


def test_what_is_rolled_back_is_no_longer_shown(books: Books) -> None:
    judge(books, "one")
    second, _ = judge(books, "two")
    export_package(books, "film", "es", second, second)
    place = books.settings.home / "released/film/film.es.mp4"
    assert place.read_bytes() == b"two"
    rollback(books, "film", "es", "ana", "wrong name")
    assert not place.exists()


def test_moves_are_in_order_although_one_machines_clock_is_fast(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = judge(books, "one")
    with monkeypatch.context() as patch:
        patch.setattr(books.ledger, "_clock", lambda: datetime.now(UTC) + timedelta(minutes=10))
        judge(books, "two")
    assert rollback(books, "film", "es", "ana", "wrong name") == first
    newest, before, _ = books.ledger.releases("film", "es")
    assert newest.created > before.created
    assert released_package(books, "film", "es") == first


def test_going_back_twice_does_not_go_forward(books: Books) -> None:
    first, _ = judge(books, "one")
    judge(books, "two")
    assert rollback(books, "film", "es", "ana", "wrong name") == first
    with pytest.raises(LedgerError, match="no earlier release"):
        rollback(books, "film", "es", "ana", "and again")
    assert released_package(books, "film", "es") == first


def test_the_gate_does_not_release_what_a_person_took_back(books: Books) -> None:
    first, _ = judge(books, "one")
    judge(books, "two")
    rollback(books, "film", "es", "ana", "wrong name")
    _, state = judge(books, "two")
    assert state == "held"
    assert "rolled back by ana: wrong name" in books.ledger.title_languages()["film", "es"].reasons[0]
    assert released_package(books, "film", "es") == first
