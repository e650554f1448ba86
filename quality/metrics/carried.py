"""The sound that a film carries, against the programme that was mixed: offset, drift, gain and what else became of it.

AAC keeps no waveform, so the two are compared as levels: third-octave bands of each channel in blocks of a second, overlapping by half,
after offset, drift and gain are taken off. What lies 30 dB under the block's own level does not count: codecs hide their noise there.
Coding alone at the 192 kbit/s of the package moves a band by up to 2.5 dB (13 kinds of speech, music and noise; ffmpeg 5.1.9), by 0.6 dB
in speech over music. A line silenced moves it by 28, hum of -50 dBFS by 20, a low-pass at 4 kHz by 14, noise 20 dB under the programme
by 10, clipping of 6 dB by 3.6: a policy's figure is 3 dB. Clipping of 3 dB (0.6) and noise 30 dB under (3.0) are not told from coding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy  # its parts load on their first use
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.lag import ENGINE, Course, find_course, spread
from nightdub.tasks.loudness import read_padded
from nightdub.tasks.rows import Decibel, Measurement, Seconds, Worst

_UNLIKE = "the film's dub track does not follow the programme: another sound, silence, or too short"
_SILENT = "the programme is silent, or shorter than a second"

FACTS: dict[str, MetricFact] = {
    "package.sound_offset": MetricFact(
        "ms",
        -1e7,
        1e7,
        "how late the film's dub track is against the programme, in the middle of the film; below 0 = early",
        "generalised cross-correlation (Knapp and Carter 1976)",
        _UNLIKE,
    ),
    "package.drift": MetricFact(
        "ms",
        -1e7,
        1e7,
        "by how much the film's dub track falls behind the programme from the first to the last frame, after the line through all places "
        "or after those at the ends, whichever says more; below 0 = runs ahead",
        "generalised cross-correlation (Knapp and Carter 1976)",
        f"{_UNLIKE}; or all that is heard of it lies within a second",
    ),
    "package.gain": MetricFact(
        "dB",
        -140,
        140,
        "level of the film's dub track against the programme, median of all seconds with sound",
        "mean square of one-second blocks",
        _SILENT,
    ),
    "package.sound_difference": MetricFact(
        "dB",
        0,
        200,
        "largest change of any third-octave band of any second of the film's dub track against the programme, after offset, drift and gain",
        "third-octave bands after IEC 61260-1, 16 Hz to 16 kHz, and what lies below",
        _SILENT,
    ),
    "package.true_peak": MetricFact(
        "dBTP",
        -140,
        20,
        "highest peak between the samples of the film's dub track; coding lifts peaks, so it may lie above the programme's",
        "ITU-R BS.1770-4 annex 2",
        "digital silence",
    ),
}

BLOCK = 1.0  # seconds
_CENTRES = 1000.0 * 2.0 ** (np.arange(-18, 13) / 3)  # Hz: 15.6 to 16,000
_EDGES = np.concatenate([[0.0], _CENTRES * 2 ** (-1 / 6), _CENTRES[-1:] * 2 ** (1 / 6)])  # Hz; the first band is what lies below
_RELATIVE, _ABSOLUTE = 1e-3, 10**-7.5  # of the block's own power, and of full scale: what is quieter in a band does not count
_HEARD = 1e-6  # mean square, -60 dBFS: a block with sound
_FIRST = 9  # band from which the gain is taken, 88 Hz: neither hum nor an offset of the zero line is level
_FIVE_ONE, _LFE, _LOW = 6, 3, 90.0  # channels; the LFE's place, and Hz above which coders keep nothing of it: it ends at 120 (ITU-R BS.775)
_ENDS = 5  # places at each end whose median is its lag

Levels = npt.NDArray[np.float32]  # (blocks, channels, bands): mean squares


@dataclass(frozen=True, slots=True)
class Compared:
    """Band levels of the blocks that both sounds have, at the programme's times."""

    times: tuple[Seconds, ...]  # of the blocks' starts
    programme: Levels
    carried: Levels


def carried_measurements(programme: Path, carried: Path) -> tuple[list[Measurement], Course | None]:
    """Return offset, drift, gain and difference of a carried sound against a programme, and the course that it takes.

    Both are WAV or FLAC of one sample rate, the programme mono or with the channels of the carried sound. Raises: MediaError.
    """
    length = duration(programme)
    course = find_course(programme, carried, spread(length))
    steady = course if course and course.steady else None
    compared = compare(programme, carried, steady)
    gain = _gain(compared)
    return [*_lateness(steady, length), _gain_row(gain, len(compared.times)), _difference(compared, gain)], steady


def duration(path: Path) -> Seconds:
    """Return the length of a WAV or FLAC. Raises: MediaError."""
    with _opened(path) as file:
        return float(file.frames / file.samplerate)


def compare(programme: Path, carried: Path, course: Course | None) -> Compared:
    """Return the band levels of both sounds, block by block; where no course is known, as they lie. Raises: MediaError."""
    times: list[Seconds] = []
    levels: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
    with _opened(programme) as ours, _opened(carried) as theirs:
        meter = _Bands(ours.samplerate)
        for start, late in _block_starts(ours, theirs, course):
            times.append(start / ours.samplerate)
            whole = meter.size
            levels.append((meter.levels(read_padded(ours, start, start + whole)), meter.levels(read_padded(theirs, late, late + whole))))
    first = np.array([row[0] for row in levels], np.float32)
    second = np.array([row[1] for row in levels], np.float32)
    return Compared(tuple(times), np.broadcast_to(first, second.shape) if levels else second, second)


