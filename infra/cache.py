"""A read-through cache of objects on the local disk, shared by all processes of a machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from nightdub.infra.digests import digest_file
from nightdub.infra.disk import READ_ONLY, disk_errors, sweep, verified, write_atomically

SPARED_SECONDS = 3600  # whoever got a path has this long to open it; longer than any single batch of work
_SLACK = 16  # a process looks at the whole cache each time it added a sixteenth of the limit


def cache_folder(chosen: str) -> Path:
    """Return the folder that was chosen, or the user's cache folder's own part (XDG Base Directory Specification)."""
    return Path(chosen or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nightdub")


@dataclass
class Cache:
    """Objects by digest, the least recently used deleted first once they exceed `limit` bytes together.

    The limit is soft by what was read within the last hour, which is never deleted, and by a sixteenth for each process.
    """

    folder: Path
    limit: int  # bytes
    _added: int = field(default=0, init=False)  # bytes since the last look; unlocked, since a lost update only delays a look

    def __post_init__(self) -> None:
        with disk_errors(str(self.folder)):
            self._incoming.mkdir(parents=True, exist_ok=True)
            sweep(self._incoming)

    def fetch(self, digest: str, read: Callable[[], Iterable[bytes]]) -> Path:
        """Return a verified file, from here or through `read`. Raises: DigestMismatch where `read` gives other bytes."""
        path = self._path(digest)
        if not self._holds(digest):
            with disk_errors(str(path)):
                if not self._incoming.is_dir():
                    self._incoming.mkdir(parents=True, exist_ok=True)  # somebody may have emptied the cache by hand
                # What a power cut damages here is found by its digest at the next use, and read again.
                write_atomically(verified(read(), digest, digest), self._incoming, path, READ_ONLY, safe=False)
                self._grow(path.stat().st_size)
        return path

    def discard(self, digest: str) -> None:
        """Forget one object."""
        with disk_errors(digest):
            self._path(digest).unlink(missing_ok=True)

    def trim(self) -> None:
        """Delete the least recently used until the limit is kept."""
        with disk_errors(str(self.folder)), self._locked(fcntl.LOCK_EX):
            self._delete_oldest()

    def _holds(self, digest: str) -> bool:
        """Return whether a sound copy is here, and mark it as used; a damaged one is deleted."""
        path = self._path(digest)
        if not path.exists():
            return False
        with disk_errors(str(path)), suppress(FileNotFoundError):
            with self._locked(fcntl.LOCK_SH):
                os.utime(path)
            if digest_file(path) == digest:
                return True
            path.unlink()
        return False

    def _grow(self, size: int) -> None:
        self._added += size
        if self._added * _SLACK >= self.limit:
            self._added = 0
            self.trim()

    def _delete_oldest(self) -> None:
        facts = sorted(self._facts())
        excess = sum(size for _, size, _ in facts) - self.limit
        for used, size, path in facts:
            if excess <= 0 or used > time.time() - SPARED_SECONDS:
                return
            path.unlink(missing_ok=True)
            excess -= size

    @contextmanager
    def _locked(self, mode: int) -> Iterator[None]:
        """Keep trimming and marking apart: what is marked as used was seen so by the trimmer, or is deleted and read again."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, mode)
            yield

    def _facts(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each copy was last used, its size in bytes, and its path."""
        for path in self.folder.glob("objects/??/*"):
            with suppress(FileNotFoundError):  # discarded by another process
                facts = path.stat()
                yield facts.st_mtime, facts.st_size, path

    @property
    def _incoming(self) -> Path:
        return self.folder / "incoming"

    def _path(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest
