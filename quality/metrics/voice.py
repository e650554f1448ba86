"""Whose voice it is, and how it moves: pitch, timbre, and agreement with the original line's melody and stress.

Sound is mono float32 at 16 kHz, shape (samples,). Contours have one value every 10 ms. Across languages melody and stress agree
weakly even in good dubs: read their agreement as a trend, not as pass or fail.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import distribution
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import MachineLacks
from nightdub.quality.metrics.fact import MetricFact
from nightdub.quality.metrics.predicted import one_thread
from nightdub.quality.metrics.signal import active_frames, frame_levels
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Hertz
from nightdub.tasks.sound import SPEECH_RATE as RATE

Contour = npt.NDArray[np.float64]

LOWEST, HIGHEST = 60.0, 500.0  # Hz of speaking voices
COEFFICIENTS = 19  # of timbre: MFCC 1 to 19; the 0th is the level

_FRAME = 0.04  # seconds: two and a half periods of the lowest voice, three of 75 Hz
_HOP = RATE // 100
_VOICED = 0.45  # of the normalised autocorrelation (Boersma 1993)
_OCTAVE = 0.06  # taken off for each octave downwards: of 0.01 to 0.2 the one with fewest jumps on prompts and espeak-ng together
_FAINT = 40.0  # dB under the loudest frame: not voiced
_POINTS = 100  # of a contour brought to unit length
_FEWEST = 20  # points at which both lines are voiced
_STILL = 1e-3  # octaves, or dB: a contour that moves less has no shape
_LEARNT = -30.0  # dBFS that Resemblyzer lifts voices to (its hparams.py)
_LEAST = 0.5  # seconds of voice that timbre and identity need

_ALONE, _PAIR = "nightdub.quality.metrics.speech:measure_file", "no line with its original's sound"
_SPEAKER = "no speaker with four lines or more that sound for half a second"

FACTS: dict[str, MetricFact] = {
    "speech.pitch_agreement": MetricFact(
        "correlation", -1, 1, "pitch contours of line and original, brought to one length: mean correlation",
        "VERSA's f0 correlation, after linear time normalisation", _PAIR, _ALONE, interval=True,
    ),
    "speech.energy_agreement": MetricFact(
        "correlation", -1, 1, "level contours of line and original, brought to one length: mean correlation",
        "Pearson, after linear time normalisation", _PAIR, _ALONE, interval=True,
    ),
    "speech.pitch_difference": MetricFact(
        "semitones", 0, inf, "median pitch of the line from its original's, mean distance", "autocorrelation (Boersma 1993)", _PAIR, _ALONE,
        interval=True,
    ),
    "speech.pitch_outlier": MetricFact(
        "semitones", 0, inf, "largest distance of a line's median pitch from that of its speaker's other lines",
        "autocorrelation (Boersma 1993)", _SPEAKER,
    ),
    "speech.timbre_distance": MetricFact(
        "deviations", 0, inf, "largest distance of a line's MFCC from its speaker's other lines, in the spread within speakers",
        "MFCC 1 to 19 of voiced frames (librosa)", _SPEAKER,
    ),
    "speech.similarity": MetricFact(
        "%", -100, 100, "cosine of the line's and the speaker's own voice, mean", "GE2E (Wan et al. 2018), Resemblyzer",
        "Resemblyzer not installed; no line with a reference or an original", _ALONE, interval=True,
    ),
    "speech.consistency": MetricFact(
        "%", -100, 100, "cosine of a line's voice and its speaker's other lines, lowest", "GE2E (Wan et al. 2018), Resemblyzer",
        "Resemblyzer not installed; " + _SPEAKER,
    ),
}  # fmt: skip


def track_pitch(sound: Sound) -> Contour:
    """Return the pitch in Hz every 10 ms, 0 where the voice is silent or unvoiced (Boersma 1993, with a median filter for its path search).

    The pitch is the highest peak, 60 to 500 Hz, of the autocorrelation divided by that of the window; a peak under 0.45, or a frame
    40 dB under the loudest, is unvoiced. Each voiced frame is the median of the voiced among five.
    """
    import scipy.fft

    size = round(_FRAME * RATE)
    around = np.pad(np.asarray(sound, np.float32), size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(around, size)[::_HOP]
    loud = np.square(frames).mean(axis=1)
    window = np.hanning(size).astype(np.float32)
    length = scipy.fft.next_fast_len(2 * size, real=True)
    spectra = scipy.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * window, length)
    own = scipy.fft.irfft(np.square(np.abs(spectra)), length)
    ideal = scipy.fft.irfft(np.square(np.abs(scipy.fft.rfft(window, length))), length)
    lags = np.arange(int(RATE / HIGHEST) - 1, min(int(RATE / LOWEST) + 2, size * 3 // 4))
    alike = own[:, lags] / (own[:, :1] + 1e-12) / (ideal[lags] / ideal[0])
    height, shift = _summits(alike)
    worth = height - _OCTAVE * np.log2(lags[1:-1] * LOWEST / RATE)
    best, rows = np.argmax(worth, axis=1), np.arange(len(alike))
    pitch = RATE / (lags[1 + best] + shift[rows, best])
    voiced = (height[rows, best] >= _VOICED) & (loud > loud.max(initial=0.0) * 10 ** (-_FAINT / 10))
    return _without_jumps(np.where(voiced, pitch, np.nan))


def median_pitch(pitch: Contour) -> Hertz | None:
    """Return the median pitch of the voiced frames; None for less than 50 ms of voice."""
    voiced = pitch[pitch > 0]
    return float(np.median(voiced)) if len(voiced) >= 5 else None


def semitones(one: Hertz, other: Hertz) -> float:
    """Return how far apart two pitches are, positive where the first is higher."""
    return 12 * float(np.log2(one / other))


def agreement(line: Sound, original: Sound) -> tuple[float | None, float | None]:
    """Return the correlations, in [-1, 1], of the pitch contours and of the level contours of two lines.

    Each contour runs from the first to the last frame that sounds and is brought to 100 points. Pitch is in semitones, compared where
    both are voiced; levels end 35 dB under the loud frames. None where fewer than 20 points are left, or a contour does not move.
    """
    (pitch, level), (other_pitch, other_level) = _contours(line), _contours(original)
    both = (pitch > 0) & (other_pitch > 0)
    melody = _correlation(np.log2(pitch[both]), np.log2(other_pitch[both])) if np.count_nonzero(both) >= _FEWEST else None
    return melody, _correlation(level, other_level)


def timbre(sound: Sound, pitch: Contour) -> tuple[float, ...]:
    """Return the mean MFCC 1 to 19 of the voiced frames (40 mel bands, 32 ms); empty for less than half a second of voice."""
    import librosa

    if np.count_nonzero(pitch) < _LEAST * 100:
        return ()
    mfcc = librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=COEFFICIENTS + 1, n_fft=512, hop_length=_HOP, n_mels=40)
    frames = min(len(pitch), mfcc.shape[1])
    return tuple(round(float(value), 4) for value in mfcc[1:, :frames][:, pitch[:frames] > 0].mean(axis=1))


def identity(sound: Sound) -> tuple[float, ...]:
    """Return the 256 numbers, of length 1, by which Resemblyzer knows a voice; empty for less than half a second of sound.

    Mostly English voices taught it: differences between other languages' speakers read smaller.

    Raises:
        MachineLacks: Resemblyzer or torch is not installed.
    """
    if find_spec("resemblyzer") is None or find_spec("torch") is None:
        raise MachineLacks("resemblyzer is not installed", where="speech.similarity", fix="make engines-neural")
    power = float(np.mean(np.square(sound, dtype=np.float64))) if len(sound) else 0.0
    if len(sound) < _LEAST * RATE or power <= 0:
        return ()
    levelled = np.asarray(sound * max(1.0, 10 ** (_LEARNT / 20) / power**0.5), np.float32)
    with one_thread():
        return tuple(round(float(value), 4) for value in _encoder().embed_utterance(levelled))


@lru_cache(maxsize=16)
def known_voice(sound: bytes) -> tuple[float, ...]:
    """Return `identity` of float32 samples given as bytes, kept: one reference stands beside many lines. Raises: MachineLacks."""
    return identity(np.frombuffer(sound, np.float32))


def identity_engine() -> tuple[str, str]:
    """Return name with version, and the sha256 of the weights, of what knows voices; empty where it is not installed."""
    if find_spec("resemblyzer") is None:
        return "", ""
    wheel = distribution("resemblyzer")
    return f"resemblyzer {wheel.version}", digest_weights(Path(str(wheel.locate_file("resemblyzer/pretrained.pt"))))


def cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return 100 times the cosine of two voices, in [-100, 100]."""
    first, second = np.asarray(one), np.asarray(other)
    return 100 * float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


