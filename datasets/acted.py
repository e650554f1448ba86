"""A corpus acted by rule: synthesised speech whose rate, pitch, range, level and breath are moved by a table, under the names of emotions.

It is no human emotion and says nothing about one. It is for trying selections and classifiers on sound whose defects are known: noise
and silence are planted among the clips, with the labels of speech. Real telephone prompts stand among them as `neutral`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.datasets.prompts import VOICES, recorded_prompts
from nightdub.datasets.rows import RATE, SourceClip
from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.infra.media.raw import G722_RATE, g722_to_wav
from nightdub.tasks.emotions import EMOTIONS
from nightdub.tasks.engines.espeak import FEMALE, MALE, Espeak
from nightdub.tasks.protocols import Request
from nightdub.tasks.rows import Language, Seconds, Speaker
from nightdub.tasks.sound import Samples, read_mono, resample, write_sound

CORPUS = "acted by rule"  # as networks and reports name it
ALL_VOICES = tuple(FEMALE | MALE)
LEVEL = -26.0  # dBFS RMS of a neutral clip
LOUDEST = 0.98  # no sample is above it
# Standard deviations from clip to clip: of natural logarithms, and of the level in dB.
SPREAD = {"rate": 0.08, "pitch": 0.10, "span": 0.2, "level": 2.0, "breath": 0.25}
PROMPT_BYTES = (8_000, 20_000)  # of a G.722 file, 8,000 a second: prompts of 1 to 2.5 s
PLANTED = ("white noise", "low noise", "hum", "silence", "faint noise")
PLANTED_SECONDS: Seconds = 1.4

SENTENCES: dict[Language, tuple[str, ...]] = {
    "en": ("The train is at the door.", "She left her book at home.", "We can talk about it now.", "There is water on the floor."),
    "es": ("La mesa está en la sala.", "Mañana vamos a la playa.", "El tren llega a las dos.", "No queda agua en la casa."),
    "fr": ("Le train est à la porte.", "Elle a laissé son livre.", "On peut en parler demain.", "Il y a de l'eau par terre."),
}

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an emotion is acted: factors, but for the level in dB."""

    rate: float = 1.0  # of speaking
    pitch: float = 1.0  # of the median pitch
    span: float = 1.0  # of the pitch's distances from its median, in octaves
    level: float = 0.0
    breath: float = 1.0  # of the share of noise in the voice


