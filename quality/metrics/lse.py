"""Lip-sync error after SyncNet (Chung and Zisserman, "Out of time", 2016): how far mouths and speech lie apart in its embedding.

The network is not ours and its weights come with no licence of their own, so none is shipped: `SYNCNET_MODEL` names a TorchScript file
with the methods `forward_lip` and `forward_aud`. Without one nothing is measured. Its makers' demo reads distance 5.353, confidence 10.021
and offset 3; Wav2Lip's mouths on LRS2 read 6.386 and 7.781.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy  # its parts load on their first use

from nightdub.infra.errors import EngineError
from nightdub.infra.media.frames import Frame, read_frames
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.statistics import mean_interval
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.faces import box_at
from nightdub.tasks.rows import FaceTrack, Measurement, Shot, Worst
from nightdub.tasks.sound import read_mono

MODEL = "SYNCNET_MODEL"  # environment variable: path of the TorchScript file
_NO_MODEL = f"no SyncNet model: {MODEL} does not name a TorchScript file"
_NO_FACE = "no shot of a second or more in which a face is seen while a line is heard"
_SOURCE = "SyncNet (Chung and Zisserman 2016), as syncnet_python counts it; LSE after Wav2Lip (Prajwal et al. 2020)"

FACTS: dict[str, MetricFact] = {
    "sync.lse_d": MetricFact(
        "distance",
        0,
        inf,
        "smallest mean distance of mouth and speech over 15 frames each way, mean of all shots",
        _SOURCE,
        f"{_NO_MODEL}; or {_NO_FACE}",
    ),
    "sync.lse_c": MetricFact(
        "distance",
        0,
        inf,
        "median less smallest mean distance over 15 frames each way, mean of all shots",
        _SOURCE,
        f"{_NO_MODEL}; or {_NO_FACE}",
    ),
}

FRAME_RATE, RATE = 25, 16_000  # frames a second and Hz that SyncNet was made for
SIDE = 224  # pixels of the square that SyncNet sees
REACH = 15  # frames each way
_FRAMES, _COLUMNS, _CEPSTRA = 5, 20, 13  # of one embedding: 0.2 s
_BATCH = 20
_WINDOW, _HOP, _FFT, _FILTERS, _LIFTER = 400, 160, 512, 26, 22  # of the cepstra
_MARGIN = 0.4  # of the face's side, as SyncNet's own crops have it


@dataclass(frozen=True, slots=True)
class FaceClip:
    """A face through a shot, with the sound under it."""

    shot: str
    faces: npt.NDArray[np.uint8]  # (frames, 224, 224, 3) BGR at 25 frames a second
    sound: npt.NDArray[np.float32]  # mono, 16 kHz


def lip_sync_errors(clips: Iterable[FaceClip]) -> list[Measurement]:
    """Return LSE-D and LSE-C over the clips; clips come one by one, so memory does not grow with the title."""
    path = Path(os.environ.get(MODEL, ""))
    if not path.is_file():
        return _unmeasured(_NO_MODEL)
    model = _load(path)
    scores = [(clip.shot, errors(*_embed(model, clip))) for clip in clips if min(len(clip.faces), _frames(clip)) >= FRAME_RATE]
    if not scores:
        return _unmeasured(_NO_FACE)
    weights = digest_weights(path)
    distances, confidences = ([(shot, found[place], found[2]) for shot, found in scores] for place in (0, 1))
    return [
        _mean("sync.lse_d", sorted(distances, key=lambda row: -row[1]), weights),
        _mean("sync.lse_c", sorted(confidences, key=lambda row: row[1]), weights),
    ]


def face_clips(film: Path, sound: Path, shots: Sequence[Shot], tracks: Sequence[FaceTrack], frame_rate: Fraction) -> Iterator[FaceClip]:
    """Yield the faces of a film's shots with the sound under them; `sound` is a WAV or FLAC that starts with the first frame.

    Shots without a face are left out, and those in which faces take turns. Raises: MediaError where film or sound cannot be read.
    """
    faces = {track.shot: track for track in tracks if track.boxes and not track.skipped and not track.spans}
    for shot in (shot for shot in shots if shot.id in faces):
        start, end = float(shot.first / frame_rate), float(shot.last / frame_rate)
        wanted = [shot.first + int(index * frame_rate / FRAME_RATE) for index in range(int((end - start) * FRAME_RATE))]
        needed = set(wanted)
        crops = {frame: crop for frame, crop in _crops(film, shot, faces[shot.id]) if frame in needed}
        yield FaceClip(shot.id, np.stack([crops[frame] for frame in wanted]) if wanted else _NO_FRAMES, read_mono(sound, start, end, RATE))


def errors(mouths: npt.NDArray[np.float32], sounds: npt.NDArray[np.float32]) -> tuple[float, float, int]:
    """Return LSE-D, LSE-C and by how many frames the sound is early, from embeddings of shape (frames, size).

    Beyond either end the sound's embedding counts as zero, as in syncnet_python.
    """
    padded = np.pad(sounds, ((REACH, REACH), (0, 0)))
    means = np.array([np.linalg.norm(mouths - padded[shift : shift + len(mouths)], axis=1).mean() for shift in range(2 * REACH + 1)])
    smallest = int(means.argmin())
    return float(means[smallest]), float(np.median(means) - means[smallest]), REACH - smallest


def cepstra(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return 13 mel cepstra of 25 ms every 10 ms at 16 kHz, shape (13, columns), the first replaced by the log energy.

    As python_speech_features 0.6 computes them with its defaults, of samples in 16-bit steps.
    """
    steps = sound.astype(np.float64) * 32768
    emphasised = np.append(steps[:1], steps[1:] - 0.97 * steps[:-1])
    count = 1 + max(0, -(-(len(emphasised) - _WINDOW) // _HOP))
    padded = np.pad(emphasised, (0, max(0, (count - 1) * _HOP + _WINDOW - len(emphasised))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    power = np.square(np.abs(np.fft.rfft(frames, _FFT))) / _FFT
    tiny = np.finfo(float).eps
    energy = np.log(np.maximum(power.sum(axis=1), tiny))
    bands = scipy.fft.dct(np.log(np.maximum(power @ _mel_filters().T, tiny)), norm="ortho")[:, :_CEPSTRA]
    lifted = bands * (1 + _LIFTER / 2 * np.sin(np.pi * np.arange(_CEPSTRA) / _LIFTER))
    lifted[:, 0] = energy
    return np.asarray(lifted.T, np.float32)


_NO_FRAMES: npt.NDArray[np.uint8] = np.zeros((0, SIDE, SIDE, 3), np.uint8)


def _mel_filters() -> npt.NDArray[np.float64]:
    """Return triangles on the mel scale from 0 to 8 kHz, shape (26, 257)."""
    mels = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), _FILTERS + 2)
    edges = np.floor((_FFT + 1) * 700 * (10 ** (mels / 2595) - 1) / RATE)[:, np.newaxis]
    bins = np.arange(_FFT // 2 + 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return np.where((bins >= low) & (bins < middle), rising, np.where((bins >= middle) & (bins < high), falling, 0.0))


def _load(path: Path) -> Any:
    import torch

    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        what = f"no TorchScript: {' '.join(str(error).split())[:200]}"
        raise EngineError(what, where=str(path), fix="export it with torch.jit.save") from error


def _frames(clip: FaceClip) -> int:
    """Return the frames of a clip that have sound under them."""
    return min(len(clip.faces), clip.sound.size * FRAME_RATE // RATE)


def _embed(model: Any, clip: FaceClip) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the embeddings of mouths and sound for each frame but the last four."""
    import torch

    count = _frames(clip) - _FRAMES
    columns = torch.from_numpy(cepstra(clip.sound))[None, None]
    pictures = torch.from_numpy(np.ascontiguousarray(clip.faces.transpose(3, 0, 1, 2))).float()[None]
    mouths, sounds = [], []
    with torch.inference_mode():
        for first in range(0, count, _BATCH):
            frames = range(first, min(first + _BATCH, count))
            mouths.append(model.forward_lip(torch.cat([pictures[:, :, frame : frame + _FRAMES] for frame in frames])))
            sounds.append(model.forward_aud(torch.cat([columns[..., 4 * frame : 4 * frame + _COLUMNS] for frame in frames])))
    return torch.cat(mouths).numpy(), torch.cat(sounds).numpy()


def _crops(film: Path, shot: Shot, face: FaceTrack) -> Iterator[tuple[int, Frame]]:
    """Yield each frame's number and the square around its face, lower half first to be kept, 224 pixels a side."""
    import cv2

    for frame, picture in enumerate(read_frames(film, shot.first, shot.last), shot.first):
        x, y, width, height = box_at(face, frame)
        half = max(width, height) / 2
        side, pad = round(2 * half * (1 + _MARGIN)), round(half * (1 + 2 * _MARGIN))
        left, top = round(x + width / 2 - half * (1 + _MARGIN)) + pad, round(y + height / 2 - half) + pad
        wide = cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(110, 110, 110))
        cut = wide[max(top, 0) : max(top, 0) + side, max(left, 0) : max(left, 0) + side]
        yield frame, cv2.resize(cut, (SIDE, SIDE))


def _mean(metric: str, ordered: Sequence[tuple[str, float, int]], weights: str) -> Measurement:
    """Return the mean of what was found in all shots, given worst first."""
    values = [value for _, value, _ in ordered]
    worst = tuple(Worst(shot, round(value, 3), f"sound {early} frames early") for shot, value, early in ordered[:WORST])
    engine = f"SyncNet, torch {version('torch')}"
    return Measurement(
        metric, sum(values) / len(values), "distance", len(values), engine, worst=worst, weights=weights, interval=mean_interval(values)
    )


def _unmeasured(why: str) -> list[Measurement]:
    return [Measurement(metric, None, fact.unit, engine="SyncNet", not_measured=why) for metric, fact in FACTS.items()]
