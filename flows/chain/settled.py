"""Corrections find their lines again: a script that got or lost a line numbers all the others anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nightdub.infra.ledger import Correction
from nightdub.tasks.rows import Segment

ANCHOR = "anchor"  # of `Correction.pinned`: the original line that was corrected


def anchor_of(line: Segment) -> dict[str, Any]:
    """Return by what a correction finds its line again: what is said in the original, and when."""
    return {ANCHOR: {"text": line.text, "start": line.start}}


def find_lines(segments: Sequence[Segment], corrections: Sequence[Correction]) -> tuple[list[Correction], list[Correction]]:
    """Return the corrections with the ids that their lines have now, and those whose lines are no longer there.

    A correction holds for the line that says the words that it was made of, the nearest in time where several do. No line has two.
    """
    lines, free = {line.id: line for line in segments}, {line.id: line for line in segments}
    pairs = sorted(
        (abs(line.start - _start(row, line)), line.id != row.segment, index, line.id)
        for index, row in enumerate(corrections)
        for line in segments
        if line.text == _text(row, lines)
    )
    found: dict[int, str] = {}
    for _, _, index, name in pairs:
        if index not in found and name in free:
            found[index] = name
            del free[name]
    settled = [replace(corrections[index], segment=name) for index, name in found.items()]
    lost = [row for index, row in enumerate(corrections) if index not in found]
    return sorted(settled, key=lambda row: row.segment), lost


def _start(row: Correction, line: Segment) -> float:
    """Return when the corrected line was heard; without an anchor it is the line of its id, and far from every other."""
    if ANCHOR in row.pinned:
        return float(row.pinned[ANCHOR]["start"])
    return line.start if line.id == row.segment else line.start + 1e9


def _text(row: Correction, lines: dict[str, Segment]) -> str:
    """Return the words that a correction was made of; without an anchor, those of its line."""
    if ANCHOR in row.pinned:
        return str(row.pinned[ANCHOR]["text"])
    return lines[row.segment].text if row.segment in lines else ""
