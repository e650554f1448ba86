"""What the header of a media file claims, asked of ffprobe without reading packets to the end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from nightdub.infra.errors import MediaError
from nightdub.infra.media.process import ffprobe_command, run
from nightdub.infra.media.safety import LIMITS, Limits, input_options
from nightdub.infra.media.sniff import sniff

_RIGHT_ANGLES = (90, 270)
_ROUNDING = Fraction(1, 1000)  # frames a second by which 23.976, 29.97 and 59.94 are off the rates that they stand for
_ROUNDED = (25, 50, 100, 125, 250, 500, 1000)  # denominators of decimal fractions


@dataclass(frozen=True, slots=True)
class Picture:
    """The first video stream, in display orientation."""

    codec: str
    width: int
    height: int
    pixel_format: str
    rates: tuple[str, ...]  # exact frame rates that the header names, most believable first
    start: float  # seconds, on the container's clock
    claimed: float  # seconds, 0 = not said
    rotation: int  # degrees clockwise: 0, 90, 180, 270
    pixel_aspect: str  # width:height of one pixel
    matrix: str  # YCbCr matrix as ffmpeg names it, empty = not said
    transfer: str  # transfer function as ffmpeg names it, empty = not said
    primaries: str = ""  # as ffmpeg names them, empty = not said
    full_range: bool = False
    profile: str = ""  # as ffmpeg names it
    level: int = 0  # as the codec numbers it; 0 = not said
    fields: str = ""  # of an interlaced picture: "tt", "bb", "tb" or "bt", as ffprobe names their order; empty = whole frames
    headers: bytes = b""  # what the container keeps for the decoder


@dataclass(frozen=True, slots=True)
class Sound:
    """One audio stream."""

    codec: str
    sample_rate: int  # Hz
    channels: int
    start: float  # seconds, on the container's clock
    claimed: float  # seconds, 0 = not said
    language: str
    title: str
    default: bool
    layout: str = ""  # of the channels as ffmpeg names it, empty = not said


@dataclass(frozen=True, slots=True)
class Header:
    """A container and its streams."""

    container: str
    size: int  # bytes
    start: float  # seconds: the container's clock when its first stream starts
    claimed: float  # seconds, 0 = not said
    picture: Picture | None
    sounds: tuple[Sound, ...]
    subtitles: tuple[str, ...]  # language of each


def read_header(path: Path, limits: Limits = LIMITS) -> Header:
    """Return what the header says; an unchanged file is asked once per process.

    Raises: MediaError as `sniff` does, where ffprobe cannot read it, or where it is above a limit.
    """
    input_options(path, limits)
    stat = path.stat()
    return _read(path, limits, stat.st_size, stat.st_mtime_ns, stat.st_ino)


def ask(path: Path, limits: Limits, *questions: str) -> list[str]:
    """Return the guarded ffprobe call with these questions."""
    options = [word for name, value in input_options(path, limits).items() for word in (f"-{name}", str(value))]
    return ffprobe_command(limits, *options, *questions, "-i", f"file:{path}")


@lru_cache(maxsize=256)
def _read(path: Path, limits: Limits, size: int, *_unchanged: int) -> Header:
    answer = run(ask(path, limits, "-show_streams", "-show_format", "-show_data", "-of", "json"), limits, str(path))
    header = parse_answer(answer, sniff(path).name, size, str(path))
    _check_limits(path, header, limits)
    return header


def parse_answer(answer: bytes, container: str, size: int, where: str) -> Header:
    """Return what ffprobe says of a file's header, as JSON. Raises: MediaError where it makes no sense."""
    try:
        return _parse(msgspec.json.decode(answer), container, size)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise MediaError(f"a header that makes no sense: {error}", where=where, fix="deliver the file again") from error


def _parse(document: dict[str, Any], container: str, size: int) -> Header:
    streams: list[dict[str, Any]] = document.get("streams", [])
    form = document.get("format", {})
    claimed = float(form.get("duration", 0.0))
    of_kind: dict[str, list[dict[str, Any]]] = {"video": [], "audio": [], "subtitle": []}
    for stream in streams:
        if not stream.get("disposition", {}).get("attached_pic"):
            of_kind.setdefault(stream.get("codec_type", ""), []).append(stream)
    alone = claimed if len(streams) == 1 else 0.0  # only then the container's length is the stream's
    return Header(
        container=container,
        size=size,
        start=float(form.get("start_time", 0.0)),
        claimed=claimed,
        picture=_picture(of_kind["video"][0], alone) if of_kind["video"] else None,
        sounds=tuple(_sound(stream, alone) for stream in of_kind["audio"]),
        subtitles=tuple(_tag(stream, "language") for stream in of_kind["subtitle"]),
    )


