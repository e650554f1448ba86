"""The few boxes of an MP4 shot that joining needs, read without starting a process (ISO 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
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
    width: int  # pixels
    height: int


def read_segment(path: Path) -> Segment:
    """Return the facts of a shot written by `FrameWriter` or `encode_range`. Raises: MediaError where it is none."""
    try:
        media = _find(_moov(path), b"trak", b"mdia")
        table = _find(media, b"minf", b"stbl")
        runs, frames, step = (int.from_bytes(_find(table, b"stts")[start : start + 4], "big") for start in (4, 8, 12))
        entry = _find(_find(table, b"stsd")[_INSIDE_STSD:], b"avc1")
        headers = _find(entry[_INSIDE_AVC1:], b"avcC")
        timescale = int.from_bytes(_find(media, b"mdhd")[12:16], "big")
        width, height = (int.from_bytes(entry[start : start + 2], "big") for start in (24, 26))
    except (KeyError, OSError) as error:
        raise MediaError(f"not an encoded shot ({error})", where=str(path), fix="encode it again") from error
    if runs != 1:
        raise MediaError(f"{runs} different frame lengths in a shot", where=str(path), allowed="1", fix="encode it again")
    return Segment(frames, timescale, step, headers, width, height)


def read_samples(path: Path) -> list[tuple[bytes, bool]]:
    """Return the packets of such a shot, each with whether it is a key frame. Raises: MediaError where they are not all there."""
    try:
        table = _find(_moov(path), b"trak", b"mdia", b"minf", b"stbl")
        same, count = _numbers(_find(table, b"stsz")[:12], 4)
        if (count * same if same else 4 * count) > path.stat().st_size:
            raise KeyError("stsz")  # noqa: TRY301 - said once for all of them, below
        sizes = [same] * count if same else _numbers(_find(table, b"stsz"), 12)
        keys = {*_numbers(next((body for name, body in _boxes(table) if name == b"stss"), b""), 8)} or {*range(1, count + 1)}
        data = path.read_bytes()
        content = next(content for name, content in _boxes(data) if name == b"mdat")
    except (KeyError, OSError, StopIteration, ValueError) as error:
        raise MediaError(f"not an encoded shot ({error})", where=str(path), fix="encode it again") from error
    if len(content) != sum(sizes) or len(sizes) != count:
        raise MediaError(f"{len(content)} bytes of packets", where=str(path), allowed=str(sum(sizes)), fix="encode it again")
    ends = [0, *accumulate(sizes)]
    return [(content[start:end], place + 1 in keys) for place, (start, end) in enumerate(pairwise(ends))]


def _numbers(body: bytes, start: int) -> list[int]:
    """Return a table's numbers of four bytes."""
    return [int.from_bytes(body[at : at + 4], "big") for at in range(start, len(body), 4)]


def _moov(path: Path) -> bytes:
    with path.open("rb") as stream:
        end = path.stat().st_size
        while len(head := stream.read(8)) == 8:
            size, name = int.from_bytes(head[:4], "big"), head[4:]
            taken = 8
            if size == 1:
                size, taken = int.from_bytes(stream.read(8), "big"), 16
            if size < taken or size > end:
                break
            if name == b"moov" and size < _LARGEST:
                return stream.read(size - taken)
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
