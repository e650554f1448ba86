"""Leases, fencing tokens and what a claim may answer, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from nightdub.infra.errors import EngineCrashed, EngineError, LeaseLost
from nightdub.infra.ledger.ledger import Ledger
from nightdub.infra.ledger.rows import Artifact, Claim, Cost

LEASE = 60.0
COST = Cost(wall=2.0, cpu=1.5, engine=1.0, built=3, reused=4)
SOUND = Artifact("sound", "d" * 64, 1234)


def claim(ledger: Ledger, key: str = "k1", owner: str = "worker-1", **change: Any) -> Claim:
    place: dict[str, Any] = {"step": "speak", "version": 1, "title": "t1", "language": "es", "run": "r1", "lease_seconds": LEASE}
    return ledger.claim(key, owner=owner, **(place | change))


def commit(ledger: Ledger, key: str = "k1", owner: str = "worker-1", fence: int = 1, **change: Any) -> None:
    result: dict[str, Any] = {"manifest": "m" * 64, "artifacts": [SOUND], "inputs": {"lines": "i" * 64}, "cost": COST}
    ledger.commit(key, owner, fence, **(result | change))


def attempt_rows(ledger: Ledger) -> list[tuple[Any, ...]]:
    with ledger._read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT fence, owner, outcome, wall, built FROM attempts ORDER BY fence"))]


def test_a_new_key_is_granted_and_held(ledger, clock):
    granted = claim(ledger)
    assert (granted.outcome, granted.fence, (granted.lease_until - clock.now).total_seconds()) == ("granted", 1, LEASE)
    busy = claim(ledger, owner="worker-2")
    assert (busy.outcome, busy.lease_until) == ("busy", granted.lease_until)
    job = ledger.jobs(["k1"])["k1"]
    assert (job.state, job.owner, job.attempts, job.created, job.finished) == ("claimed", "worker-1", 1, clock.now, None)


def test_a_commit_is_one_row_with_artifacts_lineage_and_cost(ledger, clock):
    claim(ledger)
    clock.pass_seconds(5)
    commit(ledger)
    assert claim(ledger, owner="worker-2") == Claim("done", 1, "m" * 64)
    job = ledger.jobs(["k1", "unknown"])["k1"]
    assert (job.state, job.manifest, job.finished, job.version, job.step) == ("done", "m" * 64, clock.now, 1, "speak")
    assert ledger.artifacts_of("k1") == [SOUND]
    assert ledger.inputs_of("k1") == {"lines": "i" * 64}
    assert attempt_rows(ledger) == [(1, "worker-1", "done", 2.0, 3)]


def test_committing_again_changes_nothing_for_the_holder_and_is_refused_to_others(ledger, clock):
    claim(ledger)
    commit(ledger)
    before = ledger.jobs(["k1"])
    clock.pass_seconds(5)
    commit(ledger, artifacts=[], cost=Cost(wall=99.0))
    assert ledger.jobs(["k1"]) == before
    assert ledger.artifacts_of("k1") == [SOUND]
    assert attempt_rows(ledger) == [(1, "worker-1", "done", 2.0, 3)]
    with pytest.raises(LeaseLost):
        commit(ledger, owner="worker-2")
    with pytest.raises(LeaseLost):
        commit(ledger, manifest="other")
    with pytest.raises(LeaseLost):
        commit(ledger, key="never-claimed")


def test_a_killed_workers_job_is_granted_after_its_lease_and_its_own_result_is_fenced_off(ledger, clock):
    claim(ledger)
    clock.pass_seconds(LEASE)
    taken = claim(ledger, owner="worker-2", run="r2")
    assert (taken.outcome, taken.fence) == ("granted", 2)
    for late in (
        lambda: commit(ledger),
        lambda: ledger.extend("k1", "worker-1", 1, LEASE),
        lambda: ledger.fail("k1", "worker-1", 1, {}, COST),
    ):
        with pytest.raises(LeaseLost, match="k1: token 1 of worker-1"):
            late()
    commit(ledger, owner="worker-2", fence=2)
    assert attempt_rows(ledger) == [(1, "worker-1", "lost", 0.0, 0), (2, "worker-2", "done", 2.0, 3)]


def test_a_late_worker_may_commit_while_nobody_took_its_job(ledger, clock):
    claim(ledger)
    clock.pass_seconds(LEASE * 10)
    commit(ledger)
    assert ledger.jobs(["k1"])["k1"].state == "done"


def test_extending_keeps_others_out(ledger, clock):
    claim(ledger)
    clock.pass_seconds(LEASE - 1)
    until = ledger.extend("k1", "worker-1", 1, LEASE)
    clock.pass_seconds(LEASE - 1)
    busy = claim(ledger, owner="worker-2")
    assert (busy.outcome, busy.lease_until) == ("busy", until)


def test_a_passing_failure_is_granted_again_and_a_terminal_one_only_when_asked(ledger):
    claim(ledger)
    ledger.fail("k1", "worker-1", 1, EngineCrashed("died").to_row(), COST)
    assert claim(ledger).fence == 2
    terminal = EngineError("no such voice").to_row()
    ledger.fail("k1", "worker-1", 2, terminal, COST)
    ledger.fail("k1", "worker-1", 2, terminal, COST)
    refused = claim(ledger)
    assert (refused.outcome, refused.error) == ("failed", terminal)
    again = claim(ledger, retry=True)
    assert (again.outcome, again.fence) == ("granted", 3)
    assert ledger.jobs(["k1"])["k1"].error == {}
    assert [row[2] for row in attempt_rows(ledger)] == ["failed", "failed", ""]


def test_a_partial_job_keeps_its_manifest_and_is_granted_again_only_when_asked(ledger):
    claim(ledger)
    commit(ledger, partial=True)
    assert claim(ledger) == Claim("partial", 1, "m" * 64)
    again = claim(ledger, retry=True)
    assert (again.outcome, again.fence, again.manifest) == ("granted", 2, "m" * 64)
    commit(ledger, fence=2, manifest="n" * 64, artifacts=[Artifact("other", "e" * 64, 1)], inputs={})
    assert claim(ledger, retry=True) == Claim("done", 2, "n" * 64)
    assert (ledger.artifacts_of("k1"), ledger.inputs_of("k1")) == ([Artifact("other", "e" * 64, 1)], {})


def test_a_done_job_whose_objects_are_gone_can_be_reopened(ledger):
    claim(ledger)
    assert not ledger.reopen("k1", {"code": "ObjectMissing"})
    commit(ledger)
    assert ledger.reopen("k1", {"code": "ObjectMissing"})
    assert claim(ledger).fence == 2


def test_reaping_frees_expired_leases_once_and_fences_their_workers_off(ledger, clock):
    for number in range(3):
        claim(ledger, f"old-{number}")
    clock.pass_seconds(LEASE)
    claim(ledger, "young")
    claim(ledger, "done", owner="worker-1")
    commit(ledger, "done")
    assert (ledger.reap(), ledger.reap()) == (3, 0)
    states = Counter(job.state for job in ledger.jobs(["old-0", "old-1", "old-2", "young", "done"]).values())
    assert states == {"failed": 3, "claimed": 1, "done": 1}
    with pytest.raises(LeaseLost):
        commit(ledger, "old-0")
    assert claim(ledger, "old-0").fence == 2
    assert Counter(row[2] for row in attempt_rows(ledger)) == {"lost": 3, "": 2, "done": 1}


def test_jobs_of_more_keys_than_one_query_takes(ledger):
    claim(ledger, "last")
    keys = [f"none-{number}" for number in range(40_000)]
    assert list(ledger.jobs([*keys, "last"])) == ["last"]
    assert ledger.jobs([]) == {}


def test_on_postgres_a_claim_does_not_wait_for_a_transaction_in_progress(postgres_url, clock):
    first, second = Ledger(postgres_url, clock), Ledger(postgres_url, clock)
    claim(first)
    with first._write() as connection:
        connection.execute(text("UPDATE jobs SET state = 'done' WHERE key = 'k1'"))
        assert claim(second, owner="worker-2") == Claim("busy", 1, lease_until=clock.now + timedelta(seconds=LEASE))
        clock.pass_seconds(LEASE + 1)  # the lease has run out, but its row is taken
        assert claim(second, owner="worker-2") == Claim("busy", lease_until=clock.now)
    assert claim(second, owner="worker-2").outcome == "done"
    first.close()
    second.close()


def test_on_postgres_the_holder_may_commit_again_while_another_is_told_that_it_is_done(postgres_url, clock):
    first, second = Ledger(postgres_url, clock), Ledger(postgres_url, clock)
    claim(first)
    commit(first)
    with second._write() as connection:
        connection.execute(text("SELECT * FROM jobs WHERE key = 'k1' FOR UPDATE"))
        commit(first)
    assert claim(second, owner="worker-2").outcome == "done"
    first.close()
    second.close()


def test_threads_that_share_a_ledger_never_share_a_key(ledger):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: claim(ledger, f"k{number % 20}", owner=f"thread-{number}"), range(160)))
    granted = [answer for answer in answers if answer.outcome == "granted"]
    assert (len(granted), {answer.fence for answer in granted}) == (20, {1})
    assert len(attempt_rows(ledger)) == 20


@pytest.mark.slow
def test_four_processes_racing_for_200_keys_never_share_one(sqlite_url, postgres_url):
    urls = (sqlite_url, postgres_url)
    command = [sys.executable, str(Path(__file__).with_name("racer.py")), "200", *urls]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 4
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [json.loads(racer.communicate()[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4
    for number, url in enumerate(urls):
        counts = Counter(key for lists in won for key in lists[number])
        assert (len(counts), set(counts.values())) == (200, {1})
        ledger = Ledger(url)
        assert Counter((job.state, job.fence) for job in ledger.jobs(counts).values()) == {("done", 1): 200}
        assert len(attempt_rows(ledger)) == 200
        ledger.close()
