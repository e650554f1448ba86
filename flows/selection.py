"""Whether a selection is worth anything: the same classifier learns from all clips, from the selected ones, and from a random drop.

The random drop is of the same size: what it does to a classifier, having fewer clips does by itself.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nightdub.datasets import acted, selection
from nightdub.datasets.emotion.learn import parted, spectrogram_of
from nightdub.datasets.emotion.network import EPOCHS, predict, train
from nightdub.datasets.emotion.scores import MEASURES, Numbers, baselines, confusion, measures
from nightdub.datasets.rows import SourceClip
from nightdub.datasets.selection import Selection, Spectrogram, select
from nightdub.infra.errors import ConfigError
from nightdub.quality.statistics import Interval, percentiles, resampled_sums

ARMS = ("full", "selected", "random")
PAIRS = (("selected", "full"), ("selected", "random"), ("random", "full"))
SHARE = 0.15  # as the thesis dropped
SEEDS = 5


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of choosing what is learned from: means over the seeds, on clips of people who were not learned from."""

    name: str  # of `ARMS`
    clips: float  # learned from
    planted: float  # of them no speech
    values: dict[str, tuple[float, Interval]]  # measure -> value and its 95 % interval
    spread: tuple[float, float]  # lowest and highest accuracy of a seed
    seconds: tuple[float, float]  # CPU seconds of one training: mean, and the deviation over seeds


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of a comparison; the values are shares of one."""

    arms: tuple[Arm, ...]
    differences: dict[tuple[str, str], dict[str, tuple[float, Interval]]]  # of `PAIRS` -> measure -> paired difference and its interval
    seeds: int
    tested: int  # clips that some network was tested on
    speakers: int  # of them
    baselines: dict[str, float]  # chance, majority: means over the seeds
    selection: Selection  # of the whole corpus, as a recipe would do it
    planted: int  # clips of the corpus
    found: dict[str, int]  # way to measure likeness -> of the planted clips, how many it drops
    corpus: str = ""

    def as_text(self) -> str:
        """Return the table as it is printed, in %."""
        lines = [f"{'learned from':<19}{'clips':>6}{'planted':>8}{'CPU s':>12}" + "".join(f"{name:>25}" for name in MEASURES)]
        for arm in self.arms:
            time_spent = f"{arm.seconds[0]:.1f} ± {arm.seconds[1]:.1f}"
            lines.append(f"{arm.name:<19}{arm.clips:>6.0f}{arm.planted:>8.1f}{time_spent:>12}" + _cells(arm.values))
        if self.seeds < SEEDS:
            lines.append(f"fewer than {SEEDS} seeds: the intervals do not hold what one choice of speakers and first weights does")
        lines += [f"{one + ' - ' + other:<45}" + _cells(found, "+") for (one, other), found in self.differences.items()]
        spread = "; ".join(f"{arm.name} {100 * arm.spread[0]:.1f} to {100 * arm.spread[1]:.1f}" for arm in self.arms)
        return "\n".join(
            [
                *lines,
                f"%, means of {self.seeds} seeds, each with other speakers held out; 95 % intervals, {self.speakers} speakers drawn whole, "
                f"{self.tested} clips",
                f"accuracy of single seeds: {spread}",
                "accuracy of a label by chance {chance:.1%}, of the most frequent label {majority:.1%}".format(**self.baselines),
                f"corpus: {self.corpus or 'as given'}; planted clips that are dropped, of {self.planted}: "
                + ", ".join(f"{count} by {way}" for way, count in self.found.items()),
                self.selection.as_text(),
            ]
        )


def show_comparison(
    folder: Path | None = None, *, voices: Sequence[str] = acted.ALL_VOICES, sentences: int = 3, prompts: int = 25, planted: int = 60,
    seeds: int = SEEDS, share: float = SHARE, epochs: int = EPOCHS,
) -> Comparison:  # fmt: skip
    """Make the corpus that is acted by rule, in `folder` or in one that is removed, and compare on it. Takes minutes.

    The arguments are those of `acted.synthesise` and `compare`. Raises: as these do.
    """
    with tempfile.TemporaryDirectory(prefix="nightdub-") as scratch:
        made = acted.synthesise(folder or Path(scratch), voices=voices, sentences=sentences, prompts=prompts, planted=planted)
        found = compare(made.rows, seeds=seeds, share=share, planted=made.planted, epochs=epochs)
    return replace(found, corpus=acted.CORPUS)


def compare(
    rows: Sequence[SourceClip], *, seeds: int = SEEDS, share: float = SHARE, planted: Collection[str] = (), epochs: int = EPOCHS
) -> Comparison:
    """Train on everything, on what a selection by homogeneity keeps, and on a random drop of the same size; test on other speakers.

    Each seed holds out other speakers with a quarter of the clips (`learn.parted`), and draws the network's first weights, the order of
    the clips and the random drop. Selection sees the clips to learn from alone, and no label: a label may be wrong. Planted clips are
    not tested on. Intervals are of a bootstrap that draws whole speakers and is paired: each resample has the same clips in all arms.

    Raises:
        ConfigError: too few speakers or labels to learn on some and to test on others.
        MediaError: a recording that cannot be decoded.
        MachineLacks: torch is not installed.
    """
    rows = sorted((row for row in rows if row.emotion), key=lambda row: row.id)
    labels = sorted({row.emotion for row in rows})
    if seeds < 1:
        raise ConfigError(f"{seeds} seeds", where="comparison", allowed="one and more")
    mels = {row.id: spectrogram_of(row) for row in rows}
    trials = [_trials(rows, mels, seed, share, set(planted), epochs) for seed in range(seeds)]
    tested = {row.id: row for trial in trials for row in trial.tested}
    if len({row.speaker for row in tested.values()}) < 2:
        raise ConfigError("one speaker to test on", where="comparison", allowed="two and more, over all seeds")
    ways = {way: select(rows, scores, quota=share) for way, scores in _likeness(rows, mels).items()}
    arms, differences = _summed(trials, tested, labels, set(planted))
    return Comparison(
        arms, differences, seeds, len(tested), len({row.speaker for row in tested.values()}),
        {name: float(np.mean([trial.baselines[name] for trial in trials])) for name in trials[0].baselines},
        ways["correlation"], len(set(planted)), {way: len(set(planted) & made.dropped.keys()) for way, made in ways.items()},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Trial:
    """What one seed gave; the rows of `found` are the arms."""

    tested: list[SourceClip]
    learned: list[frozenset[str]]
    found: list[list[str]]
    seconds: list[float]
    baselines: dict[str, float] = field(default_factory=dict)


def _trials(rows: Sequence[SourceClip], mels: dict[str, Spectrogram], seed: int, share: float, planted: set[str], epochs: int) -> _Trial:
    ours, others = parted(rows, seed)
    tested = [row for row in others if row.id not in planted]
    chosen = select(ours, _likeness(ours, mels)["correlation"], quota=share)
    chance = np.random.default_rng(seed).permutation(len(ours))[len(chosen.dropped) :]
    ids = [frozenset(row.id for row in ours), frozenset(chosen.kept), frozenset(ours[index].id for index in chance)]
    found, seconds = [], []
    for kept in ids:
        learned = [row for row in ours if row.id in kept]
        started = time.process_time()
        network = train([mels[row.id] for row in learned], [row.emotion for row in learned], seed=seed, epochs=epochs)
        seconds.append(time.process_time() - started)
        best = predict(network, [mels[row.id] for row in tested]).argmax(axis=1)
        found.append([network.labels[index] for index in best])
    labels = sorted({row.emotion for row in ours})
    return _Trial(tested, ids, found, seconds, baselines([row.emotion for row in ours], [row.emotion for row in tested], labels))


def _likeness(rows: Sequence[SourceClip], mels: dict[str, Spectrogram]) -> dict[str, Numbers]:
    parts = [selection.statistics_of(mels[row.id]) for row in rows]
    means, variances = (np.concatenate([part[index] for part in parts]) for index in (0, 1))
    return {
        "correlation": selection.homogeneity(means, variances),
        "Bhattacharyya distance": -selection.bhattacharyya(means, variances),
    }


def _summed(
    trials: Sequence[_Trial], tested: dict[str, SourceClip], labels: Sequence[str], planted: set[str]
) -> tuple[tuple[Arm, ...], dict[tuple[str, str], dict[str, tuple[float, Interval]]]]:
    order, size = {name: index for index, name in enumerate(sorted(tested))}, len(labels)
    cells = np.zeros((len(order), len(trials), len(ARMS), size, size))
    for number, trial in enumerate(trials):
        for arm, found in enumerate(trial.found):
            for row, label in zip(trial.tested, found, strict=True):
                cells[order[row.id], number, arm] = confusion([row.emotion], [label], labels)
    single = measures(cells.sum(axis=0))  # (seeds, arms, measures)
    drawn = resampled_sums(cells.reshape(len(order), -1), [tested[name].speaker for name in order])
    drawn = np.zeros((0, 1)) if drawn is None else drawn
    resampled = _means(measures(drawn.reshape(len(drawn), *cells.shape[1:])))
    whole = single.mean(axis=0)
    arms = [
        Arm(
            name,
            float(np.mean([len(trial.learned[arm]) for trial in trials])),
            float(np.mean([len(trial.learned[arm] & planted) for trial in trials])),
            _told(whole[arm], resampled[:, arm]),
            (float(single[:, arm, 0].min()), float(single[:, arm, 0].max())),
            (float(np.mean([trial.seconds[arm] for trial in trials])), float(np.std([trial.seconds[arm] for trial in trials]))),
        )
        for arm, name in enumerate(ARMS)
    ]
    at = {name: index for index, name in enumerate(ARMS)}
    gaps = {(a, b): _told(whole[at[a]] - whole[at[b]], resampled[:, at[a]] - resampled[:, at[b]]) for a, b in PAIRS}
    return tuple(arms), gaps


def _means(values: Numbers) -> Numbers:
    """Return means over the seeds whose speakers were drawn: (resamples, seeds, arms, measures) -> (resamples, arms, measures)."""
    there = np.asarray(np.isfinite(values).all(axis=(2, 3)), np.int64)
    drawn = there.sum(axis=1)
    found = np.where(there[..., None, None] > 0, values, 0.0).sum(axis=1) / np.maximum(drawn, 1)[:, None, None]
    return np.asarray(found[drawn > 0], np.float64)


def _told(values: Numbers, resampled: Numbers) -> dict[str, tuple[float, Interval]]:
    return {name: (float(values[index]), percentiles(resampled[:, index])) for index, name in enumerate(MEASURES)}


def _cells(found: dict[str, tuple[float, Interval]], sign: str = "") -> str:
    values = [(100 * value, 100 * low, 100 * high) for value, (low, high) in (found[name] for name in MEASURES)]
    return "".join(f"{f'{value:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]':>25}" for value, low, high in values)
