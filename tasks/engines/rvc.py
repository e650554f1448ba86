"""Convert a voice with RVC: content by ContentVec, retrieved from the character's own recordings, spoken by the character's model.

Needs torch (`make engines-neural`), a ContentVec as Hugging Face keeps it, and a model for each character in the voice book
(`nightdub voices set --model --model-index`); faiss-cpu where a model has an index. Without a model, which is only given where a consent
record holds, a line is handed to the next converter. Figures are the authors' defaults. The pitch is shifted to the speaker's median;
formants are the model's own, so that no shift moves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Converted, Identity, Sound
from nightdub.tasks.rows import Hertz, Speaker
from nightdub.tasks.sound import SPEECH_RATE, resample
from nightdub.tasks.voice import as_long_and_loud

WINDOW = 160  # samples of 16 kHz for each frame of pitch; half a frame of content
LOWEST, HIGHEST = 50.0, 1100.0  # Hz of pitch
RUMBLE = 48.0  # Hz below which everything is taken away before listening
NEIGHBOURS = 8
CONTEXT = 1.0  # seconds heard on both sides of a piece, and thrown away
PIECE = 12.0  # seconds converted at once: time and memory grow with the square of a piece, and evenly with the line
QUIET = 2.0  # seconds before a piece's end in which it is cut, where the line is most quiet

_Array = npt.NDArray[np.floating]


class Rvc:
    """Speaks each clip with its speaker's own model.

    `contentvec` is a file, `index` the share of retrieved content, `protect` how much of that is kept where there is no pitch (0.5 = all).
    """

    def __init__(self, contentvec: str, device: str = "cpu", index: float = 0.75, protect: float = 0.33) -> None:
        self._contentvec, self._device, self._index, self._protect = Path(contentvec).expanduser(), device, index, protect

    def identity(self) -> Identity:
        """Return the digest of ContentVec; a character's model is in the key of its lines. Raises: MachineLacks."""
        settings = {"index": self._index, "protect": self._protect, "pitch": "harvest+stonemask, median of 3"}
        return Identity("rvc", "1", digest_weights(self._listener()), settings)

    def convert(self, clips: Sequence[Sound], sample_rate: int, speakers: Sequence[Speaker]) -> list[Converted]:
        """Return each clip as long and as loud as it was, in its speaker's voice; `failed` where the speaker has no model.

        Raises: MachineLacks, or EngineError where a file is not what it should be.
        """
        return [self._convert(clip, sample_rate, speaker) for clip, speaker in zip(clips, speakers, strict=True)]

    def _convert(self, clip: Sound, rate: int, speaker: Speaker) -> Converted:
        if not speaker.model:
            return Converted(clip, failed="no-model-of-the-voice")
        if not np.any(clip):
            return Converted(clip)
        from nightdub.tasks.engines.rvc_net import load_voice

        path = Path(speaker.model)
        voice = load_voice(path, digest_weights(path), self._device)
        sound = _without_rumble(resample(clip, rate, SPEECH_RATE))
        around = round(CONTEXT * SPEECH_RATE)
        padded = np.pad(sound, (around, around + WINDOW), mode="reflect" if len(sound) > around + WINDOW else "constant")
        pitch = shift_pitch(track_pitch(padded), speaker.pitch_median)
        made = [self._piece(voice, padded, pitch, first, last, speaker) for first, last in pieces(sound)]
        spoken = resample(np.concatenate(made), voice.rate, rate)
        return Converted(as_long_and_loud(spoken, clip), cloned=True)

    def _piece(self, voice: Any, padded: Sound, pitch: _Array, first: int, last: int, speaker: Speaker) -> Sound:
        """Return frames `first` to `last` of the line; both are counted without the padding, which is heard as context."""
        import torch

        context = round(CONTEXT * SPEECH_RATE) // WINDOW
        heard = padded[first * WINDOW : (last + 2 * context) * WINDOW + 2 * WINDOW]
        content = self._content(heard, voice.content)
        mixed = content if not speaker.model_index else self._retrieved(content, Path(speaker.model_index))
        frames = min(2 * len(content), last - first + 2 * context)
        hertz = pitch[first : first + frames].astype(np.float32)
        kept = np.where(hertz > 0, 1.0, self._protect if self._protect < 0.5 else 1.0)[:, None]
        content, mixed = (np.repeat(rows, 2, axis=0)[:frames] for rows in (content, mixed))
        said = torch.from_numpy((mixed * kept + content * (1 - kept)).astype(np.float32))[None].to(self._device)
        tones = [torch.from_numpy(row)[None].to(self._device) for row in (coarse_pitch(hertz), hertz)] if voice.pitched else [None, None]
        with torch.inference_mode():
            sound = voice.network(said, *tones, 0, torch.Generator().manual_seed(0))[0, 0].float().cpu().numpy()
        each = len(sound) // frames
        return np.asarray(sound[context * each : (context + last - first) * each], np.float32)

    def _content(self, sound: Sound, size: int) -> npt.NDArray[np.float32]:
        import torch

        from nightdub.tasks.engines.contentvec import load_contentvec

        path = self._listener()
        network = load_contentvec(path, digest_weights(path), self._device)
        with torch.inference_mode():
            found = network.features(torch.from_numpy(np.ascontiguousarray(sound, np.float32)).to(self._device), size)
        if found.shape[1] != size:
            raise EngineError(
                f"{found.shape[1]} numbers a frame",
                where=str(path),
                allowed=f"{size}, as the voice was trained on",
                fix="name another ContentVec",
            )
        return np.asarray(found.cpu().numpy())

    def _retrieved(self, content: npt.NDArray[np.float32], path: Path) -> npt.NDArray[np.float32]:
        index, rows = _load_index(path, digest_weights(path))
        if rows.shape[1] != content.shape[1]:
            raise EngineError(
                f"{rows.shape[1]} numbers a row",
                where=str(path),
                allowed=str(content.shape[1]),
                fix="name the index that was trained with the model",
            )
        return self._index * retrieve(content, index, rows) + (1 - self._index) * content

    def _listener(self) -> Path:
        if not self._contentvec.is_file():
            what, fix = f"no weights at {self._contentvec}", "put the file there, or name its path in the profile"
            raise MachineLacks(what, where="engine rvc", allowed="model.safetensors or pytorch_model.bin of ContentVec", fix=fix)
        return self._contentvec


