"""What every store promises: bytes named by their sha256, and small pointers that move by compare-and-swap."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from nightdub.infra.errors import ConfigError, StoreError
from nightdub.infra.settings import mask_url

RENEW_SECONDS = 3_600  # a put makes an object at most this old, so that housekeeping may delete what is twice as old and named nowhere
SCHEMES = "a path, file:///folder, or s3://bucket/prefix"

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=@-]{0,199}(/[A-Za-z0-9_][A-Za-z0-9._+=@-]{0,199}){0,7}")
_SEAL = 33  # bytes: 32 hexadecimal digits and a line end


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing: its name, its size in bytes, and when it was last put, in seconds since 1970 (UTC)."""

    digest: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer's value and the version to name when it is moved; versions are opaque and never come back."""

    value: bytes
    version: str


class StoreOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that can be said about a store beside its URL; a local one needs none of it.

    Keys are best left out: boto3 then takes them from `AWS_*` or its own files, and they do not travel with orders.
    """

    endpoint: str = ""  # empty = Amazon's
    region: str = ""
    access_key: str = ""
    secret_key: str = ""
    cache_dir: str = ""  # empty = nightdub in the user's cache folder
    cache_bytes: _Count = 20 << 30
    connect_timeout: _Seconds = 5.0
    read_timeout: _Seconds = 60.0  # without a byte
    retries: _Count = 4  # after the first attempt


class Store(Protocol):
    """A content-addressed store with pointers; every method may raise `StoreUnavailable` (transient) or `StoreError`."""

    url: str

    def put_file(self, path: Path) -> str:
        """Store a file's bytes and return their digest; storing what is there already is a success."""
        ...

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their digest; storing what is there already is a success."""
        ...

    def get_bytes(self, digest: str) -> bytes:
        """Return an object's bytes, verified. Raises: ObjectMissing, DigestMismatch."""
        ...

    def fetch(self, digest: str) -> Path:
        """Return a local, read-only file with an object's bytes, verified on every call. Raises: ObjectMissing, DigestMismatch."""
        ...

    def read_range(self, digest: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from byte `start` on, fewer at the end: NOT verified, a part has no digest. Raises: ObjectMissing."""
        ...

    def exists(self, digest: str) -> bool:
        """Return whether an object is there; nothing is said about its bytes."""
        ...

    def size(self, digest: str) -> int:
        """Return an object's size in bytes. Raises: ObjectMissing."""
        ...

    def delete(self, digest: str) -> None:
        """Delete an object; deleting what is not there is a success."""
        ...

    def objects(self) -> Iterator[StoredObject]:
        """Yield all objects, in the order of their digests."""
        ...

    def read_pointer(self, name: str) -> Pointer | None:
        """Return a pointer, or None where there is none."""
        ...

    def write_pointer(self, name: str, value: bytes, expected: str | None) -> Pointer:
        """Move a pointer from version `expected` (None: it must not exist) to `value`. Raises: PointerConflict."""
        ...

    def pointers(self, prefix: str) -> Iterator[str]:
        """Yield the names of all pointers that start with `prefix`, sorted."""
        ...

    def delete_pointer(self, name: str) -> None:
        """Delete a pointer, whatever its version; deleting what is not there is a success."""
        ...


def bad_url(url: str) -> ConfigError:
    """Return the error for a URL that names no store, without the keys that somebody may have put into it."""
    shown = mask_url(re.sub(r"//[^/]*@", "//***@", url))
    return ConfigError(f"not a store's URL: {shown!r}", where="store url", allowed=SCHEMES)


def check_digest(digest: str) -> str:
    """Return `digest` if it is one. Raises: StoreError."""
    if not _DIGEST.fullmatch(digest):
        raise StoreError(f"not a digest: {digest!r}", where="store", allowed="64 lower-case hexadecimal digits")
    return digest


def is_name(name: str) -> bool:
    """Return whether a pointer, or a bucket's prefix, may have this name."""
    return bool(_NAME.fullmatch(name))


def check_name(name: str) -> str:
    """Return `name` if a pointer may have it. Raises: StoreError."""
    if not is_name(name):
        allowed = "up to 8 parts of A-Z a-z 0-9 . _ + = @ - joined by '/', none starting with a dot"
        raise StoreError(f"not a pointer's name: {name!r}", where="store", allowed=allowed)
    return name


def check_prefix(prefix: str) -> str:
    """Return `prefix` if a pointer's name may start with it. Raises: StoreError."""
    if prefix:
        check_name(prefix.removesuffix("/"))
    return prefix


def check_range(start: int, length: int) -> None:
    """Refuse a range that no object has. Raises: StoreError."""
    if start < 0 or length < 1:
        raise StoreError(f"not a range: {length} bytes from {start}", where="store", allowed="a start of 0 or more, a length of 1 or more")


def seal(value: bytes) -> bytes:
    """Return what is stored for a pointer: a random line before the value, so that an old value written again is a new version."""
    return uuid.uuid4().hex.encode() + b"\n" + value


def unseal(body: bytes, where: str) -> tuple[str, bytes]:
    """Return a stored pointer's random line and its value. Raises: StoreError where it is not a pointer of ours."""
    if body[_SEAL - 1 : _SEAL] != b"\n":
        raise StoreError("not a pointer that this program wrote", where=where, fix="delete it, or restore it from a backup")
    return body[: _SEAL - 1].decode("ascii", "replace"), body[_SEAL:]