@lru_cache(maxsize=1)
def _encoder() -> Any:
    """Return the network, loaded once in a process."""
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


def _without_jumps(pitch: Contour) -> Contour:
    """Return the running median of five frames, of those that are numbers; 0 where the frame itself is none."""
    voiced = np.isfinite(pitch)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(pitch, 2, constant_values=np.nan), 5)
    smooth = np.zeros(len(pitch))
    smooth[voiced] = np.nanmedian(around[voiced], axis=1)
    return smooth


def _summits(values: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Return height and place, against the middle, of the parabola through each three neighbours of a row; height -1 where none peaks."""
    before, top, after = values[:, :-2], values[:, 1:-1], values[:, 2:]
    bend = np.minimum(before - 2 * top + after, -1e-9)
    shift = (before - after) / (2 * bend)
    return np.where((top > before) & (top >= after), top - (before - after) * shift / 4, -1.0), np.clip(shift, -0.5, 0.5)


def _contours(sound: Sound) -> tuple[Contour, Contour]:
    """Return pitch (nearest frame, 0 = unvoiced) and level (dB, linear between frames) at 100 points of the stretch that sounds."""
    levels, pitch = frame_levels(sound, RATE), track_pitch(sound)
    active = np.flatnonzero(active_frames(levels))
    if not len(active):
        return np.zeros(_POINTS), np.zeros(_POINTS)
    places = np.linspace(active[0], active[-1], _POINTS)
    floor = float(levels[active].min())
    return pitch[np.minimum(np.rint(places).astype(int) + 1, len(pitch) - 1)], np.interp(
        places, np.arange(len(levels)), np.maximum(levels, floor)
    )


def _correlation(one: Contour, other: Contour) -> float | None:
    if one.std() < _STILL or other.std() < _STILL:
        return None
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1, 1))
