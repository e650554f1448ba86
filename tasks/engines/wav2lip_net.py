"""The generator of Wav2Lip (Prajwal et al. 2020, "A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild").

Layers have the names and shapes of the published checkpoints. The width of the network is read off the checkpoint: 16 channels in the
first layer of the published ones.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.weights import why_not

WIDTH = 16  # channels of the first layer as published
_FIRST = "face_encoder_blocks.0.0.conv_block.0.weight"
# Face encoder: channels in units of the first layer's, and how many layers with a short cut follow; each block but the first halves.
_FACE = ((1, 0), (2, 2), (4, 3), (8, 2), (16, 2), (32, 1))
# Sound encoder: channels, stride, and how many layers with a short cut follow.
_SOUND = ((2, 1, 2), (4, (3, 1), 2), (8, 3, 2), (16, (3, 2), 1))
# Face decoder: channels, and how many layers with a short cut follow; each block doubles.
_DRAWN = ((32, 2), (24, 2), (16, 2), (8, 2), (4, 2))


class Layer(nn.Module):  # type: ignore[misc]
    """Convolution, batch normalisation, optional short cut, rectifier."""

    def __init__(self, convolution: nn.Module, channels: int, *, short_cut: bool = False) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(channels))
        self.short_cut = short_cut

    def forward(self, x: Tensor) -> Tensor:
        made = self.conv_block(x)
        return torch.relu(made + x if self.short_cut else made)


class Generator(nn.Module):  # type: ignore[misc]
    """Draws the lower half of faces to their sound."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        deep = 32 * width
        self.face_encoder_blocks = nn.ModuleList(_face_blocks(width))
        self.audio_encoder = nn.Sequential(*_sound_layers(width))
        self.face_decoder_blocks = nn.ModuleList([nn.Sequential(_layer(deep, deep, 1, padding=0)), *_drawn_blocks(width)])
        last = nn.Conv2d(2 * width, 3, 1)
        self.output_block = nn.Sequential(_layer((_DRAWN[-1][0] + 1) * width, 2 * width), last, nn.Sigmoid())

    def forward(self, sound: Tensor, faces: Tensor) -> Tensor:
        """Return faces (batch, 3, 96, 96), 0 to 1, from sound (batch, 1, 80, 16) and faces with and without mouth (batch, 6, 96, 96)."""
        seen = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            seen.append(faces)
        drawn = self.audio_encoder(sound)
        for block in self.face_decoder_blocks:
            drawn = torch.cat((block(drawn), seen.pop()), dim=1)
        return torch.as_tensor(self.output_block(drawn))


@lru_cache(maxsize=2)
def load_generator(path: Path, digest: str, device: str) -> Generator:  # noqa: ARG001
    """Return the network of a checkpoint, ready to draw; `digest` tells files of one name apart.

    Raises: MachineLacks where there is no such device; EngineError where the file is no checkpoint of this network.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise MachineLacks(f"no device {device!r}", where="engine wav2lip", allowed="cpu", fix="name another device in the profile")
    try:
        weights = _weights(torch.load(path, map_location="cpu", weights_only=True))
        network = Generator(weights[_FIRST].shape[0])
        network.load_state_dict(weights)
    except Exception as error:
        allowed = "a Wav2Lip generator's checkpoint"
        raise EngineError(why_not(error), where=str(path), allowed=allowed, fix="fetch the weights again") from error
    network.eval().requires_grad_(requires_grad=False)
    return network.to(device).half() if device != "cpu" else network


def _weights(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """Return the weights by name: training on several cards puts "module." before each."""
    return {name.removeprefix("module."): value for name, value in checkpoint["state_dict"].items()}


def _layer(before: int, after: int, kernel: int = 3, stride: Any = 1, padding: int = 1, *, short_cut: bool = False) -> Layer:
    return Layer(nn.Conv2d(before, after, kernel, stride, padding), after, short_cut=short_cut)


def _short_cuts(channels: int, count: int) -> list[Layer]:
    return [_layer(channels, channels, short_cut=True) for _ in range(count)]


def _face_blocks(width: int) -> list[nn.Sequential]:
    blocks = [nn.Sequential(_layer(6, width, 7, padding=3))]
    for (before, _), (after, more) in pairwise(_FACE):
        blocks.append(nn.Sequential(_layer(before * width, after * width, stride=2), *_short_cuts(after * width, more)))
    deep = _FACE[-1][0] * width
    return [*blocks, nn.Sequential(_layer(deep, deep, padding=0), _layer(deep, deep, 1, padding=0))]


def _sound_layers(width: int) -> list[Layer]:
    layers, before = [], 1
    for channels, stride, more in _SOUND:
        layers += [_layer(before, channels * width, stride=stride), *_short_cuts(channels * width, more)]
        before = channels * width
    return [*layers, _layer(before, 2 * before, padding=0), _layer(2 * before, 2 * before, 1, padding=0)]


def _drawn_blocks(width: int) -> list[nn.Sequential]:
    """Return the blocks that double the picture; each also gets what the face encoder saw at its size."""
    deep = 32 * width
    blocks = [nn.Sequential(Layer(nn.ConvTranspose2d(2 * deep, deep, 3), deep), *_short_cuts(deep, 1))]
    before = 2 * deep
    for (channels, more), (beside, _) in zip(_DRAWN, reversed(_FACE[:-1]), strict=True):
        after = channels * width
        grown = nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)
        blocks.append(nn.Sequential(Layer(grown, after), *_short_cuts(after, more)))
        before = after + beside * width
    return blocks
