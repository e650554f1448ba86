"""Lip-sync by Wav2Lip: mouths of 96 x 96 pixels, drawn to 0.2 s of sound each.

Needs torch (`make engines-neural`) and the path of a generator's checkpoint (`wav2lip.pth`, `wav2lip_gan.pth`). Its authors forbid
commercial use of code and weights. Nothing is downloaded while a night runs; torch loads with the first shot, not with the identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import MachineLacks
from nightdub.tasks.engines.face_crops import batches, cut_out, find_crops, lay_back
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Animated, Frames, Identity, Sound
from nightdub.tasks.rows import FaceTrack, SpokenSound
from nightdub.tasks.sound import resample

SIZE = 96  # pixels of a face
RATE, HOP, WINDOW, BANDS = 16_000, 200, 800, 80  # Hz, samples, samples, mel bands: as the model was trained
COLUMNS = 16  # of the spectrogram that are shown for a frame: 0.2 s
SILENCE = -4.0  # of the spectrogram

Spectrogram = npt.NDArray[np.float32]


class Wav2Lip:
    """Draws the lower half of the face in every frame of a shot. `model` is a checkpoint, `batch` the frames drawn at once.

    On a CUDA device it computes in half precision.
    """

    def __init__(self, model: str, device: str = "cpu", batch: int = 32) -> None:
        self._model, self._device, self._batch = Path(model).expanduser(), device, batch

    def identity(self) -> Identity:
        """Return the digest of the weights. Raises: MachineLacks without them."""
        precision = "float32" if self._device == "cpu" else "float16"
        return Identity("wav2lip", "1", digest_weights(self._checkpoint()), {"precision": precision})

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

        Raises: MachineLacks without weights or device; EngineError where the checkpoint is another model's.
        """
        if face.skipped or not face.boxes:
            return Animated(frames, 0, face.skipped or "no-face")
        crops = find_crops(frames, face)
        if not crops:
            return Animated(frames, 0, "no-face")
        if not len(speech) or not np.any(speech):
            return Animated(frames, 0, "no-speech")
        sound = chunks(spectrogram(resample(speech, sample_rate, RATE)), len(frames), frame_rate)
        drawn = frames.copy()
        for part in batches(crops, self._batch):
            faces = cut_out(frames, part, SIZE)
            lay_back(drawn, part, self._draw(faces, sound[[crop.frame for crop in part]]))
        return Animated(drawn, len(crops))

    def _draw(self, faces: Frames, sound: Spectrogram) -> Frames:
        import torch

        from nightdub.tasks.engines.wav2lip_net import load_generator

        path = self._checkpoint()
        network = load_generator(path, digest_weights(path), self._device)
        kind = next(network.parameters()).dtype
        seen = torch.from_numpy(faces).permute(0, 3, 1, 2).to(self._device, kind) / 255
        hidden = seen.clone()
        hidden[:, :, SIZE // 2 :] = 0
        with torch.inference_mode():
            made = network(torch.from_numpy(sound[:, None]).to(self._device, kind), torch.cat((hidden, seen), dim=1))
        return np.asarray((made.float() * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())

    def _checkpoint(self) -> Path:
        if not self._model.is_file():
            what, fix = f"no weights at {self._model}", "put the checkpoint there, or name its path in the profile"
            raise MachineLacks(what, where="engine wav2lip", allowed="the path of a Wav2Lip checkpoint", fix=fix)
        return self._model


def spectrogram(speech: Sound) -> Spectrogram:
    """Return the mel spectrogram of 16 kHz sound, shape (80, columns), 80 columns a second, from -4 (-100 dB or less) to 4 (0 dB).

    As in training: pre-emphasis of 0.97, Hann window, amplitude, Slaney's bands from 55 to 7,600 Hz, 20 dB taken off.
    """
    from librosa import stft
    from librosa.filters import mel

    sound = np.append(speech[:1], speech[1:] - np.float32(0.97) * speech[:-1]).astype(np.float32)
    short = max(0, WINDOW - len(sound))  # mirroring at the ends needs a window's length
    spectrum = np.abs(stft(np.pad(sound, (0, short)), n_fft=WINDOW, hop_length=HOP, pad_mode="reflect"))
    bands = mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS, fmin=55, fmax=7600) @ spectrum
    level = 20 * np.log10(np.maximum(bands, 1e-5)) - 20
    return np.asarray(np.clip(8 * (level + 100) / 100 - 4, -4, 4), np.float32)


def chunks(spectrum: Spectrogram, frames: int, frame_rate: float) -> Spectrogram:
    """Return what is shown for each frame, shape (frames, 80, 16): the 0.2 s from its start on, silence after the end."""
    starts = [int(frame * RATE / HOP / frame_rate) for frame in range(frames)]
    padded = np.pad(spectrum, ((0, 0), (0, max(0, starts[-1] + COLUMNS - spectrum.shape[1]))), constant_values=SILENCE)
    return np.stack([padded[:, start : start + COLUMNS] for start in starts])
