"""One explicit Prefect server for a run that was given none: on loopback, and gone when the run ends, however it ends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightdub.infra.errors import MachineLacks
from nightdub.infra.settings import Settings

PATIENCE = 120.0  # seconds; a new database takes 8 to 16 s on two busy cores


@contextmanager
def prefect_server(settings: Settings) -> Iterator[str]:
    """Yield the address of the Prefect server that this process's flows report to.

    Without one, every process that touches Prefect starts a server of its own and leaves it behind when it is killed. The child is
    tied to this process by the kernel (parent-death signal), so that even SIGKILL leaves none. Call before Prefect is imported.
    """
    os.environ.update(DO_NOT_TRACK="1", PREFECT_SERVER_ANALYTICS_ENABLED="false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # states are in its database; the night prints its own lines
    if given := settings.prefect_api_url or os.environ.get("PREFECT_API_URL"):
        os.environ["PREFECT_API_URL"] = given
        yield given
        return
    home = (settings.home / "prefect").resolve()
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    os.environ.update(PREFECT_HOME=str(home), PREFECT_API_URL=url)
    with (home / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [*_tied_to_us(), sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PREFECT_SERVER_UI_API_URL": url, "PREFECT_API_URL": ""},
        )
        try:
            _wait(server, url, home / "server.log")
            yield url
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _tied_to_us() -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310  (our own loopback address)
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise MachineLacks("the Prefect server did not start", where=str(log), fix="read the end of that log; nightdub doctor checks the rest")
