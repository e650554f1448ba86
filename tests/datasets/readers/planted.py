"""What is planted in a made corpus, and what its files are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile


@dataclass(frozen=True)
class Planted:
    """What was planted: ids of good clips in the corpus' order, and of the others id, code and place."""

    good: tuple[str, ...]
    excused: tuple[tuple[str, str, str], ...]
    options: dict[str, str] = field(default_factory=dict)


def sound(path: Path, seconds: float = 0.1, rate: int = 22_050, hertz: float = 220) -> Path:
    """Write a tone in the format of the file's ending: `.pcm` is headerless, `.g722` is not audio at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    if path.suffix in (".pcm", ".g722"):
        path.write_bytes((samples * 32767).astype("<i2").tobytes())
    else:
        soundfile.write(path, samples, rate)
    return path


def lines(path: Path, *rows: str | bytes, end: bytes = b"\n") -> Path:
    """Write rows, each with the line's end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join((row.encode() if isinstance(row, str) else row) + end for row in rows))
    return path
