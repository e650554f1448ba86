"""One track of a film as CMAF (ISO/IEC 23000-19): its own packets in fragments that begin with key frames, all in one file.

ffmpeg cuts the fragments. What CMAF has no place for, an index before each of them, is left out, and the brand says what the file is.
"""

from __future__ import annotations

import re
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import ffmpeg

from nightdub.infra.errors import MediaError
from nightdub.infra.media.output import written
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, Limits, media_input

SEGMENT = 6  # seconds wished for (Apple's HLS authoring specification, 7.5)
_KEPT = (b"moov", b"moof", b"mdat")
_BRANDS = b"iso6" + bytes(4) + b"iso6cmfc"  # of a header whose edit list takes off priming and delay (23000-19, 7.5.13)
_LENGTH, _RANGE = re.compile(r"#EXTINF:([0-9.]+)"), re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a track that players fetch by itself."""

    seconds: float
    start: int  # bytes before it
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Track:
    """One track in one file: `header` bytes that decoders read first, then its fragments."""

    path: Path
    header: int
    fragments: tuple[Fragment, ...]

    @property
    def seconds(self) -> float:
        """Return the length of all fragments."""
        return sum(fragment.seconds for fragment in self.fragments)

    @property
    def average(self) -> float:
        """Return bits a second of the whole track."""
        return 8 * sum(fragment.size for fragment in self.fragments) / self.seconds

    def peak(self, target: float) -> float:
        """Return bits a second of the densest stretch of half to one and a half target durations (RFC 8216, 4.1)."""
        return max(self._stretches(target), default=self.average)

    def _stretches(self, target: float) -> Iterator[float]:
        for first in range(len(self.fragments)):
            seconds, size = 0.0, 0
            for fragment in self.fragments[first:]:
                seconds, size = seconds + fragment.seconds, size + fragment.size
                if seconds > 1.5 * target:
                    break
                if seconds >= 0.5 * target:
                    yield 8 * size / seconds


def write_track(film: Path, stream: str, out: Path, limits: Limits = LIMITS) -> Track:
    """Write one stream of a film ("v:0", "a:1") as fragments of about `SEGMENT` seconds; nothing is encoded.

    Raises: MediaError where the film has no such stream, or it cannot be fragmented.
    """
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        playlist, media = Path(scratch) / "track.m3u8", Path(scratch) / "track.m4s"
        options = {
            "f": "hls",
            "c": "copy",
            "hls_time": SEGMENT,
            "hls_playlist_type": "vod",
            "hls_segment_type": "fmp4",
            "hls_flags": "single_file",
            "hls_segment_filename": f"file:{media}",
            "avoid_negative_ts": "disabled",  # else AAC's priming delays the sound, and frames shown late the picture
            "fflags": "+bitexact",
            "map_metadata": -1,
        }
        run(ffmpeg_command(ffmpeg.output(media_input(film, limits)[stream], f"file:{playlist}", **options), limits), limits, str(film))
        listed = playlist.read_text()
        lengths = [float(found) for found in _LENGTH.findall(listed)]
        starts = [int(start) for _, start in _RANGE.findall(listed)]
        if not lengths or len(lengths) != len(starts):
            raise MediaError(f"no fragments of {stream}", where=str(film), allowed="H.264 and AAC", fix="report this")
        with written(out) as part, part.open("wb") as target:
            header, sizes = _copy(media, starts, target)
    ends = [header + sum(sizes[:place]) for place in range(len(sizes))]
    return Track(out, header, tuple(Fragment(*row) for row in zip(lengths, ends, sizes, strict=True)))


def _copy(media: Path, starts: Sequence[int], target: BinaryIO) -> tuple[int, list[int]]:
    """Copy what CMAF has a place for; return the bytes of the header, and of each fragment that began at `starts`."""
    header, sizes = 0, [0] * len(starts)
    with media.open("rb") as source:
        for name, start, size in _boxes(source, media.stat().st_size):
            if name == b"ftyp":
                header += target.write((8 + len(_BRANDS)).to_bytes(4, "big") + name + _BRANDS)
            elif name in _KEPT:
                source.seek(start)
                for at in range(0, size, _CHUNK):
                    target.write(source.read(min(_CHUNK, size - at)))
                if start < starts[0]:
                    header += size
                else:
                    sizes[bisect_right(starts, start) - 1] += size
    return header, sizes


def _boxes(source: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place and size of each box of a file (ISO 14496-12, 4.2)."""
    start = 0
    while start + 8 <= end:
        source.seek(start)
        head = source.read(16)
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:], "big") if size == 1 else size
        if size < 8:
            return
        yield head[4:8], start, min(size, end - start)
        start += size
