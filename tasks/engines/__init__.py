"""The engine table: verb and name -> where the adapter lives, what it needs, and what its licence allows."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import threading
from dataclasses import dataclass
from typing import Any

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import ConfigError, MachineLacks


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One row of the table; nothing is imported until `load_engine` is called.

    `stand_in` marks an engine that stands where a better kind belongs: a recogniser that errs in every fourth word judges no dub, and
    no release under a commercial policy rests on what it measured. `reads_context` marks a translator that reads the lines around one,
    `by_terms` an engine of which the profile says in its settings (`commercial: true`) that its provider's terms allow commercial use.
    """

    verb: str
    name: str
    path: str  # "module:Class" below nightdub.tasks.engines
    licence: str
    commercial: bool
    install: str  # the command that mends its absence
    languages: tuple[str, ...] = ()  # empty = any
    modules: tuple[str, ...] = ()  # importable names that it needs
    programs: tuple[str, ...] = ()  # executables that it needs
    device: str = "cpu"
    stand_in: bool = False
    reads_context: bool = False
    by_terms: bool = False

    def allows_commercial(self, settings: dict[str, Any]) -> bool:
        """Return whether an engine with these settings may be used commercially."""
        return self.commercial or (self.by_terms and settings.get("commercial") is True)

    def missing(self) -> list[str]:
        """Return the modules and programs that this machine lacks for this engine."""
        modules = [name for name in self.modules if importlib.util.find_spec(name) is None]
        return modules + [name for name in self.programs if shutil.which(name) is None]


_SETUP = "make setup"
_APERTIUM = ("en", "es", "fr", "it", "pt", "ca")

TABLE: tuple[EngineSpec, ...] = (
    EngineSpec("voice_activity", "silero", "silero:Silero", "MIT", True, _SETUP, modules=("faster_whisper",)),
    EngineSpec(
        "recognise", "pocketsphinx", "pocketsphinx:Pocketsphinx", "BSD-2-Clause", True, _SETUP, ("en",), ("pocketsphinx",), stand_in=True
    ),
    EngineSpec("recognise", "whisper", "whisper:Whisper", "MIT", True, "make engines-neural", modules=("whisper", "torch")),
    EngineSpec("align", "pocketsphinx-align", "pocketsphinx:PocketsphinxAligner", "BSD-2-Clause", True, _SETUP, ("en",), ("pocketsphinx",)),
    EngineSpec("separate", "centre-hpss", "centre_hpss:CentreHpss", "Apache-2.0", True, _SETUP, modules=("scipy",)),
    EngineSpec(
        "separate",
        "demucs",
        "demucs:Demucs",
        "MIT; Meta's weights: research only",
        False,
        "make engines-neural",
        modules=("demucs", "torch"),
        by_terms=True,
    ),
    EngineSpec(
        "translate", "apertium", "apertium:Apertium", "GPL-2.0-or-later (separate process)", True, _SETUP, _APERTIUM, (), ("apertium",)
    ),
    EngineSpec(
        "translate", "chat", "chat:Chat", "terms of the provider or model", False, "name url and model", reads_context=True, by_terms=True
    ),
    EngineSpec("speak", "espeak-ng", "espeak:Espeak", "GPL-3.0-or-later (shared library)", True, _SETUP),
    EngineSpec(
        "speak",
        "xtts",
        "xtts:Xtts",
        "CPML (non-commercial)",
        False,
        "make engines-coqui",
        ("ar", "cs", "de", "en", "es", "fr", "hi", "hu", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh"),
    ),
    EngineSpec("convert", "world", "world:World", "MIT", True, _SETUP, modules=("pyworld",)),
    EngineSpec(
        "convert",
        "rvc",
        "rvc:Rvc",
        "MIT; a character's model as its consent says",
        True,
        "make engines-neural",
        modules=("torch", "pyworld"),
    ),
    EngineSpec("faces", "facemesh", "facemesh:FaceMesh", "Apache-2.0", True, _SETUP, modules=("mediapipe", "cv2")),
    EngineSpec("faces", "haar", "haar:Haar", "Apache-2.0", True, _SETUP, modules=("cv2",)),
    EngineSpec(
        "lips",
        "musetalk",
        "musetalk:MuseTalk",
        "MIT; weights CreativeML Open RAIL-M",
        True,
        "make engines-neural",
        modules=("torch", "whisper", "diffusers"),
        device="cuda",
    ),
    EngineSpec(
        "lips", "wav2lip", "wav2lip:Wav2Lip", "non-commercial", False, "make engines-neural", modules=("torch", "cv2"), device="cuda"
    ),
    EngineSpec("lips", "mouth-warp", "mouth_warp:MouthWarp", "Apache-2.0", True, _SETUP, modules=("cv2",)),
)

_loaded = threading.local()  # engines are not promised to be thread-safe: one of each per thread of a worker process


def find_engine(verb: str, name: str) -> EngineSpec:
    """Return the table's row. Raises: ConfigError naming the engines that this verb has."""
    for spec in TABLE:
        if (spec.verb, spec.name) == (verb, name):
            return spec
    names = ", ".join(spec.name for spec in TABLE if spec.verb == verb) or "none: unknown verb"
    raise ConfigError(f"no engine {name!r} for {verb!r}", allowed=names, fix="nightdub engines lists them all")


def load_engine(verb: str, name: str, settings: dict[str, Any] | None = None) -> Any:
    """Return the engine, made once per worker thread and settings.

    Raises:
        ConfigError: the table has no such engine, or it does not take these settings.
        MachineLacks: a module or program that it needs is absent; the message has the command that mends it.
    """
    key = digest_of([verb, name, settings or {}])
    engines: dict[str, Any] = _loaded.__dict__.setdefault("engines", {})
    if key not in engines:
        engines[key] = _make(find_engine(verb, name), settings or {})
    return engines[key]


def _make(spec: EngineSpec, settings: dict[str, Any]) -> Any:
    if missing := spec.missing():
        raise MachineLacks(f"{', '.join(missing)} not found", where=f"engine {spec.name}", fix=spec.install)
    module, _, kind = spec.path.partition(":")
    make = getattr(importlib.import_module(f"{__name__}.{module}"), kind)
    try:
        return make(**settings)
    except TypeError as error:
        raise ConfigError(f"settings {settings} do not fit: {error}", where=f"engine {spec.name}", fix="see docs/engines.md") from error
