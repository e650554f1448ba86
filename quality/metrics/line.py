"""One spoken line by itself: what can be wrong with the sound that an engine gave. Only numpy, quick enough for every line."""

from __future__ import annotations

import math
from math import inf
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.fact import MetricFact
from nightdub.tasks.rows import Decibel, Hertz, Language, Measurement, Seconds
from nightdub.tasks.sound import SPEECH_RATE, Samples, read_mono

FRAME: Seconds = 0.02
SILENT: Decibel = -60.0  # full scale = 0 dB: below it a frame is silence
QUIET: Decibel = -30.0  # under the loudest frame: quieter ones are not searched for a pitch
FULL = 0.999  # of full scale
PITCH: tuple[Hertz, Hertz] = (60.0, 500.0)  # of voices
PERIODIC = 0.5  # normalised autocorrelation from which a window counts as voiced; white noise at 16 kHz hardly ever reaches it
WINDOW: Seconds = 0.04  # of the search for a pitch: two periods and more of the lowest voice
ENOUGH = 25  # windows, half a second of sound: in less, "Psst!" cannot be told from noise
END: Seconds = 0.005  # a voice that was cut off is still loud in it, one that ended has faded
SPARE: Seconds = 1.0  # added to both lengths: three letters may be spelled out, and take three times what they should

_ALONE = "nightdub.quality.metrics.line:measure_file"
_HERE = "own definition"

FACTS: dict[str, MetricFact] = {
    "line.silence": MetricFact("%", 0, 100, "frames of 20 ms of one line under -60 dBFS", _HERE, "an empty clip", _ALONE),
    "line.clipped": MetricFact("%", 0, 100, "samples of one line within 0.1 % of full scale", _HERE, "an empty clip", _ALONE),
    "line.voiced": MetricFact(
        "%",
        0,
        100,
        "windows of 40 ms of one line, of those with sound, that repeat themselves 60 to 500 times a second",
        "normalised autocorrelation of at least 0.5",
        "under half a second of sound",
        _ALONE,
    ),
    "line.tail": MetricFact("dB", -200, 20, "last 5 ms of one line against its loudest 20 ms", _HERE, "a clip without sound", _ALONE),
    "line.length": MetricFact(
        "ratio",
        0,
        inf,
        "length of one line and a second over what its text should take and a second",
        "own definition, over the estimate of tasks/duration.py",
        "a text without letters",
    ),
}


def line_measurements(samples: Samples, rate: int, expected: Seconds = 0.0) -> list[Measurement]:
    """Return every measure of one line.

    Args:
        samples: The line's sound in [-1, 1], shape (samples,).
        rate: Its sample rate in Hz.
        expected: Seconds that its text should take; 0 = not known.
    """
    sound = np.asarray(samples, np.float64)
    if not sound.size:
        return [_without(metric, "an empty clip") for metric in FACTS]
    levels = _levels(sound, rate)
    rows = [
        _row("line.silence", 100 * float(np.mean(levels < SILENT)), levels.size),
        _row("line.clipped", 100 * float(np.mean(np.abs(sound) >= FULL)), sound.size),
        _voiced(sound, rate, levels),
        _tail(sound, rate, levels),
    ]
    if expected <= 0:
        return [*rows, _without("line.length", "no text to compare with")]
    return [*rows, _row("line.length", (len(sound) / rate + SPARE) / (expected + SPARE), 1)]


def measure_file(path: Path, reference: Path | None, language: Language) -> list[Measurement]:  # noqa: ARG001 - one signature for all
    """Return what can be said of a line's sound file without its text. Raises: MediaError."""
    return line_measurements(read_mono(path), SPEECH_RATE)


def _levels(sound: npt.NDArray[np.float64], rate: int) -> npt.NDArray[np.float64]:
    """Return the RMS level of each whole frame in dBFS, shape (frames,); a shorter clip is one frame."""
    size = min(round(FRAME * rate), len(sound))
    return _level(sound[: len(sound) // size * size].reshape(-1, size))


def _level(sound: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the RMS level over the last axis in dBFS, -200 for digital silence."""
    return np.asarray(10 * np.log10(np.maximum(np.square(sound).mean(axis=-1), 1e-20)))


def _voiced(sound: npt.NDArray[np.float64], rate: int, levels: npt.NDArray[np.float64]) -> Measurement:
    """Search every frame that is loud enough for a period, in a window that begins with it."""
    size, hop = round(WINDOW * rate), round(FRAME * rate)
    loud = (levels >= max(SILENT, levels.max() + QUIET)).nonzero()[0]
    starts = loud[loud * hop + size <= len(sound)] * hop
    if len(starts) < ENOUGH:
        return _without("line.voiced", f"{len(starts)} windows with sound, {ENOUGH} wanted")
    windows = sound[starts[:, None] + np.arange(size)]
    found = _periodicity(windows - windows.mean(axis=1, keepdims=True), rate) >= PERIODIC
    return _row("line.voiced", 100 * float(found.mean()), len(starts))


def _periodicity(windows: npt.NDArray[np.float64], rate: int) -> npt.NDArray[np.float64]:
    """Return the highest normalised autocorrelation at a voice's period, shape (windows,).

    Each lag is normalised by the power of the two stretches that it compares, so that a pure tone gives 1 at its period.
    """
    size = windows.shape[1]
    spectra = np.fft.rfft(windows, 2 * size)
    products = np.fft.irfft(np.square(np.abs(spectra)), 2 * size)[:, :size]
    power = np.cumsum(np.square(windows), axis=1)
    lags = np.arange(math.ceil(rate / PITCH[1]), min(int(rate / PITCH[0]), size * 2 // 3) + 1)
    before, after = power[:, size - 1 - lags], power[:, -1:] - power[:, lags - 1]
    ratios = products[:, lags] / np.maximum(np.sqrt(before * after), 1e-20)
    return np.asarray(ratios.max(axis=1), np.float64)


def _tail(sound: npt.NDArray[np.float64], rate: int, levels: npt.NDArray[np.float64]) -> Measurement:
    if levels.max() < SILENT:
        return _without("line.tail", "no sound")
    return _row("line.tail", float(_level(sound[-round(END * rate) :]) - levels.max()), 1)


def _row(metric: str, value: float, n: int) -> Measurement:
    return Measurement(metric, value, FACTS[metric].unit, n, "nightdub")


def _without(metric: str, why: str) -> Measurement:
    return Measurement(metric, None, FACTS[metric].unit, not_measured=why)
