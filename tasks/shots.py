"""Shots: a film cut where its picture changes, so that each piece is animated, encoded and edited apart from the others.

Hard cuts, down to a shot of one frame, and the middles of dissolves and fades. A flash is no cut. A shot of more than `LONGEST` seconds
is cut into equal parts, so that an edited line costs the encoding of a part and not of a ten-minute take: nothing shows there, since
every part starts with a key frame and closed groups of pictures.
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
_LEAST = 12.0  # mean change of a thumbnail's values, of 255, that can be a cut
_RATIO = 3.0  # against the usual change around it: PySceneDetect's adaptive threshold
_AROUND = 3  # frames on each side that it is held against
_FLASH = 2  # frames of the longest flash
_STAYS = 0.4  # of a cut's change that must be there after a flash would have ended
_SPAN = 12  # frames over which gradual changes are looked for
_BEND = 0.2  # of a gradual change by which its middle may differ from the mean of its ends: pans and zooms give 0.33 and more
_FLAT = 6.0  # deviation of a thumbnail below which it shows nothing: what fades in or out of it is a fade


class Change(NamedTuple):
    """How a frame differs from others before it: means of thumbnails, 0..255."""

    step: float  # from the one before
    across: float  # from the one before a flash that could end here
    span: float = 0.0  # from the one `_SPAN` frames before
    bend: float = np.inf  # of the frame between those two from their mean: a dissolve is the mean of its ends
    flat: bool = False  # one of the two shows nothing


class Cut(NamedTuple):
    """The first frame of a shot, and how the shot begins."""

    frame: int
    entry: str = ""


def detect(frames: Iterable[Frame], frame_rate: Fraction) -> list[Shot]:
    """Return the shots of a film from its frames (BGR, any size, in order), streamed; they cover every frame exactly once."""
    changes = list(measure(frames))
    return shots_between(find_cuts(changes), len(changes), frame_rate)


def find_cuts(changes: Sequence[Change]) -> list[Cut]:
    """Return the beginning of every shot but the first, from the changes of all frames."""
    hard = [place for place in range(1, len(changes)) if _is_hard(changes, place)]
    gradual = [cut for cut in _gradual(changes) if all(abs(cut.frame - place) > _SPAN for place in hard)]
    return sorted([*map(Cut, hard), *gradual])


def _is_hard(changes: Sequence[Change], place: int) -> bool:
    around = [change.step for change in (*changes[max(1, place - _AROUND) : place], *changes[place + 1 : place + 1 + _AROUND])]
    usual = float(np.median(around)) if around else 0.0
    return changes[place].step >= max(_LEAST, _RATIO * usual) and _stays(changes, place)


def _stays(changes: Sequence[Change], place: int) -> bool:
    """Return whether the picture from before stays away: a flash changes much, and leaves nothing changed."""
    later = changes[min(place + _FLASH, len(changes) - 1)]
    return min(changes[place].across, later.across) >= max(_LEAST, _STAYS * changes[place].step)


def _gradual(changes: Sequence[Change]) -> list[Cut]:
    """Return the middles of dissolves and fades: of each run of frames that are the mean of what lies half a span to both sides."""
    cuts: list[Cut] = []
    run: list[int] = []
    for place, change in enumerate([*changes, Change(0.0, 0.0)]):
        if change.span >= _LEAST and change.bend <= _BEND * change.span:
            run.append(place)
        elif run:
            entry = "fade" if any(changes[frame].flat for frame in run) else "dissolve"
            cuts.append(Cut(run[len(run) // 2] - _SPAN // 2, entry))
            run = []
    return cuts


def shots_between(cuts: Sequence[Cut], frames: int, frame_rate: Fraction) -> list[Shot]:
    """Return the shots that cuts leave, named "s0000" on, long ones in equal parts of at most `LONGEST` seconds."""
    longest = max(1, int(LONGEST * frame_rate))
    edges = [Cut(0)]
    for cut, last in pairwise([Cut(0), *cuts, Cut(frames)]):
        length = last.frame - cut.frame
        parts = -(-length // longest)
        edges += [Cut(cut.frame + length * (part + 1) // parts, last.entry if part + 1 == parts else "") for part in range(parts)]
    return [Shot(f"s{index:04d}", cut.frame, last.frame, cut.entry) for index, (cut, last) in enumerate(pairwise(edges))]


def measure(frames: Iterable[Frame]) -> Iterator[Change]:
    """Yield the change of every frame, holding a few thumbnails at a time."""
    before: deque[_Thumb] = deque(maxlen=_SPAN)
    for frame in frames:
        thumb = _thumb(frame)
        if len(before) == _SPAN:
            bend = float(np.abs(before[_SPAN // 2] - (before[0] + thumb) / 2).mean())
            gradual = _difference(thumb, before[0]), bend, min(float(before[0].std()), float(thumb.std())) < _FLAT
            yield Change(_difference(thumb, before[-1]), _difference(thumb, before[-1 - _FLASH]), *gradual)
        elif before:
            yield Change(_difference(thumb, before[-1]), _difference(thumb, before[max(0, len(before) - 1 - _FLASH)]))
        else:
            yield Change(0.0, 0.0)
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
