"""Faces by the networks that MediaPipe's wheel carries: BlazeFace finds them, Face Mesh says where eyes, nose and mouth are.

Bazarevsky et al. 2019, "BlazeFace"; Kartynnik et al. 2019, "Real-time Facial Surface Geometry"; Grishchenko et al. 2020,
"Attention Mesh" (Apache-2.0, code and weights). Sees turned and small faces that a Haar cascade does not, and says how far they turn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nightdub.infra.digests import digest_file, digest_of
from nightdub.infra.errors import MachineLacks
from nightdub.tasks.protocols import Frames, Identity
from nightdub.tasks.rows import FaceBox

_MODELS = ("face_detection/face_detection_full_range_sparse.tflite", "face_landmark/face_landmark_with_attention.tflite")
_CROP = 256  # pixels of the square that the mesh looks at
_AROUND = 1.5  # of BlazeFace's box: what the mesh looks at
_EYES, _LIPS, _NOSE, _OUTLINE = (33, 133, 362, 263), (13, 14, 78, 308), 1, (234, 454)  # points of the mesh
# A box as OpenCV's Haar cascade draws it, which all that looks for mouths expects: measured on scikit-image's face at seven sizes.
_EYE_LINE, _EYES_TO_LIPS = 0.39, 0.42  # shares of the box's height

Points = npt.NDArray[np.float64]  # (points, 2), pixels


class _Marks(NamedTuple):
    """What of a face's points is used, in pixels: middle of the eyes and of the lips, tip of the nose, both ends of the outline."""

    eyes: Points
    lips: Points
    nose: Points
    outline: Points


class FaceMesh:
    """Finds faces from frontal to three quarters, of a tenth of the picture's height and up; `confidence` is BlazeFace's."""

    def __init__(self, confidence: float = 0.6) -> None:
        self._confidence, self._said = confidence, False
        wheel = distribution("mediapipe")
        self._version = wheel.version
        self._files = [Path(str(wheel.locate_file(f"mediapipe/modules/{name}"))) for name in _MODELS]
        if not all(path.exists() for path in self._files):
            raise MachineLacks(
                f"mediapipe {wheel.version} carries no {' or '.join(_MODELS)}", allowed="mediapipe 0.10.21", fix="make setup"
            )

    def identity(self) -> Identity:
        """Return MediaPipe's version and the digest of both networks."""
        return Identity("facemesh", self._version, digest_of([digest_file(path) for path in self._files]), {"confidence": self._confidence})

    def faces(self, frames: Frames, first: int) -> list[FaceBox]:
        """Return the faces of every frame, in pixels of the frame, numbered from `first`, left to right."""
        if self._said:
            return [box for offset, frame in enumerate(frames) for box in self._find(frame, first + offset)]
        with _hushed():  # until the first face, MediaPipe writes about itself past every logger
            found = [box for offset, frame in enumerate(frames) for box in self._find(frame, first + offset)]
        self._said = bool(found)
        return found

    @cached_property
    def _detector(self) -> Any:
        from mediapipe.python.solutions.face_detection import FaceDetection

        return FaceDetection(min_detection_confidence=self._confidence, model_selection=1)

    @cached_property
    def _mesh(self) -> Any:
        from mediapipe.python.solutions import face_mesh

        return face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True)

    def _find(self, frame: npt.NDArray[np.uint8], number: int) -> list[FaceBox]:
        import cv2

        cv2.setNumThreads(1)  # the fan-out owns the cores
        picture = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        found = self._detector.process(picture).detections or []
        boxes = [_box(self._marks(picture, face.location_data), number) for face in found]
        return sorted((box for box in boxes if box), key=lambda box: (box.x, box.y))

    def _marks(self, picture: npt.NDArray[np.uint8], place: Any) -> _Marks:
        """Return a face's points from the mesh, or where it sees no face (profiles) BlazeFace's own six."""
        import cv2

        height, width = picture.shape[:2]
        box, scale = place.relative_bounding_box, np.array([width, height], np.float64)
        middle = (np.array([box.xmin, box.ymin]) + np.array([box.width, box.height]) / 2) * scale
        side = max(_AROUND * max(box.width * width, box.height * height), 1.0) / _CROP
        corner = middle - side * _CROP / 2
        inverse = np.array([[side, 0, corner[0]], [0, side, corner[1]]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop = cv2.warpAffine(picture, inverse, (_CROP, _CROP), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        if meshes := self._mesh.process(crop).multi_face_landmarks:
            points = np.array([[point.x, point.y] for point in meshes[0].landmark]) * _CROP * side + corner
            return _Marks(points[list(_EYES)].mean(axis=0), points[list(_LIPS)].mean(axis=0), points[_NOSE], points[list(_OUTLINE)])
        points = np.array([[point.x, point.y] for point in place.relative_keypoints]) * scale  # eyes, nose, mouth, ears
        return _Marks(points[:2].mean(axis=0), points[3], points[2], points[4:6])


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the process's standard error quiet, for what is not written by Python."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _box(marks: _Marks, number: int) -> FaceBox | None:
    """Return the box of a face; None where the points make none."""
    height = float(np.linalg.norm(marks.lips - marks.eyes)) / _EYES_TO_LIPS
    if height < 1:
        return None
    left, top = (marks.eyes[0] + marks.lips[0] - height) / 2, marks.eyes[1] - _EYE_LINE * height
    return FaceBox(number, round(float(left)), round(float(top)), round(height), round(height), turn=_turn(marks))


def _turn(marks: _Marks) -> float:
    """Return how far the tip of the nose has gone from the middle of the face's outline to its edge: 0 = frontal, 1 = profile."""
    ends = np.sort(marks.outline[:, 0])
    half = max(float(ends[1] - ends[0]) / 2, 1.0)
    return round(min(1.0, abs(float(marks.nose[0]) - float(ends.mean())) / half), 2)
