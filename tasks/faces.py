"""The face of one shot: boxes at key frames, smoothed, or the reason why no mouth will be moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import FaceDetector
from nightdub.tasks.rows import FaceBox, FaceTrack, Shot

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR

FOUND_SHARE = 0.6  # of the key frames: a face seen less often is turned away, or is no face
JUMP = 0.5  # face widths between two key frames: above it the box leapt to something else
_SMOOTHING = 5  # key frames under the running median


def track(frames: Iterable[Frame], shot: Shot, detector: FaceDetector, smallest_face: int, every: int = 5) -> FaceTrack:
    """Follow the largest face of a shot, looked for in every `every`-th of its frames (BGR, in order from `shot.first`).

    `smallest_face` is a height in pixels. A short miss is bridged; the box of the nearest key frame holds outside. The reasons:
    "no-face", "too-small" (seen, but lower than `smallest_face`), "unsteady" (seen too rarely, or it leaps).
    """
    looked, seen = 0, []
    for offset, frame in enumerate(frames):
        if offset % every == 0:
            looked += 1
            seen.append(detector.faces(frame[np.newaxis], shot.first + offset))
    chain = _follow(seen)
    reason = _why_not(chain, looked, smallest_face)
    return FaceTrack(shot.id, skipped=reason) if reason else FaceTrack(shot.id, _smooth(chain))


def box_at(face: FaceTrack, frame: int) -> tuple[float, float, float, float]:
    """Return x, y, width and height of the face in a frame, in pixels, linear between the key boxes and constant outside."""
    keys = [box.frame for box in face.boxes]
    sides = zip(*((box.x, box.y, box.width, box.height) for box in face.boxes), strict=True)
    x, y, width, height = (float(np.interp(frame, keys, side)) for side in sides)
    return x, y, width, height


def _follow(seen: Sequence[Sequence[FaceBox]]) -> list[FaceBox]:
    """Chain one face through the key frames, from the largest one seen outwards, each time the nearest of those of like size."""
    largest = max((box for boxes in seen for box in boxes), key=lambda box: (box.height, -box.frame, -box.x), default=None)
    if largest is None:
        return []
    origin = next(place for place, boxes in enumerate(seen) if largest in boxes)
    later = _chain(largest, seen[origin + 1 :])
    earlier = _chain(largest, seen[:origin][::-1])
    return [*earlier[::-1], largest, *later]


def _chain(last: FaceBox, rest: Sequence[Sequence[FaceBox]]) -> list[FaceBox]:
    chain = []
    for boxes in rest:
        near = [box for box in boxes if 0.6 < box.width / last.width < 1 / 0.6]
        if near:
            last = min(near, key=lambda box: _distance(box, last))
            chain.append(last)
    return chain


def _distance(one: FaceBox, other: FaceBox) -> float:
    """Return how far two boxes' centres are apart, in widths of the larger one."""
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return float(np.hypot(across, down)) / max(one.width, other.width)


def _why_not(chain: Sequence[FaceBox], looked: int, smallest_face: int) -> str:
    if not chain:
        return "no-face"
    if float(np.median([box.height for box in chain])) < smallest_face:
        return "too-small"
    leaps = any(_distance(one, other) > JUMP for one, other in pairwise(chain))
    return "unsteady" if leaps or len(chain) < FOUND_SHARE * looked else ""


def _smooth(chain: Sequence[FaceBox]) -> tuple[FaceBox, ...]:
    """Return the boxes with centre and size under a running median, so that one bad hit does not shake the mouth."""
    rows = np.array([[box.x, box.y, box.width, box.height] for box in chain], np.float64)
    half = _SMOOTHING // 2
    calm = [np.median(rows[max(0, place - min(half, len(rows) - 1 - place)) : place + half + 1], axis=0) for place in range(len(rows))]
    return tuple(FaceBox(box.frame, *(round(float(side)) for side in row)) for box, row in zip(chain, calm, strict=True))
