"""How far the distribution of generated pictures is from that of real ones: Frechet and kernel distance of Inception features.

The arithmetic is here; the features come from a TorchScript file on this machine. FID misses the local faults of a mouth: it says
whether faces look like the original's own, not whether lips are right.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import EngineError
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.infra.media.probe import probe
from nightdub.quality.metrics.fact import MetricFact
from nightdub.quality.metrics.pairs import FilePair, read_file_pairs
from nightdub.quality.metrics.picture import NOTHING
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.faces import box_at, speaks_at
from nightdub.tasks.rows import FaceTrack, Measurement, ShotClip

VARIABLE = "INCEPTION_WEIGHTS"  # environment variable with the path of the TorchScript file
FEWEST = 50  # pictures on each side below which no kernel distance is told
_NO_WEIGHTS = f"no Inception network here: {VARIABLE} names no file"
_ALONE = "nightdub.quality.metrics.fid:measure_file"

FACTS: dict[str, MetricFact] = {
    "picture.fid": MetricFact(
        "FID",
        0,
        inf,
        "Frechet distance of the features of generated pictures from those of the original's own, both shrunk alike to 299 x 299",
        "Heusel et al. 2017; network of torch-fidelity as TorchScript",
        f"{_NO_WEIGHTS}; or there are fewer pictures than features",
        _ALONE,
    ),
    "picture.kid": MetricFact(
        "KID",
        -inf,
        inf,
        "unbiased squared maximum mean discrepancy of the same features, cubic kernel, mean of 100 subsets of at most 1000",
        "Binkowski et al. 2018",
        f"{_NO_WEIGHTS}; or there are fewer than {FEWEST} pictures",
        _ALONE,
    ),
}

Frame = npt.NDArray[np.uint8]  # (height, width, 3), BGR
Features = npt.NDArray[np.float64]  # (pictures, features)

_SIDE = 299  # pixels, what Inception v3 takes
_BATCH = 16
_SUBSETS, _SUBSET, _SEED = 100, 1000, 2020  # torch-fidelity's defaults
_EVERY = 5  # frames between two that are looked at


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and covariance of features, as float64."""

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]


def spread(features: Features) -> Spread:
    """Return mean and unbiased covariance of features, one row for each picture."""
    return Spread(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_distance(
    mu1: npt.NDArray[np.float64], s1: npt.NDArray[np.float64], mu2: npt.NDArray[np.float64], s2: npt.NDArray[np.float64]
) -> float:
    """Return |mu1 - mu2|^2 + tr(s1 + s2 - 2 (s1 s2)^(1/2)) of two normal distributions (Dowson and Landau 1982); at least 0.

    The root's trace is that of the symmetric (s1^(1/2) s2 s1^(1/2))^(1/2), so that rounding cannot make it complex.
    """
    values, vectors = np.linalg.eigh(s1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ s2 @ root), 0, None)).sum()
    return max(0.0, float(np.square(mu1 - mu2).sum() + np.trace(s1) + np.trace(s2) - 2 * shared))


