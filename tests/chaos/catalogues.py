"""Catalogues whose titles have nothing to do with one another: whatever fails in one, the others' bytes are those of an undisturbed night.

Two episodes of a series do: which of them is done first settles whose voice a character has.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import small


def build_alone(home: Path, titles: int = 3, lines: int = 0) -> Path:
    """Write a small catalogue without series below `home` and return `home`; with `lines`, every title has so many, of 50 ms each."""
    path = small.build_home(home, titles)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "series": "", "episode": ""} for row in rows)
    for number in range(titles if lines else 0):
        small.write_title(home, number, lines=slow(number, lines))
    return home


def slow(number: int, lines: int) -> Sequence[str]:
    """Return the lines of a title that take 50 ms each."""
    return [f"slow line {line} of {number}" for line in range(lines)]
