"""A silent H.264 film as MP4, packet by packet (ISO 14496-12 and -15): ffmpeg cannot put packets of two encoders into one track."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

_COARSEST = 10_000  # ticks a second at least, as ffmpeg's muxer has it
_UNITY = b"".join(value.to_bytes(4, "big") for value in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))  # the matrix that turns nothing
_RESOLUTION = (72 << 16).to_bytes(4, "big")  # dots an inch, as every file has it
_DATA = 16  # bytes before the packets of an `mdat` whose size takes 64 bits


@dataclass(frozen=True, slots=True)
class Sample:
    """One packet; it is shown `late` frames after it is decoded."""

    data: bytes
    key: bool
    late: int = 0


@dataclass(frozen=True, slots=True)
class Movie:
    """What the header says. `delay` is the `late` of a packet that is shown at once: the first frame is shown at 0."""

    width: int
    height: int
    rate: Fraction
    headers: bytes  # `avcC`
    delay: int = 0

    def write(self, out: Path, samples: Iterable[Sample]) -> int:
        """Write the file and return the number of its frames."""
        sizes: list[int] = []
        lates: list[int] = []
        keys: list[int] = []
        with out.open("wb") as stream:
            start = stream.write(_box(b"ftyp", b"isom", _u32(512), b"isomiso2avc1mp41"))
            stream.write(b"\0" * _DATA)
            for sample in samples:
                stream.write(sample.data)
                sizes.append(len(sample.data))
                lates.append(sample.late)
                if sample.key:
                    keys.append(len(sizes))
            stream.write(self._header(sizes, lates, keys, start + _DATA))
            stream.seek(start)
            stream.write(_u32(1) + b"mdat" + (_DATA + sum(sizes)).to_bytes(8, "big"))
        return len(sizes)

    def _header(self, sizes: Sequence[int], lates: Sequence[int], keys: Sequence[int], start: int) -> bytes:
        scale, step = _ticks(self.rate)
        length = len(sizes) * step
        table = _box(
            b"stbl",
            _full(b"stsd", 0, _u32(1), self._entry()),
            _full(b"stts", 0, _u32(1, len(sizes), step)),
            _shifts(lates, step),
            _full(b"stss", 0, _u32(len(keys), *keys)),
            _full(b"stsc", 0, _u32(1, 1, len(sizes), 1)),
            _full(b"stsz", 0, _u32(0, len(sizes), *sizes)),
            _full(b"co64", 0, _u32(1), _u64(start)),
        )
        reference = _full(b"dref", 0, _u32(1), _full(b"url ", 1))
        information = _box(b"minf", _full(b"vmhd", 1, b"\0" * 8), _box(b"dinf", reference), table)
        clock = _wide(b"mdhd", _u64(0, 0), _u32(scale), _u64(length), b"\x55\xc4\0\0")  # language: undetermined
        media = _box(b"mdia", clock, _full(b"hdlr", 0, b"\0" * 4, b"vide", b"\0" * 12, b"picture\0"), information)
        edit = _box(b"edts", _wide(b"elst", _u32(1), _u64(length, self.delay * step), _u32(1 << 16)))
        size = _u32(self.width << 16, self.height << 16)
        track = _wide(b"tkhd", _u64(0, 0), _u32(1, 0), _u64(length), b"\0" * 16, _UNITY, size, flags=3)  # enabled, part of the film
        film = _wide(b"mvhd", _u64(0, 0), _u32(scale), _u64(length), _u32(1 << 16), b"\1\0", b"\0" * 10, _UNITY, b"\0" * 24, _u32(2))
        return _box(b"moov", film, _box(b"trak", track, edit, media))

    def _entry(self) -> bytes:
        size = self.width.to_bytes(2, "big") + self.height.to_bytes(2, "big")
        fields = (b"\0" * 6, b"\0\1", b"\0" * 16, size, _RESOLUTION * 2, b"\0" * 4, b"\0\1", b"\0" * 32, b"\0\x18", b"\xff\xff")
        return _box(b"avc1", *fields, _box(b"avcC", self.headers))


def _ticks(rate: Fraction) -> tuple[int, int]:
    """Return ticks a second and ticks of a frame, both whole: no rounding adds up over a film."""
    factor = 1
    while rate.numerator * factor < _COARSEST:
        factor *= 2
    return rate.numerator * factor, rate.denominator * factor


def _shifts(lates: Sequence[int], step: int) -> bytes:
    runs = [(len(list(group)), late * step) for late, group in groupby(lates)]
    return _full(b"ctts", 0, _u32(len(runs), *(value for run in runs for value in run)))


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _u32(8 + len(body)) + name + body


def _full(name: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(name, _u32(flags), *parts)


def _wide(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    """Return a box of version 1, whose times take 64 bits."""
    return _box(name, _u32(1 << 24 | flags), *parts)


def _u32(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def _u64(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "big") for value in values)
