"""Builders of tiny checkpoints, so that the neural engines' own loading and decoding runs without any downloaded weights."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
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
needs_demucs = pytest.mark.skipif(
    find_spec("demucs") is None or find_spec("torch") is None, reason="torch and demucs are not installed: make engines-neural"
)
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed: make engines-neural")
needs_musetalk = pytest.mark.skipif(
    find_spec("diffusers") is None or find_spec("whisper") is None,
    reason="diffusers or openai-whisper is not installed: make engines-neural",
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


def write_wav2lip(path: Path, width: int = 1, seed: int = 0) -> Path:
    """Write a Wav2Lip of random weights, `width` channels wide where the published one has 16, as its authors' training saves it."""
    import torch

    from nightdub.tasks.engines.wav2lip_net import Generator

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = Generator(width)
        for weights in network.parameters():
            weights.normal_(0, 0.3)
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "optimizer": None, "global_step": 1, "global_epoch": 0}, path)
    return path


def write_contentvec(path: Path, content: int, seed: int = 0) -> Path:
    """Write a ContentVec of random weights with Hugging Face's names that gives `content` numbers a frame, 768 or 256."""
    import torch

    hidden, inner, conv = (768 if content == 768 else 64), 16, 8
    made = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Any:
        return torch.randn(*shape, generator=made) * (1 / max(shape[-1], 1)) ** 0.5

    weights = {
        "feature_extractor.conv_layers.0.layer_norm.weight": torch.ones(conv),
        "feature_extractor.conv_layers.0.layer_norm.bias": torch.zeros(conv),
        "encoder.pos_conv_embed.conv.weight_v": random(hidden, hidden // 16, 8),
        "encoder.pos_conv_embed.conv.weight_g": torch.ones(1, 1, 8),
        "encoder.pos_conv_embed.conv.bias": torch.zeros(hidden),
    }
    for index, kernel in enumerate((10, 3, 3, 3, 3, 2, 2)):
        weights[f"feature_extractor.conv_layers.{index}.conv.weight"] = random(conv, conv if index else 1, kernel)
    layer, attention = "encoder.layers.0", ("q_proj", "k_proj", "v_proj", "out_proj")
    shapes = {f"{layer}.attention.{name}": (hidden, hidden) for name in attention} | {"feature_projection.projection": (hidden, conv)}
    shapes |= {f"{layer}.feed_forward.intermediate_dense": (inner, hidden), f"{layer}.feed_forward.output_dense": (hidden, inner)}
    shapes |= {"final_proj": (256, hidden)} if content == 256 else {}
    for name, shape in shapes.items():
        weights |= {f"{name}.weight": random(*shape), f"{name}.bias": torch.zeros(shape[0])}
    for name, size in (
        ("feature_projection.layer_norm", conv),
        *((f"{layer}.{part}", hidden) for part in ("layer_norm", "final_layer_norm")),
    ):
        weights |= {f"{name}.weight": torch.ones(size), f"{name}.bias": torch.zeros(size)}
    weights |= {"encoder.layer_norm.weight": torch.ones(hidden), "encoder.layer_norm.bias": torch.zeros(hidden)}
    torch.save(weights, path)
    return path


def write_rvc(path: Path, version: str = "v2", pitched: bool = True, seed: int = 0) -> Path:
    """Write an RVC voice of random weights as its training extracts it: half precision, without the part that only training needs."""
    import torch

    from nightdub.tasks.engines.rvc_net import Shape, Synthesizer

    sizes = [1025, 32, 8, 8, 16, 2, 1, 3, 0, "1", [3, 5], [[1, 3], [1, 3]], [10, 10, 2, 2], 32, [16, 16, 4, 4], 2, 8]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = Synthesizer(Shape(*sizes, 40_000), 768 if version == "v2" else 256, pitched=pitched)
        for weights in network.parameters():
            weights.normal_(0, 0.3)
        old = {"original0": "weight_g", "original1": "weight_v"}
        names = {
            name: name.replace(f"parametrizations.weight.{name.rsplit('.', 1)[-1]}", old.get(name.rsplit(".", 1)[-1], ""))
            for name in network.state_dict()
        }
        state = {names[name]: value.half() for name, value in network.state_dict().items()}
    torch.save({"weight": state, "config": [*sizes, "40k"], "version": version, "f0": int(pitched), "sr": "40k", "info": "1 epoch"}, path)
    return path


@cache
def write_musetalk(folder: Path, seed: int = 0) -> dict[str, Any]:
    """Write a MuseTalk of random weights, for faces of 32 pixels, and return an engine's settings for it; once for each folder."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    shape = {
        "_class_name": "UNet2DConditionModel",
        "in_channels": 8,
        "out_channels": 4,
        "sample_size": 4,
        "block_out_channels": [8, 16],
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 2,
        "cross_attention_dim": 64,
    }
    folder.mkdir()
    (folder / "musetalk.json").write_text(json.dumps(shape))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.save(
            UNet2DConditionModel(**{name: value for name, value in shape.items() if name[0] != "_"}).state_dict(), folder / "unet.pth"
        )
        kinds = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
        AutoencoderKL(block_out_channels=(4, 4, 8, 8), norm_num_groups=2, latent_channels=4, **kinds).save_pretrained(folder / "vae")
    ear = write_whisper(folder / "tiny.pt", says="")
    return {"unet": str(folder / "unet.pth"), "vae": str(folder / "vae"), "whisper": str(ear), "size": 32}


@cache
def write_xtts(base: Path) -> Path:
    """Write an XTTS of random weights with Coqui's own classes, in Coqui's environment; once for each base folder."""
    folder = base / "tiny-xtts"
    folder.mkdir()
    subprocess.run([PYTHON, HERE / "tiny_xtts.py", folder], check=True, capture_output=True, timeout=240)
    return folder


def write_demucs(path: Path, seed: int = 0, sources: tuple[str, ...] = ("drums", "bass", "other", "vocals")) -> Path:
    """Write a Hybrid Transformer Demucs of random weights in the form that its author publishes: 0.1 million numbers, segments of 1 s."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.set_num_threads(1)
    kwargs = {"sources": list(sources), "channels": 8, "dconv_comp": 4, "nfft": 1024, "t_layers": 1, "t_heads": 2, "segment": Fraction(1)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = HTDemucs(**kwargs)
        torch.save({"klass": HTDemucs, "args": (), "kwargs": kwargs, "state": network.state_dict(), "training_args": {"seed": seed}}, path)
    return path
