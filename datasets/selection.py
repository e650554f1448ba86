"""Gaussian data selection: each segment is a mean and a variance for each mel band, and the segments least like the others are left out.

After a thesis on speech-emotion recognition (2024): log-mel at 48 kHz, windows of 1200 samples that overlap by 720, periodic Hann, 64
bands. We do not know which correlation it took; ours is stated at `homogeneity`. docs/selection.md has what came of it here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nightdub.datasets.rows import Excused
from nightdub.infra.errors import ConfigError, MediaError
from nightdub.tasks.rows import Seconds
from nightdub.tasks.sound import Samples, resample

RATE = 48_000  # Hz
WINDOW, OVERLAP = 1200, 720  # samples
HOP = WINDOW - OVERLAP
BANDS = 64
FLOOR = 1e-10  # of a full-scale sine's power: what is fainter counts as this (-100 dB)
AT_MOST = 0.5  # share of any speaker's, emotion's or language's clips that a selection may drop
NARROWEST = 1e-3  # least variance of a Gaussian in `bhattacharyya`: silence has none
SHOWN = 20  # spared clips that a report names; `Selection.spared` has all
GROUPS = ("speaker", "emotion", "language")

Numbers = npt.NDArray[np.float64]
Spectrogram = npt.NDArray[np.float32]  # natural logarithms of power, shape (BANDS, frames), HOP / RATE = 10 ms between frames


class Labelled(Protocol):
    """What is asked of a row: `SourceClip` and `Sample` have it."""

    @property
    def id(self) -> str: ...
    @property
    def speaker(self) -> str: ...
    @property
    def emotion(self) -> str: ...
    @property
    def language(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """What a selection does: ids in their order, each in exactly one of `kept` and `dropped`."""

    kept: tuple[str, ...]
    dropped: dict[str, str]  # id -> why
    spared: dict[str, str] = field(default_factory=dict)  # id -> why it was kept although its score was to drop it; these are in `kept`
    counts: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)  # "speaker" -> name -> (dropped, of how many)

    def excused(self) -> list[Excused]:
        """Return a row for each clip that was dropped."""
        return [Excused(name, "not-selected", "selection", why) for name, why in self.dropped.items()]

    def as_text(self) -> str:
        """Return what was dropped, by speaker, emotion and language, and what was kept back."""
        lines = [f"dropped {len(self.dropped)} of {len(self.dropped) + len(self.kept)} clips, {len(self.spared)} spared"]
        for group, found in self.counts.items():
            lines.append(f"  by {group}: " + ", ".join(f"{name} {lost}/{of}" for name, (lost, of) in found.items()))
        lines += [f"  spared {name}: {why}" for name, why in list(self.spared.items())[:SHOWN]]
        return "\n".join(lines + ([f"  and {len(self.spared) - SHOWN} more"] if len(self.spared) > SHOWN else []))


@lru_cache(maxsize=1)
def _shapes() -> tuple[Numbers, Numbers]:
    """Return the periodic Hann window, and the mel filters of shape (BANDS, bins): Slaney's scale, each of unit area."""
    from librosa.filters import mel

    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return hann, np.asarray(mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS, norm=None), np.float64)


def band_edges() -> Numbers:
    """Return the edges of the mel bands in Hz, shape (BANDS + 2,): band i rises from edge i to i + 1 and falls to i + 2."""
    from librosa import mel_frequencies

    return np.asarray(mel_frequencies(n_mels=BANDS + 2, fmin=0.0, fmax=RATE / 2), np.float64)


def log_mel(samples: Samples, rate: int) -> Spectrogram:
    """Return the thesis' spectrogram of mono sound; what is shorter than one window is padded with silence.

    Power is relative to a full-scale sine's, so that its logarithm is about 0 at most and log(FLOOR) = -23 at least.

    Raises:
        MediaError: a sample is not a finite number.
    """
    if not np.isfinite(samples).all():
        raise MediaError("samples that are not finite numbers", allowed="[-1, 1]", fix="decode the recording anew")
    sound = resample(samples, rate, RATE).astype(np.float64)
    sound = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    hann, filters = _shapes()
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * hann)) ** 2 / (hann.sum() / 2) ** 2
    return np.asarray(np.log(np.maximum(power @ filters.T, FLOOR)).T, np.float32)


