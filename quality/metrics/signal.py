"""What can be wrong with a line's waveform, whatever is said in it: clipping, hum, noise, gaps, loops, narrow band.

Every function takes mono float32 sound in [-1, 1], shape (samples,), and its sample rate in Hz. None needs a model. A function returns
None where the sound is too short, or too quiet, to say.
"""

from __future__ import annotations

from math import inf

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.fact import MetricFact
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Decibel, Hertz, Seconds

_SHORT, _ALONE = "no line, or only silent ones", "nightdub.quality.metrics.speech:measure_file"


def _fact(unit: str, lowest: float, highest: float, means: str, source: str, unmeasured: str = _SHORT) -> MetricFact:
    return MetricFact(unit, lowest, highest, means, source, unmeasured, _ALONE)


FACTS: dict[str, MetricFact] = {
    "speech.clipping": _fact(
        "%", 0, 100, "samples on flat tops, in the worst line", "run length at the extremes, as sox stats' flat factor"
    ),
    "speech.offset": _fact("%", 0, 100, "mean sample against full scale, in the worst line", "definition"),
    "speech.hum": _fact(
        "dB", -inf, inf, "50 or 60 Hz or a harmonic above its neighbours, in the worst line", "periodogram", "no line of 1 s or more"
    ),
    "speech.snr": _fact(
        "dB", -60, 96, "signal to noise, estimated, in the worst line", "minimum statistics (Martin 2001)", "no line of 0.4 s or more"
    ),
    "speech.bandwidth": _fact(
        "Hz",
        0,
        inf,
        "highest frequency with energy, in the narrowest line",
        "spectrum, 50 dB below its maximum",
        "no line of 0.5 s or more",
    ),
    "speech.loop": _fact("s", 0, inf, "longest stretch that comes again sample for sample", "normalised cross-correlation"),
    "speech.gap": _fact("ms", 0, inf, "longest run of digital zeros torn into sound", "definition"),
    "speech.tail": _fact("dB", -120, 40, "level of the last 2 ms against the line's, in the line that ends most abruptly", "definition"),
    "speech.silence_share": _fact("%", 0, 100, "time without sound, in the worst line", "frames 35 dB under the line's loud ones"),
    "speech.silent_lines": _fact(
        "lines", 0, inf, "lines to be spoken that are silence or nearly", "less than 50 ms above -50 dBFS", "no line"
    ),
    "speech.level": MetricFact(
        "dBFS", -120, 0, "mean level of the lines while they sound", "after ITU-T P.56", _SHORT, _ALONE, interval=True
    ),
    "speech.level_difference": MetricFact(
        "dB",
        0,
        inf,
        "largest distance of a line's level from the median of all lines",
        "after ITU-T P.56",
        "fewer than three lines that sound",
    ),
}

Levels = npt.NDArray[np.float64]  # dBFS of frames

FLOOR: Decibel = -120.0  # given to a frame of digital silence
FRAME, HOP = 0.02, 0.01  # seconds of a frame and between frames
AUDIBLE: Decibel = -60.0  # dBFS: quieter than this nobody hears a line; the peak below which `tasks.speak` calls it silence
SPOKEN: Decibel = -50.0  # dBFS of the loudest frames of a line that was spoken at all
ACTIVE: Decibel = 35.0  # dB below the loud frames where speech ends
BEST_SNR: Decibel = 96.0  # what 16 bits can hold
DITHER: Decibel = -85.0  # dBFS: rounding to 16 bits makes -98; what lies between is what a synthesiser writes for silence

