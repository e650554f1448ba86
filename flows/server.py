"""One explicit Prefect server for a run that was given none: on loopback, and gone when the run ends, however it ends."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from nightdub.infra.children import Child, free_port, tied
from nightdub.infra.settings import Settings

PROGRAM = [sys.executable, "-m", "prefect"]
QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


@contextmanager
def prefect_server(settings: Settings) -> Iterator[str]:
    """Yield the address of the Prefect server that this process's flows report to.

    Without one, every process that touches Prefect starts a server of its own and leaves it behind when it is killed. The child is
    tied to this process by the kernel (parent-death signal), so that even SIGKILL leaves none. Call before Prefect is imported.
    A given server's user and password are Prefect's own setting (PREFECT_API_AUTH_STRING).
    """
    os.environ.update(QUIET)
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # states are in its database; the night prints its own lines
    if given := settings.prefect_api_url or os.environ.get("PREFECT_API_URL"):
        os.environ["PREFECT_API_URL"] = given
        yield given
        return
    home = (settings.home / "prefect").resolve()
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    os.environ.update(PREFECT_HOME=str(home), PREFECT_API_URL=url)
    server = Child(
        "Prefect server",
        [*tied(), *PROGRAM, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        home / "server.log",
        env=os.environ | {"PREFECT_SERVER_UI_API_URL": url, "PREFECT_API_URL": ""},
    )
    try:
        server.wait_until(lambda: is_healthy(url))
        yield url
    finally:
        server.stop()


def is_healthy(url: str) -> bool:
    """Return whether a Prefect server answers; asking takes no password."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310  (our own loopback address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