def segment_statistics(samples: Samples, rate: int, stretch: Seconds = 0.0) -> tuple[Numbers, Numbers]:
    """Return mean and variance over time of each band of the log-mel spectrogram, both of shape (segments, BANDS).

    The clip is one segment, or is cut into as many equal ones of about `stretch` seconds as it holds. Raises: MediaError.
    """
    return statistics_of(log_mel(samples, rate), stretch)


def statistics_of(spectrogram: Spectrogram, stretch: Seconds = 0.0) -> tuple[Numbers, Numbers]:
    """Return the same of a spectrogram that `log_mel` made."""
    frames = spectrogram.shape[1]
    count = max(1, round(frames * HOP / RATE / stretch)) if stretch > 0 else 1
    parts = np.array_split(spectrogram.astype(np.float64), min(count, frames), axis=1)
    return np.stack([part.mean(axis=1) for part in parts]), np.stack([part.var(axis=1) for part in parts])


def homogeneity(means: Numbers, variances: Numbers, classes: Sequence[Hashable] = ()) -> Numbers:
    """Return how like the others of its class each segment is, in [-1, 1]; the cost is linear in the number of segments.

    The likeness of two segments is the mean of two Pearson correlations over bands: of their means and of their variances. The score
    is the mean likeness to every *other* segment of the class, which is a product with the sum of all unit patterns. A pattern that is
    flat, such as silence's, correlates 0 with anything. A segment that is alone in its class scores 1: nothing speaks against it.

    Args:
        means: Of each band, shape (segments, bands).
        variances: Of each band, the same shape.
        classes: What each segment belongs to; empty = all are one class.
    """
    patterns = np.concatenate([_unit(means), _unit(variances)], axis=1) / math.sqrt(2)
    own = np.sum(patterns**2, axis=1)
    scores = np.ones(len(patterns))
    for rows in _members(len(patterns), classes):
        if len(rows) > 1:
            scores[rows] = (patterns[rows] @ patterns[rows].sum(axis=0) - own[rows]) / (len(rows) - 1)
    return scores


def bhattacharyya(means: Numbers, variances: Numbers, classes: Sequence[Hashable] = ()) -> Numbers:
    """Return the Bhattacharyya distance of each segment's Gaussian to the pooled Gaussian of the others of its class, mean over bands.

    0 = the same, and for a segment that is alone in its class. Variances under `NARROWEST` count as that. `select` takes its negative.
    """
    spread, distances = np.maximum(variances, NARROWEST), np.zeros(len(means))
    for rows in _members(len(means), classes):
        others = len(rows) - 1
        if others:
            middle = (means[rows].sum(axis=0) - means[rows]) / others
            square = spread[rows] + means[rows] ** 2
            pooled = np.maximum((square.sum(axis=0) - square) / others - middle**2, NARROWEST)
            both = (spread[rows] + pooled) / 2
            gaps = (means[rows] - middle) ** 2 / both / 8 + np.log(both / np.sqrt(spread[rows] * pooled)) / 2
            distances[rows] = gaps.mean(axis=1)
    return distances


