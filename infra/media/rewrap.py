"""Take a film apart and put it together again without encoding its picture, for whoever needs it otherwise than it was packed.

Nothing is checked: a track may be missing, mislabelled or of another length than the picture. `mux` is for what is delivered.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from nightdub.infra.media.header import ask
from nightdub.infra.media.mux import AAC_RATE
from nightdub.infra.media.output import written
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, Limits, media_input
from nightdub.infra.media.sniff import WAV, sniff

_STEP = 1000  # ticks of one frame, times the rate's denominator
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


def to_elementary(picture: Path, folder: Path, cuts: Sequence[int] = (), limits: Limits = LIMITS) -> list[Path]:
    """Write an H.264 picture as elementary streams (Annex B), cut before the frames in `cuts`, which must be key frames.

    Raises: MediaError.
    """
    where = {"segment_frames": ",".join(map(str, cuts))} if cuts else {"segment_time": 1 << 20}
    pattern = folder / "piece%06d.h264"
    coding = {"f": "segment", "segment_format": "h264", "vcodec": "copy", "bsf:v": "h264_mp4toannexb"}
    run(ffmpeg_command(media_input(picture, limits)["v:0"].output(f"file:{pattern}", **coding, **where), limits), limits, str(picture))
    return sorted(folder.glob("piece*.h264"))


def from_elementary(pieces: Sequence[Path], frame_rate: Fraction, out: Path, limits: Limits = LIMITS) -> Path:
    """Write elementary streams, one after the other, as a silent film of this rate. The pieces hold no frames that lean on later ones.

    Raises: MediaError.
    """
    whole = out.with_suffix(".h264")
    try:
        with whole.open("wb") as stream:
            for piece in pieces:
                stream.write(piece.read_bytes())
        source = ffmpeg.input(f"file:{whole}", f="h264", framerate=str(frame_rate), format_whitelist="h264", protocol_whitelist="file")
        step = _STEP * frame_rate.denominator
        timing = f"setts=pts=N*{step}:dts=N*{step}:duration={step}"
        coding = {"f": "mp4", "vcodec": "copy", "bsf:v": timing, "video_track_timescale": _STEP * frame_rate.numerator}
        with written(out) as part:
            run(ffmpeg_command(source["v:0"].output(f"file:{part}", **coding, fflags="+bitexact"), limits), limits, str(out))
    finally:
        whole.unlink(missing_ok=True)
    return out
