"""Files that are there whole or not at all, and blocks that are checked while they pass."""

from __future__ import annotations

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nightdub.infra.digests import CHUNK
from nightdub.infra.errors import DigestMismatch, StoreError, StoreUnavailable

READ_ONLY = 0o444
READ_WRITE = 0o644
ABANDONED_SECONDS = 86_400  # a file still on its way after a day belongs to a killed process

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_GONE = {errno.ENOENT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN}


def blocks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in blocks of 1 MiB."""
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            yield block


def verified(blocks: Iterable[bytes], digest: str, where: str) -> Iterator[bytes]:
    """Pass blocks on, and refuse at their end what does not have the digest. Raises: DigestMismatch."""
    hasher = hashlib.sha256()
    for block in blocks:
        hasher.update(block)
        yield block
    check_match(hasher.hexdigest(), digest, where)


def check_match(actual: str, digest: str, where: str) -> None:
    """Refuse bytes whose digest is another one. Raises: DigestMismatch."""
    if actual != digest:
        fix = "the bytes were changed or cut short: delete this object and build again"
        raise DigestMismatch(f"bytes with the digest {actual} under the name {digest}", where=where, fix=fix)


def write_atomically(blocks: Iterable[bytes], incoming: Path, final: Path, mode: int, *, safe: bool = True) -> None:
    """Write blocks to `incoming`, then move them to `final` at once; after any failure nothing is left.

    Both folders must be on one file system; `incoming` must exist, so that an unmounted store is noticed. The bytes and the move
    are on the disk before this returns; without `safe`, a power cut may lose or damage the file.
    """
    draft = incoming / uuid.uuid4().hex
    with disk_errors(str(final)):
        try:
            _write_through(blocks, draft, mode, safe=safe)
            _make_folder(final.parent, safe=safe)
            draft.replace(final)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        if safe:
            _sync_folder(final.parent)


def _write_through(blocks: Iterable[bytes], path: Path, mode: int, *, safe: bool) -> None:
    with path.open("xb") as stream:
        for block in blocks:
            stream.write(block)
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        if safe:
            os.fsync(stream.fileno())


def _make_folder(folder: Path, *, safe: bool) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, safe=safe)
        folder.mkdir(exist_ok=True)
        if safe:
            _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(incoming: Path) -> None:
    """Delete what killed processes left on its way more than a day ago."""
    for draft in incoming.iterdir():
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                draft.unlink()


@contextmanager
def disk_errors(where: str) -> Iterator[None]:
    """Turn the operating system's errors into the store's. Raises: StoreError, StoreUnavailable."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # botocore's timeouts are OSErrors, too; only the system's have a number
            raise
        raise _store_error(error, where) from error


def _store_error(error: OSError, where: str) -> StoreError:
    what = error.strerror or str(error)
    if error.errno in _FULL:
        return StoreError(f"no space left: {what}", where=where, fix="free or add disk space and run again: nothing half written was left")
    if error.errno in _FORBIDDEN:
        return StoreError(f"not allowed to write or read here: {what}", where=where, fix="give this user the right to the store's folder")
    if error.errno in _GONE:
        return StoreUnavailable(
            f"the store's disk does not answer: {what}", where=where, fix="mount or restore the store's folder and run again"
        )
    return StoreError(what, where=where, fix="check the store's folder")
