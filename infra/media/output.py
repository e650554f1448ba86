"""What every written file has in common: it appears whole or not at all, and holds nothing of today."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLEAN: dict[str, Any] = {"map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact"}  # none of the source's tags, no date, no version


@contextmanager
def written(out: Path) -> Iterator[Path]:
    """Give a name in the same folder to write to; the file gets its own name only when all went well."""
    part = out.with_name(f"part-{out.name}")
    try:
        yield part
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
