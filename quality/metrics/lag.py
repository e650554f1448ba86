"""By how much one sound lies behind another, place by place, by cross-correlation.

A place is one second. Both sounds are brought to even loudness first, so that a loud line beside a place does not drown it. Their
cross-spectrum is flattened by half (between plain correlation, which music blurs, and phase alone, which noise drowns; the generalised
cross-correlation of Knapp and Carter, 1976), its highest peak gives the whole samples, and the slope of the aligned phase the rest, to
a hundredth of a sample. A place where no peak stands out says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import scipy  # its parts load on their first use

from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import read_mono

RATE = 16_000  # Hz at which places are compared
PLACE = 1.0  # seconds of one place
REACH = 1.5  # seconds that a place is looked for on each side of where it is expected
PLACES = 48  # looked at in a programme of any length
SIGNIFICANT = 8.0  # peak over the root mean square of the correlation; noise reaches 5 (the highest of 48,000 Gaussian values)
_AGREE = 0.005  # seconds from the line through all places within which a place agrees with it
_STEEPEST = 0.01  # seconds a second: places a second long can follow no steeper line
_LAST = 5  # places whose median says where the next one is expected
_QUIET = 1e-10  # mean square, -100 dBFS: nothing to compare
_FAINT = 1e-8  # mean square, -80 dBFS
_EQUAL = 0.98  # of the highest peak: as good, so that of the peaks of a steady tone the nearest counts
_FRAME = 1024  # samples of the spectra whose phase is compared, 64 ms

ENGINE = "nightdub cross-correlation"

Mono = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lag:
    """What one place says: its middle in the reference, by how much the other sound is late there, how far the peak stands out."""

    time: Seconds
    late: Seconds
    strength: float


@dataclass(frozen=True, slots=True)
class Course:
    """The line through the lags of all places that say something: late = `middle` + `slope` (time - `centre`)."""

    middle: Seconds
    slope: float  # seconds a second; 0.001 = 1000 ppm
    centre: Seconds
    lags: tuple[Lag, ...]

    def at(self, time: Seconds) -> Seconds:
        """Return by how much the other sound is late at a time of the reference."""
        return self.middle + self.slope * (time - self.centre)

    @property
    def agreeing(self) -> int:
        """Return how many places lie within 5 ms of the line."""
        return sum(abs(lag.late - self.at(lag.time)) <= _AGREE for lag in self.lags)

    @property
    def steady(self) -> bool:
        """Return whether at least three places, and more than half of all, agree with a line that is not another speed altogether."""
        return self.agreeing >= 3 and 2 * self.agreeing > len(self.lags) and abs(self.slope) <= _STEEPEST


def spread(length: Seconds, count: int = PLACES) -> list[Seconds]:
    """Return the starts of places spread evenly over a length; none where it is shorter than one place."""
    last = length - PLACE
    return [last * index / max(count - 1, 1) for index in range(count)] if last > 0 else []


def find_course(reference: Path, other: Path, starts: Iterable[Seconds], *, upside_down: bool = False) -> Course | None:
    """Return how late `other` is against `reference`, both WAV or FLAC; None where no place says anything.

    Each place is looked for around where the last few were found, so that a drift is followed however far it leads. `upside_down`
    looks for the places with their polarity inverted, which nobody hears.

    Raises: MediaError where a file cannot be read.
    """
    lags: list[Lag] = []
    for wanted in starts:
        start = round(wanted * RATE) / RATE  # whole samples throughout, or rounding would pass for a lag
        expected = round(median(lag.late for lag in lags[-_LAST:]) * RATE) / RATE if lags else 0.0
        heard = read_mono(reference, start, start + PLACE, RATE) * np.float32(-1 if upside_down else 1)
        begin = start + expected - REACH
        stretch = _padded(read_mono(other, max(begin, 0.0), begin + PLACE + 2 * REACH, RATE), begin)
        found = find_lag(heard, stretch, round(REACH * RATE))
        if found is not None:
            lags.append(Lag(start + PLACE / 2, expected + found[0] / RATE, found[1]))
    return fit_course(lags)


def find_lag(place: Mono, stretch: Mono, before: int) -> tuple[float, float] | None:
    """Return by how many samples `place` lies in `stretch` after sample `before`, and how far its peak stands out.

    None where either is silent, or where no peak stands out.
    """
    if place.size < _FRAME or stretch.size < place.size or min(np.square(place).mean(), np.square(stretch).mean()) < _QUIET:
        return None
    size = scipy.fft.next_fast_len(stretch.size + place.size, real=True)
    cross = scipy.fft.rfft(_even(stretch), size) * scipy.fft.rfft(_even(place), size).conj()
    cross /= np.sqrt(np.abs(cross) + np.float32(1e-12))
    values = scipy.fft.irfft(cross, size)[: stretch.size - place.size + 1]
    highest = values.max()
    strength = float(highest / math.sqrt(float(np.square(values).mean())))
    if strength < SIGNIFICANT:
        return None
    peaks = np.flatnonzero(values >= _EQUAL * highest)
    whole = int(peaks[np.abs(peaks - before).argmin()])
    return whole - before + _fraction(place, stretch[whole : whole + place.size]), strength


def fit_course(lags: Sequence[Lag]) -> Course | None:
    """Return the line through the lags after Theil and Sen: the median of the slopes of all pairs, which strays do not move."""
    if not lags:
        return None
    times, lates = np.array([lag.time for lag in lags]), np.array([lag.late for lag in lags])
    first, second = np.triu_indices(len(lags), 1)
    apart = times[second] - times[first]
    slope = float(np.median((lates[second] - lates[first])[apart > 0] / apart[apart > 0])) if (apart > 0).any() else 0.0
    centre = float(times.mean())
    return Course(float(np.median(lates - slope * (times - centre))), slope, centre, tuple(lags))


def _padded(samples: Mono, begin: Seconds) -> Mono:
    """Return a stretch of full length: silence stands for what lies before the start and after the end of the file."""
    whole = np.zeros(round((PLACE + 2 * REACH) * RATE), np.float32)
    first = min(round(max(-begin, 0.0) * RATE), whole.size)
    count = min(samples.size, whole.size - first)
    whole[first : first + count] = samples[:count]
    return whole


def _even(sound: Mono) -> Mono:
    """Return a sound divided by its own level over 0.1 s; what lies under -80 dBFS is not lifted to the rest."""
    power = scipy.ndimage.uniform_filter1d(np.square(sound), RATE // 10, mode="nearest")
    return np.asarray(sound / np.sqrt(np.maximum(power, 0.0) + _FAINT), np.float32)


def _fraction(place: Mono, found: Mono) -> float:
    """Return by what part of a sample `found` is late, from the slope of the phase between the two."""
    count = place.size // _FRAME
    window = np.hanning(_FRAME).astype(np.float32)
    ours, theirs = (scipy.fft.rfft(sound[: count * _FRAME].reshape(count, _FRAME) * window) for sound in (place, found))
    cross = (theirs * ours.conj()).sum(axis=0)[1:-1]
    weight = np.sqrt(np.abs(cross)) * (omega := np.arange(1, cross.size + 1) * (2 * np.pi / _FRAME))
    return float(np.clip(-(weight * np.angle(cross)).sum() / max((weight * omega).sum(), 1e-30), -1.0, 1.0))
