"""The classifier learns what there is to learn and no more, and its file is read with care."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bursts
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from nightdub.datasets.emotion.files import HEADER, load, save
from nightdub.datasets.emotion.learn import learn, parted
from nightdub.datasets.emotion.network import FRAMES, predict, recognise, train, untrained
from nightdub.datasets.emotion.scores import baselines, confusion, measures
from nightdub.datasets.emotion.trained import About, Trained
from nightdub.datasets.rows import SourceClip
from nightdub.infra.errors import ConfigError, EngineError, MediaError
from nightdub.tasks.sound import write_sound

torch = pytest.importorskip("torch")
numpy_file = pytest.importorskip("safetensors.numpy")


def fresh(count: int) -> tuple[list[Any], list[str]]:
    labels = [bursts.LABELS[index % 2] for index in range(count)]
    return [bursts.example(label, 5_000 + index)[0] for index, label in enumerate(labels)], labels


def test_it_learns_what_decides_and_one_that_learned_nothing_guesses(trained: Trained) -> None:
    heard, labels = fresh(40)
    found = [trained.labels[index] for index in predict(trained, heard).argmax(axis=1)]
    assert accuracy_score(labels, found) >= 0.95
    guesses = predict(untrained(trained.labels), heard).argmax(axis=1)
    assert accuracy_score(labels, [trained.labels[index] for index in guesses]) <= 0.7


def test_equal_examples_and_seeds_give_equal_weights_and_nobody_elses_chance_is_moved() -> None:
    heard, labels = fresh(8)
    torch.manual_seed(7)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(7)
    torch.set_num_threads(2)
    try:
        one, other, third = (train(heard, labels, seed=seed, epochs=1) for seed in (0, 0, 1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.rand(3), expected)
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)
    assert not np.array_equal(one.weights["course_scores.weight"], third.weights["course_scores.weight"])


def test_clips_of_any_length_are_heard_and_their_neighbours_do_not_matter(trained: Trained) -> None:
    draw = np.random.default_rng(0)
    heard = [draw.normal(-12, 1, (64, frames)).astype(np.float32) for frames in (1, 31, 160, 160, 700)]
    together = predict(trained, heard)
    assert np.allclose(together.sum(axis=1), 1)
    assert np.allclose(together, np.concatenate([predict(trained, [one]) for one in heard]), atol=1e-6)
    assert predict(trained, []).shape == (0, 2)


def test_a_sound_is_recognised_with_probabilities_from_the_highest_down(trained: Trained) -> None:
    found = recognise(np.random.default_rng(0).normal(0, 0.1, 9_000).astype(np.float32), 22_050, trained)
    assert set(found) == set(bursts.LABELS)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    with pytest.raises(MediaError):
        recognise(np.full(9_000, np.nan, np.float32), 22_050, trained)


def test_one_label_or_a_missing_one_cannot_be_learned() -> None:
    heard, labels = fresh(4)
    with pytest.raises(ConfigError, match="4 examples with 1 labels"):
        train(heard, ["sad"] * 4)
    with pytest.raises(ConfigError, match="4 examples"):
        train(heard, labels[:3])


# ---------------------------------------------------------------- figures


def test_the_measures_are_those_of_scikit_learn() -> None:
    draw, names = np.random.default_rng(0), ["a", "b", "c", "d"]
    truth, found = [names[index] for index in draw.integers(0, 3, 60)], [names[index] for index in draw.integers(0, 4, 60)]
    accuracy, recall, harmonic = measures(confusion(truth, found, names))
    assert accuracy == pytest.approx(accuracy_score(truth, found))
    assert recall == pytest.approx(recall_score(truth, found, labels=names[:3], average="macro"))
    assert harmonic == pytest.approx(f1_score(truth, found, labels=names[:3], average="macro"))  # "d" never occurs in the truth
    assert np.isnan(measures(np.zeros((4, 4)))).all()
    assert baselines(["a", "a", "b"], ["a", "b", "b", "b"], names) == {"chance": 0.25, "majority": 0.25}


def corpus(folder: Path) -> list[SourceClip]:
    """Return tones that are high where people are angry; every speaker has both labels."""
    rows = []
    for index in range(16):
        label, speaker = bursts.LABELS[index % 2], f"s{index // 4}"
        tone = np.sin(2 * np.pi * {"angry": 3000, "sad": 400}[label] * np.arange(11_025) / 22_050) * 0.1
        path = write_sound(folder / f"{index}.wav", tone + np.random.default_rng(index).normal(0, 0.01, len(tone)), 22_050)
        rows.append(SourceClip(f"c{index:02d}", str(path), "", "en", speaker, label))
    return rows


def test_a_corpus_is_learned_and_the_figures_are_of_speakers_never_heard_beside_chance_and_majority(tmp_path: Path) -> None:
    rows = corpus(tmp_path)
    found = learn(rows, corpus="tones", acted=True, epochs=12)
    assert found.about.figures["accuracy"] > 0.7
    assert (found.about.figures["chance"], found.about.figures["majority"], found.about.figures["tested"]) == (0.5, 0.5, 4)
    assert found.about.examples == 12
    ours, tested = parted(rows, 0)
    assert not {row.speaker for row in ours} & {row.speaker for row in tested}
    assert parted(rows[::-1], 0) == (ours, tested)


def test_an_emotion_that_only_one_speaker_has_cannot_be_tested_honestly(tmp_path: Path) -> None:
    rows = [replace(row, speaker=row.emotion) for row in corpus(tmp_path)]
    with pytest.raises(ConfigError, match="16 labelled clips of 2 speakers"):
        parted(rows, 0)


# ---------------------------------------------------------------- the file


def test_a_network_comes_back_from_its_file_with_its_labels_and_figures(trained: Trained, tmp_path: Path) -> None:
    kept = replace(trained, about=replace(trained.about, figures={"accuracy": 0.5, "chance": 0.125}))
    back = load(save(kept, tmp_path / "one.safetensors"))
    assert (back.labels, back.about) == (kept.labels, kept.about)
    heard, _ = fresh(4)
    assert np.array_equal(predict(back, heard), predict(kept, heard))
    assert save(back, tmp_path / "two.safetensors").read_bytes() == (tmp_path / "one.safetensors").read_bytes()


def _header(change: dict[str, Any]) -> Callable[[Path, Trained], None]:
    def write(path: Path, trained: Trained) -> None:
        header = {"labels": trained.labels, "about": {}} | change
        path.write_bytes(numpy_file.save(trained.weights, metadata={HEADER: json.dumps(header)}))

    return write


def _weights(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path, Trained], None]:
    def write(path: Path, trained: Trained) -> None:
        weights = {name: value.copy() for name, value in trained.weights.items()}
        change(weights)
        save(replace(trained, weights=weights), path)

    return write


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda path, _: None, "No such file"),
        (lambda path, _: path.write_bytes(b"\x80\x04K\x01."), "header"),  # a pickle
        (lambda path, trained: path.write_bytes(numpy_file.save(trained.weights)), "nput data was truncated"),
        (_header({"labels": ["sad"]}), "the labels sad"),
        (_header({"labels": ["sad", "sad"]}), "the labels sad, sad"),
        (_header({"labels": ["sad", "bored"]}), "the labels sad, bored"),
        (_header({"labels": ["sad", "happy", "calm"]}), "course_scores.bias is float32"),
        (_header({"code": "import os"}), "unknown field"),
        (_weights(lambda weights: weights.pop("picture.0.weight")), "picture.0.weight lacks"),
        (_weights(lambda weights: weights.update(more=np.zeros(1, np.float32))), "more lacks or is too many"),
        (_weights(lambda weights: weights.update({"course_scores.bias": np.zeros(3, np.float32)})), "course_scores.bias is float32"),
        (_weights(lambda weights: weights["course_scores.bias"].__setitem__(0, np.nan)), "values that no training leaves"),
        (_weights(lambda weights: weights["level.running_var"].__setitem__(0, -1)), "values that no training leaves"),
    ],
)
def test_a_file_of_something_else_is_refused(write: Callable[[Path, Trained], None], why: str, trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    write(path, trained)
    with pytest.raises(EngineError, match=why):
        load(path)


def test_a_stand_in_says_what_it_is(trained: Trained) -> None:
    assert "learned nothing" in untrained(bursts.LABELS).stand_in
    assert "acted by rule" in replace(trained, about=About("acted by rule", acted=True, examples=9)).stand_in
    assert trained.stand_in == ""
    assert FRAMES > 32
