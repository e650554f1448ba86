"""Builders of tiny checkpoints, so that the neural engines' own loading and decoding runs without any downloaded weights."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from nightdub.tasks.engines.xtts import PYTHON

HERE = Path(__file__).parent

needs_whisper = pytest.mark.skipif(
    find_spec("whisper") is None or find_spec("torch") is None, reason="torch and openai-whisper are not installed: make engines-neural"
)
needs_coqui = pytest.mark.skipif(not PYTHON.exists(), reason="Coqui's environment is not there: make engines-coqui")


def write_whisper(path: Path, says: str = "", sure: bool = True, seed: int = 0, english_only: bool = False) -> Path:
    """Write a Whisper of random weights: 3.5 million numbers, nearly all in the vocabulary.

    With `says` it hears that sentence in every window, whatever is in it. Without, it hears words that depend on the sound; where it is
    not `sure` of them, whisper goes on to sampling.
    """
    import torch
    from whisper.model import ModelDimensions
    from whisper.model import Whisper as Network

    torch.set_num_threads(1)  # on cores that others use too, torch's threads mostly wait for each other
    places = 64 if says else 24  # whisper writes half as many tokens in a window
    sizes = ModelDimensions(80, 1500, 64, 2, 1, 51864 if english_only else 51865, places, 64, 2, 1)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = Network(sizes)
        if says:
            _wire_sentence(network, says)
        else:
            _balance(network, sure)
        torch.save({"dims": vars(sizes), "model_state_dict": network.state_dict()}, path)
    return path


def _balance(network: Any, sure: bool) -> None:
    """Weigh place, sound and last word so that each shows in what is heard, and no word leads to itself again and again."""
    network.decoder.positional_embedding.normal_(0, 6)  # left as found in memory by its class
    network.decoder.token_embedding.weight *= 0.05
    network.decoder.blocks[0].cross_attn.out.weight *= 60
    network.decoder.ln.weight *= 60 if sure else 1


def _wire_sentence(network: Any, says: str) -> None:
    """Make each of the decoder's places point at one token: a time of 0 s, the sentence, a time of 2 s, then the end."""
    import torch
    from whisper.tokenizer import get_tokenizer

    tokens = get_tokenizer(network.is_multilingual, num_languages=network.num_languages, language="en", task="transcribe")
    sentence = [tokens.timestamp_begin, *tokens.encode(f" {says}"), tokens.timestamp_begin + 100]
    for weights in (weights for weights in network.parameters() if weights.dim() > 1):
        weights.normal_(0, 0.02)  # a whisper against what follows
    places = torch.linalg.qr(torch.randn(64, 64))[0]
    places -= places.mean(dim=1, keepdim=True)
    network.decoder.positional_embedding.copy_(100 * places)
    prompt = len(tokens.sot_sequence) - 1
    for place in range(prompt, 64):
        token = sentence[place - prompt] if place - prompt < len(sentence) else tokens.eot
        network.decoder.token_embedding.weight[token] += 5 * places[place]


@cache
def write_xtts(base: Path) -> Path:
    """Write an XTTS of random weights with Coqui's own classes, in Coqui's environment; once for each base folder."""
    folder = base / "tiny-xtts"
    folder.mkdir()
    subprocess.run([PYTHON, HERE / "tiny_xtts.py", folder], check=True, capture_output=True, timeout=240)
    return folder
