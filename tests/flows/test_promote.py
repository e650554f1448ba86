"""Aliases: what moves them, what does not, and what a step back marks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from trial_engines import Parrot, changed, installed, write_set

from nightdub.datasets.evaluation import EvaluationSet, read_set
from nightdub.flows.evaluate import compare, evaluate, resolve
from nightdub.flows.night import Books, load_houses
from nightdub.flows.promote import demote, promote
from nightdub.flows.recipe import open_house
from nightdub.infra.errors import AliasConflict, ConfigError, NotPromoted
from nightdub.tasks.catalogue import Catalogue
from nightdub.tasks.rows import Title

GOOD, BAD, OTHER = "parrot:wrong=0.1", "parrot:wrong=0.6", "parrot:salt=b,wrong=0.1"
WORD = {"who": "Ana", "why": "the names are right"}


@pytest.fixture(autouse=True)
def parrots() -> Iterator[type[Parrot]]:
    with installed() as found:
        yield found


@pytest.fixture
def lines(tmp_path: Path) -> EvaluationSet:
    return read_set(write_set(tmp_path / "lines.jsonl"))


def compared(books: Books, lines: EvaluationSet, candidate: str, stable: str) -> int:
    one, other = (evaluate(books, "translate", engine, [lines])[0].row for engine in (candidate, stable))
    return compare(books, [one], [other]).id


def test_the_first_is_stable_without_evidence_and_the_second_is_not(books: Books, lines: EvaluationSet) -> None:
    first = promote(books, "translate", BAD)
    assert (first.target, first.previous, first.who, first.why, first.evidence) == (BAD, "", "gate", "the first one", [])
    with pytest.raises(NotPromoted, match=f"{GOOD}: not compared with {BAD}; next: nightdub evaluate translate"):
        promote(books, "translate", GOOD)
    number = compared(books, lines, GOOD, BAD)
    second = promote(books, "translate", GOOD)
    assert (second.target, second.previous, second.evidence) == (GOOD, BAD, [number])
    assert second.why == f"comparison {number} with {BAD}: pass"
    assert resolve(books, "translate", "stable") == GOOD
    with pytest.raises(NotPromoted, match="stable already"):
        promote(books, "translate", GOOD)


def test_fail_and_cannot_tell_do_not_promote_but_a_person_may(books: Books, lines: EvaluationSet) -> None:
    promote(books, "translate", GOOD)
    compared(books, lines, BAD, GOOD)
    with pytest.raises(NotPromoted, match=r"comparison 1 with parrot:wrong=0\.1: fail"):
        promote(books, "translate", BAD)
    move = promote(books, "translate", BAD, **WORD)
    assert (move.who, move.why) == ("Ana", "the names are right; evidence: comparison 1 with parrot:wrong=0.1: fail")
    assert move.evidence == [1]
    with pytest.raises(ConfigError, match="a person's name with a reason"):
        promote(books, "translate", GOOD, who="Ana")


def test_the_comparison_of_most_lines_counts_not_a_lucky_part(books: Books, tmp_path: Path, lines: EvaluationSet) -> None:
    promote(books, "translate", GOOD)
    whole = compared(books, lines, BAD, GOOD)
    part = read_set(f"{tmp_path / 'lines.jsonl'}:20")
    found = books.ledger.comparisons()[0]
    one, other = (evaluate(books, "translate", engine, [part])[0].row for engine in (BAD, GOOD))
    small = [dict(verdict, contrast=dict(verdict["contrast"], lines=20)) for verdict in found.verdicts]
    lucky = replace(found, evaluations=[[one.id, other.id]], outcome="pass", verdicts=small)
    assert books.ledger.record_comparison(lucky) > whole
    with pytest.raises(NotPromoted, match=f"comparison {whole} with"):
        promote(books, "translate", BAD)


def test_evidence_of_an_engine_that_has_changed_since_does_not_count(books: Books, lines: EvaluationSet, parrots: type[Parrot]) -> None:
    promote(books, "translate", BAD)
    compared(books, lines, GOOD, BAD)
    parrots.version = "2"
    changed()
    with pytest.raises(NotPromoted, match="since one of them changed"):
        promote(books, "translate", GOOD)


def test_a_candidate_is_only_named(books: Books) -> None:
    promote(books, "translate", GOOD, alias="candidate")
    assert resolve(books, "translate", "candidate") == GOOD
    with pytest.raises(ConfigError, match="no engine is stable"):
        resolve(books, "translate", "stable")
    assert promote(books, "translate", "candidate").target == GOOD


def test_of_sixteen_at_once_one_is_promoted(books: Books, lines: EvaluationSet) -> None:
    promote(books, "translate", BAD)
    number = compared(books, lines, GOOD, BAD)
    start, won, lost, other = threading.Barrier(16), [], [], []

    def move() -> None:
        start.wait()
        try:
            won.append(promote(books, "translate", GOOD))
        except (AliasConflict, NotPromoted):
            lost.append(1)
        except Exception as error:
            other.append(error)

    threads = [threading.Thread(target=move) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost), other) == (1, 15, [])
    assert won[0].evidence == [number]
    assert [row.target for row in books.ledger.alias_moves("translate")] == [GOOD, BAD]


def test_back_goes_to_the_one_before_and_marks_what_was_released(books: Books) -> None:
    with pytest.raises(NotPromoted, match="nothing was stable before"):
        demote(books, "translate", **WORD)
    for engine in (BAD, OTHER, GOOD):
        promote(books, "translate", engine, **WORD)
    books.ledger.record_release("night-train", "es", action="release", package="p", decision=None, who="gate", why="pass")
    assert demote(books, "translate", **WORD).target == OTHER
    assert [(row.title, row.taken_back) for row in books.ledger.reevaluations()] == [("night-train", GOOD)]
    assert demote(books, "translate", **WORD).target == BAD
    with pytest.raises(NotPromoted, match="nothing was stable before"):
        demote(books, "translate", **WORD)


def test_a_profile_is_promoted_by_a_person(books: Books) -> None:
    with pytest.raises(NotPromoted, match="no evaluation says which profile is better"):
        promote(books, "profile", "broadcast")
    assert promote(books, "profile", "broadcast", **WORD).target == "broadcast"
    with pytest.raises(ConfigError, match="no profile 'nonsense'"):
        promote(books, "profile", "nonsense", **WORD)


def test_a_catalogue_and_a_profile_may_say_stable(books: Books, tmp_path: Path) -> None:
    titles = (Title("night-train", "film.mp4", "en", ("es",), profile="stable"),)
    listed = Catalogue(titles, ())
    with pytest.raises(ConfigError, match="nothing is stable for 'profile' yet"):
        load_houses(books.settings, listed, books.ledger)
    promote(books, "profile", "preview", **WORD)
    assert load_houses(books.settings, listed, books.ledger)["stable"].profile.name == "preview"
    (tmp_path / "house.yaml").write_text("name: house\npolicy: preview\ncommercial: false\nengines:\n  translate: [{name: stable}]\n")
    with pytest.raises(ConfigError, match="nothing is stable for 'translate' yet"):
        open_house("house", tmp_path, None, {})
    (choice,) = open_house("house", tmp_path, None, {"translate": GOOD}).profile.engines["translate"]
    assert (choice.name, choice.settings) == ("parrot", {"wrong": 0.1})
