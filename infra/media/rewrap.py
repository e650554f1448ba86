"""Take a film apart and put it together again without encoding its picture, for whoever needs it otherwise than it was packed.

Nothing is checked: a track may be missing, mislabelled or of another length than the picture. `mux` is for what is delivered.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from nightdub.infra.media.header import ask, read_header
from nightdub.infra.media.mux import AAC_RATE, lasting
from nightdub.infra.media.output import written
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, Limits, media_input
from nightdub.infra.media.sniff import WAV, sniff

_FORMS: dict[str, dict[str, Any]] = {
    ".mp4": {"f": "mp4", "scodec": "mov_text"},
    ".mkv": {"f": "matroska", "scodec": "subrip", "avoid_negative_ts": "disabled"},
}


@dataclass(frozen=True, slots=True)
class Track:
    """One sound or subtitle of a film to be written: stream `stream` of its kind in `path`; the sound of a WAV is encoded as AAC."""

    path: Path
    language: str  # ISO 639-2
    title: str = ""
    stream: int = 0
    default: bool = False


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded frame as it lies in a film."""

    time: str  # seconds, as ffprobe writes them
    key: bool
    digest: str  # md5 of its bytes


def rewrap(
    picture: Path,
    sounds: Sequence[Track],
    subtitles: Sequence[Track],
    out: Path,
    *,
    bit_rate: str = AAC_RATE,
    options: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
) -> Path:
    """Write `out` (.mp4 or .mkv) from packets of films and sounds of WAV files. `options` and `tags` are those of the container.

    Raises: MediaError.
    """
    inputs = [media_input(picture, limits)["v:0"]]
    inputs += [media_input(track.path, limits)[f"a:{track.stream}"] for track in sounds]
    inputs += [media_input(track.path, limits)[f"s:{track.stream}"] for track in subtitles]
    settings = {"vcodec": "copy", "acodec": "copy", "threads": 1, "flags:a": "+bitexact", "fflags": "+bitexact", "map_metadata": -1}
    if (found := read_header(picture, limits).picture) and found.rates:
        settings["bsf:v"] = lasting(found.rates[0], out)
    with written(out) as part:
        command = ffmpeg_command(ffmpeg.output(*inputs, f"file:{part}", **settings, **_FORMS[out.suffix], **(options or {})), limits)
        place = command.index(f"file:{part}")
        command[place:place] = [
            *_words("a", sounds, bit_rate),
            *_words("s", subtitles, bit_rate),
            *(word for name, value in (tags or {}).items() for word in ("-metadata", f"{name}={value}")),
        ]
        run(command, limits, str(out))
    return out


def _words(kind: str, tracks: Sequence[Track], bit_rate: str) -> list[str]:
    """Return codec, marks and disposition of each track as arguments."""
    words: list[str] = []
    for index, track in enumerate(tracks):
        if kind == "a" and sniff(track.path) is WAV:
            words += [f"-c:a:{index}", "aac", f"-b:a:{index}", bit_rate]
        for name, value in (("language", track.language), ("title", track.title), ("handler_name", track.title)):
            words += [f"-metadata:s:{kind}:{index}", f"{name}={value}"]
        words += [f"-disposition:{kind}:{index}", "default" if track.default else "0"]
    return words


def picture_packets(path: Path, limits: Limits = LIMITS) -> list[Packet]:
    """Return the packets of a film's picture in the order in which they lie there. Raises: MediaError."""
    fields = "packet=pts_time,flags,data_hash"
    command = ask(path, limits, "-select_streams", "v:0", "-show_data_hash", "md5", "-show_entries", fields, "-of", "csv=p=0:nk=1")
    rows = csv.reader(io.StringIO(run(command, limits, str(path)).decode("ascii", errors="replace")))
    return [Packet(row[0], "K" in row[1], row[2]) for row in rows if len(row) >= 3]
