"""Processes that are forked, waited for and killed; clocks that are fast; folders in memory."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from nightdub.flows import night
from nightdub.infra.ledger import Ledger

PATIENCE = 150.0  # seconds after which a night hangs; a quiet machine needs half of one


def fork(work: Callable[[], object], log: Path) -> int:
    """Do something in a process of its own, in a session of its own, and return its id; status 3 says that it raised."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 3
    try:
        os.setsid()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(handle, stream)
        work()
        status = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def ended(pid: int, seconds: float = PATIENCE) -> int | None:
    """Return a process's exit status once it has ended (negative = the signal that ended it); None where it takes longer."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.002)


def end(pid: int) -> None:
    """Kill a process and wait for it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@contextmanager
def shifted(seconds: float) -> Iterator[None]:
    """Let every ledger that is opened meanwhile have a clock that is fast by so many seconds."""
    with mock.patch.object(night, "Ledger", partial(Ledger, clock=lambda: datetime.now(UTC) + timedelta(seconds=seconds))):
        yield


def scratch() -> Path:
    """Return a new folder in memory where there is such a place: a kill is no power cut, so nothing is proven by waiting for a disk."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return Path(tempfile.mkdtemp(prefix="nightdub-chaos-", dir=memory if roomy else None))