_TOP = 0.7  # of the highest sample: a plateau below that is not a flat top
_FLAT = 1e-4  # of the highest sample: neighbours on a plateau differ by less
_PLATEAU = 1e-4  # seconds: a plateau is longer
_SNR_FRAME, _SNR_BINS = 0.032, 5  # seconds, and bins of a band
_SNR_BIAS = 0.286  # 5th percentile over mean of a band's power, in one minute of white noise
_BAND_FRAME = 0.04  # seconds
_BAND_DEPTH: Decibel = 50.0  # dB below the strongest band: less is noise, or a filter's slope
_NEAR, _APART = 0.25, 10.0  # Hz: a hum lies within this of its place (times its harmonic), its neighbours within that
_HUM_RATE = 1_000  # Hz
_LOOP_RATE = 8_000  # Hz
_LOOP_BLOCK, _LOOP_STEP = 0.2, 0.05  # seconds
_LOOP_NEAREST, _LOOP_FARTHEST = 0.15, 3.0  # seconds from a stretch to its repetition
_LOOP_ALIKE = 0.97  # correlation
_TORN: Decibel = 10.0  # dB under the line's level: see `longest_gap`
_END = 0.002  # seconds of a line's end
_FADED: Decibel = 50.0  # dB below the line's level: there it has ended


def frame_levels(sound: Sound, rate: int) -> Levels:
    """Return the RMS level in dBFS of frames of 20 ms every 10 ms; a sound shorter than a frame is one frame."""
    size, hop = max(1, round(FRAME * rate)), max(1, round(HOP * rate))
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, max(len(sound) - size, 0) + 1, hop)
    power = (energy[np.minimum(starts + size, len(sound))] - energy[starts]) / max(1, min(size, len(sound)))
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR / 10))))


def active_frames(levels: Levels) -> npt.NDArray[np.bool_]:
    """Return which frames sound: at most 35 dB under the line's loud frames (95th percentile), and louder than -60 dBFS."""
    return levels > max(AUDIBLE, float(np.percentile(levels, 95)) - ACTIVE)


def active_level(levels: Levels) -> Decibel | None:
    """Return the mean power of the frames that sound, in dBFS (after ITU-T P.56, with a fixed margin); None for silence."""
    active = active_frames(levels)
    return 10 * float(np.log10(np.mean(10 ** (levels[active] / 10)))) if active.any() else None


def is_silent(levels: Levels) -> bool:
    """Return whether fewer than 50 ms are louder than -50 dBFS."""
    return int(np.count_nonzero(levels > SPOKEN)) * HOP < 0.05


def silence_share(levels: Levels) -> float:
    """Return the share of frames, in percent, that do not sound; 100 for silence."""
    return 100 * float(1 - active_frames(levels).mean())


def clipped_share(sound: Sound, rate: int) -> float | None:
    """Return the share of samples, in percent, that lie on a flat top: at full scale or, after a gain, below it.

    A flat top is a run of neighbours that differ by less than 0.01 % of the highest sample, lasts longer than 0.1 ms (and three
    samples), and lies at 70 % of the highest sample or more. Resampling or a lossy codec after the clipping rounds the tops: such
    clipping is not seen. None for sound below -50 dBFS, whose steps are flat by nature.
    """
    peak = float(np.max(np.abs(sound), initial=0.0))
    if peak < 10 ** (SPOKEN / 20):
        return None
    flat = (np.abs(np.diff(sound)) < _FLAT * peak) & (np.abs(sound[1:]) >= _TOP * peak)
    starts, lengths = _runs(flat)
    lengths = lengths + 1  # samples, where `flat` counts steps
    return 100 * float(lengths[lengths >= max(3, round(_PLATEAU * rate) + 1)].sum()) / len(sound) if len(starts) else 0.0


def offset_share(sound: Sound) -> float:
    """Return the size of the mean sample in percent of full scale: the direct current in the sound."""
    return 100 * abs(float(np.mean(sound, dtype=np.float64))) if len(sound) else 0.0


def longest_gap(sound: Sound, rate: int, level: Decibel) -> Seconds:
    """Return the longest run of digital zeros, 2 ms or more, that is torn into sound: it is loud to either side.

    Loud means that the 2 ms beside it are at most 10 dB under the line's level. A synthesiser's pauses are zeros too, but the sound
    fades before or after them: with 15 dB a quarter of espeak-ng's lines had such a gap, with 10 none of 104. Of gaps of 20 ms at
    places drawn by chance, half are then found in espeak-ng's lines, two thirds in recorded ones.
    """
    beside = max(1, round(0.002 * rate))
    starts, lengths = _runs(sound == 0)
    torn = [
        int(end - start)
        for start, end in zip(starts, starts + lengths, strict=True)
        if end - start >= beside and min(_level(sound[max(0, start - beside) : start]), _level(sound[end : end + beside])) > level - _TORN
    ]
    return max(torn, default=0) / rate


