"""The bed gives way to the dialogue: gains from the lines' own envelopes, with look-ahead, hold and release."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from nightdub.tasks.rows import Decibel

STEP = 0.01  # seconds of one value of the key and of the gain
_FULL, _NONE = -10.0, -30.0  # dB of the envelope against its line: the bed is all the way down, and not at all
_ATTACK, _RELEASE = 0.2, 0.5  # seconds in which the bed goes down before a line, and comes back after it
_HOLD = 0.5  # seconds of silence in which it stays down: a pause between two lines
_EARLY = 0.05  # seconds before speech at which it is down: an onset swells from nothing

Key = tuple[int, npt.NDArray[np.float32]]  # first step of a line, and its level in dB against the line in each step


def gain_course(keys: Iterable[Key], steps: int, depth: Decibel) -> npt.NDArray[np.float64]:
    """Return the bed's gain in dB at the middle of every 10 ms of a programme; `depth` is what speech takes off, below 0.

    In decibels the gain moves in straight lines: `depth` in 0.2 s before what it gives way to, and in 0.5 s after it. Two hours take 6 MB.
    """
    wanted = np.zeros(steps)
    for first, levels in keys:
        share = np.clip((levels - _NONE) / (_FULL - _NONE), 0, 1)
        part = wanted[first : first + len(share)]
        np.minimum(part, depth * share[: len(part)], out=part)
    return _before(_after(_held(wanted), -depth / _RELEASE * STEP), -depth / _ATTACK * STEP)


def _held(wanted: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the lowest of each value, those of the hold before it, and those that come at once."""
    hold, early = round(_HOLD / STEP), round(_EARLY / STEP)
    padded = np.pad(wanted, (hold, early))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, hold + early + 1).min(axis=1))


def _after(wanted: npt.NDArray[np.float64], rise: float) -> npt.NDArray[np.float64]:
    """Return the highest course at or under the values that rises by at most so many dB a step."""
    ramp = rise * np.arange(len(wanted))
    return np.asarray(np.minimum.accumulate(wanted - ramp) + ramp)


def _before(wanted: npt.NDArray[np.float64], fall: float) -> npt.NDArray[np.float64]:
    return _after(wanted[::-1], fall)[::-1]
