"""Faults of the account: rows that do not add up, with every file as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import Fault, Planted, Where, choose, one_of
from nightdub.tasks.rows import Dropped

_NO_CLIP = "no line has a row"


def _without_row(dub: Dub, _severity: float, _folder: Path, seed: int) -> Planted:
    clip = one_of(dub.clips, seed, _NO_CLIP)
    return Planted(replace(dub, clips=[row for row in dub.clips if row is not clip]), Where((clip.segment,)))


def _twice(dub: Dub, _severity: float, _folder: Path, seed: int) -> Planted:
    clip = one_of(dub.clips, seed, _NO_CLIP)
    return Planted(replace(dub, clips=[*dub.clips, clip]), Where((clip.segment,)))


def _also_dropped(dub: Dub, _severity: float, _folder: Path, seed: int) -> Planted:
    clip = one_of(dub.clips, seed, _NO_CLIP)
    return Planted(replace(dub, dropped=[*dub.dropped, Dropped(clip.segment, "", "music")]), Where((clip.segment,)))


def _failed(dub: Dub, _severity: float, _folder: Path, seed: int) -> Planted:
    clip = one_of(dub.clips, seed, _NO_CLIP)
    rows = [replace(row, sound="", duration=0.0, failed="planted") if row is clip else row for row in dub.clips]
    return Planted(replace(dub, clips=rows), Where((clip.segment,)))


def _unplaced(dub: Dub, _severity: float, _folder: Path, seed: int) -> Planted:
    place = one_of(dub.placements, seed, "no line was placed")
    return Planted(replace(dub, placements=[row for row in dub.placements if row is not place]), Where((place.segment,)))


def _excused(dub: Dub, percent: float, _folder: Path, seed: int) -> Planted:
    count = min(len(dub.clips), -(-round(percent * len(dub.clips)) // 100))
    chosen = {dub.clips[place].segment for place in choose(seed, "excused").sample(range(len(dub.clips)), count)}
    rows = [replace(row, sound="", duration=0.0, skipped="music") if row.segment in chosen else row for row in dub.clips]
    return Planted(replace(dub, clips=rows), Where(tuple(sorted(chosen))))


FAULTS: tuple[Fault, ...] = (
    Fault("account-missing-row", "account", "a line has no row: lines in are more than lines out", "lines", (1,), (1,), _without_row),
    Fault("account-double-row", "account", "a line has two rows", "lines", (1,), (1,), _twice),
    Fault("account-spoken-and-dropped", "account", "a line was spoken, and dropped as well", "lines", (1,), (1,), _also_dropped),
    Fault("account-failed-line", "account", "a line failed", "lines", (1,), (1,), _failed),
    Fault("account-unplaced-line", "account", "a line has a sound and no place", "lines", (1,), (1,), _unplaced),
    Fault("account-excused", "account", "so many of the lines are excused", "%", (30, 60), (30, 60), _excused),
)
