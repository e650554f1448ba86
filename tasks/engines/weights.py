"""Model files: their digests, each read once per process and state of the file, since it may have gigabytes; and why one does not load."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from nightdub.infra.digests import digest_file


def digest_weights(path: Path) -> str:
    """Return the sha256 of a model file; a file that was written anew is read anew."""
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int) -> str:
    return digest_file(path)


def why_not(error: Exception) -> str:
    """Return on one line why a model file cannot be loaded: libraries raise many kinds of errors, some over many lines, some empty."""
    return f"cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
