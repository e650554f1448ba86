"""Frontal faces by OpenCV's Haar cascade, which its wheel carries (Viola and Jones 2001; no weights to fetch)."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.infra.digests import digest_file
from nightdub.infra.errors import MachineLacks
from nightdub.tasks.protocols import Frames, Identity
from nightdub.tasks.rows import FaceBox

_CASCADE = "haarcascade_frontalface_default.xml"


class Haar:
    """Finds frontal faces; a face in profile is not found, which is what lip-sync wants.

    Frames higher than `working_height` pixels are shrunk to it first: no face below a tenth of the picture's height is found.
    `confidence` is the last stage's weight below which a find is dropped: scikit-image's face gives 3.0 to 6.5 at seven sizes, and 16
    other pictures of its collection give no find at all.
    """

    def __init__(self, working_height: int = 240, neighbours: int = 5, confidence: float = 2.8) -> None:
        self._height, self._neighbours, self._confidence = working_height, neighbours, confidence
        wheel = distribution("opencv-python-headless")
        self._version, self._file = wheel.version, Path(str(wheel.locate_file(f"cv2/data/{_CASCADE}")))
        if not self._file.exists():
            raise MachineLacks(f"OpenCV {wheel.version} carries no {_CASCADE}", allowed="opencv-python-headless 4.x", fix="make setup")

    def identity(self) -> Identity:
        """Return OpenCV's version and the digest of the cascade."""
        settings = {"working_height": self._height, "neighbours": self._neighbours, "confidence": self._confidence}
        return Identity("haar", self._version, digest_file(self._file), settings)

    def faces(self, frames: Frames, first: int) -> list[FaceBox]:
        """Return the faces of every frame, in pixels of the frame, numbered from `first`, left to right."""
        return [box for offset, frame in enumerate(frames) for box in self._find(frame, first + offset)]

    @cached_property
    def _cascade(self) -> Any:
        import cv2

        cv2.setNumThreads(1)  # the fan-out owns the cores
        return cv2.CascadeClassifier(str(self._file))

    def _find(self, frame: npt.NDArray[np.uint8], number: int) -> list[FaceBox]:
        import cv2

        scale = max(1.0, frame.shape[0] / self._height)
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        if scale > 1:
            grey = cv2.resize(grey, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
        smallest = max(24, self._height // 10)  # 24: the side of the cascade's own window
        found, _, weights = self._cascade.detectMultiScale3(
            grey, 1.1, self._neighbours, minSize=(smallest, smallest), outputRejectLevels=True
        )
        sure = [box for box, weight in zip(found, weights, strict=True) if weight >= self._confidence]
        return [FaceBox(number, *box) for box in sorted(tuple(round(float(side) * scale) for side in box) for box in sure)]
