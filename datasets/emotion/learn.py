"""Learn from a corpus, and say how right the network is on speakers whom it never heard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nightdub.datasets.emotion.network import EPOCHS, predict, train
from nightdub.datasets.emotion.scores import MEASURES, baselines, confusion, measures
from nightdub.datasets.emotion.trained import Trained
from nightdub.datasets.rows import SourceClip
from nightdub.datasets.selection import RATE, Spectrogram, log_mel
from nightdub.infra.errors import ConfigError
from nightdub.tasks.sound import read_mono

HELD_OUT = 0.25  # share of the clips, at least, that is spoken by people whom a network does not learn from


def learn(rows: Sequence[SourceClip], *, corpus: str, acted: bool = False, seed: int = 0, epochs: int = EPOCHS) -> Trained:
    """Return a network that learned the labelled clips of all speakers but those held out, with its figures on these.

    The figures: accuracy, unweighted recall and macro F1; accuracy by chance, and of always saying the most frequent label; clips tested.

    Args:
        rows: Clips; those without an emotion are left out.
        corpus: Its name, as explanations give it.
        acted: The corpus was acted by rule: the network is a stand-in, and says so.
        seed: Of the choice of speakers and of the training.
        epochs: How often every clip is heard.

    Raises:
        ConfigError: too few speakers or labels to learn on some and to test on others.
        MediaError: a recording that cannot be decoded.
        MachineLacks: torch is not installed.
    """
    ours, tested = parted(rows, seed)
    heard = [row.emotion for row in ours]
    trained = train([spectrogram_of(row) for row in ours], heard, seed=seed, epochs=epochs, corpus=corpus, acted=acted)
    best = predict(trained, [spectrogram_of(row) for row in tested]).argmax(axis=1)
    truth = [row.emotion for row in tested]
    values = measures(confusion(truth, [trained.labels[index] for index in best], trained.labels))
    figures = dict(zip(MEASURES, values.tolist(), strict=True)) | baselines(heard, truth, trained.labels) | {"tested": float(len(tested))}
    return replace(trained, about=replace(trained.about, figures=figures))


def parted(rows: Sequence[SourceClip], seed: int) -> tuple[list[SourceClip], list[SourceClip]]:
    """Return the labelled clips to learn from and those to test on, by id; no speaker has both.

    Speakers are held out in the order of the digests of seed and name, until they have `HELD_OUT` of the clips. Raises: ConfigError.
    """
    labelled = sorted((row for row in rows if row.emotion), key=lambda row: row.id)
    names = [row.speaker for row in labelled]
    held: set[str] = set()
    for name in sorted(set(names), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())[:-1]:
        if sum(one in held for one in names) < HELD_OUT * len(names):
            held.add(name)
    ours, tested = [row for row in labelled if row.speaker not in held], [row for row in labelled if row.speaker in held]
    emotions = {row.emotion for row in ours}
    if len(emotions) < 2 or not tested or {row.emotion for row in tested} - emotions:
        raise ConfigError(
            f"{len(labelled)} labelled clips of {len(set(names))} speakers", where="emotion",
            allowed="two emotions, each by several speakers", fix="name a larger corpus",
        )  # fmt: skip
    return ours, tested


def spectrogram_of(row: SourceClip) -> Spectrogram:
    """Return the spectrogram of a clip. Raises: MediaError."""
    return log_mel(read_mono(Path(row.audio), row.start, row.end, RATE), RATE)
