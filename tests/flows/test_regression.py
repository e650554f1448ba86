"""The regression test: what has changed is evaluated again and held against what it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from trial_engines import LINES, Parrot, changed, example, installed, write_set

from nightdub.datasets.evaluation import read_set
from nightdub.flows import nightly
from nightdub.flows.evaluate import evaluate
from nightdub.flows.night import Books
from nightdub.flows.promote import promote
from nightdub.flows.recipe import House
from nightdub.flows.regression import regression_test, rerun_changed, rerun_stale
from nightdub.flows.report import NightReport, read_report
from nightdub.infra.errors import MachineLacks, Regressed
from nightdub.quality.policy import Policy
from nightdub.tasks.catalogue import Catalogue
from nightdub.tasks.profile import EngineChoice, Profile

ENGINE = "parrot:wrong=0.2"


@pytest.fixture
def parrots() -> Iterator[type[Parrot]]:
    with installed() as found:
        yield found


@pytest.fixture
def watched(books: Books, parrots: type[Parrot], tmp_path: Path) -> Path:
    """A set by which the stable engine was evaluated once; another engine was too, and nobody watches that one."""
    path = tmp_path / "lines.jsonl"
    found = read_set(write_set(path))
    promote(books, "translate", ENGINE)
    for engine in (ENGINE, "parrot:wrong=0.9"):
        evaluate(books, "translate", engine, [found])
    return path


def test_what_has_not_changed_is_not_made_again(books: Books, watched: Path, parrots: type[Parrot]) -> None:
    (row,) = rerun_stale(books)
    assert (row.engine, row.because, row.outcome, row.evaluation) == (ENGINE, "", "", 0)
    assert len(parrots.worked) == 2 * LINES


def test_a_changed_engine_is_held_against_what_it_was(books: Books, watched: Path, parrots: type[Parrot]) -> None:
    parrots.version, parrots.broken = "2", True
    changed()
    (row,) = rerun_stale(books)
    assert (row.because, row.outcome) == ("engine changed", "fail")
    newest, before = books.ledger.evaluations("translate", ENGINE)
    assert (newest.id, newest.identities[0]["version"], before.identities[0]["version"]) == (row.evaluation, "2", "1")
    assert books.ledger.comparisons()[0].evaluations == [[newest.id, before.id]]
    assert rerun_stale(books)[0].because == ""


def test_other_surroundings_make_everything_again(
    books: Books, watched: Path, parrots: type[Parrot], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"python": "3.99"}
    monkeypatch.setattr("nightdub.flows.evaluate.environment", lambda: here)
    monkeypatch.setattr("nightdub.flows.regression.environment", lambda: here)
    (row,) = rerun_stale(books)
    assert (row.because, row.outcome) == ("environment changed", "pass")
    assert len(parrots.worked) == 3 * LINES
    assert books.ledger.environment(books.ledger.evaluations()[0].environment) == here
    assert rerun_stale(books)[0].because == ""


def test_another_set_is_evaluated_and_not_compared(books: Books, watched: Path) -> None:
    write_set(watched, [example(number) for number in range(50)])
    (row,) = rerun_stale(books)
    assert (row.because, row.outcome) == ("set changed", "not compared: another set")
    assert books.ledger.comparisons() == []


def test_a_set_that_is_gone_fails_and_stops_no_other(books: Books, watched: Path, tmp_path: Path) -> None:
    evaluate(books, "translate", ENGINE, [read_set(write_set(tmp_path / "second.jsonl"))])
    watched.unlink()
    outcomes = {row.dataset: row.outcome for row in rerun_stale(books)}
    assert outcomes[str(tmp_path / "second.jsonl")] == ""
    assert outcomes[str(watched)].startswith("failed: ")


def test_the_flow_fails_where_an_engine_regressed(
    books: Books, watched: Path, parrots: type[Parrot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTDUB_HOME", str(books.settings.home))
    monkeypatch.setenv("NIGHTDUB_COMPUTE", "threads")
    assert regression_test.fn()[0]["because"] == ""
    parrots.version, parrots.broken = "2", True
    changed()
    with pytest.raises(Regressed, match=f"translate {ENGINE} on .*lines.jsonl: fail"):
        regression_test.fn()


# ---------------------------------------------------------------- after a night


def house(name: str, **settings: object) -> House:
    """Return a profile that translates with one engine."""
    return House(Profile("one", "", commercial=False, engines={"translate": (EngineChoice(name, settings),)}), Policy("none", ()))


def test_a_night_that_worked_with_a_changed_engine_evaluates_it_again(
    books: Books, tmp_path: Path, parrots: type[Parrot], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, used = read_set(write_set(tmp_path / "lines.jsonl")), [house("parrot", wrong=0.2), house("parrot", wrong=0.5)]
    for engine in (ENGINE, "parrot:wrong=0.9"):  # no alias names them; the night works with the first
        evaluate(books, "translate", engine, [found])
    monkeypatch.setattr("nightdub.flows.regression.environment", lambda: {"python": "3.99"})
    assert rerun_changed(books, used) == []  # surroundings alone wait for the scheduled test
    parrots.version, parrots.broken = "2", True
    changed()
    assert rerun_changed(books, [house("parrot", wrong=0.5), house("apertium")]) == []
    (row,) = rerun_changed(books, used)
    assert (row.engine, row.outcome) == (ENGINE, "fail")
    assert "engine changed" in row.because
    assert len(parrots.worked) == 3 * LINES
    assert rerun_changed(books, used) == []


def test_a_night_asks_no_engine_who_it_is_where_nothing_was_evaluated(books: Books) -> None:
    assert rerun_changed(books, [house("an engine that nobody has")]) == []


def test_an_engine_that_has_gone_is_left_to_the_scheduled_test(
    books: Books, watched: Path, parrots: type[Parrot], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_self: Parrot) -> None:
        raise MachineLacks("no parrot", fix="buy one")

    monkeypatch.setattr(Parrot, "identity", gone)
    changed()
    assert rerun_changed(books, [house("parrot", wrong=0.2)]) == []
    assert rerun_stale(books)[0].outcome == "failed: no parrot; next: buy one"


def empty_night(books: Books, minutes: float | None = None) -> NightReport:
    return nightly.run_night(books, Catalogue((), ()), Path("catalogue.csv"), only=None, again=False, minutes=minutes)


def test_the_report_is_out_before_an_engine_is_evaluated_and_then_says_what_came_of_it(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(_books: Books, _houses: object) -> list[str]:
        assert read_report(books.settings.home).engines == ()
        assert books.ledger.runs(1)[0].state == "done"
        return ["translate parrot on prompts: engine changed; against what it was: fail"]

    monkeypatch.setattr(nightly, "rerun_changed", looked_at)
    assert empty_night(books).engines == ("translate parrot on prompts: engine changed; against what it was: fail",)
    assert read_report(books.settings.home).engines == empty_night(books).engines
    assert "<li>translate parrot on prompts: engine changed" in (books.settings.home / "report.html").read_text()


def test_whatever_goes_wrong_in_it_stops_no_night(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_books: Books, _houses: object) -> list[str]:
        raise RuntimeError("the pool fell over")

    monkeypatch.setattr(nightly, "rerun_changed", broken)
    assert empty_night(books).engines == ("the regression test could not be run: RuntimeError: the pool fell over",)
    assert books.ledger.runs(1)[0].state == "done"
    assert empty_night(books, minutes=0).engines == ()  # after the deadline nothing is started
