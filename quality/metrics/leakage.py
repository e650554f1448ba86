"""How much of the original dialogue can still be heard in the dub."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Decibel, Measurement, Worst

FACTS: dict[str, MetricFact] = {
    "leakage.original": MetricFact(
        "dB",
        -120,
        20,
        "original dialogue left in the dub, against its own level",
        "least squares per 125 Hz of what the dub holds beside its lines on the original's dialogue (a Wiener filter)",
        "there is no original dialogue to look for",
    ),
}

RATE = 16_000  # Hz at which clips are compared

_FRAME = 1024  # samples, 64 ms, laid side by side so that their errors are independent
_BAND = 8  # bins that share one path from original to dub: 125 Hz
_FLOOR = -60.0  # dB: less is not told from nothing


@dataclass(frozen=True, slots=True)
class LeakClip:
    """One line's stretch of time, sample-aligned mono at 16 kHz.

    `rest` is the dub's programme less everything that is known not to be the original: its own lines, and a delivered M&E stem. A
    *separated* bed stays in: what it holds of the original is what is looked for.
    """

    segment: str
    original: Sound  # dialogue stem of the original
    rest: Sound


def leakage(clips: Iterable[LeakClip]) -> Measurement:
    """Return the power of the rest that follows the original dialogue, against that dialogue's own power, in dB.

    Per band of 125 Hz the rest is projected on the original (a Wiener filter over all clips); the share that chance would explain is
    taken off. Sound that a separator left of the music in the original stem counts as dialogue, so a separated title reads too high
    rather than too low. Clips come one by one: memory does not grow with the title.
    """
    cross, original, rest = np.zeros(_FRAME // 2 + 1, np.complex128), np.zeros(_FRAME // 2 + 1), np.zeros(_FRAME // 2 + 1)
    frames, singles = 0, []
    for clip in clips:
        if (spectra := _spectra(clip)) is None:
            continue
        heard, left = spectra
        cross += (left * heard.conj()).sum(axis=0)
        original += np.square(np.abs(heard)).sum(axis=0)
        rest += np.square(np.abs(left)).sum(axis=0)
        frames += len(heard)
        singles.append(Worst(clip.segment, round(_single(clip), 2)))
    if original.sum() <= 0:
        return Measurement("leakage.original", None, "dB", not_measured="no original dialogue to look for")
    worst = tuple(sorted(singles, key=lambda row: (-row.value, row.segment))[:WORST])
    return Measurement(
        "leakage.original", _explained(cross, original, rest, frames), "dB", len(singles), "nightdub projection", worst=worst
    )


def _spectra(clip: LeakClip) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128]] | None:
    """Return windowed frames of both sounds, shape (frames, bins); None where there is nothing to look for."""
    frames = min(clip.original.size, clip.rest.size) // _FRAME
    if frames == 0 or not clip.original.any():
        return None
    window = np.hanning(_FRAME)
    heard, left = (sound[: frames * _FRAME].reshape(frames, _FRAME) * window for sound in (clip.original, clip.rest))
    return np.fft.rfft(heard), np.fft.rfft(left)


def _explained(cross: npt.NDArray[np.complex128], original: npt.NDArray[np.float64], rest: npt.NDArray[np.float64], frames: int) -> Decibel:
    bands = np.arange(0, len(original), _BAND)
    cross, heard, left = (np.add.reduceat(row, bands) for row in (cross, original, rest))
    followed = np.abs(cross) ** 2 / np.maximum(heard, np.finfo(float).tiny)
    by_chance = (left - followed) / max(frames * _BAND - 1, 1)
    return _decibel(float((followed - by_chance).sum() / heard.sum()))


def _single(clip: LeakClip) -> Decibel:
    """Return one clip's leakage with one gain for all bands: too short a sound for more."""
    size = min(clip.original.size, clip.rest.size)
    heard, left = clip.original[:size].astype(np.float64), clip.rest[:size].astype(np.float64)
    return _decibel(float(heard @ left / (heard @ heard)) ** 2)


def _decibel(share: float) -> Decibel:
    return max(10 * math.log10(share), _FLOOR) if share > 0 else _FLOOR
