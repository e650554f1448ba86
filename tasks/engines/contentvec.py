"""ContentVec for inference: what is said, without who says it (Qian et al. 2022), from a HuBERT in the form that Hugging Face keeps it.

The sizes are those of the weights; what they do not tell is HuBERT base's: strides of 5 and 2, heads of 64 numbers, norm after each part.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from nightdub.infra.errors import EngineError

STRIDES = (5, 2, 2, 2, 2, 2, 2)  # 320 samples of 16 kHz for each frame
HEAD = 64

Weights = dict[str, Tensor]


class ContentVec:
    """The network as its weights by name."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layers.")})

    def features(self, sound: Tensor, content: int) -> Tensor:
        """Return (frames, content) for 16 kHz sound (samples,): 768 numbers of the last layer, or 256 of the ninth as RVC v1 takes them."""
        x = self._norm("feature_projection.layer_norm", self._conv(sound))
        x = self._linear("feature_projection.projection", x)
        x = self._norm("encoder.layer_norm", x + self._places(x))
        short = content == self._weights["final_proj.weight"].shape[0] if "final_proj.weight" in self._weights else False
        for layer in range(min(9, self._layers) if short else self._layers):
            x = self._layer(f"encoder.layers.{layer}", x)
        return self._linear("final_proj", x) if short else x

    def _conv(self, sound: Tensor) -> Tensor:
        x = sound[None, None]
        for index, stride in enumerate(STRIDES):
            name = f"feature_extractor.conv_layers.{index}"
            x = functional.conv1d(x, self._weights[f"{name}.conv.weight"], stride=stride)
            if index == 0:
                scale, shift = self._weights[f"{name}.layer_norm.weight"], self._weights[f"{name}.layer_norm.bias"]
                x = functional.group_norm(x, x.shape[1], scale, shift)
            x = functional.gelu(x)
        return x[0].T

    def _places(self, x: Tensor) -> Tensor:
        """Return what the convolution over neighbours adds; its weights are kept as length and direction for each place."""
        name = "encoder.pos_conv_embed.conv"
        weight = torch._weight_norm(self._weights[f"{name}.weight_v"], self._weights[f"{name}.weight_g"], 2)
        groups, kernel = x.shape[1] // weight.shape[1], weight.shape[2]
        made = functional.conv1d(x.T[None], weight, self._weights[f"{name}.bias"], padding=kernel // 2, groups=groups)
        return functional.gelu(made[0, :, : len(x)]).T

    def _layer(self, name: str, x: Tensor) -> Tensor:
        query, key, value = (
            self._linear(f"{name}.attention.{part}_proj", x).view(len(x), -1, HEAD).transpose(0, 1)[None] for part in ("q", "k", "v")
        )
        heard = functional.scaled_dot_product_attention(query, key, value)[0].transpose(0, 1).reshape(len(x), -1)
        x = self._norm(f"{name}.layer_norm", x + self._linear(f"{name}.attention.out_proj", heard))
        inner = functional.gelu(self._linear(f"{name}.feed_forward.intermediate_dense", x))
        return self._norm(f"{name}.final_layer_norm", x + self._linear(f"{name}.feed_forward.output_dense", inner))

    def _norm(self, name: str, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])


@lru_cache(maxsize=2)
def load_contentvec(path: Path, _digest: str, device: str) -> ContentVec:
    """Return the network of a `model.safetensors` or `pytorch_model.bin`. Raises: EngineError where it is something else."""
    try:
        found = {_spelled(name): value.float().to(device) for name, value in _read(path).items()}
        network = ContentVec(found)
        network.features(torch.zeros(16_000, device=device), 768)
    except Exception as error:
        what = f"not a ContentVec: {' '.join(str(error).split())[:200]}"
        raise EngineError(
            what, where=str(path), allowed="HuBERT base weights as Hugging Face keeps them", fix="see docs/engines.md"
        ) from error
    return network


def _spelled(name: str) -> str:
    """Return a weight's name as older files have it: newer ones keep length and direction as numbered originals."""
    old = name.removeprefix("hubert.").replace("parametrizations.weight.original0", "weight_g")
    return old.replace("parametrizations.weight.original1", "weight_v")


def _read(path: Path) -> Weights:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    return dict(torch.load(path, map_location="cpu", weights_only=True))
