"""Faces as the neural lip-sync models see them: squares cut out of the frames, and drawn squares laid back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nightdub.tasks.faces import box_at
from nightdub.tasks.protocols import Frames
from nightdub.tasks.rows import FaceTrack

# Height of the crop in face boxes, from their upper edge: the boxes end above the chin (see `tasks.lips`), and the models were shown
# faces down to the chin and a little below (Wav2Lip's own crop adds 10 pixels there).
_HEIGHT = 1.18
_SMALLEST = 16  # pixels of a side below which there is nothing to be drawn


@dataclass(frozen=True, slots=True)
class Crop:
    """One face: the frame that it is in and its pixels there."""

    frame: int
    rows: slice
    columns: slice


def find_crops(frames: Frames, face: FaceTrack) -> list[Crop]:
    """Return the face in each frame that shows enough of it; frames without one are left out."""
    height, width = frames.shape[1:3]
    found = []
    for frame in range(len(frames)):
        x, y, across, down = box_at(face, frame)
        left, right = (min(max(round(side), 0), width) for side in (x, x + across))
        top, bottom = (min(max(round(side), 0), height) for side in (y, y + _HEIGHT * down))
        if right - left >= _SMALLEST and bottom - top >= _SMALLEST:
            found.append(Crop(frame, slice(top, bottom), slice(left, right)))
    return found


def cut_out(frames: Frames, crops: Sequence[Crop], size: int) -> Frames:
    """Return the faces as squares of `size` pixels, shape (crops, size, size, 3), BGR."""
    import cv2

    cv2.setNumThreads(1)  # the fan-out owns the cores
    faces = np.empty((len(crops), size, size, 3), np.uint8)
    for face, crop in zip(faces, crops, strict=True):
        seen = frames[crop.frame, crop.rows, crop.columns]
        cv2.resize(seen, (size, size), dst=face, interpolation=cv2.INTER_AREA if min(seen.shape[:2]) > size else cv2.INTER_CUBIC)
    return faces


def lay_back(frames: Frames, crops: Sequence[Crop], faces: Frames) -> None:
    """Lay the lower half of each drawn face over the original one, in place: the upper half is what the models were shown."""
    import cv2

    for face, crop in zip(faces, crops, strict=True):
        seen = frames[crop.frame, crop.rows, crop.columns]
        whole = cv2.resize(face, (seen.shape[1], seen.shape[0]), interpolation=cv2.INTER_CUBIC)
        seen[seen.shape[0] // 2 :] = whole[seen.shape[0] // 2 :]


def batches(crops: Sequence[Crop], size: int) -> Iterator[Sequence[Crop]]:
    """Yield crops in batches of at most so many."""
    for first in range(0, len(crops), size):
        yield crops[first : first + size]
