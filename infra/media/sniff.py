"""What a file is, judged by its first bytes alone, before any decoder sees it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import MediaError

HEAD = 4096  # bytes looked at
_TS_STRIDES = (188, 192)  # MPEG-TS packets; 192 = with the 4-byte time code of Blu-ray


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of container: the only ffmpeg demuxer that may open it, and the names it may have."""

    name: str
    demuxer: str  # ffmpeg's short name
    suffixes: tuple[str, ...]
    formats: str = ""  # ffmpeg's full name list, for -format_whitelist; empty = `demuxer`

    @property
    def whitelist(self) -> str:
        """Return the value of ffmpeg's `-format_whitelist`."""
        return self.formats or self.demuxer


MP4 = Family("MP4/QuickTime", "mov", (".mp4", ".m4v", ".mov", ".m4a", ".qt", ".3gp"), "mov,mp4,m4a,3gp,3g2,mj2")
MATROSKA = Family("Matroska/WebM", "matroska", (".mkv", ".webm", ".mka"), "matroska,webm")
MPEG_TS = Family("MPEG-TS", "mpegts", (".ts", ".m2ts", ".mts"))
MXF = Family("MXF", "mxf", (".mxf",))
WAV = Family("WAV", "wav", (".wav", ".rf64"))
FLAC = Family("FLAC", "flac", (".flac",))
MP3 = Family("MP3", "mp3", (".mp3",))
OGG = Family("Ogg", "ogg", (".ogg", ".oga", ".ogv", ".opus"))
FAMILIES = (MP4, MATROSKA, MPEG_TS, MXF, WAV, FLAC, MP3, OGG)

_PREFIXES: tuple[tuple[bytes, Family], ...] = (
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01", MXF),  # SMPTE 377-1 header partition key
    (b"fLaC", FLAC),
    (b"OggS", OGG),
    (b"ID3", MP3),
)
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")  # that an ISO base media or QuickTime file may start with
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"#extm3u", "an HLS playlist"),
    (b"ffconcat", "a list of files (ffconcat)"),
    (b"file ", "a list of files (concat)"),
    (b"v=0", "a session description (SDP)"),
    (b"[playlist]", "a playlist (PLS)"),
    (b"[reference]", "a playlist (ASF reference)"),
    (b"<", "a manifest or other markup (XML)"),
)
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a still picture (PNG)"),
    (b"\xff\xd8\xff", "a still picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
)


def sniff(path: Path) -> Family:
    """Return the container family of a file.

    A name without a suffix, as stored objects have, is not held against the content; any other must belong to the family.

    Raises:
        MediaError: the file is missing or empty, a playlist or manifest, none of `FAMILIES`, or its name says something else.
    """
    head = _head(path)
    family = _family(head)
    if family is None:
        raise MediaError(f"this is {_describe(head)}, not media", where=str(path), allowed=_names(), fix="deliver the media file itself")
    check_suffix(family, path.suffix, str(path))
    return family


def check_suffix(family: Family, suffix: str, where: str) -> None:
    """Hold a name's ending, such as ".mp4", against the content. Raises: MediaError."""
    if suffix and suffix.lower() not in family.suffixes:
        what = f"wrong extension: the content is {family.name}, the name ends in {suffix!r}"
        fix = "find out which of the two is wrong, then deliver it again"
        raise MediaError(what, where=where, allowed=", ".join(family.suffixes), fix=fix)


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_without_waiting) as stream:  # pathlib takes no opener
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise MediaError("no file but a folder, pipe, socket or device", where=str(path), fix="deliver the media file itself")
            head = stream.read(HEAD)
    except OSError as error:
        raise MediaError(f"cannot be read: {error.strerror}", where=str(path), fix="check path and permissions") from error
    if not head:
        raise MediaError("the file is empty (0 bytes)", where=str(path), fix="deliver it again")
    return head


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for somebody who writes into a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _family(head: bytes) -> Family | None:
    for prefix, family in _PREFIXES:
        if head.startswith(prefix):
            return family
    if head[4:8] in _BOXES:
        return None if head[8:12] in _PICTURE_BRANDS else MP4
    if head[:4] in (b"RIFF", b"RF64", b"BW64"):
        return WAV if head[8:12] == b"WAVE" else None
    if _is_transport_stream(head):
        return MPEG_TS
    return MP3 if _is_mpeg_audio(head) else None


def _is_transport_stream(head: bytes) -> bool:
    return any(
        len(head) > start + 2 * stride and all(head[start + index * stride] == 0x47 for index in range(3))
        for stride, start in zip(_TS_STRIDES, (0, 4), strict=True)
    )


def _is_mpeg_audio(head: bytes) -> bool:
    """Tell whether an MPEG audio frame header comes first; its layer bits 00 would be ADTS, 01 is layer III (ISO 11172-3)."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2


def _describe(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for prefix, name in _TEXTS:
        if text.startswith(prefix):
            return name
    for prefix, name in _REFUSED:
        if head.startswith(prefix):
            return name
    if head[8:12] == b"AVI ":
        return "an AVI (which keeps no time for each frame, so frames cannot be told apart exactly)"
    if head[4:8] == b"ftyp":
        return "a still picture (HEIF or AVIF)"
    return f"unknown (it starts with {head[:8].hex(' ')})"


def _names() -> str:
    return ", ".join(family.name for family in FAMILIES)
