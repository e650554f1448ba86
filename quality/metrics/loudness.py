"""Loudness and peaks of a sound (ITU-R BS.1770-4, EBU R128), in one pass for all loudnesses and one for the peak.

The filter, the gate and the oversampling are those that the mix is made with; tests hold them against the EBU's cases, pyloudnorm
and ffmpeg. Memory is 800 bytes for each second of sound.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.fact import MetricFact
from nightdub.quality.metrics.opened import as_wav
from nightdub.tasks.loudness import Spans, cell_powers, dialogue_gated, gated, lkfs, true_peak
from nightdub.tasks.rows import Decibel, Measurement

_ALONE = "nightdub.quality.metrics.loudness:measure_file"
_SHORT = "silence throughout (nothing above -70 LUFS), or less than 400 ms of sound"
_SHORTER = "silence throughout, or less than 3 s of sound"
_NO_DIALOGUE = "nobody says where dialogue lies, it lasts less than 400 ms, or it is silent"
BROKEN = "samples that are not finite numbers"

FACTS: dict[str, MetricFact] = {
    "loudness.dialogue": MetricFact(
        "LKFS",
        -70,
        20,
        "loudness of the programme where dialogue lies, without a level gate inside it",
        "ITU-R BS.1770-1, gated by the dialogue's times",
        _NO_DIALOGUE,
    ),
    "loudness.integrated": MetricFact(
        "LUFS",
        -70,
        20,
        "gated loudness of the whole sound: blocks of 400 ms, gates at -70 LUFS and -10 LU",
        "ITU-R BS.1770-4",
        _SHORT,
        _ALONE,
    ),
    "loudness.momentary_max": MetricFact(
        "LUFS", -70, 20, "highest loudness of any 400 ms, in steps of 10 ms", "EBU Tech 3341", _SHORT, _ALONE
    ),
    "loudness.short_term_max": MetricFact(
        "LUFS", -70, 20, "highest loudness of any 3 s, in steps of 10 ms", "EBU Tech 3341", _SHORTER, _ALONE
    ),
    "loudness.range": MetricFact(
        "LU",
        0,
        90,
        "spread from the 10th to the 95th percentile of the loudness of 3 s, in steps of 100 ms, gates at -70 LUFS and -20 LU",
        "EBU Tech 3342",
        f"{_SHORTER}; below a minute it says little",
        _ALONE,
    ),
    "loudness.range_difference": MetricFact(
        "LU",
        -90,
        90,
        "loudness range of the programme less the original's: a dub keeps what the original had",
        "EBU Tech 3342",
        "the film cannot be read, or one of the two is silent throughout; shorter than a minute: not applicable",
    ),
    "loudness.true_peak": MetricFact(
        "dBTP", -140, 20, "highest peak between the samples, 4 times oversampled", "ITU-R BS.1770-4 annex 2", "digital silence", _ALONE
    ),
}

ENGINE = "nightdub BS.1770-4"
_RATE = 100  # cells a second: a burst of 400 ms is met to 10 ms wherever it lies (EBU Tech 3341, case 13)
_MOMENTARY, _SHORT_TERM, _STEP = 40, 300, 10  # cells: 400 ms, 3 s, 100 ms
_MINUTE = 60  # seconds of sound under which a range says little
_RANGE_GATE = -20.0  # LU under the mean of what is above -70 LUFS (EBU Tech 3342)


def measure_file(path: Path, reference: Path | None = None, language: str = "") -> list[Measurement]:  # noqa: ARG001
    """Return the loudnesses and the true peak of a sound or of a film's first sound; neither reference nor language is used.

    Raises: MediaError where the file cannot be read.
    """
    with as_wav(path) as sound:
        return [*loudness_measurements(sound), peak_measurement(sound)]


def loudness_measurements(path: Path) -> list[Measurement]:
    """Return integrated, highest momentary, highest short-term loudness and loudness range of a WAV or FLAC. Raises: MediaError."""
    cells = cell_powers(path, _RATE)
    if not np.isfinite(cells).all():
        units = {"integrated": "LUFS", "momentary_max": "LUFS", "short_term_max": "LUFS", "range": "LU"}
        return [Measurement(f"loudness.{name}", None, unit, engine=ENGINE, not_measured=BROKEN) for name, unit in units.items()]
    steps = _steps(cells)
    whole = gated(steps)
    short = _means(cells, _SHORT_TERM)
    return [
        _level("loudness.integrated", whole, "LUFS", steps.size, _SHORT),
        _level("loudness.momentary_max", _highest(_means(cells, _MOMENTARY)), "LUFS", max(cells.size - _MOMENTARY + 1, 0), _SHORT),
        _level("loudness.short_term_max", _highest(short), "LUFS", short.size, _SHORTER),
        _level("loudness.range", loudness_range(short[::_STEP]), "LU", short[::_STEP].size, _SHORTER),
    ]


def peak_measurement(path: Path) -> Measurement:
    """Return the true peak of a WAV or FLAC. Raises: MediaError."""
    peak = true_peak(path)
    if peak is not None and not math.isfinite(peak):
        return Measurement("loudness.true_peak", None, "dBTP", engine=ENGINE, not_measured=BROKEN)
    return _level("loudness.true_peak", peak, "dBTP", 1, "digital silence")


def range_difference(programme: Path, original: Path) -> Measurement:
    """Return the loudness range of a programme less its original's; both are WAV or FLAC. Raises: MediaError."""
    shorts = [_means(cell_powers(path, _RATE), _SHORT_TERM)[::_STEP] for path in (programme, original)]
    if min(short.size for short in shorts) * _STEP < _MINUTE * _RATE - _SHORT_TERM:
        return Measurement("loudness.range_difference", None, "LU", engine=ENGINE, not_applicable="shorter than a minute")
    ours, theirs = (loudness_range(short) if np.isfinite(short).all() else None for short in shorts)
    if ours is None or theirs is None:
        return Measurement("loudness.range_difference", None, "LU", engine=ENGINE, not_measured=_SHORTER)
    detail = f"{ours:.1f} LU, the original {theirs:.1f}"
    return Measurement("loudness.range_difference", ours - theirs, "LU", shorts[0].size, ENGINE, detail=detail)


