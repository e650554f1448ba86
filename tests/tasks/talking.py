"""People who talk, turn away or hide their mouths, for the tests of this folder: made in code from one real face."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from pictures import portrait

SAMPLES = 16_000  # a second
RATE = 25.0
Box = tuple[int, int, int, int]  # x, y, width, height
PAIR = ((103, 109, 115, 115), (422, 109, 115, 115))  # the faces of `pair`
ONE = (224, 62, 193, 193)  # the face of `portrait(2.0)`


def pair() -> np.ndarray:
    """Return two faces side by side, the right one mirrored; 640 x 360."""
    half = portrait(1.2)[:, 160:480]
    return np.ascontiguousarray(np.hstack([half, half[:, ::-1]]))


def voice(seconds: float, spans: Sequence[tuple[float, float]], pace: float = 4.3) -> tuple[np.ndarray, np.ndarray]:
    """Return noise in syllables within spans, and how far a mouth that says it is open in each film frame, 0..1."""
    time = np.arange(int(seconds * SAMPLES)) / SAMPLES
    syllables = np.clip(np.sin(2 * np.pi * pace * time) + 0.3 * np.sin(2 * np.pi * 1.7 * time), 0, None) / 1.3
    said = syllables * np.logical_or.reduce([(time >= start) & (time < end) for start, end in spans])
    sound = (np.random.default_rng(1).standard_normal(len(time)) * 0.15 * said).astype(np.float32)
    middles = ((np.arange(int(seconds * RATE)) + 0.5) / RATE * SAMPLES).astype(int)
    return sound, said[middles]


def opened(frame: np.ndarray, face: Box, opening: float) -> np.ndarray:
    """Return a frame in which the mouth of a face stands open."""
    x, y, width, height = face
    shown = frame.copy()
    if opening > 0.02:
        size = (round(0.17 * width), max(1, round(0.12 * height * opening)))
        cv2.ellipse(shown, (round(x + 0.49 * width), round(y + 0.82 * height)), size, 0, 0, 360, (30, 25, 50), -1, cv2.LINE_AA)
    return shown


def talk(still: np.ndarray, *faces: tuple[Box, np.ndarray]) -> list[np.ndarray]:
    """Return frames of a still with grain in which each face opens its mouth as told."""
    grain = np.random.default_rng(2)
    frames = []
    for openings in zip(*(opening for _, opening in faces), strict=True):
        frame = still
        for (face, _), opening in zip(faces, openings, strict=True):
            frame = opened(frame, face, float(opening))
        frames.append(np.clip(frame + grain.normal(0, 2, frame.shape), 0, 255).astype(np.uint8))
    return frames


def turned(frame: np.ndarray, degrees: float) -> np.ndarray:
    """Return the one face of a frame turned about its vertical axis: a relief of MediaPipe's points, its picture drawn on the triangles."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    height, width = frame.shape[:2]
    with FaceMesh(static_image_mode=True, max_num_faces=1) as mesh:
        marks = mesh.process(np.ascontiguousarray(frame[..., ::-1])).multi_face_landmarks[0].landmark
    points = np.array([(mark.x * width, mark.y * height, mark.z * width) for mark in marks], np.float32)
    centre = points.mean(axis=0)
    centre[2] = 0.6 * points[:, 2].max()
    angle = np.radians(degrees)
    about = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]], np.float32)
    moved = (points - centre) @ about.T + centre
    shown = cv2.GaussianBlur(frame, (0, 0), 25)  # what was behind the head
    corners = _triangles(points[:, :2], (width, height))
    for ids in sorted(corners, key=lambda ids: -float(moved[ids, 2].mean())):
        _draw(frame, shown, points[ids, :2].copy(), moved[ids, :2].copy())
    return shown


def _triangles(points: np.ndarray, size: tuple[int, int]) -> list[list[int]]:
    plane = cv2.Subdiv2D((0, 0, *size))
    for point in points:
        plane.insert((float(point[0]), float(point[1])))
    known = {(round(float(x), 2), round(float(y), 2)): place for place, (x, y) in enumerate(points)}
    found = [[known.get((round(float(row[k]), 2), round(float(row[k + 1]), 2))) for k in (0, 2, 4)] for row in plane.getTriangleList()]
    return [[place for place in ids if place is not None] for ids in found if None not in ids]


def _area(corners: np.ndarray) -> float:
    (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
    return float(ax * by - ay * bx)


def _draw(frame: np.ndarray, shown: np.ndarray, source: np.ndarray, target: np.ndarray) -> None:
    if abs(_area(target)) < 0.3 or _area(target) * _area(source) < 0:
        return  # seen from behind
    x, y, width, height = cv2.boundingRect(target)
    x, y, right, bottom = max(0, x), max(0, y), min(shown.shape[1], x + width + 1), min(shown.shape[0], y + height + 1)
    if x >= right or y >= bottom:
        return
    local = target - (x, y)
    piece = cv2.warpAffine(
        frame, cv2.getAffineTransform(source, local.astype(np.float32)), (right - x, bottom - y), borderMode=cv2.BORDER_REFLECT
    )
    mask = np.zeros(piece.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(local * 16).astype(np.int32), 255, cv2.LINE_8, 4)
    shown[y:bottom, x:right][mask > 0] = piece[mask > 0]