# Our own figures, in the directions that studies of acted speech agree on. Nobody measured them on people for this.
MANNERS = {
    "neutral": Manner(),
    "calm": Manner(0.9, 0.95, 0.8, -2.0, 1.3),
    "happy": Manner(1.1, 1.25, 1.7, 3.0, 0.9),
    "sad": Manner(0.78, 0.88, 0.5, -5.0, 1.6),
    "angry": Manner(1.15, 1.1, 1.4, 7.0, 0.6),
    "fearful": Manner(1.3, 1.4, 0.7, 0.0, 1.8),
    "disgust": Manner(0.85, 0.85, 1.3, 1.0, 1.0),
    "surprised": Manner(1.05, 1.5, 2.2, 4.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus that was made: its rows by id, and the ids of what was planted -> what it is."""

    rows: tuple[SourceClip, ...]
    planted: dict[str, str]


def synthesise(
    folder: Path,
    *,
    voices: Sequence[str] = ALL_VOICES,
    emotions: Sequence[str] = EMOTIONS,
    sentences: int = 3,
    prompts: int = 25,
    planted: int = 60,
) -> Corpus:
    """Write the corpus below `folder`, 16-bit mono WAV of 22,050 Hz, with `manifest.jsonl` (the exchange format) and `planted.json`.

    The same arguments give the same bytes. Each clip's figures are drawn around its emotion's, seeded by its id.

    Args:
        folder: Where it is written; made where it is not.
        voices: Variants of espeak-ng, each one speaker.
        emotions: Of `EMOTIONS`, each spoken by each voice.
        sentences: Of each language of `SENTENCES`, at most four.
        prompts: Real ones of each language; 0 needs no packages.
        planted: Clips of noise or silence among them, under the labels of speech.

    Raises:
        MachineLacks: espeak-ng, WORLD or the packages of the prompts are not installed.
        EngineError: a sentence could not be spoken.
    """
    (folder / "wavs").mkdir(parents=True, exist_ok=True)
    rows = _acted(folder, voices, emotions, sentences)
    if prompts:
        rows += [row for language in VOICES for row in _prompts(folder, language, prompts)]
    defects = _plant(folder, rows, planted)
    found = sorted([*rows, *(row for row, _ in defects)], key=lambda row: row.id)
    kinds = {row.id: kind for row, kind in sorted(defects, key=lambda pair: pair[0].id)}
    (folder / "planted.json").write_text(json.dumps(kinds, indent=1) + "\n", encoding="utf-8")
    (folder / "manifest.jsonl").write_text("".join(_line(row, folder) for row in found), encoding="utf-8")
    return Corpus(tuple(found), kinds)


def act(sound: Samples, rate: int, manner: Manner) -> Samples:
    """Return speech with its pitch, range, level and breath moved by WORLD; its length stays. Raises: MachineLacks."""
    world, wide = _pyworld(), np.ascontiguousarray(sound, np.float64)
    rough, times = world.dio(wide, rate, f0_floor=60.0, f0_ceil=500.0)
    pitch = world.stonemask(wide, rough, times, rate)
    noise = np.clip(world.d4c(wide, pitch, times, rate) * manner.breath, 0.001, 0.999)
    made: _Array = world.synthesize(_moved(pitch, manner), world.cheaptrick(wide, pitch, times, rate), noise, rate)
    made = made[: len(wide)]
    level = 10 ** ((LEVEL + manner.level) / 20) / max(float(np.sqrt(np.mean(made**2))), 1e-9)
    return (made * min(level, LOUDEST / max(float(np.abs(made).max()), 1e-9))).astype(np.float32)


def _moved(pitch: _Array, manner: Manner) -> _Array:
    voiced = pitch > 0
    middle = float(np.median(pitch[voiced])) if voiced.any() else 1.0
    moved = middle * manner.pitch * (np.maximum(pitch, 1.0) / middle) ** manner.span
    return np.where(voiced, np.clip(moved, 50.0, 700.0), 0.0)


def _acted(folder: Path, voices: Sequence[str], emotions: Sequence[str], sentences: int) -> list[SourceClip]:
    rows, requests, manners = [], [], []
    for voice in voices:
        for emotion in emotions:
            for language, texts in SENTENCES.items():
                for number, text in enumerate(texts[:sentences]):
                    row = _row(folder, f"{voice}-{emotion}-{language}{number}", text, language, voice, emotion)
                    manners.append(_drawn(row.id, MANNERS[emotion]))
                    requests.append(Request(text, language, manners[-1].rate, Speaker(voice, (), voice=voice)))
                    rows.append(row)
    engine = Espeak()
    try:
        spoken = engine.speak(requests)
    finally:
        engine.close()
    for row, manner, said in zip(rows, manners, spoken, strict=True):
        if said.failed:
            raise EngineError(said.failed, where=row.id, fix="speak the sentence with espeak-ng by hand")
        write_sound(Path(row.audio), act(resample(said.sound, said.sample_rate, RATE), RATE, manner), RATE)
    return rows


def _prompts(folder: Path, language: Language, count: int) -> list[SourceClip]:
    """Return real prompts of a language, the ones with the lowest digests of their names, as neutral."""
    fitting = [prompt for prompt in recorded_prompts(language).values() if PROMPT_BYTES[0] <= prompt.path.stat().st_size <= PROMPT_BYTES[1]]
    chosen = sorted(fitting, key=lambda prompt: hashlib.sha256(prompt.name.encode()).digest())[:count]
    speaker = VOICES[language].rpartition("_")[2]  # one person speaks the English and the Spanish ones
    rows = []
    for prompt in sorted(chosen, key=lambda prompt: prompt.name):
        name = f"{speaker}-neutral-{language}-{prompt.name.replace('/', '_')}"
        row = _row(folder, name, prompt.text, language, speaker, "neutral")
        sound = read_mono(g722_to_wav(prompt.path, Path(row.audio)), rate=G722_RATE)
        write_sound(Path(row.audio), resample(sound, G722_RATE, RATE), RATE)
        rows.append(row)
    return rows


def _plant(folder: Path, rows: Sequence[SourceClip], count: int) -> list[tuple[SourceClip, str]]:
    """Write clips that are no speech, each under the labels of another clip."""
    made = []
    for number in range(count):
        draw, kind = _generator(f"planted-{number}"), PLANTED[number % len(PLANTED)]
        model = rows[int(draw.integers(len(rows)))]
        row = replace(model, id=f"{model.speaker}-{model.emotion}-x{number:03d}")
        row = replace(row, audio=str(folder / "wavs" / f"{row.id}.wav"))
        write_sound(Path(row.audio), no_speech(kind, draw), RATE)
        made.append((row, kind))
    return made


def no_speech(kind: str, draw: np.random.Generator) -> Samples:
    """Return a clip of a kind of `PLANTED`."""
    count = round(PLANTED_SECONDS * float(draw.uniform(0.8, 1.2)) * RATE)
    white, level = draw.standard_normal(count), 10 ** (float(draw.uniform(-35, -20)) / 20)
    if kind == "low noise":
        white = np.cumsum(white) - np.arange(count) / count * white.sum()  # brown: 6 dB an octave down, from nothing to nothing
    elif kind == "hum":
        turns = 2 * np.pi * 50.0 * np.arange(count) / RATE
        white = np.sum([np.sin(harmonic * turns) / harmonic for harmonic in range(1, 8)], axis=0) + 0.01 * white
    elif kind == "silence":
        return np.zeros(count, np.float32)
    elif kind == "faint noise":
        level = 10 ** (-78.0 / 20)
    made = white * level / max(float(np.sqrt(np.mean(white**2))), 1e-9)
    return np.clip(made, -LOUDEST, LOUDEST).astype(np.float32)


def _drawn(name: str, manner: Manner) -> Manner:
    draw = _generator(name)
    factors = {part: float(np.exp(draw.normal(0.0, SPREAD[part]))) for part in ("rate", "pitch", "span", "breath")}
    level = manner.level + float(draw.normal(0.0, SPREAD["level"]))
    return Manner(
        manner.rate * factors["rate"],
        manner.pitch * factors["pitch"],
        manner.span * factors["span"],
        level,
        manner.breath * factors["breath"],
    )


def _generator(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{CORPUS} {name}".encode()).digest()[:8], "big"))


def _row(folder: Path, name: str, text: str, language: Language, speaker: str, emotion: str) -> SourceClip:
    return SourceClip(name, str(folder / "wavs" / f"{name}.wav"), text, language, speaker, emotion)


def _line(row: SourceClip, folder: Path) -> str:
    path = Path(row.audio).relative_to(folder).as_posix()
    fields = {"id": row.id, "audio_path": path, "text": row.text, "language": row.language, "speaker": row.speaker, "emotion": row.emotion}
    return json.dumps(fields, ensure_ascii=False) + "\n"


@lru_cache(maxsize=1)
def _pyworld() -> Any:
    """Return the vocoder. Raises: MachineLacks where setuptools no longer has what it imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyworld 0.3.5 imports pkg_resources, which announces its own removal
        try:
            return importlib.import_module("pyworld")
        except ImportError as error:
            raise MachineLacks(
                str(error), where="the acted corpus", allowed="pyworld with setuptools below 81", fix="make setup"
            ) from error
