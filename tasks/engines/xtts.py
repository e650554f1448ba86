"""XTTS v2 of Coqui TTS, in a process of its own environment: its libraries cannot be loaded beside ours, and its memory stays its own.

Needs `make engines-coqui` and a folder with `config.json`, `model.pth` and `vocab.json`; nothing is downloaded while a night runs. The
weights are licensed under the CPML: not for commercial use.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import soundfile

from nightdub.infra.digests import digest_bytes, digest_of
from nightdub.infra.errors import EngineError, MachineLacks, MediaError
from nightdub.tasks.engines.host_process import HostProcess
from nightdub.tasks.engines.weights import digest_weights
from nightdub.tasks.protocols import Identity, Request, Spoken
from nightdub.tasks.sound import write_sound

PYTHON = Path(__file__).parents[2] / ".nightdub/engines/coqui/bin/python"  # where `make engines-coqui` puts it
MODEL = "~/.local/share/tts/tts_models--multilingual--multi-dataset--xtts_v2"  # where Coqui's own downloader puts it
HOST = Path(__file__).parent / "host" / "xtts_host.py"
FILES = ("config.json", "model.pth", "vocab.json")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}

# Characters, beyond which the model is known to cut its speech short (`char_limits` of coqui-tts 0.28's tokenizer.py).
LONGEST = {
    "ar": 166, "cs": 186, "de": 253, "en": 250, "es": 239, "fr": 273, "hi": 150, "hu": 224, "it": 213,
    "ja": 71, "ko": 95, "nl": 251, "pl": 224, "pt": 203, "ru": 182, "tr": 226, "zh": 82,
}  # fmt: skip


class Xtts:
    """Speaks with the voice of each request's reference clip; `python` is the interpreter of Coqui's environment."""

    def __init__(self, model: str = MODEL, device: str = "cpu", python: str = str(PYTHON)) -> None:
        self._folder, self._device, self._python = Path(model).expanduser(), device, Path(python)
        self._host: HostProcess | None = None
        self._unloadable: EngineError | None = None

    def identity(self) -> Identity:
        """Return Coqui's version and the digest of the model's files. Raises: MachineLacks."""
        files = self._files()
        return Identity("xtts", self._version(), digest_of({path.name: digest_weights(path) for path in files}))

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        """Return the sound of each line; one without a reference clip fails, since a voice is all that the model copies.

        Raises:
            MachineLacks: the environment or the model is not there.
            EngineError: the model cannot be loaded.
            EngineCrashed: the host process died or fell silent; the next call starts a new one.
        """
        return [_failure(refusal) if (refusal := _refusal(request)) else self._speak(request) for request in requests]

    def close(self) -> None:
        """End the host process."""
        if self._host:
            self._host.close()
            self._host = None

    def _speak(self, request: Request) -> Spoken:
        host = self._running()
        try:
            reference = _write_reference(host.scratch, request)
        except MediaError as error:
            return _failure(f"reference clip: {error.what}")
        out = host.scratch / "line.wav"
        line = {"text": request.text, "language": request.language, "rate": request.rate, "reference": str(reference), "out": str(out)}
        answer = host.ask(line)
        reference.unlink()
        if not answer.get("ok"):
            return _failure(str(answer.get("why")))
        sound, rate = soundfile.read(out, dtype="float32")
        return Spoken(sound, rate, voice="clone", cloned=True) if sound.size else _failure("empty-output")

    def _running(self) -> HostProcess:
        """Return the host, started if need be. A model that could not be loaded is not tried again for every line."""
        if self._unloadable:
            raise self._unloadable
        if self._host is None or self._host.ended:
            self._files()
            self._version()
            self.close()
            host = self._host = HostProcess([str(self._python), str(HOST), str(self._folder), self._device], "engine xtts", OFFLINE)
            weakref.finalize(self, host.close)
            if not (answer := host.answer()).get("ready"):
                self.close()
                self._unloadable = EngineError(
                    str(answer.get("why")),
                    where=str(self._folder),
                    allowed="an XTTS v2 model",
                    fix="fetch the model again, or make engines-coqui",
                )
                raise self._unloadable
        return self._host

    def _files(self) -> list[Path]:
        files = [self._folder / name for name in FILES]
        if missing := [path.name for path in files if not path.is_file()]:
            raise MachineLacks(
                f"no {', '.join(missing)}",
                where=str(self._folder),
                allowed="a folder with an XTTS v2 model",
                fix="name the folder in the profile",
            )
        return files

    def _version(self) -> str:
        places = [str(path) for path in self._python.parent.parent.glob("lib/python3*/site-packages")]
        found = next(iter(distributions(name="coqui-tts", path=places)), None)
        if found is None or not self._python.exists():
            raise MachineLacks("Coqui's environment is not there", where=str(self._python), fix="make engines-coqui")
        return found.version


def _refusal(request: Request) -> str:
    if request.language not in LONGEST:
        return f"no-model-for-{request.language}"
    if request.reference is None or not request.reference.size or request.reference_rate <= 0:
        return "no-reference-clip"
    if not request.text.strip():
        return "no-text"
    longest = LONGEST[request.language]
    return f"text of {len(request.text)} characters, allowed {longest}" if len(request.text) > longest else ""


def _write_reference(folder: Path, request: Request) -> Path:
    """Write the clip under a name made of its content, by which the host knows a voice that it has heard before."""
    path = write_sound(folder / "reference.wav", np.asarray(request.reference), request.reference_rate)
    return path.rename(folder / f"{digest_bytes(path.read_bytes())}.wav")


def _failure(why: str) -> Spoken:
    return Spoken(np.zeros(0, np.float32), 0, failed=why)
