"""Housekeeping as a flow: expired leases freed, pointers agreeing with the ledger, what nobody refers to removed."""

from __future__ import annotations

import msgspec
from prefect import flow

from nightdub.flows.night import open_books
from nightdub.flows.upkeep import clean
from nightdub.infra.settings import load_settings


@flow(name="housekeeping", persist_result=False)
def keep_house(grace_hours: float = 48.0) -> dict[str, int]:
    """Free expired leases, mend pointers, forget old jobs, and delete objects that nothing has referred to for the grace period."""
    with open_books(load_settings()) as books:
        return msgspec.to_builtins(clean(books, grace_seconds=3600 * grace_hours))  # type: ignore[no-any-return]
