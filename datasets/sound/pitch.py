"""Pitch frame by frame at 22,050 Hz: YIN (de Cheveigné and Kawahara 2002) and pYIN (Mauch and Dixon 2014), from one difference function.

Not `tasks.pitch`, whose window shrinks with the lag: here the window is fixed, as in the paper, so that overlapping frames share their
sums. That is a quarter of the cost. Nor librosa's, see docs/decisions/2026-11-21-our-own-yin.md: its pYIN goes through the same stencil.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor

import numpy as np
import numpy.typing as npt
import scipy

from nightdub.datasets.rows import RATE
from nightdub.tasks.features import FAINT, VOICED
from nightdub.tasks.rows import Hertz
from nightdub.tasks.sound import Samples

HOP, WINDOW = 256, 1024  # samples between frames, and of the paper's integration window: at least two periods of the lowest pitch ...
LOWEST: Hertz = 65.0  # ... which is a bass voice's
HIGHEST: Hertz = 500.0
THRESHOLD = 0.1  # of the normalised difference: the paper's figure
SHORTEST, LAST = floor(RATE / HIGHEST), ceil(RATE / LOWEST)  # lags searched, in samples

# pYIN, as its authors' software has them
THRESHOLDS = 100  # from 0 to 1, weighed by a beta distribution with these parameters
BETA = (2.0, 18.0)
BOLTZMANN = 2.0  # shorter periods first
NO_TROUGH = 0.01  # probability of the deepest trough under a threshold that none is below
RESOLUTION = 10  # states in a semitone
SWITCH = 0.01  # probability of voice beginning or ending at a frame
OCTAVES = 35.92  # a second: how fast pitch can move

_LAGS = LAST + 2  # 0 .. LAST + 1: the last one's right neighbour too
_SIZE = 600  # of the transforms: a hop and all lags, and a product of small primes
_BLOCKS = WINDOW // HOP
_LEAD = WINDOW // 2 + 64  # samples from a window's start to its frame's centre: half of it, and half of a period of 170 Hz
_BATCH = 2048  # frames at once: memory stays at 30 MB whatever the length
_TINY = np.float32(1e-30)

_Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Track:
    """Pitch and voicing of each frame; frames are centred on multiples of `HOP`."""

    pitch: _Array  # Hz; 0 where no voice is
    voicing: _Array  # correlation with itself one period later, or probability of voice with pYIN: 0 to 1


@dataclass(frozen=True, slots=True)
class Differences:
    """The difference function of all frames."""

    normalised: _Array  # (frames, lags), equation (8) of the paper
    products: _Array  # (frames, lags): sums of products with the sound one lag later
    energies: _Array  # (frames, lags): sums of squares, one lag later


def differences(sound: Samples) -> Differences:
    """Return the difference function of mono sound at 22,050 Hz, lags 0 to `LAST` + 1; 1 + samples // `HOP` frames."""
    count = 1 + sound.size // HOP
    padded = np.zeros((count - 1) * HOP + WINDOW + _SIZE, np.float32)
    part = sound[: padded.size - _LEAD]
    padded[_LEAD : _LEAD + part.size] = part
    made = [_differences(padded, first, min(first + _BATCH, count)) for first in range(0, count, _BATCH)]
    return made[0] if len(made) == 1 else Differences(*(np.concatenate(parts) for parts in zip(*map(_fields, made), strict=True)))


def yin(found: Differences) -> Track:
    """Return pitch by YIN: the first trough below `THRESHOLD`, or the deepest place, refined by a parabola.

    A frame is voiced where the sound correlates with itself one period later by 0.7 or more and is at most 40 dB fainter than the
    loudest frame, as in `tasks.features`.
    """
    searched = found.normalised[:, SHORTEST : LAST + 1]
    deep = _troughs(searched) & (searched < THRESHOLD)
    best = SHORTEST + np.where(deep.any(axis=1), deep.argmax(axis=1), searched.argmin(axis=1))
    rows = np.arange(len(best))
    energy = found.energies[:, 0]
    power = np.sqrt(energy * found.energies[rows, best])
    similar = np.clip(found.products[rows, best] / np.maximum(power, _TINY), 0.0, 1.0).astype(np.float32)
    voiced = (similar >= VOICED) & (energy > energy.max(initial=0.0) * 10 ** (-FAINT / 10))
    pitch = np.clip(RATE / (best + _parabola(found.normalised, rows, best)), LOWEST, HIGHEST)
    return Track(np.where(voiced, pitch, 0.0).astype(np.float32), similar)


def pyin(found: Differences) -> Track:
    """Return pitch by pYIN: all troughs with their probabilities, and the likeliest way through them (Viterbi); steps of 10 cents."""
    bins = floor(12 * RESOLUTION * np.log2(HIGHEST / LOWEST)) + 1
    chances = np.zeros((len(found.normalised), bins))
    searched = found.normalised[:, SHORTEST : LAST + 1]
    for frame, troughs in enumerate(_troughs(searched)):
        (lags,) = np.nonzero(troughs)
        if lags.size and found.energies[frame, 0] > 0:
            period = SHORTEST + lags + _parabola(found.normalised, np.full(lags.size, frame), SHORTEST + lags)
            places = np.clip(np.round(12 * RESOLUTION * np.log2(RATE / period / LOWEST)), 0, bins - 1).astype(int)
            np.add.at(chances[frame], places, _chances(searched[frame, lags]))
    voice = np.clip(chances.sum(axis=1), 0.0, 1.0)
    states = _likeliest(chances, voice)
    pitch = LOWEST * 2 ** (states % bins / (12 * RESOLUTION))
    return Track(np.where(states < bins, pitch, 0.0).astype(np.float32), voice.astype(np.float32))


