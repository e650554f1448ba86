"""Loudness and true peak of sound files after ITU-R BS.1770-4, in one pass and a few megabytes whatever the length.

Blocks are float32 of shape (frames, channels), as files interleave them. The filters run here and not in pyloudnorm because that
takes a whole programme as one float64 array: 5.5 GB for two hours of stereo. Tests hold the results against it and against ffmpeg.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy  # its parts load on their first use: signal alone takes a second
import soundfile
from numpy.lib.stride_tricks import sliding_window_view

from nightdub.infra.errors import MediaError
from nightdub.tasks.rows import Decibel, Seconds

Block = npt.NDArray[np.float32]  # (frames, channels)
Spans = Sequence[tuple[Seconds, Seconds]]
Stretch = tuple[int, int]  # samples: first, and one past the last

CELL = 48  # frames in which one true peak is looked for: 1 ms at 48 kHz
BLOCK = 1000 * CELL  # frames worked on at a time: small enough for a processor's cache
_WARM_UP = 0.1  # seconds of filter run-in before a stretch; the slowest pole (38 Hz) has died away by then
_SHORTEST = 0.4  # seconds: one gating block of BS.1770-4
_ABSOLUTE, _RELATIVE = -70.0, -10.0  # LKFS and LU: the two gates of BS.1770-4
_OFFSET = -0.691  # dB: the constant of BS.1770's loudness formula
_SURROUND = 1.41  # weight of BS.1770 for the two surround channels of L R C Ls Rs, with or without LFE
_SIDE = 12  # samples on each side that the interpolation between two samples looks at


def k_weighting(rate: int) -> npt.NDArray[np.float32]:
    """Return the K-weighting filter as two second-order sections, shape (2, 6).

    BS.1770-4 prints coefficients for 48 kHz only; these analogue parameters reproduce them to eight digits and serve every rate
    (libebur128, `ebur128_init_filter`). Single precision moves the loudness of pink noise by 0.00001 dB.
    """
    k, high, q = math.tan(math.pi * 1681.974450955533 / rate), 10 ** (3.999843853973347 / 20), 0.7071752369554196
    band, one = high**0.4996667741545416, 1 + k / q + k * k
    shelf_zeros = [(high + band * k / q + k * k) / one, 2 * (k * k - high) / one, (high - band * k / q + k * k) / one]
    shelf = [*shelf_zeros, 1.0, 2 * (k * k - 1) / one, (1 - k / q + k * k) / one]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    one = 1 + k / q + k * k
    return np.array([shelf, [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / one, (1 - k / q + k * k) / one]], np.float32)


def lkfs(power: float) -> Decibel | None:
    """Return the loudness of a mean K-weighted power summed over channels; None at or below -70 LKFS: nothing to measure."""
    loudness = _OFFSET + 10 * math.log10(power) if power > 0 else -math.inf
    return loudness if loudness > _ABSOLUTE else None


def integrated(path: Path) -> Decibel | None:
    """Return a file's gated loudness in LUFS (BS.1770-4); None for silence and below 400 ms. Raises: MediaError."""
    return gated(cell_powers(path))


def gated(cells: npt.NDArray[np.float64]) -> Decibel | None:
    """Return the gated loudness in LUFS (BS.1770-4) of the K-weighted powers of successive 100 ms; None as `integrated`."""
    if cells.size < 4:
        return None
    blocks = np.convolve(cells, np.full(4, 0.25), "valid")  # 400 ms, 75 % overlap
    loud = blocks[blocks > 10 ** ((_ABSOLUTE - _OFFSET) / 10)]
    if loud.size == 0:
        return None
    return lkfs(float(loud[loud > loud.mean() * 10 ** (_RELATIVE / 10)].mean()))


def dialogue_gated(path: Path, spans: Spans) -> Decibel | None:
    """Return a file's loudness in LKFS over the stretches where dialogue lies and nowhere else.

    The gate is the dialogue itself, as in dialogue-gated BS.1770-1: no level gate inside it. None where the stretches hold less
    than 400 ms or only silence. A mono file is measured as one channel: 3 dB under the same sound on two. Raises: MediaError.
    """
    with _opened(path) as file:
        meter = GatedMeter(to_stretches(spans, file.samplerate, file.frames), file.samplerate, file.channels)
        for start in range(0, file.frames, BLOCK):
            meter.feed(read_padded(file, start, min(start + BLOCK, file.frames)), start)
        return meter.loudness


