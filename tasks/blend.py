"""Redrawn mouths laid on the frames that they came from: soft at the edge, in the colour of the skin around, with the film's grain.

Colour is matched by mean and deviation of each channel in the ring where the two pictures meet (Reinhard et al. 2001, "Color Transfer
between Images", here in YCrCb, which is linear: what needs no correction stays as it is, bit by bit). The mean is matched in each
frame, which takes an engine's flicker off; deviation and grain go through a running mean over time, which puts none on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nightdub.tasks.lips import REGION, Box, mouth_region
from nightdub.tasks.protocols import Frames

Real = npt.NDArray[np.float32]

_TO_YCC = np.array([[0.114, 0.587, 0.299], [-0.0813, -0.4185, 0.4998], [0.5, -0.3311, -0.1687]], np.float32)  # BT.601, of BGR
_TO_BGR = np.linalg.inv(_TO_YCC).astype(np.float32)
_FEATHER = 0.2  # of the region's half sides over which the redrawn mouth fades out
_RING = (0.05, 0.95)  # weights between which the two pictures are compared
_SLACK = 1.0  # levels of colour that are left alone: skin moves with the jaw
_GAIN = (0.85, 1.18)  # of a channel's deviation: more is another picture, and no other light
_GRAIN = 0.8  # levels below which a film has none that anybody sees
_HIGH_PASS = 0.873  # deviation of white noise after a Gaussian blur of one pixel is taken off
_PATCH = 7  # pixels of the square in which grain is measured
_SMOOTHING = 9  # frames


class _Place(NamedTuple):
    """One redrawn mouth: where it is, how much of each pixel is ours, and what its colour and grain lack."""

    rows: slice
    columns: slice
    weight: Real
    shift: npt.NDArray[np.float64]  # what is to be added to the mean of each channel
    gain: npt.NDArray[np.float64]  # what its deviation is to be multiplied by
    mean: npt.NDArray[np.float64]  # of the redrawn ring
    grain: float  # deviation of the source's fine noise, levels


def blend(source: Frames, drawn: Frames, boxes: Sequence[Box]) -> Frames:
    """Return the source's frames with the redrawn mouths of `drawn`; `boxes` are the face in each frame.

    Nothing outside `tasks.lips.mouth_region` changes, and no frame that is the same in both. As many frames come back as went in.
    """
    blended = source.copy()
    moved = [
        index for index, box in enumerate(boxes) if not np.array_equal(source[index], drawn[index]) and _is_seen(source[index].shape, box)
    ]
    places = _calm([_compare(source[index], drawn[index], boxes[index]) for index in moved])
    for index, place in zip(moved, places, strict=True):
        blended[index][place.rows, place.columns] = _lay(source[index], drawn[index], place, index)
    return blended


def _is_seen(shape: tuple[int, ...], box: Box) -> bool:
    left, top, right, bottom = mouth_region(box, shape[1], shape[0])
    return right - left >= _PATCH and bottom - top >= _PATCH


def _compare(source: npt.NDArray[np.uint8], drawn: npt.NDArray[np.uint8], box: Box) -> _Place:
    left, top, right, bottom = mouth_region(box, source.shape[1], source.shape[0])
    rows, columns = slice(top, bottom), slice(left, right)
    weight = _weight(box, rows, columns)
    one, other = (_ycc(picture[rows, columns]) for picture in (source, drawn))
    ring = (weight > _RING[0]) & (weight < _RING[1])
    if not ring.any():
        ring = weight >= 0
    wanted, found = one[ring].astype(np.float64), other[ring].astype(np.float64)
    off = wanted.mean(axis=0) - found.mean(axis=0)
    shift = np.sign(off) * np.maximum(np.abs(off) - _SLACK, 0)
    gain = np.clip((wanted.std(axis=0) + 1) / (found.std(axis=0) + 1), *_GAIN)
    gain = np.where(np.abs(gain - 1) < 0.05, 1.0, gain)
    fine = np.abs(_fine(one[..., 0]))
    return _Place(rows, columns, weight, shift, gain, found.mean(axis=0), 1.4826 * float(np.median(fine)) / _HIGH_PASS)


def _weight(box: Box, rows: slice, columns: slice) -> Real:
    """Return how much of each pixel is taken from the redrawn picture: 1 inside a rounded rectangle, 0 at the region's border."""
    x, y, width, height = box
    left, top, right, bottom = REGION
    down = (np.arange(rows.start, rows.stop) + 0.5 - (y + (top + bottom) / 2 * height)) / ((bottom - top) / 2 * height)
    across = (np.arange(columns.start, columns.stop) + 0.5 - (x + (left + right) / 2 * width)) / ((right - left) / 2 * width)
    out = (down[:, None] ** 4 + across[None, :] ** 4) ** 0.25
    inside = np.clip((1 - out) / _FEATHER, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside), np.float32)


def _calm(places: Sequence[_Place]) -> list[_Place]:
    """Return the places with gain and grain averaged over the frames around each; the mean colour is each frame's own."""
    calm = []
    for index, place in enumerate(places):
        near = places[max(0, index - _SMOOTHING // 2) : index + _SMOOTHING // 2 + 1]
        gain = np.mean([other.gain for other in near], axis=0)
        calm.append(place._replace(gain=gain, grain=float(np.mean([other.grain for other in near]))))
    return calm


def _lay(source: npt.NDArray[np.uint8], drawn: npt.NDArray[np.uint8], place: _Place, number: int) -> npt.NDArray[np.uint8]:
    before, ours = (picture[place.rows, place.columns].astype(np.float32) for picture in (source, drawn))
    changed = np.abs(ours - before).max(axis=2) > 2
    colours = ours @ _TO_YCC.T
    correction = (colours - place.mean) * (place.gain - 1) + place.shift
    ours = ours + (correction @ _TO_BGR.T).astype(np.float32)
    if place.grain >= _GRAIN:
        ours = ours + _missing_grain(colours[..., 0], changed, place.grain, number)[..., None]
    laid = before + place.weight[..., None] * (ours - before)
    return np.asarray(np.clip(np.rint(laid), 0, 255), np.uint8)


def _missing_grain(light: Real, changed: npt.NDArray[np.bool_], grain: float, number: int) -> Real:
    """Return noise for where a redrawn mouth is smoother than the film: the same for the same frame of a shot, each time."""
    import cv2

    local = cv2.boxFilter(_fine(light) ** 2, -1, (_PATCH, _PATCH)) / _HIGH_PASS**2
    near = cv2.dilate(changed.astype(np.float32), np.ones((_PATCH, _PATCH)))  # grain itself hides some of what was redrawn
    lacks = np.sqrt(np.maximum(grain**2 - local, 0)) * cv2.GaussianBlur(near, (0, 0), 1.5)
    noise = np.random.default_rng(number).standard_normal(light.shape, np.float32)
    return np.asarray(lacks * noise, np.float32)


def _fine(light: Real) -> Real:
    """Return what a Gaussian blur of one pixel takes off a picture."""
    import cv2

    cv2.setNumThreads(1)  # the fan-out owns the cores
    return np.asarray(light - cv2.GaussianBlur(light, (0, 0), 1.0), np.float32)


def _ycc(picture: npt.NDArray[np.uint8]) -> Real:
    return np.asarray(picture.astype(np.float32) @ _TO_YCC.T, np.float32)