def _fields(made: Differences) -> tuple[_Array, _Array, _Array]:
    return made.normalised, made.products, made.energies


def _differences(padded: _Array, first: int, last: int) -> Differences:
    """Return those of the frames from `first` up to `last`.

    Products of one hop with what follows it come from a transform each; four hops in a row are summed as spectra.
    """
    part = padded[first * HOP : (last - 1) * HOP + WINDOW + _SIZE]
    ahead = np.lib.stride_tricks.sliding_window_view(part, _SIZE)[::HOP][: last - first + _BLOCKS - 1]
    spectra = scipy.fft.rfft(ahead[:, :HOP], _SIZE).conj() * scipy.fft.rfft(ahead)
    spectra = sum(spectra[block : block + last - first] for block in range(_BLOCKS))
    products = scipy.fft.irfft(spectra, _SIZE)[:, :_LAGS]
    sums = np.concatenate([[0.0], np.cumsum(np.square(part, dtype=np.float64))])
    windows = (sums[WINDOW:] - sums[:-WINDOW]).astype(np.float32)
    energies = np.lib.stride_tricks.sliding_window_view(windows, _LAGS)[::HOP][: last - first]
    difference = np.maximum(energies[:, :1] + energies - 2 * products, 0.0)
    difference[:, 0] = 0.0
    total = np.cumsum(difference, axis=1)
    normalised = difference * np.arange(_LAGS, dtype=np.float32) / np.maximum(total, _TINY)
    normalised[:, 0] = 1.0
    normalised[total[:, -1] <= 0] = 1.0  # silence
    return Differences(normalised, products, energies)


def _troughs(values: _Array) -> npt.NDArray[np.bool_]:
    """Tell of each lag whether it is a local minimum; the first may be one, the last may not."""
    trough = np.zeros(values.shape, bool)
    falls = values[:, 1:] < values[:, :-1]
    trough[:, 1:-1] = falls[:, :-1] & ~falls[:, 1:]
    trough[:, 0] = values[:, 0] < values[:, 1]
    return trough


def _parabola(values: _Array, rows: npt.NDArray[np.int_], at: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """Return how far the vertex of the parabola through each place and its neighbours lies from it; 0 where there is none near."""
    before, here, after = (values[rows, at + step].astype(np.float64) for step in (-1, 0, 1))
    bend, slope = before + after - 2 * here, (after - before) / 2
    usable = np.abs(slope) < bend
    return np.where(usable, -slope / np.where(usable, bend, 1.0), 0.0)


@lru_cache(maxsize=1)
def _weights() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the thresholds, and how much each weighs."""
    edges = np.linspace(0, 1, THRESHOLDS + 1)
    return edges[1:], np.diff(scipy.special.betainc(*BETA, edges))


def _chances(heights: _Array) -> npt.NDArray[np.float64]:
    """Return the probability of each trough of a frame, in order of lag."""
    thresholds, weights = _weights()
    below = heights[:, None] < thresholds
    counts = below.sum(axis=0)
    prior = np.exp(-BOLTZMANN * (np.cumsum(below, axis=0) - 1)) * below
    prior *= (1 - np.exp(-BOLTZMANN)) / np.where(counts, 1 - np.exp(-BOLTZMANN * counts), 1.0)
    chances = prior @ weights
    chances[heights.argmin()] += NO_TROUGH * weights[counts == 0].sum()
    return np.asarray(chances)


def _likeliest(chances: npt.NDArray[np.float64], voice: npt.NDArray[np.float64]) -> npt.NDArray[np.int_]:
    """Return the likeliest state of each frame (Viterbi): a pitch, or the same pitch unvoiced, in the second half of the states."""
    frames, bins = chances.shape
    reach = round(OCTAVES * 12 * HOP / RATE) * RESOLUTION // 2
    near = np.log(1 - np.abs(np.arange(-reach, reach + 1)) / (reach + 1))  # a triangle, which the edges cut off
    whole = np.log(np.convolve(np.ones(bins), np.exp(near), "same"))
    seen = np.log(np.maximum(np.stack([chances, np.repeat((1 - voice)[:, None] / bins, bins, axis=1)], axis=1), 1e-300))
    stay, switch = np.log(1 - SWITCH), np.log(SWITCH)
    best = seen[0]
    moves, sides = np.zeros((frames, 2, bins), np.int16), np.zeros((frames, 2, bins), bool)
    for frame in range(1, frames):
        ways = np.lib.stride_tricks.sliding_window_view(
            np.pad(best - whole, ((0, 0), (reach, reach)), constant_values=-np.inf), 2 * reach + 1, 1
        )
        sums = ways + near
        move = sums.argmax(axis=2)
        value = np.take_along_axis(sums, move[..., None], axis=2)[..., 0]
        other = value[::-1] + switch > value + stay
        moves[frame], sides[frame] = np.where(other, move[::-1], move) - reach, other
        best = np.where(other, value[::-1] + switch, value + stay) + seen[frame]
    states = np.zeros(frames, int)
    side, place = divmod(int(best.argmax()), bins)
    for frame in range(frames - 1, -1, -1):
        states[frame] = side * bins + place
        place, side = place + moves[frame, side, place], side ^ int(sides[frame, side, place])
    return states
