"""Where the lips are in a picture: found by colour and darkness below the nose, steadied over a shot. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR
Real = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]  # x, y, width, height of the face, pixels

# Shares of a Haar face box; the middle line of a frontal face's lips lies 0.8 down its box (measured on one face: 0.82).
_ROWS = (0.70, 0.97)
_COLUMNS = (0.20, 0.80)
_MIDDLE = 0.10  # half the width of the strip in which the lips' edges are read
_TEETH = 0.18  # half the width in which light means teeth; further out it is a cheek
_COLOURLESS = 0.003  # deviation of redness below which a picture is black and white, and teeth look like skin
REGION = (0.08, 0.60, 0.92, 1.18)  # left, top, right, bottom of what a moving mouth may touch: the box ends above the chin
_SMOOTHING = 5  # frames


@dataclass(frozen=True, slots=True)
class Lips:
    """Inner edge of the lips in shares of the face box: the corners, and upper and lower lip in the middle.

    `top == bottom` is a closed mouth. Between corners and middle the edges are parabolas.
    """

    x: float
    half: float  # half the distance between the corners, in box widths
    top: float
    bottom: float
    left: float  # height of the corner on the picture's left
    right: float


def mouth_region(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom (exclusive) of the pixels that a moving mouth may touch, inside a picture of this size."""
    x, y, across, down = box
    left, top, right, bottom = REGION
    return (
        min(max(0, round(x + left * across)), width),
        min(max(0, round(y + top * down)), height),
        max(0, min(width, round(x + right * across))),
        max(0, min(height, round(y + bottom * down))),
    )


def find_lips(frame: Frame, box: Box) -> Lips | None:
    """Return the lips of a face, or None where the picture does not show them clearly (beard, shadow, black and white).

    An open mouth is what is dark, or light and less red than skin (teeth); a closed one is the darkest row between the lips.
    """
    x, y, width, height = box
    rows = _inside(y, height, _ROWS, frame.shape[0])
    columns = _inside(x, width, _COLUMNS, frame.shape[1])
    zone = frame[rows, columns].astype(np.float32)
    if min(zone.shape[:2]) < 8:
        return None
    light = zone @ np.array([0.114, 0.587, 0.299], np.float32)  # BT.601 luma of BGR
    redness = zone[..., 2] / (zone[..., 1] + zone[..., 2] + 1)  # pseudo hue: Hulbert and Poggio 1998
    away = np.abs(np.arange(columns.start, columns.stop) - (x + width / 2))
    middle = away < _MIDDLE * width
    teeth = (redness < np.median(redness) - 0.012) & (light > 0.8 * np.median(light)) & (away < _TEETH * width)
    inner = (light < 0.6 * np.median(light)) | teeth
    if not middle.any() or redness.std() < _COLOURLESS:
        return None
    found = _open_mouth(inner, middle, height) or _closed_mouth(light[:, middle].mean(axis=1), height, width, middle)
    return _in_box(found, box, rows.start, columns.start) if found else None


def steady(found: Sequence[Lips | None]) -> list[Lips] | None:
    """Return lips for every frame: misses bridged, a running median and mean of 5 frames; None where most frames show none."""
    hits = [place for place, lips in enumerate(found) if lips]
    if not hits or len(hits) * 2 < len(found):
        return None
    known = np.array([[lips.x, lips.half, lips.top, lips.bottom, lips.left, lips.right] for lips in found if lips])
    every = np.stack([np.interp(np.arange(len(found)), hits, column) for column in known.T], axis=1)
    calm = _windows(np.median(_windows(every), axis=-1)).mean(axis=-1)
    return [Lips(*(float(value) for value in row)) for row in calm]


def _windows(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rows around each row, the ends repeated; shape (rows, values, `_SMOOTHING`)."""
    padded = np.pad(rows, ((_SMOOTHING // 2, _SMOOTHING // 2), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHING, axis=0)


def _inside(start: float, length: float, shares: tuple[float, float], end: int) -> slice:
    """Return the pixels between two shares of a side of the box, as far as the picture goes."""
    return slice(*(min(end, max(0, round(start + share * length))) for share in shares))


def _open_mouth(inner: npt.NDArray[np.bool_], middle: npt.NDArray[np.bool_], height: float) -> tuple[float, ...] | None:
    """Return corners' columns, upper and lower edge and corners' rows of the opening, in pixels of the zone."""
    runs = _runs(inner[:, middle].mean(axis=1) > 0.4)
    runs = [(first, last) for first, last in runs if 0.015 * height < last - first < 0.25 * height]
    if not runs:
        return None
    top, bottom = max(runs, key=lambda run: run[1] - run[0])
    start = int(np.flatnonzero(middle).mean())
    left, left_row = _corner(inner[:, start::-1], top, bottom, height)
    right, right_row = _corner(inner[:, start:], top, bottom, height)
    return float(start - left), float(start + right), float(top), float(bottom), left_row, right_row


def _corner(inner: npt.NDArray[np.bool_], top: int, bottom: int, height: float) -> tuple[int, float]:
    """Walk from the middle along the opening to its end; return steps taken and the row arrived at."""
    row, reached, column = (top + bottom) / 2, 0, 0
    slack, near = max(2, round(0.015 * height)), 0.05 * height
    while column < inner.shape[1] and column - reached <= slack:
        rows = np.flatnonzero(inner[:, column])
        rows = rows[np.abs(rows - row) < near]
        if len(rows):
            row, reached = 0.5 * row + 0.5 * float(rows.mean()), column
        column += 1
    return reached, row


def _closed_mouth(light: Real, height: float, width: float, middle: npt.NDArray[np.bool_]) -> tuple[float, ...] | None:
    """Return the same for lips that touch: the darkest row, with the usual width, where it is dark enough to be believed."""
    row = int(light.argmin())
    if light[row] > 0.85 * float(np.median(light)):
        return None
    centre, half = float(np.flatnonzero(middle).mean()), 0.2 * width
    corners = row - 0.01 * height
    return centre - half, centre + half, float(row), float(row), corners, corners


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last-but-one index of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _in_box(found: tuple[float, ...], box: Box, row: int, column: int) -> Lips | None:
    """Turn pixels of the zone into shares of the box; None where that cannot be a mouth."""
    x, y, width, height = box
    left, right, *rows = found
    lips = Lips(
        ((left + right) / 2 + column - x) / width,
        (right - left) / 2 / width,
        *((value + row - y) / height for value in rows),
    )
    straight = abs(lips.left - lips.right) < 0.12 and abs(lips.x - 0.5) < 0.1 and 0.1 < lips.half < 0.32
    return lips if straight and 0.72 < (lips.top + lips.bottom) / 2 < 0.92 else None