def true_peak(path: Path) -> Decibel | None:
    """Return a file's highest true peak in dBTP (4x oversampled, BS.1770-4 annex 2); None for digital silence. Raises: MediaError."""
    highest = 0.0
    with _opened(path) as file:
        for start in range(0, file.frames, BLOCK):
            stop = start + -(-min(BLOCK, file.frames - start) // CELL) * CELL
            highest = highest_peak(read_padded(file, start - CELL, stop + CELL), highest)
    return 20 * math.log10(highest) if highest > 0 else None


class GatedMeter:
    """The dialogue-gated loudness of blocks fed in order: the mean K-weighted power of all samples inside the stretches."""

    def __init__(self, stretches: Sequence[Stretch], rate: int, channels: int) -> None:
        self._waiting = sorted(stretches, reverse=True)
        self._filter, self._warm_up, self._shortest = k_weighting(rate), round(_WARM_UP * rate), round(_SHORTEST * rate)
        self._weights = channel_weights(channels)
        self._state: npt.NDArray[np.float32] | None = None
        self._energy, self._frames = 0.0, 0

    def feed(self, block: Block, start: int) -> None:
        """Measure what lies inside the stretches of a block that begins at sample `start` of the programme."""
        while self._waiting and self._waiting[-1][0] - self._warm_up < start + len(block):
            first, last = self._waiting[-1]
            self._measure(block, start, first, last)
            if last > start + len(block):
                return
            self._waiting.pop()
            self._state = None

    @property
    def power(self) -> float:
        """Return the mean K-weighted power so far, summed over channels; 0 before 400 ms have been heard."""
        return self._energy / self._frames if self._frames >= self._shortest else 0.0

    @property
    def loudness(self) -> Decibel | None:
        """Return the loudness in LKFS, or None where there was too little to measure."""
        return lkfs(self.power)

    def _measure(self, block: Block, start: int, first: int, last: int) -> None:
        begin, end = max(first - self._warm_up - start, 0), min(last - start, len(block))
        if end <= begin:
            return
        state = np.zeros((2, block.shape[1], 2), np.float32) if self._state is None else self._state
        heard, self._state = scipy.signal.sosfilt(self._filter, block[begin:end].T, axis=1, zi=state)
        inside = heard[:, max(first - start - begin, 0) :]
        self._frames += inside.shape[1]
        self._energy += sum(weight * float(np.square(channel).sum()) for weight, channel in zip(self._weights, inside, strict=True))


class ProgrammeMeter:
    """The gated loudness of a whole programme (BS.1770-4) whose blocks are fed in order, without a gap."""

    def __init__(self, rate: int, channels: int) -> None:
        self._filter, self._cell, self._weights = k_weighting(rate), rate // 10, np.array(channel_weights(channels), np.float32)
        self._state = np.zeros((2, channels, 2), np.float32)
        self._rest, self._cells = np.zeros(0, np.float32), [np.zeros(0)]

    def feed(self, block: Block, _start: int) -> None:
        """Measure the next block."""
        heard, self._state = scipy.signal.sosfilt(self._filter, block.T, axis=1, zi=self._state)
        powers = np.concatenate([self._rest, self._weights @ np.square(heard)])
        whole = powers.size // self._cell * self._cell
        self._rest = powers[whole:]
        self._cells.append(powers[:whole].reshape(-1, self._cell).mean(axis=1, dtype=np.float64))

    @property
    def loudness(self) -> Decibel | None:
        """Return the loudness in LUFS, or None where there was too little to measure."""
        return gated(np.concatenate(self._cells))


def to_stretches(spans: Spans, rate: int, frames: int) -> list[Stretch]:
    """Return the union of `spans` in samples, ordered, without overlaps, cut to a file of `frames`."""
    merged: list[Stretch] = []
    for start, end in sorted(spans):
        first, last = max(round(start * rate), 0), min(round(end * rate), frames)
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        elif last > first:
            merged.append((first, last))
    return merged


def read_padded(file: soundfile.SoundFile, start: int, stop: int) -> Block:
    """Read samples `start` up to `stop`, with silence where these lie outside the file."""
    block = np.zeros((stop - start, file.channels), np.float32)
    first, last = max(start, 0), min(stop, file.frames)
    if last > first:
        file.seek(first)
        file.read(out=block[first - start : last - start], dtype="float32")
    return block


def highest_peak(block: Block, known: float = 0.0) -> float:
    """Return the true peak (linear) of a block whose first and last cell are context only, or `known` where that is higher.

    Infinite where a sample is not a finite number.
    """
    loudest = max(float(block.max()), -float(block.min()))
    if not math.isfinite(loudest):
        return math.inf
    if loudest * OVERSHOOT <= known:
        return known
    return max(float(cell_peaks(block, max(known, loudest)).max()), known)


def cell_peaks(block: Block, floor: float) -> Block:
    """Return the true peak (linear) of each cell but the first and the last, which are context.

    Only cells that can exceed `floor` are oversampled, by two and then by four; the others come back with a peak not above it. No
    interpolated value is above OVERSHOOT times its neighbours, nor a band-limited one above sqrt(2) times its 2x samples.
    """
    samples = np.abs(block).reshape(-1, CELL * block.shape[1]).max(axis=1)
    around = np.maximum(np.maximum(samples[:-2], samples[2:]), samples[1:-1])
    peaks: Block = samples[1:-1].copy()
    hot = np.flatnonzero(around * OVERSHOOT > floor)
    for matrix, rise in ((_HALVES, _BAND_LIMITED), (_QUARTERS, 1.0)):
        if hot.size == 0:
            break
        peaks[hot] = np.maximum(peaks[hot], _highest_between(block, hot, matrix))
        hot = hot[peaks[hot] * rise > floor]
    return peaks


def _highest_between(block: Block, cells: npt.NDArray[np.intp], matrix: Block) -> Block:
    """Return the highest interpolated value of the given cells over all channels.

    Thirty-two windows at a time: a larger product would wake the threads of BLAS, which costs more than it gains.
    """
    highest = np.zeros(len(cells), np.float32)
    batches = np.zeros((-(-len(cells) // 32) * 32, matrix.shape[1]), np.float32)
    for channel in block.T:
        batches[: len(cells)] = sliding_window_view(channel, matrix.shape[1])[CELL - _SIDE + 1 :: CELL][cells]
        between = matrix @ batches.reshape(-1, 32, matrix.shape[1]).transpose(0, 2, 1)
        np.abs(between, out=between)
        np.maximum(highest, between.max(axis=1).reshape(-1)[: len(cells)], out=highest)
    return highest


def _interpolation(quarters: tuple[int, ...]) -> Block:
    """Return the matrix that takes a cell with its neighbours to the points so many quarters after each of its samples."""
    places = np.arange(1 - 4 * _SIDE, 4 * _SIDE)  # in quarters of a sample; zero phase falls on the samples themselves
    taps = np.sinc(places / 4) * np.kaiser(len(places), 5.0)
    matrix = np.zeros((len(quarters), CELL, CELL + 2 * _SIDE - 1), np.float32)
    for row, quarter in zip(matrix, quarters, strict=True):
        phase = taps[3 - quarter :: 4]
        for sample in range(CELL):
            row[sample, sample : sample + len(phase)] = phase / phase.sum()
    return matrix.reshape(-1, CELL + 2 * _SIDE - 1)


_HALVES, _QUARTERS = _interpolation((2,)), _interpolation((1, 3))
_BAND_LIMITED = math.sqrt(2)  # 1 / cos(pi / 4): what can hide between samples taken at twice the rate
OVERSHOOT = float(np.abs(np.concatenate([_HALVES, _QUARTERS])).sum(axis=1).max())


def cell_powers(path: Path, rate: int = 10) -> npt.NDArray[np.float64]:
    """Return the mean K-weighted power of successive cells, `rate` of them a second, summed over channels. Raises: MediaError."""
    powers: list[npt.NDArray[np.float64]] = []
    with _opened(path) as file:
        cell, weights = round(file.samplerate / rate), np.array(channel_weights(file.channels))
        state = np.zeros((2, file.channels, 2), np.float32)
        for start in range(0, file.frames - cell + 1, 2 * rate * cell):
            stop = min(start + 2 * rate * cell, file.frames // cell * cell)
            heard, state = scipy.signal.sosfilt(k_weighting(file.samplerate), read_padded(file, start, stop).T, axis=1, zi=state)
            squares = np.square(heard, dtype=np.float64).reshape(file.channels, -1, cell)
            powers.append(weights @ squares.mean(axis=2))
    return np.concatenate(powers) if powers else np.zeros(0)


def channel_weights(channels: int) -> list[float]:
    """Return BS.1770's weights: 1.41 for the surrounds of L R C (LFE) Ls Rs, 0 for the LFE, 1 for all others."""
    front = {5: [1.0, 1.0, 1.0], 6: [1.0, 1.0, 1.0, 0.0]}.get(channels)
    return [*front, _SURROUND, _SURROUND] if front else [1.0] * channels


def _opened(path: Path) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(path), allowed="WAV, FLAC or OGG", fix="extract the sound with ffmpeg first") from error
