"""A look-ahead peak limiter with finite reach: the gain of a moment depends on the 20 ms around it and on nothing else.

So any block can be limited apart from its neighbours and the joins are exact.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nightdub.tasks.loudness import CELL, OVERSHOOT, Block, cell_peaks

REACH = 10  # cells (10 ms at 48 kHz) over which the gain falls before a peak and rises after it
CONTEXT = 2 * REACH + 1  # cells on each side of a block that `limiting_gains` has to see

_STEP = 1 / 4096  # gains are rounded down to it, so that another processor's last bit does not change a file
_FADE = (np.hanning(2 * REACH + 2)[1:-1] / np.hanning(2 * REACH + 2).sum()).astype(np.float32)
_ALONG = np.arange(CELL, dtype=np.float32) / CELL


def limiting_gains(block: Block, ceiling: float) -> npt.NDArray[np.float32] | None:
    """Return the gain at each cell's edge that keeps true peaks at `ceiling` (linear), or None where nothing comes near it.

    `block` has CONTEXT cells on each side of the n cells that are wanted; shape (n + 1,). Between two edges the gain runs straight.
    """
    if max(float(block.max()), -float(block.min())) * OVERSHOOT <= ceiling:
        return None
    needed = np.minimum(ceiling / np.maximum(cell_peaks(block, ceiling), ceiling), 1.0)
    if needed.min() >= 1.0:
        return None
    lowest = np.lib.stride_tricks.sliding_window_view(np.floor(needed / _STEP) * _STEP, 2 * REACH + 1).min(axis=1)
    return np.convolve(lowest, _FADE, "valid").astype(np.float32)


def ride(block: Block, gains: npt.NDArray[np.float32]) -> None:
    """Multiply a block of whole cells in place with gains given at its cells' edges, shape (cells + 1,)."""
    if gains.min() == gains.max():
        if gains[0] != 1.0:
            block *= gains[0]
        return
    along = np.repeat(_ALONG, block.shape[1]) if block.ndim == 2 else _ALONG
    cells, slopes = block.reshape(len(gains) - 1, -1), np.diff(gains)
    moving = np.flatnonzero(slopes)
    ridden = cells[moving] * (gains[moving, None] + slopes[moving, None] * along)
    cells *= gains[:-1, None]
    cells[moving] = ridden
