"""A small dataset with everything that a layout can trip over: ids like paths, dates as texts, empty columns, clips without features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nightdub.datasets.outputs import OUTPUTS, Options, lay_out
from nightdub.datasets.outputs.lhotse import LOG_MEL
from nightdub.datasets.rows import RATE, Measured, Sample
from nightdub.datasets.sound.features import BANDS, write_features
from nightdub.datasets.sound.pitch import HOP
from nightdub.infra.digests import digest_file
from nightdub.tasks.sound import write_sound

OPTIONS = Options("tiny", "CC0-1.0", (LOG_MEL,))
# id, split, samples, text
LINES = (
    ("LJ001-0001", "train", 4410, "2024-01-01"),
    ("LJ001-0002", "train", 4411, "=cmd|' /C calc'!A0"),
    ("dev-1/test_02", "train", 5000, 'A comma, a "quote" and a line\'s end'),
    ("p225/p225.001.mic1", "train", 4538, "안녕하세요"),
    ("a.wav/b", "train", 4300, "¿Qué tal?"),
    ("a", "validation", 4666, "Grüße"),
    ("eval", "validation", 4667, "one"),
    ("train", "test", 6000, "two"),
    ("x.y.z", "test", 4800, "<b>three</b>"),
)


@dataclass(frozen=True)
class Corpus:
    """Rows, and where the bytes of their digests are."""

    rows: list[Sample]
    files: dict[str, Path]

    def fetch(self, digest: str) -> Path:
        return self.files[digest]

    def lay_out(self, output: str, out: Path) -> list[str]:
        return lay_out(OUTPUTS[output], self.rows, self.fetch, self.fetch, out, OPTIONS)


def clip(folder: Path, number: int, name: str, samples: int) -> tuple[Path, Path]:
    """Write a clip's sound and its features."""
    sound = 0.3 * np.sin(2 * np.pi * (200 + 10 * number) * np.arange(samples) / RATE)
    wav = write_sound(folder / f"{number}.wav", sound, RATE)
    bands = number + np.arange((1 + samples // HOP) * BANDS, dtype=np.float32).reshape(-1, BANDS)
    return wav, write_features(folder / f"{number}.npz", {LOG_MEL: bands})


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    rows, files = [], {}
    for number, (name, split, samples, text) in enumerate(LINES):
        wav, arrays = clip(folder, number, name, samples)
        digests = digest_file(wav), digest_file(arrays) if number else ""  # the first clip has no features
        files |= {digests[0]: wav, digests[1]: arrays}
        seconds = samples / RATE
        measured = Measured(seconds, 48_000.0, 1, 0.0, 0.0, loudness=-23.0, snr=30.0 + number, fingerprint="f") if split == "test" else None
        tags = {"gender": "f", "age": "30"} if split == "test" else {}
        path = f"clips/{name.replace('/', '_')}.wav"
        rows.append(
            Sample(
                name,
                path,
                text,
                "en",
                f"s{number % 3}",
                "",
                split,
                seconds,
                digests[0],
                "0" * 64,
                measured=measured,
                tags=tags,
                features=digests[1],
            )
        )
    return Corpus(rows, files)


@pytest.fixture(scope="session")
def laid_out(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a layout, made once."""
    made: dict[str, Path] = {}

    def folder(output: str) -> Path:
        if output not in made:
            made[output] = tmp_path_factory.mktemp(output)
            corpus.lay_out(output, made[output])
        return made[output]

    return folder
