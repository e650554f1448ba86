"""The faces of one shot: each followed through its key frames, smoothed, or the reason why its mouth will not be moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import FaceDetector
from nightdub.tasks.rows import FaceBox, FaceTrack, Shot

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR

FOUND_SHARE = 0.6  # of the key frames from a face's first to its last: one seen less often is turned away, or is no face
JUMP = 0.5  # face widths between two key frames: what is further away is somebody else
TURNED = 0.7  # of `FaceBox.turn`: about 35 degrees on a face turned by geometry, where one corner of the mouth begins to hide
_SMOOTHING = 5  # key frames under the running median


def find(frames: Iterable[Frame], shot: Shot, detector: FaceDetector, smallest_face: int, every: int = 5) -> list[FaceTrack]:
    """Follow every face of a shot, looked for in every `every`-th of its frames (BGR, in order from `shot.first`); largest first.

    `smallest_face` is a height in pixels. A short miss is bridged. A face whose mouth cannot be moved has a reason instead of boxes:
    "too-small" (lower than `smallest_face`), "profile" (turned away), "unsteady" (seen once only, or too rarely).
    """
    chains: list[list[FaceBox]] = []
    looked = []
    for offset, frame in enumerate(frames):
        if offset % every == 0:
            looked.append(shot.first + offset)
            _join(chains, detector.faces(frame[np.newaxis], shot.first + offset))
    chains.sort(key=lambda chain: (-_height(chain), chain[0].frame, chain[0].x))
    return [_face(shot.id, chain, looked, smallest_face) for chain in chains]


def box_at(face: FaceTrack, frame: int) -> tuple[float, float, float, float]:
    """Return x, y, width and height of the face in a frame, in pixels, linear between the key boxes and constant outside."""
    keys = [box.frame for box in face.boxes]
    sides = zip(*((box.x, box.y, box.width, box.height) for box in face.boxes), strict=True)
    x, y, width, height = (float(np.interp(frame, keys, side)) for side in sides)
    return x, y, width, height


def speaks_at(face: FaceTrack, frame: int) -> bool:
    """Return whether a frame is one in which this track's boxes are those of the person who speaks."""
    return bool(face.boxes) and not face.skipped and (not face.spans or any(span.first <= frame < span.last for span in face.spans))


def _join(chains: list[list[FaceBox]], boxes: Sequence[FaceBox]) -> None:
    """Lengthen the chains by a key frame's boxes, the nearest pairs first; a box that continues none begins one."""
    pairs = sorted(
        (distance, place, index)
        for place, chain in enumerate(chains)
        for index, box in enumerate(boxes)
        if (distance := _distance(chain[-1], box)) <= JUMP and 0.6 < box.width / chain[-1].width < 1 / 0.6
    )
    longer: set[int] = set()
    taken: set[int] = set()
    for _, place, index in pairs:
        if place not in longer and index not in taken:
            chains[place].append(boxes[index])
            longer.add(place)
            taken.add(index)
    chains += [[box] for index, box in enumerate(boxes) if index not in taken]


def _distance(one: FaceBox, other: FaceBox) -> float:
    """Return how far two boxes' centres are apart, in widths of the larger one."""
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return float(np.hypot(across, down)) / max(one.width, other.width)


def _height(chain: Sequence[FaceBox]) -> float:
    return float(np.median([box.height for box in chain]))


def _face(shot: str, chain: Sequence[FaceBox], looked: Sequence[int], smallest_face: int) -> FaceTrack:
    looks = sum(chain[0].frame <= frame <= chain[-1].frame for frame in looked)
    reason = ""
    if _height(chain) < smallest_face:
        reason = "too-small"
    elif np.median([box.turn for box in chain]) > TURNED:
        reason = "profile"
    elif len(chain) < min(2, len(looked)) or len(chain) < FOUND_SHARE * looks:
        reason = "unsteady"
    return FaceTrack(shot, skipped=reason) if reason else FaceTrack(shot, _smooth(chain))


def _smooth(chain: Sequence[FaceBox]) -> tuple[FaceBox, ...]:
    """Return the boxes with centre and size under a running median, so that one bad hit does not shake the mouth."""
    rows = np.array([[box.x, box.y, box.width, box.height] for box in chain], np.float64)
    half = _SMOOTHING // 2
    calm = [np.median(rows[max(0, place - min(half, len(rows) - 1 - place)) : place + half + 1], axis=0) for place in range(len(rows))]
    sides = [[round(float(side)) for side in row] for row in calm]
    return tuple(replace(box, x=x, y=y, width=width, height=height) for box, (x, y, width, height) in zip(chain, sides, strict=True))
