"""The limits that every ffmpeg and ffprobe process runs under, and the options that say so to ffmpeg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from nightdub.infra.errors import MediaError
from nightdub.infra.media.sniff import sniff

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """How large media may be, and what one process may use.

    `pixels` is one 7680 x 4320 picture. With it a 749 KB picture of 16,000 pixels square is refused in 53 MB of memory;
    without it, ffmpeg 5.1.9 takes 783 MB (measured, see docs/decisions).
    """

    duration: float = 12 * 3600.0  # seconds
    size: int = 512 * GIB  # bytes of an input file
    pixels: int = 7680 * 4320
    side: int = 8192  # pixels of the longer side
    streams: int = 64
    packets: int = 8_000_000  # of one stream: 12 hours at 120 a second are 5.2 million, and take 170 MB
    block: int = GIB // 2  # bytes of one allocation
    memory: int = 4 * GIB  # bytes of address space
    cpu: int = 24 * 3600  # seconds
    wall: float = 12 * 3600.0  # seconds
    output: int = 512 * GIB  # bytes of one written file


LIMITS = Limits()
DECODER_THREADS = 2  # fixed: address space grows with threads, and shots already run side by side


def input_options(path: Path, limits: Limits = LIMITS) -> dict[str, Any]:
    """Return ffmpeg's input options for one sniffed file: its demuxer and no other, local files and nothing else.

    Raises: MediaError as `sniff` does, or where the file is larger than `limits.size`.
    """
    family = sniff(path)
    if (size := path.stat().st_size) > limits.size:
        raise MediaError(f"{size} bytes", where=str(path), allowed=f"up to {limits.size} bytes", fix="deliver a smaller file")
    return {
        "f": family.demuxer,
        "format_whitelist": family.whitelist,
        "protocol_whitelist": "file",
        "max_streams": limits.streams,
        "max_pixels": limits.pixels,
    }


def media_input(path: Path, limits: Limits = LIMITS, **options: Any) -> Any:
    """Return a guarded ffmpeg-python input node for a local file."""
    return ffmpeg.input(f"file:{path}", **input_options(path, limits), threads=DECODER_THREADS, **options)
