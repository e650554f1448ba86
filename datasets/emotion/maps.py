"""Which bands and moments a label rests on: three maps over a spectrogram, each 0 or more, of the spectrogram's shape.

They answer different questions and may differ. Grad-CAM tells what the picture branch alone looked at; occlusion and LIME ask the whole
network. None tells that the network is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.datasets.emotion.network import level, listen, long_enough, network_of, picture_scores, see
from nightdub.datasets.emotion.trained import Trained
from nightdub.datasets.selection import BANDS, Spectrogram

Map = npt.NDArray[np.float64]
HIGH, LONG = 8, 20  # bands and frames (0.2 s) of a patch that is hidden
STEP_HIGH, STEP_LONG = 4, 10  # from one hidden patch to the next
FEWEST, EACH = 600, 8  # versions of the clip that LIME hears: at least, and for each of its patches
NEAR = 0.25  # width of LIME's kernel over the cosine distance of versions: lime's own default for pictures
SEED = 12345


def grad_cam(trained: Trained, spectrogram: Spectrogram, label: str) -> Map:
    """Return Grad-CAM (Selvaraju et al. 2017) of the picture branch's last layer, interpolated to the spectrogram's shape."""
    import torch

    net, heard = network_of(trained), torch.from_numpy(long_enough(spectrogram))[None]
    maps = see(net, level(net, heard)).detach().requires_grad_()
    picture_scores(net, maps)[0, trained.labels.index(label)].backward()
    weights = maps.grad.mean(dim=(2, 3), keepdim=True)
    coarse = torch.relu((weights * maps).sum(dim=1, keepdim=True)).detach()
    whole = torch.nn.functional.interpolate(coarse, size=heard.shape[1:], mode="bilinear", align_corners=False)[0, 0]
    return np.asarray(whole.numpy(), np.float64)[:, : spectrogram.shape[1]]


def occlusion(trained: Trained, spectrogram: Spectrogram, label: str) -> Map:
    """Return how much the label's log-odds fall while a patch around a place is hidden, mean over the patches that cover it, 0 at least.

    Hidden is: at each band's mean over what was learned from (Zeiler and Fergus 2014).
    """
    net, hidden = _hidden(trained, spectrogram)
    frames = spectrogram.shape[1]
    places = [
        (low, first) for low in range(0, BANDS - HIGH + 1, STEP_HIGH) for first in range(0, max(1, frames - LONG + STEP_LONG), STEP_LONG)
    ]
    versions = []
    for low, first in places:
        version = spectrogram.copy()
        version[low : low + HIGH, first : first + LONG] = hidden[low : low + HIGH, first : first + LONG]
        versions.append(version)
    odds = _odds(listen(net, [spectrogram, *versions])[:, trained.labels.index(label)])
    total, cover = np.zeros(spectrogram.shape), np.zeros(spectrogram.shape)
    for (low, first), fall in zip(places, odds[0] - odds[1:], strict=True):
        total[low : low + HIGH, first : first + LONG] += fall
        cover[low : low + HIGH, first : first + LONG] += 1
    return np.maximum(total / np.maximum(cover, 1), 0.0)


def lime(trained: Trained, spectrogram: Spectrogram, label: str) -> Map:
    """Return LIME (Ribeiro et al. 2016): each patch's weight in a linear model of the label's log-odds around this clip, 0 at least.

    Patches are rectangles of `HIGH` bands and about `LONG` frames; a version of the clip hides each with probability 1/2. The model is
    lime's own weighted ridge regression.
    """
    from lime.lime_base import LimeBase

    net, hidden = _hidden(trained, spectrogram)
    across = max(1, round(spectrogram.shape[1] / LONG))
    columns = np.arange(spectrogram.shape[1]) * across // spectrogram.shape[1]
    patches = (np.arange(BANDS) // HIGH)[:, None] * across + columns[None, :]
    count = int(patches.max()) + 1
    shown = np.random.default_rng(SEED).integers(0, 2, size=(max(FEWEST, EACH * count), count))
    shown[0] = 1
    odds = []
    for first in range(0, len(shown), 256):  # bounds memory whatever the clip's length
        versions = [np.where(row[patches], spectrogram, hidden).astype(np.float32) for row in shown[first : first + 256]]
        odds.append(_odds(listen(net, versions)))
    model = LimeBase(_nearness, random_state=np.random.RandomState(SEED))
    distances = 1 - np.sqrt(shown.mean(axis=1))  # cosine distance to the clip itself, which shows all
    found = model.explain_instance_with_data(
        shown, np.concatenate(odds), distances, trained.labels.index(label), count, feature_selection="none"
    )
    weights: Map = np.zeros(count)
    for patch, weight in found[1]:
        weights[patch] = max(0.0, float(weight))
    return np.asarray(weights[patches], np.float64)


def _nearness(distance: Map, _: object = None) -> Map:
    return np.asarray(np.sqrt(np.exp(-(distance**2) / NEAR**2)), np.float64)


def _hidden(trained: Trained, spectrogram: Spectrogram) -> tuple[Any, Spectrogram]:
    """Return the network, and a spectrogram of which it knows nothing: each band at its mean."""
    mean = np.asarray(trained.weights["level.running_mean"], np.float32)
    return network_of(trained), np.broadcast_to(mean[:, None], spectrogram.shape)


def _odds(share: Map) -> Map:
    """Return log-odds: they still move where a network is nearly sure."""
    bounded = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)), np.float64)


MAPS = {"grad-cam": grad_cam, "lime": lime, "occlusion": occlusion}
