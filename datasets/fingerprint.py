"""A short code of what a clip sounds like: near copies have near codes, other clips have others.

Signs of how the energy of neighbouring bands changes from moment to moment, after Haitsma and Kalker, "A highly robust audio
fingerprinting system" (ISMIR 2002): level and slow filters fall out. One word of 16 bits for each step of 32 ms, over 17 bands from
300 to 3300 Hz, which telephone sound at 8 kHz has too. Moments that are faint beside the clip's own level have the word 0: they
tell nothing. Every clip is read by itself: the code does not depend on what else is read.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import ConfigError
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import Samples

STEP: Seconds = 0.032  # between words
FRAME: Seconds = 0.032  # of one spectrum, or a little more; two of them to a step
SMOOTH = 11  # frames that an energy is averaged over: a shift of half a step changes little
APART = 3  # frames between the moments whose difference is coded, on each side
BANDS = 17
LOWEST, HIGHEST = 300.0, 3300.0  # Hz
FAINT = 35.0  # dB under the loudest tenth of the clip, where noise would decide
FLOOR = 1e-10  # mean square of a sound of -100 dBFS: below it, nothing is heard

Words = npt.NDArray[np.uint16]


def fingerprint(samples: Samples, rate: int) -> str:
    """Return the code of one channel of sound as base64 text: 84 characters a second; empty where nothing is heard.

    Raises: ConfigError where the rate is below 8 kHz.
    """
    if rate < 2 * HIGHEST:
        raise ConfigError(f"a sample rate of {rate} Hz", where="fingerprint", allowed="8 kHz and more", fix="leave such recordings out")
    return pack(words_of(samples, rate))


def words_of(samples: Samples, rate: int) -> Words:
    """Return the words of a sound, one for each step; empty where nothing is heard."""
    sound = np.asarray(samples, np.float32)
    if not len(sound) or float(np.dot(sound, sound)) / len(sound) < FLOOR:
        return np.zeros(0, np.uint16)
    energies = _energies(sound, rate)
    smooth = _smoothed(energies)
    level = smooth.sum(axis=1)
    loud = np.quantile(level, 0.9)
    edge = loud * 10 ** (-FAINT / 10)
    slopes = np.diff(np.log(smooth + edge / BANDS * 0.1), axis=1)
    before, after = slopes[: -2 * APART : 2], slopes[2 * APART :: 2]
    words: Words = ((after > before) @ (1 << np.arange(BANDS - 1))).astype(np.uint16)
    words[level[APART:-APART:2] < edge] = 0
    return words if words.any() else np.zeros(0, np.uint16)


def pack(words: Words) -> str:
    """Return words as text."""
    return base64.b64encode(words.astype("<u2").tobytes()).decode("ascii")


def unpack(text: str) -> Words:
    """Return the words of a code. Raises: ConfigError where it is none."""
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), "<u2")
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"no fingerprint {text[:20]!r}: {error}", where="fingerprint", fix="measure the clip again") from None


def _energies(sound: Samples, rate: int) -> npt.NDArray[np.float32]:
    """Return the energy of each band in each frame, shape (frames, bands); the sound lies between half a smoothing of silence."""
    from scipy.fft import rfft

    window, weights, first = _bank(rate)
    length, hop = len(window), STEP / 2 * rate
    margin = round((SMOOTH // 2 + APART) * hop)
    padded = np.pad(sound, (margin, margin + length))
    starts = np.rint(np.arange(max(2 * APART + 1, int((len(padded) - length) / hop))) * hop).astype(np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[starts]
    spectrum = rfft(frames * window, axis=1)[:, first : first + len(weights)]
    made: npt.NDArray[np.float32] = (spectrum.real**2 + spectrum.imag**2) @ weights
    return made


def _smoothed(energies: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the energies averaged over time by a raised cosine; as many frames as there were."""
    shape = np.hanning(SMOOTH + 2)[1:-1]
    wide = np.pad(energies.astype(np.float64), ((SMOOTH // 2, SMOOTH // 2), (0, 0)))
    made: npt.NDArray[np.float64] = sum(share * wide[at : at + len(energies)] for at, share in enumerate(shape / shape.sum()))
    return made


@lru_cache(maxsize=16)
def _bank(rate: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], int]:
    """Return the window of a frame, the weight of each line of its spectrum in each band, and the first such line."""
    from scipy.fft import next_fast_len

    length = next_fast_len(round(FRAME * rate), real=True)  # 720 samples at 22,050 Hz: 706 would take four times as long
    edges = np.geomspace(LOWEST, HIGHEST, BANDS + 2)
    lines = np.arange(length // 2 + 1) * rate / length
    weights = np.array([np.interp(lines, edges[band : band + 3], (0.0, 1.0, 0.0)) for band in range(BANDS)]).T
    used = np.flatnonzero(weights.any(axis=1))
    window = np.hanning(length + 1)[:-1]
    return (
        (window / np.sqrt((window**2).sum() * length)).astype(np.float32),
        weights[used[0] : used[-1] + 1].astype(np.float32),
        int(used[0]),
    )
