"""Servers for tests: the ones of `make cluster`, on free ports or sockets of their own."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress

from nightdub.apps.cluster.servers import PostgresServer, moto_server
from nightdub.infra.children import free_port, listens

__all__ = ["PostgresServer", "free_port", "moto_server", "wait_for"]


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """Poll until a server listens. Raises: RuntimeError where it died or took too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if listens(port):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise RuntimeError(f"the server on port {port} did not start (exit status {process.poll()})")
