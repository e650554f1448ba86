"""Small corpora of synthesised voices in the exchange format, for tests of datasets: buzzes that differ by clip, with a little noise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nightdub.tasks.sound import write_sound

RATE = 16_000
SENTENCES = (
    "The door is open.", "We leave at nine.", "Nobody answered the call.", "Please hold the line.", "It rained all night.",
    "The train was late.", "She plays the violin.", "He never came back.", "Dinner is served.", "They sold the house.",
    "Turn left at the bridge.", "The lights went out.", "I have lost my keys.", "Winter came early.", "This is the last one.",
    "You should have seen it.",
)  # fmt: skip


def voice(seed: int, seconds: float = 0.9, pitch: float = 140.0) -> np.ndarray:
    """Return a buzz whose pitch and timbre wander as its seed says, between two silences."""
    chance = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    bend = np.interp(time, np.linspace(0, seconds, 8), chance.uniform(0.8, 1.25, 8))
    phase = 2 * np.pi * np.cumsum(pitch * bend) / RATE
    weights = np.stack([np.interp(time, np.linspace(0, seconds, 7), chance.uniform(0, 1, 7)) for _ in range(18)])
    sound = sum(weights[part] * np.sin((part + 1) * phase) / (part + 1) for part in range(18))
    envelope = np.interp(time, np.linspace(0, seconds, 9), [0, *chance.uniform(0.3, 1, 7), 0])
    noise = 0.002 * chance.standard_normal(len(time) + RATE // 5)
    return np.asarray(noise + np.pad(0.2 * sound * envelope, RATE // 10), np.float32)


def write_corpus(folder: Path, speakers: int = 8, clips: int = 4) -> dict[str, dict[str, str]]:
    """Write recordings and return their rows by id; `write_manifest` writes these."""
    (folder / "wavs").mkdir(parents=True, exist_ok=True)
    rows = {}
    for speaker in range(speakers):
        for clip in range(clips):
            name = f"s{speaker}-{clip}"
            write_sound(folder / "wavs" / f"{name}.wav", voice(100 * speaker + clip, pitch=100 + 15 * speaker), RATE)
            text = SENTENCES[(speaker * clips + clip) % len(SENTENCES)]
            rows[name] = {
                "id": name,
                "audio_path": f"wavs/{name}.wav",
                "text": text,
                "language": "en",
                "speaker": f"s{speaker}",
                "emotion": "",
            }
    return rows


def write_manifest(folder: Path, rows: Mapping[str, Mapping[str, str]], *more: str) -> Path:
    """Write rows, and further lines as they are, as the corpus' manifest."""
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows.values()) + "".join(f"{line}\n" for line in more))
    return path


def write_recipe(folder: Path, name: str = "voices", **more: object) -> str:
    """Write a recipe over the corpus in the same folder; return its path."""
    values: dict[str, object] = {
        "name": name, "reader": "jsonl", "source": ".", "options": {"manifest": "manifest.jsonl"}, "policy": "dataset",
        "licence": "CC0-1.0", "commercial": True, "features": ["mfcc", "f0_yin"], "outputs": ["jsonl"],
        "splits": {"shares": {"train": 0.6, "validation": 0.2, "test": 0.2}, "by": ["speaker", "recording"]},
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(values | more))
    return str(path)
