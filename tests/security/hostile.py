"""Hostile media, built in code: files that make an unguarded ffmpeg read elsewhere, call out, or take all memory."""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from films import film, lavfi

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" minBufferTime="PT1S" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="v" '
    'bandwidth="1000" codecs="avc1.42c01e" width="64" height="48"><BaseURL>{target}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>"
)
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 33\n"

# name -> text (`file` and `url` lead to the film outside), and the options with which a bare ffmpeg does what the file asks for
READERS: dict[str, tuple[str, Sequence[str]]] = {
    "hls, absolute": (HLS.replace("target", "file"), ()),
    "hls, up and away": (HLS.replace("target", "relative"), ()),
    "ffconcat, absolute": ("ffconcat version 1.0\nfile {file}\n", ("-f", "concat", "-safe", "0")),
    "ffconcat, up and away": ("ffconcat version 1.0\nfile {relative}\n", ("-f", "concat", "-safe", "0")),
    "concat list": ("file '{file}'\n", ("-f", "concat", "-safe", "0")),
    "dash, another folder": (DASH.replace("{target}", "file://{mp4}"), ()),
}
_NET = ("-protocol_whitelist", "file,http,tcp")
CALLERS: dict[str, tuple[str, Sequence[str]]] = {
    "hls, http": (HLS.replace("target", "url"), _NET),
    "ffconcat, http": ("ffconcat version 1.0\nfile {url}\n", ("-f", "concat", "-safe", "0", *_NET)),
    "dash, http": (DASH.replace("target", "url"), _NET),
}


def box(name: bytes, *parts: bytes) -> bytes:
    """Return an ISO box."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and body of each box."""
    found, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
        at += size
    return found


def changed(data: bytes, path: Sequence[bytes], change: Callable[[bytes], bytes]) -> bytes:
    """Return boxes with the body of one changed, found by its path of names."""
    rows = [(name, body) for name, body in boxes(data)]
    return b"".join(
        box(name, (change(body) if len(path) == 1 else changed(body, path[1:], change)) if name == path[0] else body) for name, body in rows
    )


def png(side: int) -> bytes:
    """Return a black picture of `side` pixels square, one bit each: a few kilobytes for any size."""
    squeeze = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    data = b"".join(squeeze.compress(row * 100) for _ in range(side // 100)) + squeeze.flush()

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _muxed(picture: Path, path: Path, *words: str) -> Path:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(picture), *words, "-c", "copy", str(path)], check=True)
    return path


def picture_bomb(path: Path) -> Path:
    """A film of one picture of 16,000 pixels square, in as few bytes as PNG allows."""
    still = path.with_suffix(".png")
    still.write_bytes(png(16_000))
    return _muxed(still, path)


def cover_bomb(path: Path) -> Path:
    """A song with that picture as its cover."""
    still, song = path.with_suffix(".png"), lavfi(path.with_name("song.mp3"), audio="sine=440:d=0.3")
    still.write_bytes(png(16_000))
    return _muxed(song, path, "-i", str(still), "-map", "0", "-map", "1")


def huge_header(path: Path) -> Path:
    """An MP4 that says 65,535 pixels square in its header, over pictures that say less."""
    given = film(path.with_name("plain.mp4"), "-c:v", "mjpeg", "-an", "-f", "mov", seconds=0.2, size="64x48").read_bytes()
    at = given.index(b"jpeg", given.index(b"stsd"))
    path.write_bytes(given[: at + 28] + b"\xff\xff\xff\xff" + given[at + 32 :])
    return path


def unsaid_length(path: Path) -> Path:
    """55 hours of silence in FLAC, one sample a second, whose header does not say how many: only its packets do."""
    import numpy as np
    import soundfile

    soundfile.write(path, np.zeros(55 * 3600, np.int16), 1, format="FLAC", subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)  # samples in all: 0 = unknown
    path.write_bytes(data)
    return path


def deep_boxes(path: Path) -> Path:
    """An MP4 of 20,000 boxes, each in the other."""
    depth = 20_000
    nested = b"".join(struct.pack(">I", 8 * (depth - level)) + b"moov" for level in range(depth))
    path.write_bytes(box(b"ftyp", b"isom", bytes(4), b"isom") + nested)
    return path


def many_boxes(path: Path) -> Path:
    """An MP4 of a hundred thousand empty boxes."""
    path.write_bytes(box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"free") * 100_000)
    return path


def many_samples(path: Path) -> Path:
    """An MP4 whose tables claim 268 million samples of one byte."""
    given = film(path.with_name("plain.mp4"), "-c:v", "mpeg4", "-an", seconds=0.2, size="64x48").read_bytes()
    table, count = (b"moov", b"trak", b"mdia", b"minf", b"stbl"), 0x0FFFFFFF
    given = changed(given, (*table, b"stsz"), lambda _: struct.pack(">III", 0, 1, count))
    given = changed(given, (*table, b"stts"), lambda _: struct.pack(">IIII", 0, 1, count, 1))
    path.write_bytes(changed(given, (*table, b"stsc"), lambda _: struct.pack(">IIIII", 0, 1, 1, count, 1)))
    return path


def many_streams(path: Path) -> Path:
    """A transport stream that names more streams than are looked at."""
    words = ["-f", "lavfi", "-i", "sine=440:d=0.2", *["-map", "0:a"] * 100, "-c:a", "mp2", "-f", "mpegts", str(path)]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)
    return path


def attachments(path: Path) -> Path:
    """A Matroska film that carries a font and a file with a name that leads elsewhere."""
    font = path.with_name("font.ttf")
    font.write_bytes(bytes(1000))
    plain = film(path.with_name("plain.mkv"), "-c:v", "mpeg4", "-c:a", "mp2", seconds=0.4, size="64x48")
    words = ["-attach", str(font), "-metadata:s:2", "mimetype=application/x-truetype-font", "-metadata:s:2", "filename=../../escaped.ttf"]
    return _muxed(plain, path, *words)
