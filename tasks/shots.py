"""Shots: a film cut where its picture cuts, so that each piece is encoded, animated and edited apart from the others.

Hard cuts only; a dissolve or fade stays inside its shot. A shot of more than `LONGEST` seconds is cut into equal parts, so that
an edited line costs the encoding of a part and not of a ten-minute take: nothing shows there, since every part starts with a key
frame and closed groups of pictures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nightdub.tasks.rows import Seconds, Shot

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR
_Thumb = npt.NDArray[np.int16]

LONGEST: Seconds = 10.0
SHORTEST: Seconds = 0.4  # PySceneDetect's default is 0.6; two cuts nearer than this are one
_LEAST = 12.0  # mean change of a thumbnail's values, of 255, that can be a cut
_RATIO = 3.0  # against the changes around it: PySceneDetect's adaptive threshold
_AROUND = 3  # frames on each side that it is held against
_FLASH = 2  # frames of the longest flash


class Change(NamedTuple):
    """How a frame differs from the one before it, and from the one before a flash that could end here: means of thumbnails, 0..255."""

    step: float
    across: float


def detect(frames: Iterable[Frame], frame_rate: Fraction) -> list[Shot]:
    """Return the shots of a film from its frames (BGR, any size, in order), streamed; they cover every frame exactly once."""
    changes = list(measure(frames))
    return shots_between(find_cuts(changes, shortest(frame_rate)), len(changes), frame_rate)


def shortest(frame_rate: Fraction) -> int:
    """Return the least number of frames of a shot."""
    return max(1, round(SHORTEST * frame_rate))


def find_cuts(changes: Sequence[Change], shortest_shot: int) -> list[int]:
    """Return the first frame of every shot but the first, from the changes of all frames."""
    steps = np.array([change.step for change in changes])
    cuts = [0]
    for place in range(1, len(changes)):
        around = np.concatenate([steps[max(1, place - _AROUND) : place], steps[place + 1 : place + 1 + _AROUND]])
        usual = float(around.mean()) if len(around) else 0.0
        sudden = steps[place] >= max(_LEAST, _RATIO * usual) and _lasts(changes, place)
        if sudden and place - cuts[-1] >= shortest_shot <= len(changes) - place:
            cuts.append(place)
    return cuts[1:]


def _lasts(changes: Sequence[Change], place: int) -> bool:
    """Return whether the picture from before stays away: a flash changes much, and leaves nothing changed."""
    later = changes[min(place + _FLASH, len(changes) - 1)]
    return min(changes[place].across, later.across) >= 0.6 * changes[place].step


def shots_between(cuts: Sequence[int], frames: int, frame_rate: Fraction) -> list[Shot]:
    """Return the shots that cuts leave, named "s0000" on, long ones in equal parts of at most `LONGEST` seconds."""
    longest = max(1, int(LONGEST * frame_rate))
    edges = [0]
    for first, last in pairwise([0, *cuts, frames]):
        parts = -(-(last - first) // longest)
        edges += [first + (last - first) * (part + 1) // parts for part in range(parts)]
    return [Shot(f"s{index:04d}", first, last) for index, (first, last) in enumerate(pairwise(edges))]


def measure(frames: Iterable[Frame]) -> Iterator[Change]:
    """Yield the change of every frame, holding a few thumbnails at a time."""
    before: deque[_Thumb] = deque(maxlen=_FLASH + 1)
    for frame in frames:
        thumb = _thumb(frame)
        yield Change(_difference(thumb, before[-1]), _difference(thumb, before[0])) if before else Change(0.0, 0.0)
        before.append(thumb)


def _difference(one: _Thumb, other: _Thumb) -> float:
    return float(np.abs(one - other).mean())


def _thumb(frame: Frame) -> _Thumb:
    """Return a picture of about 64 x 36 values: every n-th pixel, averaged over squares so that grain and small motion vanish."""
    height, width = (max(1, side // least) for side, least in zip(frame.shape[:2], (72, 128), strict=True))
    small = frame[::height, ::width].astype(np.int16)
    down, across = small.shape[0] // 2 * 2, small.shape[1] // 2 * 2
    small = small[:down, :across]
    return np.asarray((small[::2, ::2] + small[1::2, ::2] + small[::2, 1::2] + small[1::2, 1::2]) // 4, np.int16)
