"""RVC's synthesiser for inference, with the layer names of its published checkpoints (v1: 256 features, v2: 768; with and without pitch).

VITS without its posterior: a transformer with relative positions makes a Gaussian of content and pitch, a flow turns that into the
speaker's latents, and a HiFi-GAN with a harmonic source makes the sound (Kim, Kong and Son 2021; Wang, Takaki and Yamagishi 2019). What is
drawn by chance is drawn from a generator that the caller seeds, so that the same line has the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from nightdub.infra.errors import EngineError

SLOPE = 0.1
REACH = 10  # frames on each side that have a relative position of their own
FLOWS, FLOW_LAYERS, FLOW_KERNEL = 4, 3, 5
RATES = {"32k": 32_000, "40k": 40_000, "48k": 48_000}
SINE, SINE_NOISE = 0.1, 0.003  # amplitude of the harmonic source, and of the noise in it
SPREAD = 0.66666  # of the Gaussian that the latents are drawn from, as the authors draw them


@dataclass(frozen=True, slots=True)
class Shape:
    """The `config` of a checkpoint, in its order (the first two are of training alone)."""

    spectrum: int
    segment: int
    inter: int
    hidden: int
    filter: int
    heads: int
    layers: int
    kernel: int
    dropout: float
    resblock: str
    kernels: list[int]
    dilations: list[list[int]]
    rates: list[int]
    upsample: int
    upsample_kernels: list[int]
    speakers: int
    conditions: int
    rate: int


@dataclass(frozen=True)
class Voice:
    """A loaded checkpoint."""

    network: Synthesizer
    rate: int  # Hz of what it speaks
    content: int  # features a frame that it expects: 256 (v1) or 768 (v2)
    pitched: bool


class Norm(nn.Module):  # type: ignore[misc]
    def __init__(self, size: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(size)), nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class Attention(nn.Module):  # type: ignore[misc]
    """Self-attention in which near neighbours have relative keys and values (Shaw et al. 2018)."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q, self.conv_k, self.conv_v, self.conv_o = (nn.Conv1d(size, size, 1) for _ in range(4))
        self.emb_rel_k, self.emb_rel_v = (nn.Parameter(torch.zeros(1, 2 * REACH + 1, size // heads)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[2]
        query, key, value = (self._split(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))
        query = query / math.sqrt(query.shape[-1])
        away = torch.arange(frames, device=x.device)
        away = away[None] - away[:, None]  # (from, to)
        near, place = away.abs() <= REACH, away.clamp(-REACH, REACH) + REACH
        relative = (query @ self.emb_rel_k[0].T).gather(2, place.expand(self.heads, -1, -1))
        weights = torch.softmax(query @ key.transpose(1, 2) + relative * near, dim=2)
        steps = torch.zeros(self.heads, frames, 2 * REACH + 1, dtype=x.dtype, device=x.device)
        steps.scatter_add_(2, place.expand(self.heads, -1, -1), weights * near)
        mixed = weights @ value + steps @ self.emb_rel_v[0]
        return self.conv_o(mixed.transpose(1, 2).reshape(1, -1, frames))

    def _split(self, x: Tensor) -> Tensor:
        return x.view(self.heads, -1, x.shape[2]).transpose(1, 2)


class FeedForward(nn.Module):  # type: ignore[misc]
    def __init__(self, size: int, inner: int, kernel: int) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = nn.Conv1d(size, inner, kernel), nn.Conv1d(inner, size, kernel)
        self.around = ((kernel - 1) // 2, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_2(functional.pad(torch.relu(self.conv_1(functional.pad(x, self.around))), self.around))


class Encoder(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        size = shape.hidden
        self.attn_layers = nn.ModuleList(Attention(size, shape.heads) for _ in range(shape.layers))
        self.norm_layers_1 = nn.ModuleList(Norm(size) for _ in range(shape.layers))
        self.ffn_layers = nn.ModuleList(FeedForward(size, shape.filter, shape.kernel) for _ in range(shape.layers))
        self.norm_layers_2 = nn.ModuleList(Norm(size) for _ in range(shape.layers))

    def forward(self, x: Tensor) -> Tensor:
        for layers in zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True):
            attend, first, feed, second = layers
            x = first(x + attend(x))
            x = second(x + feed(x))
        return x


class ContentEncoder(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape, content: int, *, pitched: bool) -> None:
        super().__init__()
        self.emb_phone = nn.Linear(content, shape.hidden)
        if pitched:
            self.emb_pitch = nn.Embedding(256, shape.hidden)
        self.encoder = Encoder(shape)
        self.proj = nn.Conv1d(shape.hidden, 2 * shape.inter, 1)

    def forward(self, content: Tensor, pitch: Tensor | None) -> tuple[Tensor, Tensor]:
        x = self.emb_phone(content)
        x = x if pitch is None else x + self.emb_pitch(pitch)
        x = functional.leaky_relu(x * math.sqrt(x.shape[2]), SLOPE).transpose(1, 2)
        mean, spread = self.proj(self.encoder(x)).chunk(2, dim=1)
        return mean, spread.exp()


class WaveNet(nn.Module):  # type: ignore[misc]
    def __init__(self, size: int, conditions: int) -> None:
        super().__init__()
        self.cond_layer = weight_norm(nn.Conv1d(conditions, 2 * size * FLOW_LAYERS, 1))
        self.in_layers = nn.ModuleList(
            weight_norm(nn.Conv1d(size, 2 * size, FLOW_KERNEL, padding=FLOW_KERNEL // 2)) for _ in range(FLOW_LAYERS)
        )
        out = [2 * size] * (FLOW_LAYERS - 1) + [size]
        self.res_skip_layers = nn.ModuleList(weight_norm(nn.Conv1d(size, width, 1)) for width in out)

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        size, skipped = x.shape[1], torch.zeros_like(x)
        conditions = self.cond_layer(speaker).split(2 * size, dim=1)
        for condition, hear, tell in zip(conditions, self.in_layers, self.res_skip_layers, strict=True):
            shape, gate = (hear(x) + condition).chunk(2, dim=1)
            told = tell(torch.tanh(shape) * torch.sigmoid(gate))
            if told.shape[1] == size:
                return skipped + told
            x, skipped = x + told[:, :size], skipped + told[:, size:]
        return skipped


class Coupling(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.pre = nn.Conv1d(shape.inter // 2, shape.hidden, 1)
        self.enc = WaveNet(shape.hidden, shape.conditions)
        self.post = nn.Conv1d(shape.hidden, shape.inter // 2, 1)

    def undo(self, x: Tensor, speaker: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=1)
        return torch.cat((first, second - self.post(self.enc(self.pre(first), speaker))), dim=1)


class Flow(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape) -> None:
        super().__init__()  # every second one is a flip of channels, without weights
        self.flows = nn.ModuleList(Coupling(shape) if index % 2 == 0 else nn.Identity() for index in range(2 * FLOWS))

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        for flow in reversed(list(self.flows)):
            x = flow.undo(x, speaker) if isinstance(flow, Coupling) else x.flip(1)
        return x


class ResBlock(nn.Module):  # type: ignore[misc]
    def __init__(self, size: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Module:
            return weight_norm(nn.Conv1d(size, size, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2))

        self.convs1 = nn.ModuleList(conv(dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(functional.leaky_relu(first(functional.leaky_relu(x, SLOPE)), SLOPE))
        return x


class Source(nn.Module):  # type: ignore[misc]
    """A sine at the pitch where there is one, noise elsewhere."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.rate, self.l_linear = rate, nn.Linear(1, 1)

    def forward(self, pitch: Tensor, samples: int, noise: torch.Generator) -> Tensor:
        hertz = pitch.repeat_interleave(samples, dim=1).double()
        phase = torch.cumsum(hertz / self.rate, dim=1) % 1
        voiced = (hertz > 0).double()
        hiss = torch.randn(hertz.shape, generator=noise, dtype=torch.float64).to(hertz.device)
        wave = voiced * SINE * torch.sin(2 * math.pi * phase) + hiss * (voiced * SINE_NOISE + (1 - voiced) * SINE / 3)
        return torch.tanh(self.l_linear(wave.to(pitch.dtype)[..., None])).transpose(1, 2)


class Generator(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape, *, pitched: bool) -> None:
        super().__init__()
        self.samples = math.prod(shape.rates)  # of sound for each frame
        self.conv_pre, self.cond = nn.Conv1d(shape.inter, shape.upsample, 7, padding=3), nn.Conv1d(shape.conditions, shape.upsample, 1)
        self.ups, self.resblocks, self.noise_convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for index, (step, kernel) in enumerate(zip(shape.rates, shape.upsample_kernels, strict=True)):
            wide, size = shape.upsample >> index, shape.upsample >> (index + 1)
            self.ups.append(weight_norm(nn.ConvTranspose1d(wide, size, kernel, step, padding=(kernel - step) // 2)))
            self.resblocks.extend(ResBlock(size, width, gaps) for width, gaps in zip(shape.kernels, shape.dilations, strict=True))
            if pitched:
                stride = math.prod(shape.rates[index + 1 :])
                self.noise_convs.append(
                    nn.Conv1d(1, size, 2 * stride, stride, padding=stride // 2) if stride > 1 else nn.Conv1d(1, size, 1)
                )
        self.conv_post = nn.Conv1d(size, 1, 7, padding=3, bias=False)
        if pitched:
            self.m_source = Source(shape.rate)

    def forward(self, x: Tensor, pitch: Tensor | None, speaker: Tensor, noise: torch.Generator) -> Tensor:
        source = None if pitch is None else self.m_source(pitch, self.samples, noise)
        x = self.conv_pre(x) + self.cond(speaker)
        each = len(self.resblocks) // len(self.ups)
        for index, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE))
            x = x if source is None else x + self.noise_convs[index](source)
            blocks = self.resblocks[each * index : each * (index + 1)]
            x = torch.stack([block(x) for block in blocks]).sum(dim=0) / each
        return torch.tanh(self.conv_post(functional.leaky_relu(x)))


class Synthesizer(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape, content: int, *, pitched: bool) -> None:
        super().__init__()
        self.enc_p = ContentEncoder(shape, content, pitched=pitched)
        self.dec, self.flow = Generator(shape, pitched=pitched), Flow(shape)
        self.emb_g = nn.Embedding(shape.speakers, shape.conditions)

    def forward(self, content: Tensor, coarse: Tensor | None, pitch: Tensor | None, speaker: int, noise: torch.Generator) -> Tensor:
        """Return sound (1, 1, samples) for content (1, frames, features), coarse pitch 1 to 255 and pitch in Hz, each (1, frames)."""
        who = self.emb_g.weight[speaker][None, :, None]
        mean, spread = self.enc_p(content, coarse)
        drawn = mean + SPREAD * spread * torch.randn(mean.shape, generator=noise).to(mean.device)
        return self.dec(self.flow(drawn, who), pitch, who, noise)


@lru_cache(maxsize=4)
def load_voice(path: Path, _digest: str, device: str) -> Voice:
    """Return the network of a checkpoint as RVC's training extracts it, on a device. Raises: EngineError where it is something else."""
    torch.set_num_threads(1)  # the fan-out owns the cores, and sums come out the same on every machine
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        *sizes, rate = saved["config"]
        shape, pitched = Shape(*[*sizes, int(RATES.get(rate, rate))]), bool(int(saved.get("f0", 1)))
        content = 768 if saved.get("version", "v1") == "v2" else 256
        network = Synthesizer(shape, content, pitched=pitched)
        network.load_state_dict({name: value.float() for name, value in saved["weight"].items() if not name.startswith("enc_q.")})
    except Exception as error:
        what = f"not an RVC voice: {' '.join(str(error).split())[:200]}"
        raise EngineError(what, where=str(path), allowed="a checkpoint of RVC v1 or v2 (weight, config, version, f0, sr)") from error
    return Voice(network.eval().to(device), shape.rate, content, pitched)
