"""Nights killed at every named boundary of the commit protocol: the next ones end as if nothing had been."""

from __future__ import annotations

import inspect

import pytest
from boundaries import LEDGER, NOT_IN_A_NIGHT, POINTS, STORE, TRANSACTION

from nightdub.infra.ledger import Ledger
from nightdub.infra.store_contract import Store

READING = ("get_bytes", "fetch", "read_range", "exists", "size", "objects", "read_pointer", "pointers")  # of a store


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(len(POINTS)), ids=lambda seed: f"seed-{seed}")
def test_a_night_killed_at_a_boundary_ends_as_if_nothing_had_been(seed, conductor, record_property) -> None:
    history = conductor("kill_history", seed=seed, moments=False)
    record_property("kills", [str(seed), history["kills"], history["looks"]])
    assert not history["problems"], f"{history['told']}\nagain: python tests/chaos/replay.py {seed}"


def test_every_method_of_the_ledger_that_writes_is_a_named_boundary() -> None:
    writing = {name for name, method in inspect.getmembers(Ledger, inspect.isfunction) if not name.startswith("_") and _writes(method)}
    assert writing == {*LEDGER, *NOT_IN_A_NIGHT} - {"delete"}


def _writes(method: object) -> bool:
    return any(
        f"self.{how}(" in inspect.getsource(method) for how in ("_write", "_write_safely", "_speak", "_add", "_record", "_restore_postgres")
    )


def test_every_method_of_a_store_that_writes_is_a_named_boundary() -> None:
    methods = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")}
    assert methods == {*STORE, *READING, "delete"}


@pytest.mark.slow
def test_an_undisturbed_night_comes_to_every_boundary(conductor) -> None:
    calls = conductor("calls")
    assert {point.name for point in POINTS} == {name for name, count in calls.items() if count}
    assert calls[TRANSACTION] > 100
