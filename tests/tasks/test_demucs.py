"""Demucs: its own networks on random weights, in every form of checkpoint, and what a checkpoint must not do."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neural import needs_demucs, write_demucs

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.demucs import Demucs
from nightdub.tasks.sound import resample

RATE = 48_000
pytestmark = needs_demucs


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demucs(tmp_path_factory.mktemp("demucs") / "tiny.th")


@pytest.fixture(scope="module")
def mix() -> np.ndarray:
    """Return 3 s of stereo noise: more than two segments of the tiny network."""
    return (0.1 * np.random.default_rng(3).standard_normal((2, 3 * RATE))).astype(np.float32)


def test_dialogue_is_the_networks_own_speech_source_and_the_bed_is_the_rest(checkpoint: Path, mix: np.ndarray) -> None:
    import torch
    from demucs.apply import apply_model
    from demucs.states import load_model

    package = torch.load(checkpoint, weights_only=False)
    network = load_model(package).eval()
    heard = torch.from_numpy(resample(mix, RATE, 44_100))
    level = heard.mean(0)
    sources = apply_model(network, ((heard - level.mean()) / level.std())[None], shifts=0, overlap=0.25)[0]
    wanted = resample((sources[3] * level.std() + level.mean()).numpy(), 44_100, RATE)
    dialogue, bed = Demucs(str(checkpoint)).separate(mix, RATE)
    assert dialogue.shape == bed.shape == mix.shape
    assert np.abs(dialogue).max() > 1e-3
    assert dialogue == pytest.approx(wanted[:, : mix.shape[1]], abs=1e-5)
    assert dialogue + bed == pytest.approx(mix, abs=1e-6)


def test_mono_goes_in_on_both_channels_and_comes_out_as_one(checkpoint: Path, mix: np.ndarray) -> None:
    engine, mono = Demucs(str(checkpoint)), mix[:1]
    dialogue, bed = engine.separate(mono, RATE)
    both, _ = engine.separate(np.repeat(mono, 2, axis=0), RATE)
    assert dialogue.shape == bed.shape == mono.shape
    assert dialogue[0] == pytest.approx(both.mean(axis=0), abs=1e-6)


def test_silence_stays_silence(checkpoint: Path) -> None:
    dialogue, bed = Demucs(str(checkpoint)).separate(np.zeros((2, RATE), np.float32), RATE)
    assert np.abs(dialogue).max() < 1e-6
    assert np.abs(bed).max() < 1e-6


def test_a_bag_of_one_and_the_safetensors_form_say_the_same(checkpoint: Path, mix: np.ndarray, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    package = torch.load(checkpoint, weights_only=False)
    segment = {"_type": "fraction", "numerator": 1, "denominator": 1}
    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": json.dumps(package["kwargs"] | {"segment": segment})}
    save_file({name: tensor.contiguous() for name, tensor in package["state"].items()}, tmp_path / "abc-1.safetensors", metadata)
    (tmp_path / "one.yaml").write_text("models: ['abc']\n")
    wanted = Demucs(str(checkpoint)).separate(mix, RATE)[0]
    for path in (tmp_path / "abc-1.safetensors", tmp_path / "one.yaml"):
        assert (Demucs(str(path)).separate(mix, RATE)[0] == wanted).all()


def test_weights_and_overlap_are_part_of_the_identity_and_the_licence_is_not(checkpoint: Path, tmp_path: Path) -> None:
    other = write_demucs(tmp_path / "other.th", seed=1)
    identities = [Demucs(str(checkpoint)), Demucs(str(other)), Demucs(str(checkpoint), overlap=0.1)]
    assert len({str(engine.identity()) for engine in identities}) == 3
    assert Demucs(str(checkpoint), commercial=True).identity() == identities[0].identity()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("touched"),))


def test_a_checkpoint_that_would_run_something_is_refused(tmp_path: Path, mix: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"klass": Evil(), "kwargs": {"segment": Fraction(1)}}, tmp_path / "evil.th")
    with pytest.raises(EngineError, match=r"evil\.th: cannot be loaded"):
        Demucs(str(tmp_path / "evil.th")).separate(mix, RATE)
    assert not (tmp_path / "touched").exists()


def test_what_is_not_there_or_no_model_is_named(tmp_path: Path, mix: np.ndarray) -> None:
    with pytest.raises(MachineLacks, match="no weights at"):
        Demucs(str(tmp_path / "none.th")).identity()
    (tmp_path / "bag.yaml").write_text("models: ['abc']\n")
    with pytest.raises(MachineLacks, match="no checkpoint abc"):
        Demucs(str(tmp_path / "bag.yaml")).identity()
    (tmp_path / "text.th").write_text("no model")
    with pytest.raises(EngineError, match=r"text\.th: cannot be loaded"):
        Demucs(str(tmp_path / "text.th")).separate(mix, RATE)


def test_a_model_without_speech_is_refused(tmp_path: Path, mix: np.ndarray) -> None:
    drums = write_demucs(tmp_path / "drums.th", sources=("drums", "bass"))
    with pytest.raises(EngineError, match="sources drums, bass"):
        Demucs(str(drums)).separate(mix, RATE)
