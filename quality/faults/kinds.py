"""What a fault is: a kind, its severities, and a function that plants it into a good dub and writes down where."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from nightdub.infra.errors import NightdubError
from nightdub.quality.dub import Dub
from nightdub.tasks.rows import FaceTrack, Placement, Seconds, ShotClip

Row = TypeVar("Row")

Family = Literal["line", "mix", "film", "picture", "subtitles", "text", "account", "harmless"]


class CannotPlant(NightdubError):
    """A dub has nothing that the fault could befall: no face, no second line."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a fault lies; what says nothing is all of the dub. Frames run up to, not including, the second one."""

    segments: tuple[str, ...] = ()
    start: Seconds = 0.0
    end: Seconds = 0.0
    frames: tuple[int, int] | None = None
    cues: tuple[int, ...] = ()  # indices of subtitles
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Planted:
    """A dub with one fault, and where it is."""

    dub: Dub
    where: Where


@dataclass(frozen=True, slots=True)
class Truth:
    """What was planted, as it is written beside the changed files."""

    kind: str
    severity: float
    unit: str
    seed: int
    where: Where


Plant = Callable[[Dub, float, Path, int], Planted]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind. `must` lists the severities at which the gate has to catch it; a harmless change, and a known gap, have none.

    `plant` takes a dub, a severity, an empty folder for the changed files and a seed, and changes none of the files that it was given.
    Raises: CannotPlant.
    """

    kind: str
    family: Family
    means: str
    unit: str
    severities: tuple[float, ...]
    must: tuple[float, ...]
    plant: Plant
    seeds: int = 1  # places that `--all` plants each severity at
    gap: str = ""  # why no shipped rule sees it; then nothing must be caught

    @property
    def harmless(self) -> bool:
        """Return whether this change must not be held."""
        return self.family == "harmless"


TRUTH = "truth.json"


def plant(fault: Fault, dub: Dub, severity: float, folder: Path, seed: int = 0) -> tuple[Dub, Truth]:
    """Plant one fault, with the truth written to `truth.json` beside the changed files. Raises: CannotPlant, MediaError."""
    folder.mkdir(parents=True, exist_ok=True)
    planted = fault.plant(dub, severity, folder, seed + zlib.crc32(fault.kind.encode()))  # so that not every kind befalls the same line
    truth = Truth(fault.kind, severity, fault.unit, seed, planted.where)
    (folder / TRUTH).write_bytes(msgspec.json.format(msgspec.json.encode(truth), indent=2))
    return planted.dub, truth


# ---------------------------------------------------------------- choosing where


def choose(seed: int, what: str) -> random.Random:
    """Return a generator that draws the same for the same seed and purpose."""
    return random.Random(f"{what}:{seed}")  # noqa: S311 - a place to plant a fault is no secret


def one_of(rows: Sequence[Row], seed: int, lacking: str) -> Row:
    """Return a row: the seed-th of them in a shuffled order. Raises: CannotPlant where there is none."""
    if not rows:
        raise CannotPlant(lacking, where="faults", fix="plant it into a dub that has one")
    order = list(range(len(rows)))
    choose(0, "order").shuffle(order)
    return rows[order[seed % len(rows)]]


def long_lines(dub: Dub, shortest: Seconds = 1.0) -> list[Placement]:
    """Return the placed lines with a sound that last at least so long."""
    return [place for place in dub.placements if place.segment in dub.files.clips and place.end - place.start >= shortest]


def talking_shots(dub: Dub) -> list[tuple[ShotClip, FaceTrack]]:
    """Return the shots in which a mouth was redrawn, each with its face."""
    tracks = {track.shot: track for track in dub.tracks}
    return [(clip, tracks[clip.shot]) for clip in dub.shot_clips if clip.moved and clip.shot in tracks and tracks[clip.shot].boxes]
