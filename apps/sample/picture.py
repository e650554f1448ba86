"""The sample's picture: real faces and things, slowly panned, cut every so often; who speaks and is seen opens the mouth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nightdub.apps.sample.sound import FRAME_RATE, RATE, SIGN, Line
from nightdub.apps.sample.titles import SampleTitle
from nightdub.tasks.rows import Seconds

WIDTH, HEIGHT = 640, 360
SHOT = 4.0  # seconds; a cut every so often where the lines name no pictures
CYCLE = ("astronaut", "coffee", "astronaut", "chelsea", "astronaut")
LARGE = 800  # pixels of width of a picture that is panned over
FACE = "astronaut"  # a woman who looks into the camera: Alice
SPEAKS = "Alice"
_MOUTH = (222, 149, 179)  # of that face, in its 512 x 512 picture: middle, lower lip, chin
_JAW = 7.0  # pixels that the chin drops at the loudest
_PROFILE = (slice(20, 250), slice(60, 460))  # of `camera`: a man from the side, looking through a camera
_CUT = 0.4  # share of the silence between two lines after which the picture changes

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Shot:
    first: int
    last: int
    picture: str
    sign: str = ""


def frames(title: SampleTitle, lines: Sequence[Line], length: Seconds) -> Iterator[Frame]:
    """Yield BGR frames, shape (HEIGHT, WIDTH, 3)."""
    count = round(length * FRAME_RATE)
    opening = _opening(lines, count)
    for shot in _shots(title, lines, count):
        picture, span = _enlarged(shot.picture), max(SHOT * FRAME_RATE, shot.last - shot.first)
        rows, columns = picture.shape[0] - HEIGHT, picture.shape[1] - WIDTH
        for frame in range(shot.first, shot.last):
            drift = (frame - shot.first) / span
            top, left = round(rows * 0.06 * drift), round(columns * (0.35 + 0.12 * drift))
            seen = _speaking(picture, float(opening[frame])) if shot.picture == FACE else picture
            yield _signed(np.ascontiguousarray(seen[top : top + HEIGHT, left : left + WIDTH]), shot.sign)


def _shots(title: SampleTitle, lines: Sequence[Line], count: int) -> Iterator[_Shot]:
    """Yield shots: one for each line where the lines name pictures, else of one length."""
    if not any(line.picture for line in lines):
        per_shot = round(SHOT * FRAME_RATE)
        for index, first in enumerate(range(0, count, per_shot)):
            yield _Shot(first, min(first + per_shot, count), CYCLE[index % len(CYCLE)])
        return
    cuts = [round((before.end + _CUT * (after.start - before.end)) * FRAME_RATE) for before, after in pairwise(lines)]
    first = 0
    if title.sign:
        first = round((SIGN + 0.5) * FRAME_RATE)
        yield _Shot(0, first, "coffee", title.sign)
    for line, start, end in zip(lines, [first, *cuts], [*cuts, count], strict=True):
        yield _Shot(start, end, line.picture)


def _opening(lines: Sequence[Line], count: int) -> npt.NDArray[np.float64]:
    """Return how far the speaker who is seen opens the mouth in each frame, 0 to 1: the loudness of the line."""
    track = np.zeros(count * RATE // FRAME_RATE, np.float32)
    for line in lines:
        if line.speaker == SPEAKS:
            first = round(line.start * RATE)
            track[first : first + len(line.sound)] += line.sound
    loudness = np.sqrt(np.mean(np.square(track.reshape(count, -1)), axis=1))
    return np.asarray(np.clip(loudness / 0.12, 0, 1))


def _speaking(picture: Frame, opening: float) -> Frame:
    """Return the enlarged face with its jaw dropped, and the dark between the lips that this opens."""
    import cv2

    scale = LARGE / 512
    middle, lip, chin = (value * scale for value in _MOUTH)
    drop = _JAW * scale * opening
    if drop < 0.5:
        return picture
    half, top, bottom = round(46 * scale), round(lip - 6 * scale), round(chin + 14 * scale)
    left = round(middle) - half
    rows, columns = np.mgrid[top:bottom, left : left + 2 * half].astype(np.float32)
    across = np.exp(-0.5 * np.square((columns - middle) / (20 * scale)))
    down = np.clip((rows - top) / (8 * scale), 0, 1) * np.clip((bottom - rows) / (22 * scale), 0, 1)
    spoken = picture.copy()
    moved = cv2.remap(picture, columns, rows - drop * across * down, cv2.INTER_LINEAR)
    dark = np.exp(-0.5 * np.square((columns - middle) / (12 * scale))) * np.exp(-0.5 * np.square((rows - lip - drop / 2) / (0.4 * drop)))
    spoken[top:bottom, left : left + 2 * half] = (moved * (1 - 0.75 * opening * dark[..., None])).astype(np.uint8)
    return spoken


def _signed(frame: Frame, sign: str) -> Frame:
    import cv2

    if sign:
        cv2.putText(frame, sign, (190, 190), cv2.FONT_HERSHEY_DUPLEX, 1.8, (255, 255, 255), 4, cv2.LINE_AA)
    return frame


@lru_cache(maxsize=8)
def _enlarged(name: str) -> Frame:
    """Return one of scikit-image's pictures as BGR, `LARGE` pixels wide."""
    import skimage.data
    import skimage.transform

    picture = getattr(skimage.data, name)()
    if name == "camera":
        picture = np.repeat(picture[_PROFILE][..., None], 3, axis=2)
    picture = picture[..., :3]
    height = round(picture.shape[0] * LARGE / picture.shape[1])
    large = skimage.transform.resize(picture, (max(height, HEIGHT + 40), LARGE), order=1, anti_aliasing=True)
    return np.ascontiguousarray((large * 255).astype(np.uint8)[..., ::-1])
