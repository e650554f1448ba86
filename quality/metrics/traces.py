"""What a film's dub track holds of the original's sound beyond what the programme has in common with it.

The programme and the original share the music and effects. In each stretch and band of 125 Hz the track is explained by the programme
first; what the rest of the original still explains of the track has leaked in after the mix. Coding noise follows neither, and the
share that chance would explain is taken off (compare `leakage`, which asks the same of the programme itself).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy  # its parts load on their first use

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.lag import Course
from nightdub.tasks.rows import Decibel, Measurement, Seconds, Worst
from nightdub.tasks.sound import read_mono

_NOTHING = "the original holds nothing that the programme does not hold as well"

FACTS: dict[str, MetricFact] = {
    "package.original_leak": MetricFact(
        "dB",
        -60,
        40,
        "sound of the original in the film's dub track that the programme does not have, against its own level, in the worst 4 s",
        "partial coherence: least squares on programme and original per 125 Hz (Bendat and Piersol, chapter 7)",
        f"{_NOTHING}, or its sound was not given",
    )
}

_RATE, _FRAME, _BAND = 16_000, 1024, 8  # Hz; samples; bins that share one path: 125 Hz
_STRETCH = 4.0  # seconds
_FLOOR = -60.0  # dB: less is not told from nothing
_FOREIGN = 0.01  # share of the original that must not be the programme's, or there is nothing to look for
_HEARD = 1e-7  # mean square, -70 dBFS: what the original must hold of its own

Spectra = npt.NDArray[np.complex64]


def original_leak(programme: Path, carried: Path, original: Path, length: Seconds, course: Course | None) -> Measurement:
    """Return how much of the original has come into a carried sound since the programme was mixed, for the worst stretch.

    All three are WAV or FLAC; `course` says how late the carried sound is. Raises: MediaError.
    """
    found = list(_stretches(programme, carried, original, length, course))
    if not found:
        return Measurement("package.original_leak", None, "dB", engine="nightdub projection", not_measured=_NOTHING)
    ordered = sorted(found, key=lambda row: -row[1])
    worst = tuple(Worst(f"{start:.1f} s", round(leak, 2)) for start, leak in ordered[:WORST])
    return Measurement("package.original_leak", ordered[0][1], "dB", len(found), "nightdub projection", worst=worst)


def _stretches(programme: Path, carried: Path, original: Path, length: Seconds, course: Course | None) -> Iterator[tuple[Seconds, Decibel]]:
    step = _STRETCH / 2
    for index in range(max(1, math.ceil(length / step) - 1)):
        start = index * step
        end = min(start + _STRETCH, length)
        late = course.at((start + end) / 2) if course else 0.0
        first, last = max(start, -late), end
        ours, foreign = (_spectra(read_mono(path, first, last, _RATE)) for path in (programme, original))
        theirs = _spectra(read_mono(carried, first + late, last + late, _RATE))
        count = min(len(ours), len(foreign), len(theirs))
        if count > _BAND and (leak := explained(ours[:count], foreign[:count], theirs[:count])) is not None:
            yield start, leak


def explained(programme: Spectra, original: Spectra, carried: Spectra) -> Decibel | None:
    """Return the power of `carried` that only `original` explains, against the power of what is only the original's, in dB.

    Spectra have shape (frames, bins). None where the original holds too little of its own.
    """
    known = _sum(np.square(np.abs(programme))) + 1e-9
    own = original - _spread(_sum(original * programme.conj()) / known) * programme
    rest = carried - _spread(_sum(carried * programme.conj()) / known) * programme
    power, heard = _sum(np.square(np.abs(own))), _sum(np.square(np.abs(original)))
    if power.sum() < _FOREIGN * heard.sum() or power.sum() < _HEARD * carried.shape[0] * _FRAME**2 / 4:
        return None
    followed = np.square(np.abs(_sum(rest * own.conj()))) / np.maximum(power, 1e-12)
    by_chance = (_sum(np.square(np.abs(rest))) - followed) / max(carried.shape[0] * _BAND - 2, 1)
    share = float((followed - by_chance).sum() / power.sum())
    return max(10 * math.log10(share), _FLOOR) if share > 0 else _FLOOR


def _sum(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the sums over frames and over the bins of each band."""
    return np.asarray(np.add.reduceat(values.sum(axis=0), np.arange(0, values.shape[1], _BAND)))


def _spread(bands: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return one value for each bin of what holds one for each band."""
    return np.repeat(bands, _BAND)[: _FRAME // 2 + 1]


def _spectra(samples: npt.NDArray[np.float32]) -> Spectra:
    count = samples.size // _FRAME
    return np.asarray(
        scipy.fft.rfft(samples[: count * _FRAME].reshape(count, _FRAME) * np.hanning(_FRAME).astype(np.float32)), np.complex64
    )
