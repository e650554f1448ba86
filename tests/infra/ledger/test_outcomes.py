"""Runs, costs, measurements, decisions, releases, and what a collector of garbage must keep."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger.rows import Artifact, Cost, CostLine, RecordedMeasurement, TitleLanguage


def build(ledger, key: str, *artifacts: Artifact, run: str = "r1", cost: Cost | None = None) -> None:
    claim = ledger.claim(key, step="speak", version=1, title="t1", language="es", owner="w", run=run, lease_seconds=60)
    ledger.commit(key, "w", claim.fence, manifest=f"manifest of {key}", artifacts=artifacts, inputs={}, cost=cost or Cost())


def decide(ledger, **change: Any) -> int:
    said = {"title": "t1", "language": "es", "run": "r1", "recipe": "a", "policy": "preview", "policy_digest": "b"}
    return ledger.record_decision(**(said | {"outcome": "cannot_tell", "reasons": [{"rule": "bleu"}], "rules": []} | change))


def release(ledger, package: str, action: str = "release", title: str = "t1", decision: int | None = None) -> int:
    return ledger.record_release(title=title, language="es", action=action, package=package, decision=decision, who="operator", why="asked")


def test_runs_sort_by_time_and_end_with_an_account(ledger, clock):
    first = ledger.start_run("night", {"workers": 2, "deadline": None})
    clock.pass_seconds(0.001)
    second = ledger.start_run("night", {})
    clock.pass_seconds(60)
    ledger.finish_run(first, "done", {"titles": 6})
    assert first < second
    latest, earlier = ledger.runs(2)
    assert (latest.id, latest.state, latest.ended) == (second, "running", None)
    assert (earlier.state, earlier.account, earlier.options) == ("done", {"titles": 6}, {"workers": 2, "deadline": None})
    assert (earlier.ended - earlier.started).total_seconds() == pytest.approx(60.001)
    assert [run.id for run in ledger.runs(1)] == [second]


def test_costs_count_every_attempt_of_this_run(ledger, clock):
    for outcome in ("failed", "done"):
        claim = ledger.claim("k1", step="speak", version=1, title="t1", language="es", owner="w", run="r1", lease_seconds=60)
        cost = Cost(wall=2.0, cpu=1.0, engine=0.5, built=3, reused=4)
        if outcome == "failed":
            ledger.fail("k1", "w", claim.fence, {"code": "EngineCrashed", "transient": True}, cost)
        else:
            ledger.commit("k1", "w", claim.fence, manifest="m", artifacts=[], inputs={}, cost=cost)
    build(ledger, "k2", cost=Cost(wall=1.0))
    build(ledger, "other-run", run="r2", cost=Cost(wall=99.0))
    ledger.claim("k3", step="speak", version=1, title="t2", language="es", owner="w", run="r1", lease_seconds=60)
    clock.pass_seconds(60)
    ledger.reap()
    assert ledger.costs("r1") == [
        CostLine("t1", "es", "speak", wall=5.0, cpu=2.0, engine=1.0, built=6, reused=8, attempts=3, lost=0),
        CostLine("t2", "es", "speak", wall=0.0, cpu=0.0, engine=0.0, built=0, reused=0, attempts=1, lost=1),
    ]


def test_measurements_are_those_of_the_latest_run_and_recorded_once(ledger):
    old = [{"metric": "wer", "value": 0.5}]
    new = [
        {
            "metric": "wer",
            "value": 0.031,
            "unit": "share",
            "n": 40,
            "engine": "pocketsphinx 5",
            "stand_in": True,
            "worst": [{"segment": "t1.3"}],
            "interval_low": 0.02,
            "interval_high": 0.05,
            "weights": "a" * 64,
            "inputs": {"mix.film": "b" * 64},
            "environment": "c" * 64,
        },
        {"metric": "bleu", "value": None, "not_measured": "no references"},
        {"metric": "psnr", "value": math.inf, "unit": "dB"},
        {"metric": "snr", "value": math.nan},
    ]
    ledger.record_measurements("r1", "t1", "es", old)
    for _ in range(2):
        ledger.record_measurements("r2", "t1", "es", new)
    ledger.record_measurements("r3", "t1", "fr", old)
    assert ledger.measurements("t1", "es") == [
        RecordedMeasurement(
            "r2",
            "wer",
            0.031,
            "share",
            40,
            "pocketsphinx 5",
            stand_in=True,
            worst=[{"segment": "t1.3"}],
            interval_low=0.02,
            interval_high=0.05,
            weights="a" * 64,
            inputs={"mix.film": "b" * 64},
            environment="c" * 64,
        ),
        RecordedMeasurement("r2", "bleu", not_measured="no references"),
        RecordedMeasurement("r2", "psnr", math.inf, "dB"),
        RecordedMeasurement("r2", "snr", not_measured="not a number"),
    ]
    assert ledger.measurements("t9", "es") == []


def test_decisions_are_added_and_come_newest_first(ledger, clock):
    first, second = decide(ledger), decide(ledger, run="r2", outcome="pass", reasons=[])
    decide(ledger, title="t2")
    assert [found.id for found in ledger.decisions("t1", "es")] == [second, first]
    (found,) = ledger.decisions(run="r2")
    assert (found.outcome, found.policy, found.created, found.reasons) == ("pass", "preview", clock.now, [])
    assert len(ledger.decisions()) == 3


def test_releases_tell_what_was_out_before(ledger):
    decision = decide(ledger, outcome="pass")
    release(ledger, "p1", decision=decision)
    release(ledger, "p2")
    release(ledger, "p1", "rollback")
    release(ledger, "", "withdraw")
    release(ledger, "q1", title="t2")
    moves = [(row.action, row.previous, row.package) for row in reversed(ledger.releases("t1", "es"))]
    assert moves == [("release", "", "p1"), ("release", "p1", "p2"), ("rollback", "p2", "p1"), ("withdraw", "p1", "")]
    assert (ledger.releases("t1")[-1].decision, ledger.releases("t1")[-1].who) == (decision, "operator")
    assert len(ledger.releases()) == 5


def test_the_same_move_twice_is_one_row(ledger):
    assert release(ledger, "p1") == release(ledger, "p1")
    assert len(ledger.releases()) == 1


def test_words_that_the_ledger_does_not_know_are_refused(ledger):
    with pytest.raises(LedgerError):
        decide(ledger, outcome="probably")
    with pytest.raises(LedgerError):
        release(ledger, "p1", decision=12345)
    assert (ledger.decisions(), ledger.releases()) == ([], [])


def test_live_digests_reach_heads_releases_and_their_jobs(ledger, clock):
    build(ledger, "head", Artifact("sound", "head-sound", 1))
    build(ledger, "made-p1", Artifact("package", "p1", 1), Artifact("report", "p1-report", 1))
    build(ledger, "forgotten", Artifact("sound", "old-sound", 1))
    ledger.set_heads("t1", "es", {"speak": "head"})
    release(ledger, "p1")
    release(ledger, "", "withdraw")
    ledger.put_title_languages([TitleLanguage("t1", "fr", "preview", "", {}, "held", [], "p-held", "r1", clock.now)])
    assert ledger.live_digests() == {"manifest of head", "head-sound", "manifest of made-p1", "p1", "p1-report", "p-held"}


def test_what_an_earlier_run_measured_is_still_there(ledger):
    ledger.record_measurements("r1", "t1", "es", [{"metric": "wer", "value": 0.1}, {"metric": "bleu", "not_applicable": "people wrote it"}])
    ledger.record_measurements("r2", "t1", "es", [{"metric": "wer", "value": 0.2}])
    assert [row.value for row in ledger.measurements("t1", "es")] == [0.2]
    assert ledger.measurements("t1", "es", "r1") == [
        RecordedMeasurement("r1", "wer", 0.1),
        RecordedMeasurement("r1", "bleu", not_applicable="people wrote it"),
    ]
    assert ledger.measurements("t1", "es", "r9") == []


def test_a_policys_rules_are_kept_once_under_their_digest(ledger):
    rules = [{"metric": "wer", "threshold": 3.5}]
    ledger.keep_policy("a" * 64, "strict", rules)
    ledger.keep_policy("a" * 64, "strict", [{"metric": "mended later"}])
    assert ledger.policy_rules("a" * 64) == rules
    assert ledger.policy_rules("b" * 64) == []
