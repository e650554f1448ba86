"""Headerless sound: formats that no file can be sniffed for, so the caller must know them."""

from __future__ import annotations

from pathlib import Path

import ffmpeg

from nightdub.infra.media.ffmpeg import write_wav
from nightdub.infra.media.safety import LIMITS, Limits

G722_RATE = 16_000  # Hz, of ITU-T G.722 at 64 kbit/s


def g722_to_wav(path: Path, out: Path, limits: Limits = LIMITS) -> Path:
    """Decode a headerless G.722 file to mono `pcm_s16le` at 16 kHz. Raises: MediaError."""
    source = ffmpeg.input(f"file:{path}", f="g722", format_whitelist="g722", protocol_whitelist="file")
    return write_wav(source.audio, out, G722_RATE, 1, limits)
