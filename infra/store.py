"""The content-addressed store: where bytes live, and how a URL becomes a store."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from nightdub.infra.digests import digest_bytes, digest_file
from nightdub.infra.disk import READ_ONLY, READ_WRITE, blocks_of, check_match, disk_errors, sweep, verified, write_atomically
from nightdub.infra.errors import ConfigError, ObjectMissing, PointerConflict, StoreUnavailable
from nightdub.infra.store_contract import (
    SCHEMES,
    Pointer,
    Store,
    StoredObject,
    StoreOptions,
    bad_url,
    check_digest,
    check_name,
    check_prefix,
    check_range,
    seal,
    unseal,
)

__all__ = ["LocalStore", "Pointer", "Store", "StoreOptions", "StoredObject", "open_store"]

_MARK = "~"  # ends a pointer's file name: "a" and "a/b" may both exist


class LocalStore:
    """A store in one directory: `objects/ab/cd/<sha256>`, `pointers/<name>~`, and `incoming` for what is not there yet.

    A pointer's version is a random line of its file, written anew with every value: a value that returns has a new version.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = self.root.as_uri()
        self._incoming = self.root / "incoming"
        with disk_errors(str(self.root)):
            for name in ("objects", "pointers", "locks", "incoming"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            sweep(self._incoming)

    def put_file(self, path: Path) -> str:
        digest = digest_file(path)
        self._keep(digest, blocks_of(path))
        return digest

    def put_bytes(self, data: bytes) -> str:
        digest = digest_bytes(data)
        self._keep(digest, iter([data]))
        return digest

    def _keep(self, digest: str, blocks: Iterator[bytes]) -> None:
        """Write an object unless it is there and sound; its time is renewed either way."""
        path = self._object(digest)
        with disk_errors(str(path)):
            if path.exists() and digest_file(path) == digest:
                os.utime(path)
                return
        write_atomically(verified(blocks, digest, str(path)), self._incoming, path, READ_ONLY)

    def get_bytes(self, digest: str) -> bytes:
        with self._reading(digest) as path:
            return b"".join(verified(blocks_of(path), digest, str(path)))

    def fetch(self, digest: str) -> Path:
        with self._reading(digest) as path:
            check_match(digest_file(path), digest, str(path))
            return path

    def read_range(self, digest: str, start: int, length: int) -> bytes:
        check_range(start, length)
        with self._reading(digest) as path, path.open("rb") as stream:
            stream.seek(start)
            return stream.read(length)

    def exists(self, digest: str) -> bool:
        self._must_be_mounted()
        return self._object(digest).exists()

    def size(self, digest: str) -> int:
        with self._reading(digest) as path:
            return path.stat().st_size

    def delete(self, digest: str) -> None:
        with disk_errors(digest):
            self._object(digest).unlink(missing_ok=True)

    def objects(self) -> Iterator[StoredObject]:
        self._must_be_mounted()
        for folder in sorted((self.root / "objects").glob("??/??")):
            for path in sorted(folder.iterdir()):
                try:
                    facts = path.stat()
                except FileNotFoundError:  # deleted while listing
                    continue
                yield StoredObject(path.name, facts.st_size, facts.st_mtime)

    def read_pointer(self, name: str) -> Pointer | None:
        self._must_be_mounted()
        with disk_errors(name), suppress(FileNotFoundError):
            version, value = unseal(self._pointer(name).read_bytes(), name)
            return Pointer(value, version)
        return None

    def write_pointer(self, name: str, value: bytes, expected: str | None) -> Pointer:
        with self._locked(name):
            current = self.read_pointer(name)
            if (current.version if current else None) != expected:
                raise PointerConflict("somebody else moved this pointer first", where=name, fix="read it again and decide anew")
            body = seal(value)
            write_atomically([body], self._incoming, self._pointer(name), READ_WRITE)
        return Pointer(value, unseal(body, name)[0])

    def pointers(self, prefix: str) -> Iterator[str]:
        self._must_be_mounted()
        top = self.root / "pointers"
        folder = top / check_prefix(prefix).rpartition("/")[0]
        names = (path.relative_to(top).as_posix().removesuffix(_MARK) for path in folder.rglob(f"*{_MARK}"))
        yield from sorted(name for name in names if name.startswith(prefix))

    def delete_pointer(self, name: str) -> None:
        with self._locked(name), disk_errors(name):
            self._pointer(name).unlink(missing_ok=True)

    def _object(self, digest: str) -> Path:
        return self.root / "objects" / check_digest(digest)[:2] / digest[2:4] / digest

    def _pointer(self, name: str) -> Path:
        return self.root / "pointers" / f"{check_name(name)}{_MARK}"

    def _must_be_mounted(self) -> None:
        if not self._incoming.is_dir():
            raise StoreUnavailable("the store's folder is gone", where=str(self.root), fix="mount or restore it and run again")

    @contextmanager
    def _reading(self, digest: str) -> Iterator[Path]:
        """Give an object's path and say which is missing, the object or the whole store."""
        path = self._object(digest)
        try:
            with disk_errors(str(path)):
                yield path
        except StoreUnavailable as error:
            self._must_be_mounted()
            if not path.exists():
                raise ObjectMissing(f"no object {digest}", where=self.url, fix="build the step that makes it again") from error
            raise

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold the lock that all writers of a pointer share; 256 locks serve all names. The kernel frees a dead process's."""
        with disk_errors(name), (self.root / "locks" / digest_bytes(check_name(name).encode())[:2]).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def open_store(url: str, **options: Any) -> Store:
    """Return the store at a URL (a path, `file:///folder` or `s3://bucket/prefix`), one per process, URL and options.

    `options` are the fields of `StoreOptions` as plain JSON values.
    Raises: ConfigError for a URL or option that cannot be used, StoreError where a local folder cannot be made.
    """
    try:
        chosen = msgspec.convert(options, StoreOptions)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where="store options", allowed=", ".join(StoreOptions.__struct_fields__)) from error
    return _remote(url, chosen, os.getpid()) if urlsplit(url).scheme == "s3" else _local(_folder(url))


@lru_cache(maxsize=32)
def _local(folder: Path) -> Store:
    return LocalStore(folder)


@lru_cache(maxsize=32)
def _remote(url: str, options: StoreOptions, _process: int) -> Store:
    """Open a store on a server; a forked process opens its own, since connections must not be shared."""
    from nightdub.infra.s3 import S3Store

    return S3Store(url, options)


def _folder(url: str) -> Path:
    """Return the absolute folder that a path or a file URL names. Raises: ConfigError."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
        path = Path(unquote(parts.path))
    elif url and "://" not in url and not url.startswith("file:"):
        path = Path(url)
    else:
        raise bad_url(url)
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file", where="store url", allowed=SCHEMES, fix="name a folder")
    return path.absolute()
