"""Scenes, as far as lines alone tell: lines without a long pause between them, and what surrounds each line in its scene."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightdub.tasks.duration import letters_within
from nightdub.tasks.profile import TranslationFigures
from nightdub.tasks.protocols import LineContext
from nightdub.tasks.rows import Language, Seconds, Segment

_CLUSTERED = re.compile(r"S\d+")  # as `tasks.speakers.assign` names voices without a name


def scenes(lines: Sequence[Segment], pause: Seconds) -> list[list[Segment]]:
    """Return the lines by scenes, in the order of their starts: a scene ends where nobody speaks for `pause` seconds or more."""
    found: list[list[Segment]] = []
    reached = 0.0
    for line in sorted(lines, key=lambda line: (line.start, line.end, line.id)):
        if not found or line.start - reached >= pause:
            found.append([])
        found[-1].append(line)
        reached = max(reached, line.end)
    return found


def line_contexts(lines: Sequence[Segment], target: Language, figures: TranslationFigures) -> dict[str, LineContext]:
    """Return segment -> what a translator may read with it: lines of its scene, its speaker, its notes and its time.

    Speakers are named only where the script names them: names that come from clustering change with the lines around them.
    """
    return {
        line.id: LineContext(
            before=tuple(_said(other) for other in scene[max(0, at - figures.before) : at]),
            after=tuple(_said(other) for other in scene[at + 1 : at + 1 + figures.after]),
            speaker=_speaker(line),
            notes=line.notes,
            slot=round(line.end - line.start, 3),
            letters=letters_within(line.end - line.start, target),
        )
        for scene in scenes(lines, figures.scene_pause)
        for at, line in enumerate(scene)
    }


def _said(line: Segment) -> str:
    return f"{_speaker(line)}: {line.text}" if _speaker(line) else line.text


def _speaker(line: Segment) -> str:
    return "" if _CLUSTERED.fullmatch(line.speaker) else line.speaker
