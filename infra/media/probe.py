"""What a media file holds, found by reading every packet and holding it against the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from nightdub.infra.errors import MediaError
from nightdub.infra.media.header import Header, ask, check_duration, read_header
from nightdub.infra.media.process import started
from nightdub.infra.media.safety import LIMITS, Limits

SHORT = 0.25  # seconds that a stream may lack against its header before it counts as truncated


@dataclass(frozen=True, slots=True)
class Probed:
    """The first picture and the first sound of a file; a part that it does not have is zero or empty."""

    container: str
    duration: float  # seconds: the longer of picture and sound
    size: int  # bytes
    video_codec: str = ""
    width: int = 0  # in display orientation
    height: int = 0
    frame_rate: str = ""  # exact, as "30000/1001"
    frames: int = 0  # shown ones, counted
    variable_rate: bool = False  # a frame lies more than half a frame off the even grid
    rotation: int = 0  # degrees clockwise
    pixel_aspect: str = ""  # width:height of one pixel
    fields: str = ""  # order of an interlaced picture's fields; empty = whole frames
    video_start: float = 0.0  # seconds after the container's start
    audio_codec: str = ""
    sample_rate: int = 0  # Hz
    channels: int = 0
    audio_start: float = 0.0  # seconds after the container's start
    audio_duration: float = 0.0  # seconds, with the codec's priming and padding where the container does not mark them
    audio_streams: int = 0


@dataclass(frozen=True, slots=True)
class _Packets:
    """The packets of one stream: their times in order of display, and where the last one ends, in seconds."""

    times: list[float]
    end: float

    @property
    def length(self) -> float:
        return self.end - self.times[0] if self.times else 0.0


_NONE = _Packets([], 0.0)


def probe(path: Path, limits: Limits = LIMITS) -> Probed:
    """Read a whole file and return what it holds.

    Raises:
        MediaError: not media (see `sniff`), unreadable, above a limit, or shorter than its own header says (truncated).
    """
    header = read_header(path, limits)
    video = _packets(path, "v:0", limits) if header.picture else _NONE
    audio = _packets(path, "a:0", limits) if header.sounds else _NONE
    _check_whole(path, header, video, audio)
    return Probed(
        container=header.container,
        duration=max(video.length, audio.length),
        size=header.size,
        **_picture_facts(header, video),
        **_sound_facts(header, audio),
    )


def _picture_facts(header: Header, video: _Packets) -> dict[str, Any]:
    picture = header.picture
    if picture is None:
        return {}
    rate, variable = _frame_rate(picture.rates, video.times)
    return {
        "video_codec": picture.codec,
        "width": picture.width,
        "height": picture.height,
        "frame_rate": rate,
        "frames": len(video.times),
        "variable_rate": variable,
        "rotation": picture.rotation,
        "pixel_aspect": picture.pixel_aspect,
        "fields": picture.fields,
        "video_start": picture.start - header.start,
    }


def _sound_facts(header: Header, audio: _Packets) -> dict[str, Any]:
    if not header.sounds:
        return {}
    sound = header.sounds[0]
    return {
        "audio_codec": sound.codec,
        "sample_rate": sound.sample_rate,
        "channels": sound.channels,
        "audio_start": sound.start - header.start,
        "audio_duration": audio.length,
        "audio_streams": len(header.sounds),
    }


def _packets(path: Path, stream: str, limits: Limits) -> _Packets:
    """Return the times of all packets that are shown; stop at the first one too many, or beyond the longest duration."""
    fields = "packet=pts_time,dts_time,duration_time,flags"
    command = ask(path, limits, "-select_streams", stream, "-show_entries", fields, "-of", "csv=p=0:nk=1")
    times: list[float] = []
    end = 0.0
    with started(command, limits, str(path)) as process:
        for time, length in _shown(csv.reader(io.TextIOWrapper(process.stdout, "ascii", errors="replace"))):  # type: ignore[type-var]
            times.append(time)
            end = max(end, time + length)
            check_duration(path, time - times[0], limits)
            if len(times) > limits.packets:
                raise MediaError(f"more than {limits.packets} packets", where=str(path), fix="deliver the programme alone")
    times.sort()
    return _Packets(times, end)


def _shown(rows: Iterable[list[str]]) -> Iterator[tuple[float, float]]:
    """Yield time and length in seconds of each packet that is not discarded; one without a time follows the one before."""
    end = 0.0
    for row in rows:
        if len(row) < 4 or "D" in row[3]:
            continue
        shown, decoded, length = (_number(field) for field in row[:3])
        time = next((value for value in (shown, decoded) if value is not None), end)
        end = time + (length or 0.0)
        yield time, length or 0.0


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def _frame_rate(rates: tuple[str, ...], times: list[float]) -> tuple[str, bool]:
    """Return the first named rate on whose even grid every frame lies within half a frame, and False; else the first and True."""
    for rate in rates:
        step = 1 / float(Fraction(rate))
        if all(abs(time - times[0] - index * step) < step / 2 for index, time in enumerate(times)):
            return rate, False
    return (rates[0] if rates else ""), True


def _check_whole(path: Path, header: Header, video: _Packets, audio: _Packets) -> None:
    claims = [("picture", header.picture.claimed, video.length)] if header.picture else []
    claims += [("sound", header.sounds[0].claimed, audio.length)] if header.sounds else []
    for name, claimed, found in claims:
        if claimed - found > SHORT:
            what = f"truncated: {found:.3f} s of {name} where the header says {claimed:.3f} s"
            raise MediaError(what, where=str(path), fix="deliver the file again")
