"""Nights killed at random moments, and by the operating system's own means: two publishers, a full disk."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.slow

MOMENTS = range(8)
BACKENDS = ("sqlite file", "postgres s3")


@pytest.mark.parametrize("seed", MOMENTS, ids=lambda seed: f"seed-{seed}")
def test_a_night_killed_at_random_moments_ends_as_if_nothing_had_been(seed, conductor, record_property) -> None:
    history = conductor("kill_history", seed=seed, moments=True)
    record_property("kills", [f"{seed} --moments", history["kills"], history["looks"]])
    assert not history["problems"], f"{history['told']}\nagain: python tests/chaos/replay.py {seed} --moments"


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_sixteen_publishers_one_wins_and_fifteen_lose_cleanly(backend, conductor) -> None:
    race = conductor("publishers", backend=backend)
    assert race["statuses"] == [0] * 16, race["log"]
    assert (len(race["pointer"]), len(race["alias"])) == (1, 1)
    assert race["lost"] == ["alias lost"] * 15 + ["pointer lost"] * 15
    # By the product's own way each of the sixteen is a move of its own, one after the other, and the last one stands.
    assert (race["released"], race["chained"], race["stands"]) == (16, True, True)


@pytest.mark.parametrize(("backend", "moves"), [("sqlite file", 1000), ("postgres s3", 100)])
def test_a_reader_of_a_thousand_publishes_sees_no_torn_one(backend, moves, conductor) -> None:
    found = conductor("publishing", backend=backend, moves=moves)
    assert found["seen"] == []
    assert found["moves"] == moves
    assert found["looks"] > moves / 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk; tests/infra/test_local_store.py plants the same error")
@pytest.mark.parametrize("whole", [False, True], ids=["store", "store and ledger"])
def test_a_full_disk_leaves_nothing_half_written_and_the_next_night_completes(whole, conductor) -> None:
    assert conductor("full_disk", seed=0, whole=whole) == []
