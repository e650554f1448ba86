"""Sound between files and arrays: float32 in [-1, 1], shape (samples,) for one channel and (channels, samples) for more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from nightdub.infra.errors import MediaError
from nightdub.infra.media.sound import MONO
from nightdub.tasks.rows import Seconds

Samples = npt.NDArray[np.float32]

SPEECH_RATE = 16_000  # Hz; what speech models hear


def read_sound(path: Path, start: Seconds = 0.0, end: Seconds | None = None) -> tuple[Samples, int]:
    """Read a stretch of a sound file: its samples, and its sample rate in Hz.

    A stretch that reaches past the end of the file comes back shorter; one that lies past it comes back empty.

    Raises:
        MediaError: the file is absent, or libsndfile cannot decode it.
    """
    try:
        with soundfile.SoundFile(path) as file:
            first = min(round(max(start, 0.0) * file.samplerate), file.frames)
            last = file.frames if end is None else max(first, min(round(end * file.samplerate), file.frames))
            file.seek(first)
            samples = file.read(last - first, dtype="float32", always_2d=True)
            return _squeezed(np.ascontiguousarray(samples.T)), file.samplerate
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(path), allowed="WAV, FLAC or OGG", fix="extract the sound with ffmpeg first") from error


def read_mono(path: Path, start: Seconds = 0.0, end: Seconds | None = None, rate: int = SPEECH_RATE) -> Samples:
    """Read a stretch of a sound file as one channel (see `to_mono`) at `rate` Hz, shape (samples,). Raises: MediaError."""
    samples, from_rate = read_sound(path, start, end)
    return resample(to_mono(samples), from_rate, rate)


def write_sound(path: Path, samples: npt.NDArray[np.floating], rate: int) -> Path:
    """Write 16-bit PCM, the same bytes for the same samples; what lies outside [-1, 1] is clipped.

    Raises:
        MediaError: a sample is not a number, or is infinite.
    """
    if not np.isfinite(samples).all():
        raise MediaError(
            "samples that are not finite numbers", where=str(path), allowed="[-1, 1]", fix="report this: the step before is wrong"
        )
    whole = np.clip(np.rint(np.asarray(samples, np.float64) * 32768), -32768, 32767).astype(np.int16)
    with path.open("wb") as file:  # given a path, libsndfile waits for the disk: three quarters of a short clip's time
        soundfile.write(file, whole.T, rate, subtype="PCM_16", format="WAV")
    return path


def resample(samples: npt.NDArray[np.floating], from_rate: int, to_rate: int) -> Samples:
    """Return the samples at another rate (soxr, high quality); the shape keeps its channels."""
    wide = np.asarray(samples, np.float32)
    if from_rate == to_rate or wide.size == 0:
        return wide
    return np.ascontiguousarray(np.asarray(soxr.resample(wide.T, from_rate, to_rate, quality="HQ"), np.float32).T)


def to_mono(samples: npt.NDArray[np.floating]) -> Samples:
    """Return the mean of all channels, shape (samples,); of the stereo that it folds to where there are six: L R C LFE Ls Rs."""
    if samples.ndim == 2 and len(samples) == len(MONO):
        return np.asarray(np.asarray(MONO, np.float32) @ samples, np.float32)
    return np.asarray(samples if samples.ndim == 1 else samples.mean(axis=0), np.float32)


def _squeezed(samples: Samples) -> Samples:
    return samples[0] if samples.shape[0] == 1 else samples
