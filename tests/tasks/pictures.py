"""Pictures and sounds for the tests of this folder, made in code."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import skimage.data

from nightdub.infra.media.ffmpeg import FrameWriter

RATE = 16_000
ASTRONAUT = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])  # a real face, BGR, 512 x 512


def portrait(zoom: float = 1.5, across: float = 0.0, width: int = 640, height: int = 360) -> np.ndarray:
    """Return the astronaut's face in the middle of a picture; `across` moves the camera to the right, in source pixels."""
    matrix = np.float32([[zoom, 0, width / 2 - (224 + across) * zoom], [0, zoom, height / 2 - 125 * zoom]])
    return cv2.warpAffine(ASTRONAUT, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def view(name: str, width: int = 640, height: int = 360) -> np.ndarray:
    """Return another of scikit-image's pictures, BGR, stretched to a frame."""
    picture = getattr(skimage.data, name)()
    picture = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture[..., 2::-1]
    return cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_AREA)


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    """Return the same noise each time, float32 mono at `RATE`."""
    return (np.random.default_rng(0).standard_normal(int(seconds * RATE)) * level).astype(np.float32)


def write_film(path: Path, frames: list[np.ndarray]) -> Path:
    """Encode frames at 25 a second, nearly without loss."""
    height, width = frames[0].shape[:2]
    with FrameWriter(path, width, height, "25/1", crf=4, preset="ultrafast") as writer:
        for frame in frames:
            writer.write(frame)
    return path
