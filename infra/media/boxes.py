"""The few boxes of an MP4 shot that joining needs, read without starting a process (ISO 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import MediaError

_LARGEST = 64 << 20  # bytes of `moov` that are read: about ten hours of frames
_INSIDE_STSD = 8  # bytes before the first sample entry: version, flags, count
_INSIDE_AVC1 = 78  # bytes of fields before the boxes of a visual sample entry


@dataclass(frozen=True, slots=True)
class Segment:
    """One encoded shot: its frames, the ticks of each, and the decoder's headers."""

    frames: int
    timescale: int  # ticks a second
    step: int  # ticks of one frame
    headers: bytes  # H.264 parameter sets (`avcC`)


def read_segment(path: Path) -> Segment:
    """Return the facts of a shot written by `FrameWriter` or `encode_range`. Raises: MediaError where it is none."""
    try:
        media = _find(_moov(path), b"trak", b"mdia")
        table = _find(media, b"minf", b"stbl")
        runs, frames, step = (int.from_bytes(_find(table, b"stts")[start : start + 4], "big") for start in (4, 8, 12))
        entry = _find(_find(table, b"stsd")[_INSIDE_STSD:], b"avc1")
        headers = _find(entry[_INSIDE_AVC1:], b"avcC")
        timescale = int.from_bytes(_find(media, b"mdhd")[12:16], "big")
    except (KeyError, OSError) as error:
        raise MediaError(f"not an encoded shot ({error})", where=str(path), fix="encode it again") from error
    if runs != 1:
        raise MediaError(f"{runs} different frame lengths in a shot", where=str(path), allowed="1", fix="encode it again")
    return Segment(frames, timescale, step, headers)


def _moov(path: Path) -> bytes:
    with path.open("rb") as stream:
        while len(head := stream.read(8)) == 8:
            size, name = int.from_bytes(head[:4], "big"), head[4:]
            taken = 8
            if size == 1:
                size, taken = int.from_bytes(stream.read(8), "big"), 16
            if name == b"moov" and size < _LARGEST:
                return stream.read(size - taken)
            if size < taken:
                break
            stream.seek(size - taken, 1)
    raise KeyError("moov")


def _find(data: bytes, *names: bytes) -> bytes:
    for name in names:
        data = next((body for found, body in _boxes(data) if found == name), b"")
        if not data:
            raise KeyError(name.decode())
    return data


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start + 8 <= len(data):
        size = int.from_bytes(data[start : start + 4], "big")
        if size < 8:
            return
        yield data[start + 4 : start + 8], data[start + 8 : start + size]
        start += size
