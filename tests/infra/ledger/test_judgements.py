"""Environments, overrides, evaluations, comparisons, aliases, and the releases that a rollback marks."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nightdub.infra.errors import AliasConflict, LedgerError
from nightdub.infra.ledger.ledger import Ledger
from nightdub.infra.ledger.rows import RecordedComparison, RecordedEvaluation, Reevaluation

EVALUATION = RecordedEvaluation(
    "recognise", "pocketsphinx", "i" * 64, "prompts-en", "d" * 64, "en", "r1", 400, 2, "h" * 64, [{"metric": "wer"}], [{"name": "p"}], "e"
)


def move(ledger: Ledger, target: str, after: int, action: str = "promote", **change: Any) -> int:
    said = {"who": "gate", "why": "comparison 1 passes", "evidence": [1]} | change
    return ledger.move_alias("speak", "stable", target, after=after, action=action, **said)


def release(ledger: Ledger, title: str, package: str, action: str = "release") -> None:
    ledger.record_release(title, "es", action=action, package=package, decision=None, who="gate", why="pass")


def decide(ledger: Ledger, title: str) -> None:
    ledger.record_decision(title, "es", run="r", recipe="", policy="p", policy_digest="", outcome="pass", reasons=[], rules=[])


def test_an_environment_is_kept_once(ledger):
    facts = {"cores": 2, "libraries": {"numpy": "2.4"}}
    digest = ledger.record_environment(facts)
    assert ledger.record_environment(dict(reversed(facts.items()))) == digest
    assert ledger.environment(digest) == facts
    assert ledger.environment("unknown") == {}


def test_overrides_touch_their_title_and_language_until_they_expire_or_are_revoked(ledger, clock):
    hour = timedelta(hours=1)
    said = {"reviewer": "Ana", "reason": "names are read right", "expires": clock.now + hour}
    one = ledger.add_override("t1", "es", "words.rate", **said)
    every = ledger.add_override("*", "*", "loudness.integrated", **said | {"expires": clock.now + 3 * hour})
    ledger.add_override("t2", "*", "words.rate", **said)
    assert [found.id for found in ledger.overrides("t1", "es", clock.now)] == [one, every]
    assert [found.metric for found in ledger.overrides("t2", "fr", clock.now)] == ["loudness.integrated", "words.rate"]
    assert [found.id for found in ledger.overrides("t1", "es", clock.now + hour)] == [every]
    clock.pass_seconds(7200)
    ledger.revoke_override(every)
    clock.pass_seconds(60)
    ledger.revoke_override(every)
    assert ledger.overrides("t1", "es", clock.now) == []
    assert len(ledger.overrides("t1", "es")) == 2
    assert [found.id for found in ledger.overrides("t1", "es", clock.now - timedelta(seconds=61))] == [every]


def test_an_override_needs_a_reviewer_a_reason_and_a_future(ledger, clock):
    good = {"reviewer": "Ana", "reason": "heard it", "expires": clock.now + timedelta(days=1)}
    for bad in ({"reviewer": " "}, {"reason": ""}, {"expires": clock.now}):
        with pytest.raises(LedgerError, match="an override that cannot count"):
            ledger.add_override("t1", "es", "words.rate", **good | bad)
    with pytest.raises(LedgerError, match="no override 7"):
        ledger.revoke_override(7)


def test_evaluations_and_comparisons_come_newest_first_and_their_evidence_is_kept(ledger, clock):
    first = ledger.record_evaluation(EVALUATION)
    clock.pass_seconds(1)
    second = ledger.record_evaluation(replace(EVALUATION, engine="pocketsphinx:beam=1e-20", hypotheses="g" * 64))
    found = ledger.evaluations("recognise")
    assert [row.id for row in found] == [second, first]
    assert found[1] == replace(EVALUATION, id=first, created=clock.now - timedelta(seconds=1))
    assert [row.id for row in ledger.evaluations(engine="pocketsphinx", dataset="prompts-en")] == [first]
    assert ledger.live_digests() == {"d" * 64, "h" * 64, "g" * 64}
    said = RecordedComparison("recognise", "pocketsphinx:beam=1e-20", "pocketsphinx", [[second, first]], "cannot_tell", [{"metric": "wer"}])
    number = ledger.record_comparison(said)
    assert ledger.comparisons("recognise", "pocketsphinx:beam=1e-20") == [replace(said, id=number, created=clock.now)]
    assert ledger.comparisons("recognise", "pocketsphinx") == []
    with pytest.raises(LedgerError):
        ledger.record_comparison(replace(said, outcome="probably"))


def test_an_alias_moves_only_from_where_it_was_seen(ledger):
    first = move(ledger, "espeak-ng", after=0)
    second = move(ledger, "xtts", after=first)
    for stale in (0, first):
        with pytest.raises(AliasConflict, match="stable was moved to xtts"):
            move(ledger, "other", after=stale)
    rows = ledger.alias_moves("speak", "stable")
    told = [(row.id, row.target, row.previous, row.evidence) for row in rows]
    assert told == [(second, "xtts", "espeak-ng", [1]), (first, "espeak-ng", "", [1])]
    assert ledger.alias_moves("recognise") == []
    with pytest.raises(LedgerError):
        ledger.move_alias("speak", "newest", "xtts", after=0, action="promote", who="a", why="b")


def test_of_sixteen_at_once_one_moves_the_alias(url):
    before = Ledger(url)
    seen = move(before, "espeak-ng", after=0)
    start, won, lost, other = threading.Barrier(16), [], [], []

    def promote(number: int) -> None:
        ledger = Ledger(url)
        start.wait()
        try:
            won.append(move(ledger, f"candidate-{number}", after=seen))
        except AliasConflict:
            lost.append(number)
        except Exception as error:
            other.append(error)
        finally:
            ledger.close()

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost), other) == (1, 15, [])
    assert [row.id for row in before.alias_moves("speak")] == [won[0], seen]
    before.close()


def test_a_rollback_marks_what_was_released_in_between_until_it_is_decided_again(ledger, clock):
    first = move(ledger, "old", after=0)
    release(ledger, "before", "p1")
    clock.pass_seconds(60)
    second = move(ledger, "new", after=first)
    clock.pass_seconds(60)
    for title, package in (("between", "p2"), ("redone", "p3"), ("withdrawn", "p4")):
        release(ledger, title, package)
    release(ledger, "withdrawn", "", "withdraw")
    assert ledger.reevaluations() == []
    clock.pass_seconds(60)
    move(ledger, "old", after=second, action="rollback", why="mumbles")
    clock.pass_seconds(60)
    rolled = clock.now - timedelta(seconds=60)
    marked = [
        Reevaluation(title, "es", package, "speak", "new", "mumbles", rolled) for title, package in (("between", "p2"), ("redone", "p3"))
    ]
    assert ledger.reevaluations() == marked
    decide(ledger, "redone")
    assert ledger.reevaluations() == marked[:1]
    release(ledger, "between", "", "withdraw")
    assert ledger.reevaluations() == []