def _picture(stream: dict[str, Any], claimed: float) -> Picture:
    width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
    rotation = _rotation(stream)
    aspect = stream.get("sample_aspect_ratio", "1:1")
    if rotation in _RIGHT_ANGLES:
        aspect = ":".join(reversed(aspect.split(":")))
    return Picture(
        codec=stream.get("codec_name", ""),
        width=height if rotation in _RIGHT_ANGLES else width,
        height=width if rotation in _RIGHT_ANGLES else height,
        pixel_format=stream.get("pix_fmt", ""),
        rates=tuple(dict.fromkeys(rate for name in ("avg_frame_rate", "r_frame_rate") if (rate := _rate(stream.get(name, "0/0"))))),
        start=float(stream.get("start_time", 0.0)),
        claimed=_claimed(stream) or claimed,
        rotation=rotation,
        pixel_aspect="1:1" if "0" in aspect.split(":") else aspect,
        matrix=_said(stream, "color_space"),
        transfer=_said(stream, "color_transfer"),
        primaries=_said(stream, "color_primaries"),
        full_range=stream.get("color_range") == "pc",
        profile=str(stream.get("profile", "")),
        level=max(0, int(stream.get("level", 0))),
        fields=_said(stream, "field_order").replace("progressive", ""),
        headers=_bytes(stream.get("extradata", "")),
    )


def _sound(stream: dict[str, Any], claimed: float) -> Sound:
    return Sound(
        codec=stream.get("codec_name", ""),
        sample_rate=int(stream.get("sample_rate", 0)),
        channels=int(stream.get("channels", 0)),
        start=float(stream.get("start_time", 0.0)),
        claimed=_claimed(stream) or claimed,
        language=_tag(stream, "language"),
        title=_tag(stream, "title") or _tag(stream, "handler_name"),
        default=bool(stream.get("disposition", {}).get("default")),
        layout=str(stream.get("channel_layout", "")),
    )


def _tag(stream: dict[str, Any], name: str) -> str:
    return str(stream.get("tags", {}).get(name, ""))


def _said(stream: dict[str, Any], name: str) -> str:
    value = str(stream.get(name, ""))
    return "" if value in ("unknown", "unspecified", "reserved") else value


def _bytes(dump: str) -> bytes:
    """Return the bytes of ffprobe's dump: lines of an offset, up to 41 characters of hexadecimal digits, and the text."""
    return bytes.fromhex("".join(line.partition(":")[2][:41] for line in dump.splitlines()))


def _rate(text: str) -> str:
    """Return a rate that a header names, exact: 29.97 is written for 30000/1001, which is three frames less in a day."""
    numerator, denominator = (int(part) for part in text.split("/"))
    if numerator <= 0 or denominator <= 0:
        return ""
    named = Fraction(numerator, denominator)
    exact = Fraction(round(named * 1001 / 1000) * 1000, 1001)
    if named.denominator in _ROUNDED and abs(named - exact) < _ROUNDING:
        return f"{exact.numerator}/{exact.denominator}"
    return text


def _rotation(stream: dict[str, Any]) -> int:
    angles = [round(float(data["rotation"])) for data in stream.get("side_data_list", []) if "rotation" in data]
    return -angles[0] % 360 if angles else 0  # ffprobe counts anticlockwise


def _claimed(stream: dict[str, Any]) -> float:
    """Return a stream's own length in seconds: its field, or Matroska's DURATION tag (HH:MM:SS.fraction); 0 = not said.

    ffmpeg's tag says when the stream ends, so that of one that starts late is longer than the stream.
    """
    if "duration" in stream:
        return float(stream["duration"])
    hours, _, rest = _tag(stream, "DURATION").partition(":")
    minutes, _, seconds = rest.partition(":")
    ends = int(hours) * 3600 + int(minutes) * 60 + float(seconds) if seconds else 0.0
    return max(0.0, ends - max(0.0, float(stream.get("start_time", 0.0))))


def _check_limits(path: Path, header: Header, limits: Limits) -> None:
    if header.picture:
        _check_size(path, header.picture, limits)
    check_duration(path, max([header.claimed, *(sound.claimed for sound in header.sounds)]), limits)


def _check_size(path: Path, picture: Picture, limits: Limits) -> None:
    """Refuse a picture above the limits; where only its codec knows its size, ffprobe has refused it already and gives none."""
    pixels = picture.width * picture.height
    if not pixels or pixels > limits.pixels or max(picture.width, picture.height) > limits.side:
        found = f"a picture of {picture.width}x{picture.height} pixels" if pixels else "a picture of unreadable or too large size"
        allowed = f"up to {limits.side} pixels a side and {limits.pixels} in all"
        raise MediaError(found, where=str(path), allowed=allowed, fix="deliver a smaller picture")


def check_duration(path: Path, seconds: float, limits: Limits) -> None:
    """Refuse what is longer than the longest programme. Raises: MediaError."""
    if seconds > limits.duration:
        allowed = f"up to {limits.duration / 3600:.4g} hours"
        raise MediaError(f"{seconds / 3600:.4g} hours long", where=str(path), allowed=allowed, fix="deliver the programme alone")
