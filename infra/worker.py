"""The worker's end of a Dask cluster. `dask worker --preload nightdub.infra.worker` tells the scheduler which code a worker runs.

A worker is then sent the orders of that code alone: while an old night ends on old workers, new ones serve a new night beside them.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from nightdub.infra.code import CODE, check_code
from nightdub.infra.errors import OtherCode
from nightdub.infra.pool import Outcome, attend

MARK = f"nightdub-{CODE[:16]}"  # a Dask resource that no order uses up
_PLENTY = 1e9


def dask_setup(worker: Any) -> None:
    """Mark a worker before it joins its scheduler; Dask calls this."""
    for resources in (worker.state.total_resources, worker.state.available_resources):
        resources[MARK] = _PLENTY


def serve(code: str, order: bytes) -> Outcome:
    """Fill a pickled order of the code with this digest; it is opened only if this process runs that code."""
    try:
        check_code(code)
    except OtherCode as error:
        return error
    return attend(pickle.loads(order))  # noqa: S301 - from the flow, over Dask's own connection, which carries pickles anyway


def _by_value() -> Callable[[str, bytes], Outcome]:
    """Return `serve` as a function that travels whole, since the scheduler opens what it passes on: it needs no code of ours, or older."""

    def carry(code: str, order: bytes) -> Outcome:
        from nightdub.infra.worker import serve

        return serve(code, order)

    return carry


CARRY = _by_value()
