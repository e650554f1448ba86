"""The regression test: what has changed is evaluated again and held against what it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from trial_engines import LINES, Parrot, changed, example, installed, write_set

from nightdub.datasets.evaluation import read_set
from nightdub.flows.evaluate import evaluate
from nightdub.flows.night import Books
from nightdub.flows.promote import promote
from nightdub.flows.regression import regression_test, rerun_stale
from nightdub.infra.errors import Regressed

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
