"""Headerless sound: formats that no file can be sniffed for, so the caller must know them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

G722_RATE = 16_000  # Hz, of ITU-T G.722 at 64 kbit/s
G722_BITS = 64_000  # a second


def g722_samples(data: bytes) -> npt.NDArray[np.int16]:
    """Decode headerless G.722 to mono samples at 16 kHz, two for each byte; any bytes are some sound.

    In this process: the same samples as ffmpeg's, for a thirtieth of what starting it costs (docs/corpora.md).
    """
    from G722 import G722

    decoded: Any = G722(G722_RATE, G722_BITS).decode(data)
    return np.asarray(decoded, np.int16)


def g722_to_wav(path: Path, out: Path) -> Path:
    """Write headerless G.722 as mono `pcm_s16le` at 16 kHz."""
    import soundfile

    soundfile.write(out, g722_samples(path.read_bytes()), G722_RATE, subtype="PCM_16", format="WAV")
    return out
