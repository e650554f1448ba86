"""Pitch by YIN (de Cheveigné and Kawahara 2002), in numpy: the usual library's compiled code can end the process, see docs/decisions."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Hertz

THRESHOLD = 0.1  # of the normalised difference: the paper's figure
BLOCK = 256  # frames worked on at once: bounds memory at about 15 MB whatever the sound's length

_Array = npt.NDArray[np.float64]


def yin(sound: Sound, rate: int, lowest: Hertz, highest: Hertz, frame: int, hop: int) -> _Array:
    """Return the pitch of each frame in Hz, voiced or not; frames of `frame` samples are centred on multiples of `hop`.

    The period is the first local minimum of the cumulative mean normalised difference below `THRESHOLD`, or its smallest value where
    there is none, refined by a parabola through its neighbours. `lowest` is at least rate / (frame - 1).
    """
    around = np.pad(np.asarray(sound, np.float64), frame // 2)
    frames = np.lib.stride_tricks.sliding_window_view(around, frame)[::hop]
    shortest, longest = max(1, floor(rate / highest)), min(ceil(rate / lowest), frame - 1)
    blocks = [_periods(frames[first : first + BLOCK], shortest, longest) for first in range(0, len(frames), BLOCK)]
    return rate / np.concatenate(blocks)


def _periods(frames: _Array, shortest: int, longest: int) -> _Array:
    """Return the period of each frame in samples."""
    normalised = _normalised_difference(frames, longest)[:, shortest:]
    left, here, right = normalised[:, :-2], normalised[:, 1:-1], normalised[:, 2:]
    trough = np.zeros(normalised.shape, bool)
    trough[:, 1:-1] = (here < left) & (here <= right)
    trough[:, 0] = normalised[:, 0] < normalised[:, 1]
    deep = trough & (normalised < THRESHOLD)
    best = np.where(deep.any(axis=1), deep.argmax(axis=1), normalised.argmin(axis=1))
    periods: _Array = shortest + best + _parabola(normalised, best)
    return periods


def _normalised_difference(frames: _Array, longest: int) -> _Array:
    """Return d'(0..longest) of each frame, equations (6) and (8) of the paper; the window ends with the frame, so its loss is made up."""
    length = frames.shape[1]
    spectrum = np.fft.rfft(frames, 2 * length)
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, : longest + 1]
    energy = np.cumsum(frames**2, axis=1)
    lags = np.arange(1, longest + 1)
    # the sums of squares over both windows, less twice their product
    difference = 2 * energy[:, -1:] - energy[:, :longest] - (energy[:, -1:] - energy[:, length - 1 - lags]) - 2 * products[:, 1:]
    difference *= length / (length - lags)
    mean = np.cumsum(difference, axis=1) / lags
    return np.concatenate([np.ones((len(frames), 1)), difference / np.maximum(mean, np.finfo(float).tiny)], axis=1)


def _parabola(values: _Array, at: npt.NDArray[np.int_]) -> _Array:
    """Return how far the vertex of the parabola through each minimum and its neighbours lies from it; 0 at the edges."""
    rows, inner = np.arange(len(values)), np.clip(at, 1, values.shape[1] - 2)
    before, here, after = values[rows, inner - 1], values[rows, inner], values[rows, inner + 1]
    bend, slope = before + after - 2 * here, (after - before) / 2
    usable = (inner == at) & (np.abs(slope) < np.abs(bend))
    return np.where(usable, -slope / np.where(usable, bend, 1.0), 0.0)
