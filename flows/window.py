"""What Prefect shows of a running night. It is only a window: a server that is away, or away for good, stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from nightdub.infra.logs import warn

SHUT_SECONDS = 60.0  # before a server that did not answer is asked again
T = TypeVar("T")


class Window:
    """Makes calls to the Prefect server that may be lost."""

    def __init__(self) -> None:
        self._shut_until = 0.0

    def show(self, call: Callable[[], T]) -> T | None:
        """Make a call, without Prefect's own minute of retries; return nothing where the server is away."""
        if time.monotonic() < self._shut_until:
            return None
        try:
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                return call()
        except Exception as error:
            self._shut_until = time.monotonic() + SHUT_SECONDS
            warn("Prefect was not told", what=f"{type(error).__name__}: {error}")
            return None