def noise_ratio(sound: Sound, rate: int) -> Decibel | None:
    """Return the signal-to-noise ratio in dB, at most 96.

    The noise of each band of 156 Hz is the 5th percentile of its power over time, less the bias that a percentile has for noise
    (minimum statistics, Martin 2001): speech leaves every band alone for moments, noise does not. Signal is the mean power of the
    frames that sound and lie 3 dB over the noise, less the noise. Frames below -85 dBFS are left out: digital silence between words
    is no recording of noise. Clean speech without pauses reads 20 to 35 dB; a tone that never stops counts as noise.
    None for less than 25 frames (0.4 s) of sound.
    """
    size = round(_SNR_FRAME * rate)
    if len(sound) < size:
        return None
    power = _spectra(sound, size)
    total = power.sum(axis=1)
    levels = 10 * np.log10(total / (3 / 16 * size**2) + 1e-12)
    power, levels = power[levels > DITHER], levels[levels > DITHER]
    if len(power) < 25:
        return None
    width = power.shape[1] // _SNR_BINS
    bands = power[:, : width * _SNR_BINS].reshape(len(power), width, _SNR_BINS).mean(axis=2)
    noise = float(np.percentile(bands, 5, axis=0).sum()) / _SNR_BIAS
    totals = bands.sum(axis=1)
    loud = float(totals[active_frames(levels) & (totals >= min(2 * noise, totals.max()))].mean())
    return min(BEST_SNR, 10 * float(np.log10(max(loud - noise, 1e-6 * loud + 1e-20) / (noise + 1e-20))))


def bandwidth(sound: Sound, rate: int) -> Hertz | None:
    """Return the highest frequency with energy: where the line's spectrum last stands less than 50 dB under its strongest band.

    The spectrum is the 98th percentile, over frames of 40 ms, of the power in bands of about 200 Hz. A gentle filter reads higher than
    its corner: 4.9 to 6.3 kHz for 4 kHz at 48 dB an octave. None below half a second.
    """
    size = round(_BAND_FRAME * rate)
    if len(sound) < 0.5 * rate:
        return None
    power = _spectra(sound, size)
    held = np.percentile(power, 98, axis=0)
    width = max(1, round(200 * size / rate))
    smooth = np.convolve(held, np.full(width, 1 / width), mode="same")
    if smooth.max() <= 0:
        return None
    return float(np.flatnonzero(smooth > smooth.max() * 10 ** (-_BAND_DEPTH / 10))[-1] * rate / size)


def hum(sound: Sound, rate: int) -> tuple[Decibel, int] | None:
    """Return how far mains hum stands above its neighbours in dB, and its frequency, 50 or 60 Hz; the strongest of four harmonics.

    The whole line is one windowed periodogram: a voice that passes a frequency is spread out, a hum is not. The tone is the highest
    bin within 0.25 Hz (times the harmonic) of its place, the neighbours are the median within 10 Hz. Lines without a planted hum read
    16 dB at most (espeak-ng, 84 lines) and 22 dB (115 recorded prompts); hum 30 dB under the voice a median of 24
    to 29 dB. None below one second.
    """
    import soxr

    if len(sound) < rate:
        return None
    low = soxr.resample(sound, rate, _HUM_RATE)
    power = np.square(np.abs(np.fft.rfft(low * np.hanning(len(low)), max(len(low), 8 * _HUM_RATE))))
    return max((_tone(power, mains * k, k, 2.2 * _HUM_RATE / len(low)), mains) for mains in (50, 60) for k in (1, 2, 3, 4))


