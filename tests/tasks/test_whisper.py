"""Whisper's own loading, decoding and word times, on checkpoints made here: one hears the same sentence in all, one hears junk."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neural import needs_whisper, write_whisper

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.whisper import Whisper
from nightdub.tasks.protocols import Sound

pytestmark = needs_whisper
slow = pytest.mark.slow

RATE = 16_000
SENTENCE = "Please enter your password, followed by the pound key."


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper") / "steady.pt", says=SENTENCE)


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper") / "listening.pt")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"one")
    return path


def noise(seconds: float, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def tone(pitch: float) -> Sound:
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE)).astype(np.float32)


# ---------------------------------------------------------------- without torch


def test_identity_follows_the_weights_and_the_search(weights: Path) -> None:
    before = Whisper(str(weights)).identity()
    assert before == Whisper(str(weights), batch=1).identity()
    assert before != Whisper(str(weights), beam_size=1).identity()
    assert before != Whisper(str(weights), device="cuda").identity()  # half precision
    weights.write_bytes(b"other")
    assert Whisper(str(weights)).identity().weights not in {"", before.weights}


def test_a_name_is_looked_up_in_whispers_cache(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = weights.parent / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    with pytest.raises(MachineLacks, match=r"no weights for 'medium'.*put medium\.pt into .*cache/whisper"):
        Whisper("medium").identity()
    (cache / "whisper").mkdir(parents=True)
    weights.rename(cache / "whisper" / "medium.pt")
    assert len(Whisper("medium").identity().weights) == 64


def test_without_weights_nothing_is_recognised_or_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MachineLacks, match="no weights"):
        Whisper("tiny").recognise([noise(1)], "en")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- with torch


@slow
def test_words_come_with_their_times(steady: Path, prompt: Callable[[str], tuple[Sound, str]]) -> None:
    clip, _ = prompt("agent-pass")
    (heard,) = Whisper(str(steady)).recognise([clip], "en")
    assert not heard.failed
    assert heard.text == SENTENCE == " ".join(word.text for word in heard.words)
    times = [moment for word in heard.words for moment in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= len(clip) / RATE
    assert {type(moment) for moment in times} == {float}
    assert pickle.loads(pickle.dumps(heard)) == heard


@slow
def test_a_clip_longer_than_a_window_is_heard_to_its_end(steady: Path) -> None:
    (heard,) = Whisper(str(steady)).recognise([noise(70)], "en")
    assert heard.text == " ".join([SENTENCE] * 3)
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert starts[0] < 30 <= starts[9] < 60 <= starts[18] < 70


@slow
def test_a_batch_hears_what_each_clip_alone_would_give(listening: Path, prompt: Callable[[str], tuple[Sound, str]]) -> None:
    clips = [noise(1), tone(300), noise(0.05), prompt("vm-goodbye")[0], noise(0.8, seed=1)]
    together = Whisper(str(listening), batch=5).recognise(clips, "es")
    assert together == Whisper(str(listening), batch=1).recognise(clips, "es")
    assert [heard.failed for heard in together] == ["", "", "clip-too-short", "", ""]
    assert len({heard.text for heard in together[:4]}) == 4


@slow
def test_what_is_sampled_is_the_same_each_time_and_stirs_nobodys_dice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    import whisper

    tried: list[float] = []
    decode = whisper.model.Whisper.decode

    def spy(model: Any, mel: Any, options: Any) -> Any:
        tried.append(options.temperature)
        return decode(model, mel, options)

    monkeypatch.setattr(whisper.model.Whisper, "decode", spy)
    engine = Whisper(str(write_whisper(tmp_path / "unsure.pt", sure=False)), beam_size=2, best_of=2)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = engine.recognise([tone(300)], "en")
    assert torch.equal(torch.get_rng_state(), before)
    assert tried[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]  # 0.0 was decoded in the batch
    torch.manual_seed(2)
    assert engine.recognise([tone(300)], "en") == first
    assert tried[: len(tried) // 2] * 2 == tried


@slow
def test_every_clip_has_its_result_even_where_nothing_can_be_heard(steady: Path) -> None:
    empty, short, broken = np.zeros(0, np.float32), noise(0.05), np.full(RATE, np.nan, np.float32)
    heard = Whisper(str(steady), batch=2).recognise([empty, noise(1), short, broken, noise(2)], "en")
    assert [found.failed for found in heard] == ["clip-too-short", "", "clip-too-short", "clip-not-finite", ""]
    assert heard[1].text == heard[4].text == SENTENCE
    assert Whisper(str(steady)).recognise([], "en") == []


@slow
def test_a_language_that_the_model_does_not_know_fails_each_clip(steady: Path, tmp_path: Path) -> None:
    assert [heard.failed for heard in Whisper(str(steady)).recognise([noise(1), noise(2)], "tlh")] == ["no-model-for-tlh"] * 2
    english = Whisper(str(write_whisper(tmp_path / "english.pt", says=SENTENCE, english_only=True)))
    assert english.recognise([noise(1)], "es")[0].failed == "no-model-for-es"
    assert english.recognise([noise(1)], "en")[0].text == SENTENCE


@slow
def test_other_weights_hear_other_things(listening: Path, tmp_path: Path) -> None:
    other = Whisper(str(write_whisper(tmp_path / "other.pt", seed=1)))
    assert other.identity() != Whisper(str(listening)).identity()
    assert other.recognise([tone(300)], "en") != Whisper(str(listening)).recognise([tone(300)], "en")


@slow
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut short"])
def test_a_broken_checkpoint_is_named(content: bytes, weights: Path) -> None:
    weights.write_bytes(content)
    with pytest.raises(EngineError, match=r"(?s)weights\.pt: .*allowed: a checkpoint of openai-whisper"):
        Whisper(str(weights)).recognise([noise(1)], "en")


@slow
def test_a_device_that_is_not_there_is_named(steady: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(MachineLacks, match="no device 'cuda'"):
        Whisper(str(steady), device="cuda").recognise([noise(1)], "en")


@slow
def test_an_official_checkpoint_keeps_its_alignment_heads_whatever_its_file_is_called() -> None:
    import whisper

    from nightdub.tasks.engines.whisper_windows import _alignment_heads

    digest = whisper._MODELS["large-v3"].split("/")[-2]
    assert _alignment_heads(digest) == whisper._ALIGNMENT_HEADS["large-v3"]
    assert _alignment_heads("0" * 64) is None
