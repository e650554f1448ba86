"""Servers that this process starts: looked after until they answer, stopped in order, and gone with it however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nightdub.infra.errors import MachineLacks

PATIENCE = 120.0  # seconds until a server answers; a new database takes Prefect's 8 to 16 s on two busy cores
_STEP = 0.05  # seconds between two looks


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether something listens on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tied(word: str = "KILL") -> list[str]:
    """Return what to put before a command so that the kernel sends it a signal when this process ends, even by SIGKILL.

    Nothing outside the main thread: the kernel would end the child with that thread (prctl(2), PR_SET_PDEATHSIG).
    """
    main = threading.current_thread() is threading.main_thread()
    return ["setpriv", "--pdeathsig", word] if main and shutil.which("setpriv") else []


class Child:
    """A server in a process group of its own: a Ctrl-C at the terminal reaches us alone, and we stop it when its turn comes."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None, **how: Any) -> None:
        """Start it; `how` goes to `subprocess.Popen`. Its words go to the end of `log`."""
        self.name, self.log = name, log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=env,
                process_group=0,
                **how,
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Look until the server is ready. Raises: MachineLacks where it died or took too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if ready():
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_STEP)
        died = self.process.poll()
        why = f"it ended with {died}" if died is not None else f"no answer within {seconds:.0f} s"
        said = self.log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
        fix = "read the end of that log; nightdub doctor checks the rest"
        raise MachineLacks(f"{self.name!r} did not start: {why}; its last word: {said[:500]!r}", where=str(self.log), fix=fix)

    def stop(self, word: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
        """Ask the server to end, and after so many seconds kill it with all that is left of its group."""
        self.process.send_signal(word)  # nothing happens where it has ended
        self.bury(seconds)

    def bury(self, seconds: float = 10.0) -> None:
        """Wait for the server, which was asked to end, and then kill what is left of its group."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