def kernel_distance(one: Features, other: Features) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel (x.y / features + 1)^3, over random subsets of equal size.

    Can lie below 0 where the two are alike.
    """
    size, rng = min(_SUBSET, len(one), len(other)), np.random.default_rng(_SEED)
    times = 1 if size == len(one) == len(other) else _SUBSETS
    picked = ((rng.choice(len(one), size, replace=False), rng.choice(len(other), size, replace=False)) for _ in range(times))
    return float(np.mean([_discrepancy(one[left], other[right]) for left, right in picked]))


def _discrepancy(one: Features, other: Features) -> float:
    size = len(one)
    within, across = [_kernel(one, one), _kernel(other, other)], _kernel(one, other)
    own = sum(kernel.sum() - np.trace(kernel) for kernel in within) / (size * (size - 1))
    return float(own - 2 * across.mean())


def _kernel(one: Features, other: Features) -> Features:
    inner = one @ other.T / one.shape[1] + 1
    return np.asarray(inner * inner * inner, np.float64)


def picture_distances(originals: Iterable[Frame], generated: Iterable[Frame]) -> list[Measurement]:
    """Return FID and KID of BGR pictures of any size, by the network that `INCEPTION_WEIGHTS` names.

    Raises: EngineError where the file is no such network.
    """
    weights = os.environ.get(VARIABLE, "")
    if not weights or not Path(weights).is_file():
        return _unmeasured(_NO_WEIGHTS)
    one, other = (features(pictures, Path(weights)) for pictures in (originals, generated))
    fewest, width = min(len(one), len(other)), one.shape[1]
    if np.array_equal(one, other):
        return _unmeasured(NOTHING)
    engine, digest = f"TorchScript {Path(weights).name}, torch {version('torch')}", digest_weights(Path(weights))
    fid = Measurement("picture.fid", None, "FID", not_measured=f"{fewest} pictures for {width} features: too few to tell how they spread")
    if fewest >= width:
        left, right = spread(one), spread(other)
        value = frechet_distance(left.mean, left.covariance, right.mean, right.covariance)
        fid = Measurement("picture.fid", value, "FID", fewest, engine, weights=digest)
    kid = Measurement("picture.kid", None, "KID", not_measured=f"{fewest} pictures: fewer than {FEWEST}")
    if fewest >= FEWEST:
        kid = Measurement("picture.kid", kernel_distance(one, other), "KID", fewest, engine, weights=digest)
    return [fid, kid]


def features(pictures: Iterable[Frame], weights: Path) -> Features:
    """Return the network's features, one row for each BGR picture; 0 rows for none.

    The network is given uint8 RGB (batch, 3, 299, 299) and returns float (batch, features); one that knows `return_features` is told so.

    Raises: EngineError where it does not.
    """
    import torch

    model, options = _network(weights, weights.stat().st_mtime_ns)
    rows: list[Features] = [np.zeros((0, 1))]
    stream = iter(pictures)
    while batch := list(islice(stream, _BATCH)):
        stack = np.stack([_fitted(picture) for picture in batch])
        with torch.inference_mode():
            found = model(torch.from_numpy(stack), **options)
        if not isinstance(found, torch.Tensor) or found.ndim != 2 or len(found) != len(batch):
            what = f"an answer of {tuple(found.shape)}" if isinstance(found, torch.Tensor) else f"an answer of type {type(found).__name__}"
            raise EngineError(what, where=str(weights), allowed=f"({len(batch)}, features)", fix="export the layer before the classes")
        rows.append(found.double().numpy())
    return np.concatenate(rows[1:]) if len(rows) > 1 else rows[0]


@lru_cache(maxsize=1)
def _network(weights: Path, _changed: int) -> tuple[Any, dict[str, bool]]:
    """Return the network and the options that make it answer with features. Raises: EngineError."""
    import torch

    try:
        model = torch.jit.load(str(weights), map_location="cpu").eval()
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise EngineError(f"no TorchScript: {reason}", where=str(weights), fix="export it with torch.jit.save") from None
    known = {argument.name for argument in model.forward.schema.arguments}
    return model, {"return_features": True} if "return_features" in known else {}


def _fitted(picture: Frame) -> npt.NDArray[np.uint8]:
    import cv2

    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1))


def face_crops(film: Path, clips: Sequence[ShotClip], tracks: Sequence[FaceTrack]) -> Iterator[Frame]:
    """Yield the face of every fifth frame of the shots with a redrawn mouth, BGR: give it the source, then the dub. Raises: MediaError."""
    faces = {track.shot: track for track in tracks if track.boxes and not track.skipped}
    for clip in clips:
        if not clip.moved or clip.shot not in faces:
            continue
        for number, frame in enumerate(read_frames(film, clip.first, clip.last), clip.first):
            x, y, width, height = box_at(faces[clip.shot], number)
            crop = frame[max(0, round(y)) : round(y + 1.2 * height), max(0, round(x)) : round(x + width)]
            if (number - clip.first) % _EVERY == 0 and crop.size and speaks_at(faces[clip.shot], number):
                yield crop


def measure_file(path: Path, reference: Path | None, language: str) -> list[Measurement]:  # noqa: ARG001
    """Compare every fifth frame of a film with a reference's, or of all pairs of a JSON list; the language is not used.

    Raises: PairsError, MediaError, EngineError.
    """
    pairs = [FilePair(reference, path)] if reference else read_file_pairs(path) if path.suffix.lower() == ".json" else []
    if not pairs:
        return _unmeasured("no reference is given to compare with")
    originals = (frame for pair in pairs for frame in _frames(pair.reference))
    return picture_distances(originals, (frame for pair in pairs for frame in _frames(pair.generated)))


def _frames(film: Path) -> Iterator[Frame]:
    return islice(read_frames(film, 0, probe(film).frames), 0, None, _EVERY)


def _unmeasured(why: str) -> list[Measurement]:
    return [Measurement("picture.fid", None, "FID", not_measured=why), Measurement("picture.kid", None, "KID", not_measured=why)]
