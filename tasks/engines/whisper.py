"""Recognition by openai-whisper: any of its languages, word times, clips of any length.

Needs torch and the package (`make engines-neural`) and weights: the name of a model that whisper's cache holds, or the path of a
checkpoint. Nothing is downloaded while a night runs. Torch loads with the first clip (`whisper_windows`), not with the identity.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from nightdub.infra.errors import MachineLacks
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Heard, Identity, Sound
from nightdub.tasks.rows import Language


class Whisper:
    """Recognises with beam search first, and with whisper's own fall-back to sampling where that gives nothing plausible.

    Args:
        model: A name such as "large-v3" in whisper's cache, or the path of a checkpoint.
        beam_size: Hypotheses followed at once; 5, as in whisper's paper and command line.
        best_of: Tries of which the likeliest is taken when sampling; 5, as there.
        device: "cpu" or a CUDA device, which computes in half precision.
        batch: Clips decoded at once. Each holds `beam_size` copies of what the decoder attends to: for large-v3 1.2 GB in half
            precision, 2.5 GB on a CPU (32 layers x keys and values x 1,500 x 1,280 numbers a copy).
    """

    def __init__(self, model: str = "large-v3", beam_size: int = 5, best_of: int = 5, device: str = "cpu", batch: int = 4) -> None:
        self._model, self._beam, self._best, self._device, self._batch = model, beam_size, best_of, device, batch

    def identity(self) -> Identity:
        """Return the package's version, the digest of the weights and what shapes the search. Raises: MachineLacks without weights."""
        settings = {"beam_size": self._beam, "best_of": self._best, "precision": "float32" if self._device == "cpu" else "float16"}
        return Identity("whisper", version("openai-whisper"), digest_weights(self._checkpoint()), settings)

    def recognise(self, clips: Sequence[Sound], language: Language) -> list[Heard]:
        """Return the words of each 16 kHz clip, written and punctuated as whisper does; what it takes for silence has none.

        A clip fails where it is shorter than 0.1 s or not all numbers; every clip does where the model does not know the language.

        Raises:
            MachineLacks: there are no weights, or no such device.
            EngineError: the checkpoint cannot be loaded.
        """
        path = self._checkpoint()
        from nightdub.tasks.engines.whisper_windows import Listener  # loads torch

        listener = Listener(path, digest_weights(path), self._device, self._beam, self._best)
        heard: list[Heard] = []
        for first in range(0, len(clips), self._batch):
            heard += listener.hear(clips[first : first + self._batch], language)
        return heard

    def _checkpoint(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
        for path in (Path(self._model).expanduser(), cache / f"{self._model}.pt"):
            if path.is_file():
                return path
        raise MachineLacks(
            f"no weights for {self._model!r}",
            where="engine whisper",
            allowed="the path of a checkpoint, or a model in whisper's cache",
            fix=f"put {Path(self._model).stem}.pt into {cache}, or name its path in the profile",
        )
