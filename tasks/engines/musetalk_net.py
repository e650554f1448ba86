"""The parts of MuseTalk (Zhang et al. 2024, arXiv 2410.10122): a VAE, a U-Net that inpaints in one step, Whisper's encoder as its ear."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.model import ModelDimensions, Whisper

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.weights import why_not
from nightdub.tasks.protocols import Frames, Sound

BEFORE, AFTER = 4, 6  # of the encoder's places, 20 ms each, that are heard around a frame's start
HEARD = 50.0  # places a second
RATE = 16_000  # Hz


@dataclass(frozen=True, slots=True)
class Parts:
    """One loaded model."""

    unet: Any
    vae: Any
    ear: Any
    device: str
    kind: torch.dtype

    def listen(self, speech: Sound) -> Tensor:
        """Return what the encoder's embedding and each of its layers hear in 16 kHz sound, shape (places, layers + 1, width)."""
        parts = [self._window(speech[start : start + N_SAMPLES]) for start in range(0, max(1, len(speech)), N_SAMPLES)]
        return torch.cat(parts)[: max(1, round(len(speech) / RATE * HEARD))]

    def draw(self, faces: Frames, heard: Tensor) -> Frames:
        """Return faces, shape (faces, side, side, 3) BGR, with the lower half drawn to what is heard, shape (faces, tokens, width)."""
        seen = torch.from_numpy(np.ascontiguousarray(faces[..., ::-1])).permute(0, 3, 1, 2).to(self.device, self.kind) / 127.5 - 1
        hidden = seen.clone()
        hidden[:, :, faces.shape[1] // 2 :] = -1
        with torch.inference_mode():
            shown = torch.cat((self._encode(hidden), self._encode(seen)), dim=1)
            step = torch.zeros(1, dtype=torch.long, device=self.device)
            made = self.unet(shown, step, encoder_hidden_states=heard.to(self.kind) + _places(heard)).sample
            picture = self.vae.decode(made / self.vae.config.scaling_factor).sample
        levels = ((picture.float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy()[..., ::-1])

    def _encode(self, pictures: Tensor) -> Tensor:
        """Return the most likely latents: drawing one by chance would make every run another."""
        return torch.as_tensor(self.vae.encode(pictures).latent_dist.mode() * self.vae.config.scaling_factor)

    def _window(self, speech: npt.NDArray[np.float32]) -> Tensor:
        """Return the hidden states of one window of 30 s: the embedding, each layer's output, the last one normalised."""
        mel = log_mel_spectrogram(pad_or_trim(np.ascontiguousarray(speech)), self.ear.dims.n_mels).to(self.device, self.kind)
        encoder = self.ear.encoder
        with torch.inference_mode():
            x = torch.nn.functional.gelu(encoder.conv1(mel[None]))
            x = torch.nn.functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
            states = [(x + encoder.positional_embedding).to(self.kind)]
            for block in encoder.blocks:
                states.append(block(states[-1]))
            states[-1] = encoder.ln_post(states[-1])
        return torch.stack(states, dim=2)[0]


def around(heard: Tensor, frames: list[int], frame_rate: float) -> Tensor:
    """Return what is heard around each frame, shape (frames, 10 places of all layers, width); silence (zeros) beyond the ends."""
    padded = torch.nn.functional.pad(heard, (0, 0, 0, 0, BEFORE, AFTER + max([0, *(int(f * HEARD / frame_rate) for f in frames)])))
    windows = [padded[int(frame * HEARD / frame_rate) :][: BEFORE + AFTER] for frame in frames]
    return torch.stack(windows).flatten(1, 2)


@lru_cache(maxsize=1)
def load_parts(unet: Path, config: Path, vae: Path, ear: Path, digest: str, device: str) -> Parts:  # noqa: ARG001
    """Return the model of these files; `digest` tells files of one name apart.

    Raises: MachineLacks where there is no such device; EngineError where the files are no such model.
    """
    from diffusers import AutoencoderKL, UNet2DConditionModel

    if device != "cpu" and not torch.cuda.is_available():
        raise MachineLacks(f"no device {device!r}", where="engine musetalk", allowed="cpu", fix="name another device in the profile")
    kind = torch.float32 if device == "cpu" else torch.float16
    try:
        shape = {name: value for name, value in json.loads(config.read_bytes()).items() if not name.startswith("_")}
        network = UNet2DConditionModel(**shape)
        network.load_state_dict(torch.load(unet, map_location="cpu", weights_only=True))
        saved = torch.load(ear, map_location="cpu", weights_only=True)
        listener = Whisper(ModelDimensions(**saved["dims"]))
        listener.load_state_dict(saved["model_state_dict"])
        coder = AutoencoderKL.from_pretrained(str(vae), local_files_only=True, low_cpu_mem_usage=False)
    except Exception as error:
        raise _unfit(why_not(error), unet) from error
    if network.config.cross_attention_dim != listener.dims.n_audio_state:
        raise _unfit(f"{ear.name} hears {listener.dims.n_audio_state} numbers a place, not {network.config.cross_attention_dim}", unet)
    unet_ready, vae_ready, ear_ready = (
        part.eval().requires_grad_(requires_grad=False).to(device, kind) for part in (network, coder, listener)
    )
    return Parts(unet_ready, vae_ready, ear_ready, device, kind)


def _unfit(what: str, unet: Path) -> EngineError:
    return EngineError(what, where=str(unet), allowed="a MuseTalk model with its VAE and Whisper tiny", fix="fetch the weights again")


def _places(heard: Tensor) -> Tensor:
    """Return the sinusoidal encoding of each token's place (Vaswani et al. 2017), shape (1, tokens, width)."""
    tokens, width = heard.shape[1:]
    steps = torch.exp(torch.arange(0, width, 2, device=heard.device) * (-np.log(10_000.0) / width))
    angles = torch.arange(tokens, device=heard.device)[:, None] * steps
    return torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)[None].to(heard.dtype)
