"""Whisper's loop over 30-second windows, with the first window of several clips decoded at once.

An utterance nearly always fits one window, so that a batch of them costs little more than one. What follows, from the check of
plausibility to word times and further windows, is whisper's own `transcribe`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import whisper
from whisper.audio import N_FRAMES, N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions, DecodingResult, DecodingTask
from whisper.tokenizer import LANGUAGES

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.weights import why_not
from nightdub.tasks.protocols import Heard, Sound
from nightdub.tasks.rows import Language, Seconds, Word

RATE = 16_000  # Hz
SHORTEST = 0.1  # seconds

_alone = threading.Lock()  # sampling draws from torch's one generator, and a second copy of the weights would gain nothing


@dataclass(frozen=True, slots=True)
class Listener:
    """One checkpoint with its search; instances in one process share the weights, and take turns."""

    checkpoint: Path
    digest: str  # of the checkpoint
    device: str
    beam_size: int
    best_of: int

    def hear(self, clips: Sequence[Sound], language: Language) -> list[Heard]:
        """Return the words of each clip of a batch. Raises: MachineLacks, EngineError: see `Whisper.recognise`."""
        with _alone:
            model = _model(self.checkpoint, self.digest, self.device)
            refusals = [_refusal(model, clip, language) for clip in clips]
            good = [clip for clip, refusal in zip(clips, refusals, strict=True) if not refusal]
            heard = (
                self._transcribe(model, clip, first, language)
                for clip, first in zip(good, self._first_windows(model, good, language), strict=True)
            )
            return [Heard("", failed=refusal) if refusal else next(heard) for refusal in refusals]

    def _first_windows(self, model: Any, clips: Sequence[Sound], language: Language) -> list[DecodingResult]:
        if not clips:
            return []
        windows = torch.stack([_first_window(clip, model.dims.n_mels) for clip in clips]).to(model.device)
        options = DecodingOptions(language=language, beam_size=self.beam_size, fp16=self._half)
        found: list[DecodingResult] = _Together(model, options).run(windows)
        return found

    def _transcribe(self, model: Any, clip: Sound, first: DecodingResult, language: Language) -> Heard:
        with _same_dice(self.device):
            found = whisper.transcribe(
                _Primed(model, first),
                clip,
                language=language,
                beam_size=self.beam_size,
                best_of=self.best_of,
                fp16=self._half,
                word_timestamps=True,
                condition_on_previous_text=False,  # a window that went wrong spoils no other
            )
        return _heard([word for part in found["segments"] for word in part["words"]], len(clip) / RATE)

    @property
    def _half(self) -> bool:
        return self.device != "cpu"


class _Together(DecodingTask):  # type: ignore[misc]  # whisper has no types
    """Whisper's decoding of several windows by beam search.

    In openai-whisper 20250625 the windows' features are not repeated for their beams, so that it decodes several windows only greedily.
    """

    def _get_audio_features(self, mel: torch.Tensor) -> torch.Tensor:
        return super()._get_audio_features(mel).repeat_interleave(self.n_group, dim=0)

    def _detect_language(self, audio_features: torch.Tensor, tokens: torch.Tensor) -> tuple[list[str | None], None]:  # noqa: ARG002
        return [self.options.language] * len(tokens), None


class _Primed:
    """A model whose first answer is there already; for all that follows it is the model."""

    def __init__(self, model: Any, first: DecodingResult) -> None:
        self._model, self._first = model, [first]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, mel: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model(mel, tokens)
        return logits

    def decode(self, mel: torch.Tensor, options: DecodingOptions) -> DecodingResult:
        return self._first.pop() if self._first else self._model.decode(mel, options)


def _first_window(clip: Sound, mels: int) -> torch.Tensor:
    """Return what `transcribe` decodes first, shape (mels, 3000): levels are relative to the whole clip's loudest sound."""
    mel = log_mel_spectrogram(clip, mels, padding=N_SAMPLES)
    return pad_or_trim(mel[:, : min(N_FRAMES, mel.shape[-1] - N_FRAMES)], N_FRAMES)


def _refusal(model: Any, clip: Sound, language: Language) -> str:
    known = tuple(LANGUAGES)[: model.num_languages] if model.is_multilingual else ("en",)
    if language not in known:
        return f"no-model-for-{language}"
    if len(clip) < SHORTEST * RATE:
        return "clip-too-short"
    return "" if np.isfinite(clip).all() else "clip-not-finite"


def _heard(found: Sequence[dict[str, Any]], length: Seconds) -> Heard:
    """Return whisper's words; its pieces carry their own spaces, so that languages without any stay as written."""
    words = tuple(
        Word(piece["word"].strip(), min(float(piece["start"]), length), min(float(piece["end"]), length))
        for piece in found
        if piece["word"].strip()
    )
    return Heard("".join(piece["word"] for piece in found).strip(), words)


@contextmanager
def _same_dice(device: str) -> Iterator[None]:
    """Sample from the same seed each time, and leave torch's own generators as they were."""
    with torch.random.fork_rng(devices=[] if device == "cpu" else [torch.device(device)]):
        torch.manual_seed(0)
        yield


@lru_cache(maxsize=2)  # a model, and what a chain falls back to
def _model(path: Path, digest: str, device: str) -> Any:
    if device != "cpu" and not torch.cuda.is_available():
        raise MachineLacks(
            f"no device {device!r}", where="engine whisper", allowed="cpu", fix="set `device: cpu` in the profile, or use a CUDA machine"
        )
    try:
        with torch.random.fork_rng(devices=[]):  # random weights are made before the right ones are read
            model = whisper.load_model(str(path.absolute()), device=device)  # "tiny" alone would be a name, and fetched
    except Exception as error:
        raise EngineError(why_not(error), where=str(path), allowed="a checkpoint of openai-whisper", fix="fetch it again") from error
    if heads := _alignment_heads(digest):
        model.set_alignment_heads(heads)
    return model


def _alignment_heads(digest: str) -> bytes | None:
    """Return the attention heads that tell words' times in an official checkpoint, known by its sha256 whatever its file is called.

    Whisper gives them only to checkpoints that it fetched itself; others use all heads of the upper half of the layers.
    """
    name = next((name for name, address in whisper._MODELS.items() if digest in address), "")
    heads: bytes | None = whisper._ALIGNMENT_HEADS.get(name)
    return heads
