"""What a line's sound is like: timbre, pitch, formants, energy by band, level. Numbers that describe, not judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nightdub.tasks.pitch import yin
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Features, Hertz

FRAME, HOP = 2048, 512  # samples of a frame and between frames, for MFCC and YIN
COEFFICIENTS = 13
LOWEST_PITCH: Hertz = 50.0  # YIN searches from here to half the sample rate ...
HIGHEST_PITCH: Hertz = 500.0  # ... and a frame whose pitch lies above this is not a speaking voice: it counts as unvoiced
VOICED = 0.7  # normalised correlation of a frame with itself one period later, at least
FAINT = 40.0  # dB below the loudest frame under which nothing counts as voiced
ORDER = 16  # of linear prediction: one pair of poles for each kHz of a 16 kHz sound
FORMANT_FRAME = 0.025  # seconds, short enough for the mouth to stand still
LOWEST_FORMANT: Hertz = 150.0
WIDEST_FORMANT: Hertz = 400.0  # bandwidth above which a pole is the spectrum's slope, not a resonance
SILENCE = -120.0  # dBFS given to sound of no level at all

_Array = npt.NDArray[np.float64]


def describe(sound: Sound, rate: int, segment: str) -> Features:
    """Return the features of one clip of mono sound; a clip shorter than one frame is padded with silence.

    - MFCC: 13, 128 mel bands; mean and standard deviation over frames.
    - Pitch: YIN (de Cheveigné and Kawahara 2002); quantiles over voiced frames. A frame is voiced where the sound correlates with
      itself one period later by `VOICED` or more, the pitch is at most `HIGHEST_PITCH`, and it is not `FAINT`.
    - Formants: medians over voiced frames of the first four resonances of linear prediction, order 16; empty without voiced frames.
    - Wavelet: shares of the energy in A3, D3, D2, D1 of a level-3 db4 decomposition; zeros for silence.
    - Level: RMS of the whole clip in dBFS, at least `SILENCE`.
    """
    padded = np.pad(np.asarray(sound, np.float32), (0, max(0, FRAME - len(sound))))
    mfcc = coefficients(padded, rate)
    return replace(
        describe_voice(padded, rate),
        segment=segment,
        mfcc=tuple(mfcc.mean(axis=1).tolist()),
        mfcc_deviation=tuple(mfcc.std(axis=1).tolist()),
        wavelet_energy=wavelet_shares(padded),
        level=level(sound),
    )


def describe_voice(sound: Sound, rate: int) -> Features:
    """Return pitch, voiced share and formants alone, as `describe` defines them."""
    padded = np.pad(np.asarray(sound, np.float32), (0, max(0, FRAME - len(sound))))
    pitch, voiced = track_pitch(padded, rate)
    low, median, high = np.percentile(pitch[voiced], (10, 50, 90)) if voiced.any() else (0.0, 0.0, 0.0)
    found = formants(padded, rate, np.flatnonzero(voiced) * HOP)
    return Features("", float(median), float(low), float(high), float(voiced.mean()), formants=found)


def coefficients(sound: Sound, rate: int) -> npt.NDArray[np.float32]:
    """Return MFCC of shape (13, frames)."""
    import librosa

    mfcc: npt.NDArray[np.float32] = librosa.feature.mfcc(y=sound, sr=rate, n_mfcc=COEFFICIENTS, n_fft=FRAME, hop_length=HOP)
    return mfcc


def track_pitch(sound: Sound, rate: int) -> tuple[_Array, npt.NDArray[np.bool_]]:
    """Return pitch in Hz and whether it is a voice's, for each frame; frames are centred on multiples of `HOP`."""
    pitch = yin(sound, rate, LOWEST_PITCH, rate / 2, FRAME, HOP)
    around = np.pad(sound.astype(np.float64), FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(around, FRAME)[::HOP][: len(pitch)]
    loud = np.sqrt(np.mean(frames**2, axis=1))
    similar = np.array([_similarity(frame, round(rate / hertz)) for frame, hertz in zip(frames, pitch, strict=True)])
    return pitch, (similar >= VOICED) & (pitch <= HIGHEST_PITCH) & (loud > loud.max() * 10 ** (-FAINT / 20))


def formants(sound: Sound, rate: int, centres: npt.NDArray[np.int_]) -> tuple[Hertz, ...]:
    """Return the medians of the first four formants of frames around these samples; empty where none has four."""
    size = round(FORMANT_FRAME * rate)
    flat = np.append(sound[:1], sound[1:] - 0.97 * sound[:-1]).astype(np.float64)  # the voice's slope of 6 dB an octave levelled
    around = np.pad(flat, size // 2 + 1)
    frames = np.array([around[centre : centre + size] for centre in centres]).reshape(-1, size) * np.hamming(size)
    found = [resonances(poles, rate)[:4] for poles in predict(frames)]
    full = [four for four in found if len(four) == 4]
    return tuple(np.median(full, axis=0).tolist()) if full else ()


def predict(frames: _Array) -> _Array:
    """Return the poles of each frame's all-pole filter of order `ORDER` (autocorrelation method), shape (frames, ORDER)."""
    lags = np.array([np.sum(frames[:, : frames.shape[1] - lag] * frames[:, lag:], axis=1) for lag in range(ORDER + 1)]).T
    lags = lags[lags[:, 0] > 0] * np.append(1 + 1e-9, np.ones(ORDER))  # a trace of white noise keeps the equations solvable
    index = np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))
    weights = np.linalg.solve(lags[:, index], lags[:, 1:, None])[..., 0]
    companion = np.zeros((len(lags), ORDER, ORDER))
    companion[:, 0, :] = weights
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1.0
    return np.asarray(np.linalg.eigvals(companion))


def resonances(poles: npt.NDArray[np.complex128], rate: int) -> list[Hertz]:
    """Return the frequencies, rising, of those poles that are narrow enough to be formants."""
    upper = poles[poles.imag > 0]
    frequency = np.angle(upper) * rate / (2 * np.pi)
    bandwidth = -np.log(np.abs(upper)) * rate / np.pi
    kept = (frequency > LOWEST_FORMANT) & (frequency < rate / 2 - LOWEST_FORMANT) & (bandwidth < WIDEST_FORMANT)
    return [float(value) for value in np.sort(frequency[kept])]


def wavelet_shares(sound: Sound) -> tuple[float, ...]:
    """Return the shares of the energy in A3, D3, D2, D1; at 16 kHz these are about 0-1, 1-2, 2-4 and 4-8 kHz."""
    import pywt

    energy = np.array([np.sum(np.square(band, dtype=np.float64)) for band in pywt.wavedec(sound, "db4", level=3)])
    return tuple((energy / (energy.sum() or 1.0)).tolist())


def level(sound: Sound) -> float:
    """Return the RMS level in dBFS, at least `SILENCE`."""
    power = float(np.mean(np.square(sound, dtype=np.float64))) if len(sound) else 0.0
    return max(SILENCE, 10 * float(np.log10(power))) if power > 0 else SILENCE


def _similarity(frame: _Array, period: int) -> float:
    """Return the correlation of a frame with itself one period later, in [-1, 1]; 0 for silence."""
    early, late = frame[:-period], frame[period:]
    power = float(np.sqrt(np.dot(early, early) * np.dot(late, late)))
    return float(np.dot(early, late)) / power if power > 0 else 0.0