def dialogue_measurement(path: Path, spans: Spans) -> Measurement:
    """Return the dialogue-gated loudness of a WAV or FLAC; `spans` are where dialogue lies. Raises: MediaError."""
    return _level("loudness.dialogue", dialogue_gated(path, spans), "LKFS", len(spans), _NO_DIALOGUE)


def loudness_range(powers: npt.NDArray[np.float64]) -> Decibel | None:
    """Return the loudness range in LU of the K-weighted powers of overlapping 3 s; None where all are silent (EBU Tech 3342)."""
    levels = np.array([level for power in powers if (level := lkfs(float(power))) is not None])
    if levels.size == 0:
        return None
    gate = 10 * math.log10(float(np.mean(10 ** (levels / 10)))) + _RANGE_GATE
    low, high = np.percentile(levels[levels >= gate], (10, 95), method="nearest")
    return float(high - low)


def _steps(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the powers of successive 100 ms."""
    return np.asarray(cells[: cells.size // _STEP * _STEP].reshape(-1, _STEP).mean(axis=1))


def _means(cells: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Return the mean powers of all windows of so many cells."""
    if cells.size < length:
        return np.zeros(0)
    sums = np.concatenate([[0.0], np.cumsum(cells)])
    return np.asarray(np.maximum(sums[length:] - sums[:-length], 0.0) / length)


def _highest(powers: npt.NDArray[np.float64]) -> Decibel | None:
    return lkfs(float(powers.max())) if powers.size else None


def _level(metric: str, value: Decibel | None, unit: str, n: int, why: str) -> Measurement:
    return Measurement(metric, value, unit, n if value is not None else 0, ENGINE, not_measured="" if value is not None else why)