def repeated(sound: Sound, rate: int) -> Seconds:
    """Return the length of the longest stretch, 0.25 s or more, that comes again, sample for sample, 0.15 to 3 s later; 0 for none.

    Blocks of 0.2 s, every 50 ms, are correlated with what follows (normalised, at 8 kHz): alike means 0.97 or more.
    """
    import scipy.fft
    import soxr

    low = soxr.resample(sound, rate, _LOOP_RATE) if rate != _LOOP_RATE else sound
    block, step = round(_LOOP_BLOCK * _LOOP_RATE), round(_LOOP_STEP * _LOOP_RATE)
    near, far = round(_LOOP_NEAREST * _LOOP_RATE), round(_LOOP_FARTHEST * _LOOP_RATE)
    energy = np.concatenate([[0.0], np.cumsum(np.square(low, dtype=np.float64))])
    loud = (energy[-1] / max(1, len(low))) * block * 10 ** (-ACTIVE / 10)
    size = scipy.fft.next_fast_len(min(len(low), block + far) + block, real=True)
    lags: list[int] = []
    for start in range(0, max(0, len(low) - block - near), step):
        rest = low[start : start + far + block]
        own = energy[start + block] - energy[start]
        others = energy[start + near + block : start + len(rest) + 1] - energy[start + near : start + len(rest) - block + 1]
        spectra = scipy.fft.rfft(rest, size) * scipy.fft.rfft(rest[:block], size).conj()
        alike = scipy.fft.irfft(spectra, size)[near : near + len(others)] / np.sqrt(own * np.maximum(others, loud) + 1e-20)
        best = int(np.argmax(alike)) if own > loud else 0
        lags.append(near + best if own > loud and _summit(alike, best) >= _LOOP_ALIKE else 0)
    return _longest_alike(lags)


def tail_level(sound: Sound, rate: int, level: Decibel) -> Decibel:
    """Return the level, against the line's own, of the last 2 ms before it ends: near 0 dB where it was cut off in the middle.

    It ends with the last sample that is less than 50 dB under the line's level. Recorded speech read -59 to -28 dB (115 prompts),
    espeak-ng, which ends its words hard, -49 to -5 dB (104 lines), and nine in ten cuts without a fade -18 to +8 dB.
    """
    over = np.flatnonzero(np.abs(sound) > 10 ** ((level - _FADED) / 20))
    end = int(over[-1]) + 1 if len(over) else 0
    return max(FLOOR, _level(sound[max(0, end - round(_END * rate)) : end]) - level)


def _level(sound: Sound) -> Decibel:
    power = float(np.mean(np.square(sound, dtype=np.float64))) if len(sound) else 0.0
    return max(FLOOR, 10 * float(np.log10(power))) if power > 0 else FLOOR


def _spectra(sound: Sound, size: int) -> npt.NDArray[np.float64]:
    """Return the power spectra of Hann-windowed, half-overlapping frames, shape (frames, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[:: size // 2] * np.hanning(size).astype(np.float32)
    return np.square(np.abs(np.fft.rfft(frames)))


def _runs(marks: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return where runs of True start, and how long they are."""
    edges = np.diff(np.concatenate([[0], marks.astype(np.int8), [0]]))
    starts = np.flatnonzero(edges == 1)
    return starts, np.flatnonzero(edges == -1) - starts


def _tone(power: npt.NDArray[np.float64], frequency: float, harmonic: int, lobe: Hertz) -> Decibel:
    """Return how far the strongest bin near `frequency` stands above the median of its neighbours, in dB; `lobe` is the tone's own."""
    away = np.abs(np.linspace(0, _HUM_RATE / 2, len(power)) - frequency)
    at, beside = away <= _NEAR * harmonic, (away <= _APART) & (away > lobe)
    return 10 * float(np.log10((power[at].max() + 1e-12) / (np.median(power[beside]) + 1e-12)))


def _summit(values: npt.NDArray[np.floating], at: int) -> float:
    """Return the height of the parabola through a maximum and its neighbours: repetitions need not be whole samples apart."""
    if not 0 < at < len(values) - 1:
        return float(values[at])
    before, top, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * top + after
    return top - (before - after) ** 2 / (8 * bend) if bend < 0 else top


def _longest_alike(lags: list[int]) -> Seconds:
    """Return the length of the longest run of blocks that come again after the same time, within one sample."""
    longest = run = last = 0
    for lag in lags:
        run = 0 if not lag else run + 1 if last and abs(lag - last) <= 1 else 1
        longest, last = max(longest, run), lag
    return (longest - 1) * _LOOP_STEP + _LOOP_BLOCK if longest > 1 else 0.0