def _block_starts(ours: soundfile.SoundFile, theirs: soundfile.SoundFile, course: Course | None) -> Iterator[tuple[int, int]]:
    """Yield where each block begins in both files, in samples; blocks that the carried sound does not have whole are left out."""
    if ours.samplerate != theirs.samplerate or ours.channels not in (theirs.channels, 1):
        found = f"{theirs.channels} channels at {theirs.samplerate} Hz"
        allowed = f"{ours.channels} channels at {ours.samplerate} Hz, as the programme has"
        raise MediaError(found, where=theirs.name, allowed=allowed, fix="extract it at the programme's rate")
    size = round(BLOCK * ours.samplerate)
    for start in range(0, ours.frames - size + 1, size // 2):
        middle = (start + size / 2) / ours.samplerate
        late = start + (round(course.at(middle) * ours.samplerate) if course else 0)
        if late >= 0 and late + size <= theirs.frames:
            yield start, late


class _Bands:
    """The mean squares of a block in third-octave bands, Hann-windowed."""

    def __init__(self, rate: int) -> None:
        self.size = round(BLOCK * rate)
        window = np.hanning(self.size)
        self._window = (window * np.sqrt(2 / np.square(window).sum() / self.size)).astype(np.float32)
        self._bins = np.unique(np.minimum(np.round(_EDGES * self.size / rate).astype(int), self.size // 2))

    def levels(self, block: npt.NDArray[np.float32]) -> Levels:
        """Return the levels of a block of shape (samples, channels) as (channels, bands)."""
        spectrum = scipy.fft.rfft(block.T * self._window, axis=1)
        powers = np.square(spectrum.real) + np.square(spectrum.imag)
        return np.asarray(np.add.reduceat(powers[:, : self._bins[-1]], self._bins[:-1], axis=1))


def _gain(compared: Compared) -> Decibel | None:
    ours, theirs = (levels[:, :, _FIRST:].sum(axis=(1, 2)) for levels in (compared.programme, compared.carried))
    heard = ours > _HEARD
    if not heard.any():
        return None
    return float(np.median(10 * np.log10(np.maximum(theirs[heard], 1e-14) / ours[heard])))


def _gain_row(gain: Decibel | None, blocks: int) -> Measurement:
    return Measurement("package.gain", gain, "dB", blocks, "nightdub", not_measured="" if gain is not None else _SILENT)


def _difference(compared: Compared, gain: Decibel | None) -> Measurement:
    if gain is None:
        return Measurement("package.sound_difference", None, "dB", engine="nightdub", not_measured=_SILENT)
    ours = compared.programme
    floor = _RELATIVE * ours.sum(axis=2, keepdims=True) + _ABSOLUTE
    change = 10 * np.log10((compared.carried / 10 ** (max(gain, -60.0) / 10) + floor) / (ours + floor))
    if change.shape[1] == _FIVE_ONE:
        change[:, _LFE, _CENTRES.searchsorted(_LOW) + 1 :] = 0.0
    flat = np.abs(change).reshape(len(change), -1)
    order = np.argsort(-flat.max(axis=1), kind="stable")[:WORST]
    worst = tuple(_worst(compared.times[block], change[block]) for block in order)
    return Measurement("package.sound_difference", float(flat.max()), "dB", len(change), "nightdub", worst=worst)


def _worst(time: Seconds, change: npt.NDArray[np.float32]) -> Worst:
    """Name a block by its time, with the channel and the band that changed most."""
    channel, band = np.unravel_index(int(np.abs(change).argmax()), change.shape)
    name = f"{_CENTRES[band - 1]:.0f} Hz" if band else f"below {_EDGES[1]:.0f} Hz"
    return Worst(f"{time:.1f} s", round(float(change[channel, band]), 2), f"channel {channel + 1}, {name}")


def _lateness(course: Course | None, length: Seconds) -> list[Measurement]:
    if course is None:
        return [
            Measurement(metric, None, "ms", engine=ENGINE, not_measured=_UNLIKE) for metric in ("package.sound_offset", "package.drift")
        ]
    lags = sorted(course.lags, key=lambda lag: lag.time)
    strays = sorted(lags, key=lambda lag: -abs(lag.late - course.middle))[:WORST]
    worst = tuple(Worst(f"{lag.time:.1f} s", round(1000 * lag.late, 3)) for lag in strays)
    offset = Measurement("package.sound_offset", 1000 * course.at(length / 2) + 0.0, "ms", len(lags), ENGINE, worst=worst)
    early, late = lags[:_ENDS], lags[-_ENDS:]
    apart = float(np.median([lag.time for lag in late]) - np.median([lag.time for lag in early]))
    if apart < BLOCK:
        return [offset, Measurement("package.drift", None, "ms", len(lags), ENGINE, not_measured="heard at too few places")]
    ends = float(np.median([lag.late for lag in late]) - np.median([lag.late for lag in early])) / apart
    slope = max(course.slope, ends, key=abs)  # the line is exact for a drift and blind to a jump, the ends see both
    return [offset, Measurement("package.drift", 1000 * slope * length, "ms", len(lags), ENGINE, detail=f"{1e6 * slope:.1f} ppm")]


def _opened(path: Path) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(path), allowed="WAV or FLAC", fix="extract the sound with ffmpeg first") from error
