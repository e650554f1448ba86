"""Lip-sync by MuseTalk: mouths of 256 x 256 pixels, inpainted in the latents of Stable Diffusion's VAE to what Whisper's encoder hears.

Needs torch, openai-whisper and diffusers (`make engines-neural`) and three models: MuseTalk's U-Net with its `musetalk.json` beside it,
a folder with `sd-vae-ft-mse`, and Whisper's `tiny.pt`. Nothing is downloaded while a night runs; torch loads with the first shot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import MachineLacks
from nightdub.tasks.engines.face_crops import batches, cut_out, find_crops, lay_back
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Animated, Frames, Identity, Sound
from nightdub.tasks.rows import FaceTrack, SpokenSound
from nightdub.tasks.sound import resample

CODERS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")  # what diffusers takes from a folder, first choice first


class MuseTalk:
    """Draws the lower half of the face in every frame of a shot.

    Args:
        unet: MuseTalk's checkpoint; `musetalk.json` lies beside it.
        vae: Folder of the VAE, as diffusers saves it.
        whisper: Checkpoint of openai-whisper's tiny model.
        device: "cpu" or a CUDA device, which computes in half precision.
        batch: Frames drawn at once.
        size: Pixels of a face; 256 as trained.
    """

    def __init__(self, unet: str, vae: str, whisper: str, device: str = "cpu", batch: int = 8, size: int = 256) -> None:
        self._unet, self._vae, self._whisper = (Path(path).expanduser() for path in (unet, vae, whisper))
        self._device, self._batch, self._size = device, batch, size

    def identity(self) -> Identity:
        """Return the digest of all weights and their settings. Raises: MachineLacks without them."""
        precision = "float32" if self._device == "cpu" else "float16"
        return Identity("musetalk", "1", self._digest(), {"precision": precision, "size": self._size})

    def animate(
        self,
        frames: Frames,
        frame_rate: float,
        face: FaceTrack,
        speech: Sound,
        sample_rate: int,
        sounds: Sequence[SpokenSound],  # noqa: ARG002
    ) -> Animated:
        """Return as many frames as came; those without a face stay as they are. The phonemes are not looked at.

        Raises: MachineLacks without weights or device; EngineError where they are another model's.
        """
        if face.skipped or not face.boxes:
            return Animated(frames, 0, face.skipped or "no-face")
        crops = find_crops(frames, face)
        if not crops:
            return Animated(frames, 0, "no-face")
        if not len(speech) or not np.any(speech):
            return Animated(frames, 0, "no-speech")
        digest = self._digest()
        from nightdub.tasks.engines.musetalk_net import RATE, around, load_parts  # loads torch

        parts = load_parts(self._unet, self._config, self._vae, self._whisper, digest, self._device)
        heard, drawn = parts.listen(resample(speech, sample_rate, RATE)), frames.copy()
        for part in batches(crops, self._batch):
            sound = around(heard, [crop.frame for crop in part], frame_rate)
            lay_back(drawn, part, parts.draw(cut_out(frames, part, self._size), sound))
        return Animated(drawn, len(crops))

    @property
    def _config(self) -> Path:
        return self._unet.with_name("musetalk.json")

    def _digest(self) -> str:
        coder = next((self._vae / name for name in CODERS if (self._vae / name).is_file()), self._vae / CODERS[0])
        files = [self._unet, self._config, self._vae / "config.json", coder, self._whisper]
        if missing := [str(path) for path in files if not path.is_file()]:
            fix = "put the files there, or name their paths in the profile"
            raise MachineLacks(f"no {', '.join(missing)}", where="engine musetalk", allowed="U-Net, VAE and Whisper tiny", fix=fix)
        return digest_of([digest_weights(path) for path in files])
