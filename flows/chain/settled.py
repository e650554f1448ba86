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


def settle(segments: Sequence[Segment], corrections: Sequence[Correction]) -> tuple[list[Correction], list[Correction]]:
    """Return the corrections with the ids that their lines have now, and those whose lines are no longer there.

    A correction holds for the line of its id while that says the same words; else for the nearest line in time that does and that no
    other correction has.
    """
    lines, free = {line.id: line for line in segments}, {line.id for line in segments}
    found: list[Correction] = []
    lost: list[Correction] = []
    here = [row for row in corrections if row.segment in lines and lines[row.segment].text == _text(row, lines)]
    for row in here:
        free.discard(row.segment)
        found.append(row)
    for row in corrections:
        if row in here:
            continue
        same = [line for line in segments if line.id in free and line.text == _text(row, lines)]
        if not same:
            lost.append(row)
            continue
        nearest = min(same, key=lambda line: (abs(line.start - float(row.pinned[ANCHOR]["start"])), line.id))
        free.discard(nearest.id)
        found.append(replace(row, segment=nearest.id))
    return sorted(found, key=lambda row: row.segment), lost


def _text(row: Correction, lines: dict[str, Segment]) -> str:
    """Return the words that a correction was made of; without an anchor, those of its line."""
    if ANCHOR in row.pinned:
        return str(row.pinned[ANCHOR]["text"])
    return lines[row.segment].text if row.segment in lines else ""
