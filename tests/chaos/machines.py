"""Nights, schedulers and workers as processes of their own, for tests to kill; all are gone when a test's block ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_SCHEDULER = "import sys; sys.modules['nightdub'] = None; from distributed.cli.dask_scheduler import main; main()"  # it has no code of ours
PATIENCE = 90.0  # seconds, of which a quiet machine needs a tenth


class Running:
    """A process in a session of its own, so that what it started is found too, and what it says in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", *command],
                env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", ""))), **environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return what the process has said."""
        return self.log.read_text()

    def send(self, number: int, *, children: bool = True) -> None:
        """Send a signal to the process, and to what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number) if children else os.kill(self.process.pid, number)

    def children(self) -> list[int]:
        """Return the processes that this one started, and theirs."""
        found = subprocess.run(["ps", "-o", "pid=", "--sid", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split() if int(line) != self.process.pid]

    def ended(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Kill the process and what it started."""
        self.send(signal.SIGKILL)
        self.process.wait()


def until(reached: Callable[[], Any], what: str) -> None:
    """Poll until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took over {PATIENCE:.0f} s")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Return whether something answers on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Machines:
    """Starts processes that see one folder, and ends them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all: list[Running] = []

    def start(self, name: str, command: Sequence[str], **environment: str) -> Running:
        """Start a process; what it says goes to `<name>.log`."""
        self.all.append(Running(command, self.folder / f"{name}.log", {"TMPDIR": str(self.folder), **environment}))
        return self.all[-1]

    def scheduler(self, port: int, **environment: str) -> Running:
        """Start a Dask scheduler and wait until it listens."""
        command = ["-c", _SCHEDULER, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        running = self.start("scheduler", command, **environment)
        until(lambda: listens(port), f"the scheduler: {running.said()[-500:]}")
        return running

    def worker(self, name: str, port: int, *options: str, **environment: str) -> Running:
        """Start a Dask worker with one thread, marked with its code; it joins when it can."""
        command = ["-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", "--host", "127.0.0.1", "--nthreads", "1", "--name", name]
        command += [
            "--no-dashboard",
            "--dashboard-address",
            "127.0.0.1:0",
            "--local-directory",
            str(self.folder),
            "--preload",
            "nightdub.infra.worker",
            *options,
        ]
        return self.start(name, command, **environment)

    def night(self, name: str, home: Path, *, program: Sequence[str] = (str(HERE / "small.py"),), **settings: Any) -> Running:
        """Start a small night as a program."""
        return self.start(name, [*program, str(home), *(f"{key}={value}" for key, value in settings.items())])


@contextmanager
def machines(folder: Path) -> Iterator[Machines]:
    """Yield what starts processes; whatever was started is killed at the end, also what had stopped."""
    folder.mkdir(exist_ok=True)
    started = Machines(folder)
    try:
        yield started
    finally:
        for running in started.all:
            running.end()
