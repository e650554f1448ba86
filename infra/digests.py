"""Canonical bytes and sha256 digests: the only place that decides what a key is made of."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

CHUNK = 1 << 20  # bytes read at a time


def prune(value: Any) -> Any:
    """Return `value` as plain JSON values without empty fields, so that a new optional field keeps old digests.

    Dropped from mappings: None, "", empty lists and empty mappings. Zero and False are values and stay.
    """
    return _pruned(msgspec.to_builtins(value))


_NESTED = (dict, list, tuple)  # what plain values can be made of


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        found = {str(name): _pruned(item) if isinstance(item, _NESTED) else item for name, item in value.items()}
        return {name: item for name, item in found.items() if item not in (None, "", [], {})}
    if isinstance(value, _NESTED):
        return [_pruned(item) if isinstance(item, _NESTED) else item for item in value]
    return value


def canonical(value: Any) -> bytes:
    """Return the one JSON spelling of `value`: sorted names, no spaces, no empty fields, UTF-8."""
    return msgspec.json.encode(prune(value), order="sorted")


def digest_of(value: Any) -> str:
    """Return the sha256 (64 hexadecimal digits) of the canonical form of `value`."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_bytes(data: bytes) -> str:
    """Return the sha256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in blocks of 1 MiB."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            hasher.update(block)
    return hasher.hexdigest()
