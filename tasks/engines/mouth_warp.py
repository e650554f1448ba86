"""The embedded lip-sync: the lips of the face that is there are moved by an OpenCV warp; nothing is drawn but the dark between them.

Three layers, as in a face: the lower lip with the chin, the upper lip, and behind both what does not move (teeth, or the dark).
Stands where a neural model belongs: plausible at a glance, not for delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from nightdub.tasks.faces import box_at
from nightdub.tasks.lips import Box, Frame, Lips, Real, find_lips, mouth_region, steady
from nightdub.tasks.protocols import Animated, Frames, Identity, Sound
from nightdub.tasks.rows import FaceTrack, SpokenSound
from nightdub.tasks.visemes import mouth_curves

_VERSION = "1"
_PRESS = 0.1  # half mouth widths by which closed lips press into each other: the edges found are not exact
_RIM = 0.03  # half mouth widths of the lower lip's edge that stay behind: they carry the light of the teeth


@dataclass(frozen=True, slots=True)
class _Mouth:
    """Lips in pixels of the picture, and where they go: edges are heights in the middle, `drop` and `sink` move down."""

    x: float
    half: float
    top: float
    bottom: float
    left: float
    right: float
    drop: float  # of the lower lip
    sink: float  # of the upper lip
    spread: float  # width asked for / width now


class MouthWarp:
    """Moves mouths by visemes and loudness.

    `opening` is the height of the widest vowel, in half mouth widths; `rounding` is the share of its width that the mouth loses in "u".
    """

    def __init__(self, opening: float = 0.62, rounding: float = 0.2) -> None:
        self._opening, self._rounding = opening, rounding

    def identity(self) -> Identity:
        settings = {"opening": self._opening, "rounding": self._rounding, "opencv": version("opencv-python-headless")}
        return Identity("mouth-warp", _VERSION, settings=settings)

    def animate(
        self, frames: Frames, frame_rate: float, face: FaceTrack, speech: Sound, sample_rate: int, sounds: Sequence[SpokenSound]
    ) -> Animated:
        """Return new frames in which the mouth follows the speech; the frames of `face` count from this shot's first.

        Frames without speech are the original ones, bit by bit, and so is all outside `tasks.lips.mouth_region`.
        """
        if face.skipped or not face.boxes:
            return Animated(frames, 0, face.skipped or "no-face")
        curves = mouth_curves(sounds, speech, sample_rate, len(frames), frame_rate)
        places = np.flatnonzero(curves.activity > 0)
        if not len(places):
            return Animated(frames, 0, "no-speech")
        boxes = [box_at(face, int(place)) for place in places]
        lips = steady([find_lips(frames[place], box) for place, box in zip(places, boxes, strict=True)])
        if lips is None:
            return Animated(frames, 0, "no-mouth")
        moved = frames.copy()
        for place, box, shape in zip(places, boxes, lips, strict=True):
            mouth = self._plan(shape, box, float(curves.openness[place]), float(curves.width[place]), float(curves.activity[place]))
            _redraw(moved[place], box, mouth)
        return Animated(moved, len(places))

    def _plan(self, lips: Lips, box: Box, openness: float, width: float, activity: float) -> _Mouth:
        """Put the lips into pixels and say how far each moves; closing takes a third from the upper lip, opening nothing."""
        x, y, across, down = box
        half = lips.half * across
        change = activity * ((openness * (self._opening + _PRESS) - _PRESS) * half - (lips.bottom - lips.top) * down)
        sink = max(0.0, -change) / 3
        spread = 1 + activity * (self._rounding if width < 0 else self._rounding / 4) * width
        top, bottom, left, right = (y + share * down for share in (lips.top, lips.bottom + _RIM * lips.half, lips.left, lips.right))
        return _Mouth(x + lips.x * across, half, top, bottom, left, right, drop=change + sink, sink=sink, spread=spread)


def _redraw(frame: Frame, box: Box, mouth: _Mouth) -> None:
    """Draw the moved mouth into a frame, in place."""
    left, top, right, bottom = mouth_region(box, frame.shape[1], frame.shape[0])
    if right - left < 16 or bottom - top < 16:
        return
    across, down = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    source = frame[top:bottom, left:right].copy()
    drawn = _layers(source, across, down, mouth, bottom)
    mask = _ramp(np.minimum(across - left, right - 1 - across) / 6) * _ramp(np.minimum(down - top, bottom - 1 - down) / 6)
    frame[top:bottom, left:right] = np.rint(source + mask[..., None] * (drawn - source)).astype(np.uint8)


def _layers(source: Frame, across: Real, down: Real, mouth: _Mouth, floor: int) -> Real:
    """Return the region with the dark, the lower and the upper lip laid over each other."""
    middle = (mouth.left + mouth.right) / 2
    side = (across - mouth.x) / mouth.half
    near = _bump(side / 2) * _bump((down - (mouth.top + mouth.bottom) / 2) / (1.5 * mouth.half))
    side = side * (1 + (1 / mouth.spread - 1) * near)  # the column that comes to lie here
    column = mouth.x + side * mouth.half
    arch = np.clip(1 - side**2, 0, None)
    corners = middle + (mouth.right - mouth.left) / 2 * np.clip(side, -1, 1)
    upper = corners + (mouth.top - middle) * arch
    lower = corners + (mouth.bottom - middle) * arch

    below = (down - lower - mouth.drop * arch) / mouth.half
    jaw = arch + (_bump(side / 1.7) - arch) * _ramp(below / 0.8)
    depth = np.maximum((floor - lower - mouth.drop * arch) / mouth.half, 0.1)
    lowered = mouth.drop * jaw * (1 - _ramp((below - 0.15) / np.maximum(depth - 0.15, 0.1)))
    above = (upper + mouth.sink * arch - down) / mouth.half
    sunk = mouth.sink * arch * (1 - _ramp(above / 0.5))

    soft = 0.75 + mouth.half / 80  # pixels over which an edge of the lip blends
    drawn = _behind(source, down, lower, mouth, arch)
    is_lower = np.where(arch > 0, _ramp(0.5 + below * mouth.half / (2 * soft)), (below >= 0).astype(np.float32))
    is_upper = np.where(arch > 0, _ramp(0.5 + above * mouth.half / (2 * soft)), (below < 0).astype(np.float32))
    origin = np.float32(across[0, 0]), np.float32(down[0, 0])
    drawn += is_upper[..., None] * (_sample(source, column - origin[0], down - sunk - origin[1]) - drawn)
    drawn += is_lower[..., None] * (_sample(source, column - origin[0], down - lowered - origin[1]) - drawn)
    return drawn


def _behind(source: Frame, down: Real, lower: Real, mouth: _Mouth, arch: Real) -> Real:
    """Return what lies behind the lips: the picture itself down to where the lower lip was, below it the dark and a hint of tongue."""
    skin = np.median(source.reshape(-1, 3), axis=0).astype(np.float32)
    share = np.clip((down - lower) / np.maximum(mouth.drop * arch, 1), 0, 1)[..., None]
    dark = skin * np.array([0.16, 0.12, 0.2], np.float32)
    tongue = skin * np.array([0.36, 0.3, 0.48], np.float32)
    depth: Real = dark + (tongue - dark) * _ramp((share - 0.35) / 0.65)
    return np.asarray(source + _ramp(0.5 + (down - lower) / 2)[..., None] * (depth - source), np.float32)


def _sample(source: Frame, column: npt.NDArray[np.float32], row: npt.NDArray[np.float32]) -> Real:
    import cv2

    cv2.setNumThreads(1)  # the fan-out owns the cores
    moved = cv2.remap(source, column.astype(np.float32), row.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _ramp(value: npt.NDArray[np.floating]) -> Real:
    """Return 0 below 0, 1 above 1, and a smooth step between."""
    clipped = np.clip(value, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), np.float32)


def _bump(value: npt.NDArray[np.floating]) -> Real:
    """Return 1 at 0, falling smoothly to 0 at -1 and 1."""
    return np.asarray(np.clip(1 - value**2, 0, None) ** 2, np.float32)