def select(
    rows: Sequence[Labelled],
    scores: Sequence[float] | Numbers,
    *,
    threshold: float | None = None,
    quota: float | None = None,
    at_most: float = AT_MOST,
) -> Selection:
    """Decide which clips are left out: those that score below `threshold`, or the `quota` (a share) of all that scores lowest.

    Clips are dropped from the lowest score up; equal scores (to nine decimals) by id. One is spared where its speaker, emotion or
    language has already lost the share `at_most` of its clips: so none is ever emptied. Nothing is dropped in place of a spared one.
    An empty label is no group.

    Raises:
        ConfigError: not exactly one of threshold and quota, a figure out of its range, a score that is no number, an id twice.
    """
    values: Numbers = np.asarray(scores, np.float64).round(9)
    _check(rows, values, threshold, quota, at_most)
    candidates, rule = _candidates(rows, values, threshold, quota)
    size = _sizes(rows)
    lost, dropped, spared = dict.fromkeys(size, 0), {}, {}
    for index in candidates:
        groups = _groups(rows[index])
        full = [group for group in groups if lost[group] + 1 > math.floor(at_most * size[group] + 1e-9)]
        if full:
            spared[rows[index].id] = f"scores {values[index]:.3f}; " + ", ".join(
                f"{kind} {name} has lost {lost[kind, name]} of {size[kind, name]}" for kind, name in full
            )
        else:
            dropped[rows[index].id] = f"scores {values[index]:.3f}, {rule}"
            for group in groups:
                lost[group] += 1
    counts = {kind: {name: (lost[kind, name], size[kind, name]) for at, name in sorted(size) if at == kind} for kind in GROUPS}
    kept = tuple(sorted(row.id for row in rows if row.id not in dropped))
    return Selection(
        kept, dict(sorted(dropped.items())), dict(sorted(spared.items())), {kind: found for kind, found in counts.items() if found}
    )


def _candidates(rows: Sequence[Labelled], values: Numbers, threshold: float | None, quota: float | None) -> tuple[list[int], str]:
    """Return what would be dropped, the lowest score first, and by which rule."""
    order = sorted(range(len(rows)), key=lambda index: (values[index], rows[index].id))
    if quota is not None:
        return order[: math.floor(quota * len(rows) + 1e-9)], f"among the lowest {quota:.1%}"
    return [index for index in order if values[index] < (threshold or 0.0)], f"below {threshold:g}"


def _check(rows: Sequence[Labelled], values: Numbers, threshold: float | None, quota: float | None, at_most: float) -> None:
    if (threshold is None) == (quota is None):
        raise ConfigError("a selection by both or neither", allowed="exactly one of threshold and quota", fix="mend the recipe")
    if (quota is not None and not 0 <= quota < 1) or (threshold is not None and not math.isfinite(threshold)) or not 0 <= at_most < 1:
        raise ConfigError(
            f"threshold {threshold}, quota {quota}, at most {at_most}", allowed="a number; shares from 0 to below 1", fix="mend the recipe"
        )
    if len(values) != len(rows) or not np.isfinite(values).all():
        raise ConfigError(f"{len(rows)} clips with {np.isfinite(values).sum()} scores", allowed="a number for each clip")
    if len({row.id for row in rows}) < len(rows):
        raise ConfigError("an id twice", where="selection", allowed="each clip once")


def _groups(row: Labelled) -> list[tuple[str, str]]:
    return [(kind, name) for kind in GROUPS if (name := getattr(row, kind))]


def _sizes(rows: Sequence[Labelled]) -> dict[tuple[str, str], int]:
    sizes: dict[tuple[str, str], int] = {}
    for row in rows:
        for group in _groups(row):
            sizes[group] = sizes.get(group, 0) + 1
    return sizes


def _unit(patterns: Numbers) -> Numbers:
    """Return each row without its mean and of length 1; a flat one becomes zeros."""
    centred = patterns - patterns.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1e-9, centred / np.maximum(length, 1e-9), 0.0)


def _members(count: int, classes: Sequence[Hashable]) -> list[npt.NDArray[np.int_]]:
    """Return the segments of each class. Raises: ConfigError where not every segment has one."""
    if len(classes) not in (0, count):
        raise ConfigError(f"{len(classes)} classes of {count} segments", allowed="one for each segment, or none")
    found: dict[Hashable, list[int]] = {}
    for index in range(count):
        found.setdefault(classes[index] if len(classes) else None, []).append(index)
    return [np.asarray(rows) for rows in found.values()]
