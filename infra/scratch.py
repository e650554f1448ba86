"""Folders for work in progress: gone when the work ends, and swept away by the next process where their owner was killed.

The owner holds the kernel's lock on its folder; a dead process holds none. That also tells processes of other containers apart, where
process numbers would not.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from nightdub.infra.logs import note

PREFIX = "nightdub-scratch-"
_YOUNG = 60.0  # seconds in which a folder may be there and not locked yet


class Scratch(tempfile.TemporaryDirectory[str]):
    """A temporary directory that this process holds a lock on; as a context manager it gives the folder's path as text."""

    def __init__(self, what: str = "work") -> None:
        super().__init__(prefix=f"{PREFIX}{what}-", ignore_cleanup_errors=True)
        self._lock = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY)  # not inherited by the programs that this process starts
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def cleanup(self) -> None:
        """Remove the folder, and then let go of it."""
        super().cleanup()
        with suppress(OSError):
            os.close(self._lock)


@cache
def sweep_once() -> None:
    """Sweep, when a process starts to work."""
    sweep()


def sweep() -> int:
    """Remove this user's scratch folders whose owners are dead; return how many there were."""
    return sum(_swept(folder) for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


def _swept(folder: Path) -> bool:
    try:
        facts = folder.lstat()
        if facts.st_uid != os.getuid() or facts.st_mtime > time.time() - _YOUNG:
            return False
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # somebody else removed it, or it is no folder of ours
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    note("scratch folder swept", folder=folder.name)
    return True