def track_pitch(sound: Sound) -> _Array:
    """Return the pitch of 16 kHz sound in Hz every 10 ms, 0 where there is none: WORLD's harvest, refined, median of three."""
    import pyworld
    from scipy.signal import medfilt

    wide = np.ascontiguousarray(sound, np.float64)
    rough, times = pyworld.harvest(wide, SPEECH_RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=1000 * WINDOW / SPEECH_RATE)
    return np.asarray(medfilt(pyworld.stonemask(wide, rough, times, SPEECH_RATE), 3))


def shift_pitch(pitch: _Array, median: Hertz) -> _Array:
    """Return the pitch moved by one factor to a median; as it is where either is unknown."""
    voiced = pitch[pitch > 0]
    return pitch if not voiced.size or median <= 0 else pitch * (median / float(np.median(voiced)))


def coarse_pitch(pitch: _Array) -> npt.NDArray[np.int64]:
    """Return the pitch in 255 steps that are even in mel, 50 to 1,100 Hz; 1 where there is none."""
    low, high = _mel(LOWEST), _mel(HIGHEST)
    steps = np.where(pitch > 0, (_mel(pitch) - low) * 254 / (high - low) + 1, 1)
    return np.asarray(np.rint(np.clip(steps, 1, 255)), np.int64)


def retrieve(content: npt.NDArray[np.float32], index: Any, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return for each frame the mean of its nearest rows, each weighed by one over its distance squared (faiss gives squared distances)."""
    distance, places = index.search(np.ascontiguousarray(content), NEIGHBOURS)
    weight = np.where(places >= 0, 1 / np.maximum(distance, 1e-9) ** 2, 0.0)
    return np.asarray(np.einsum("fk,fkc->fc", weight / weight.sum(axis=1, keepdims=True), rows[places]), np.float32)


def pieces(sound: Sound) -> list[tuple[int, int]]:
    """Return first and last frame of each piece: `PIECE` seconds at most, cut where the line is most quiet in the last `QUIET` of them."""
    frames = -(-len(sound) // WINDOW)
    size, look = (round(seconds * SPEECH_RATE / WINDOW) for seconds in (PIECE, QUIET))
    loud = np.abs(np.pad(sound, (0, frames * WINDOW - len(sound)))).reshape(frames, WINDOW).sum(axis=1)
    cuts = [0]
    while frames - cuts[-1] > size:
        after = cuts[-1] + size - look
        cuts.append(after + int(np.argmin(loud[after : after + look])))
    return list(zip(cuts, [*cuts[1:], frames], strict=True))


def _mel(hertz: Any) -> Any:
    return 1127 * np.log1p(hertz / 700)


def _without_rumble(sound: Sound) -> Sound:
    from scipy.signal import butter, sosfiltfilt

    high = butter(5, RUMBLE, "highpass", fs=SPEECH_RATE, output="sos")
    return np.asarray(sosfiltfilt(high, sound, padlen=min(64, len(sound) - 1)), np.float32)


@lru_cache(maxsize=4)
def _load_index(path: Path, _digest: str) -> tuple[Any, npt.NDArray[np.float32]]:
    """Return a faiss index and its rows. Raises: MachineLacks without faiss, EngineError where the file is no index."""
    try:
        import faiss
    except ImportError as error:
        raise MachineLacks("faiss not found", where="engine rvc", fix="make engines-neural") from error
    try:
        index = faiss.read_index(str(path))
        return index, np.asarray(index.reconstruct_n(0, index.ntotal), np.float32)
    except RuntimeError as error:
        raise EngineError("not a faiss index", where=str(path), allowed="the index that RVC trains", fix="name another file") from error
