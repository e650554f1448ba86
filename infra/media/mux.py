"""Put picture, sound and subtitle tracks into one file, and count what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from nightdub.infra.errors import MediaError
from nightdub.infra.media.header import Header, read_header
from nightdub.infra.media.output import CLEAN, written
from nightdub.infra.media.probe import Probed, probe
from nightdub.infra.media.process import ffmpeg_command, run
from nightdub.infra.media.safety import LIMITS, Limits, media_input
from nightdub.infra.media.sound import AAC_RATES

AAC_RATE = AAC_RATES[2]  # bits a second of stereo
_FORMS: dict[str, dict[str, Any]] = {
    ".mp4": {"f": "mp4", "scodec": "mov_text", "movflags": "+faststart"},
    ".mkv": {"f": "matroska", "scodec": "subrip", "avoid_negative_ts": "disabled"},  # else AAC's priming delays the picture by 21 ms
}


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One sound: WAV, AAC in an `.m4a` as `encode_sound` writes it, or sound `stream` of a film; players pick the default one."""

    path: Path
    language: str  # ISO 639-2, as containers have it
    title: str
    default: bool = False
    stream: int = 0

    @property
    def disposition(self) -> str:
        """Return the track's flags as ffmpeg names them."""
        return "default" if self.default else "0"


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One subtitle (SRT in UTF-8); in MP4 the first one is always marked as default, ffmpeg gives no choice."""

    path: Path
    language: str  # ISO 639-2
    title: str
    default: bool = False
    forced: bool = False  # read unasked: text in the picture
    described: bool = False  # for the deaf

    @property
    def disposition(self) -> str:
        """Return the track's flags as ffmpeg names them."""
        flags = (("default", self.default), ("forced", self.forced), ("hearing_impaired", self.described))
        return "+".join(name for name, set_ in flags if set_) or "0"


def mux(
    video: Path,
    sounds: Sequence[AudioTrack],
    subtitles: Sequence[SubtitleTrack],
    out: Path,
    *,
    pixel_aspect: str = "1:1",
    tags: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
) -> Probed:
    """Write `out` (.mp4 or .mkv by its name): the picture's packets as they are, each sound as AAC, each subtitle as text.

    A sound that is AAC already is copied. The same inputs give the same bytes. `pixel_aspect` is width:height of one pixel; `tags` such
    as "title" and "comment" are readable in any player.

    Raises:
        MediaError: a frame or a track was lost, or a sound is not as long as the picture within one frame.
    """
    if out.suffix not in _FORMS:
        raise MediaError(f"no container for {out.suffix!r}", where=str(out), allowed=", ".join(_FORMS), fix="change the name's ending")
    wanted = probe(video, limits)
    inputs = [media_input(video, limits)["v:0"]]
    inputs += [media_input(track.path, limits)[f"a:{track.stream}"] for track in sounds]
    inputs += [_text_input(track.path)["s:0"] for track in subtitles]
    coding = {"vcodec": "copy", "threads": 1, "flags:a": "+bitexact"}
    coding["bsf:v"] = lasting(wanted.frame_rate, out)
    shape = {} if pixel_aspect == "1:1" else {"aspect": _display(wanted, pixel_aspect)}
    with written(out) as part:
        command = ffmpeg_command(ffmpeg.output(*inputs, f"file:{part}", **coding, **_FORMS[out.suffix], **shape, **CLEAN), limits)
        place = command.index(f"file:{part}")
        marks = [*_marks("a", sounds), *_marks("s", subtitles)]
        marks += [word for name, value in (tags or {}).items() for word in ("-metadata", f"{name}={value}")]
        command[place:place] = [*_codecs(sounds, limits), *marks]
        run(command, limits, str(out))
        found = probe(part, limits)
        header = read_header(part, limits)
        tracks = (found.frames, len(header.sounds), len(header.subtitles))
        _check_tracks(out, tracks, (wanted.frames, len(sounds), len(subtitles)))
        _check_lengths(header, wanted, sounds)
    return found


def lasting(frame_rate: str, out: Path) -> str:
    """Return the filter that lets every packet last one frame: of the last one ffmpeg believes the encoder's headers, not the file.

    Matroska counts in milliseconds, whatever the filter is told (`TB` is the source's clock in ffmpeg 5.1).
    """
    clock = "1/1000" if out.suffix == ".mkv" else "TB"
    return f"setts=pts=PTS:dts=DTS:duration=1/({frame_rate}*{clock})"  # left out, both would be the time of decoding


def _codecs(sounds: Sequence[AudioTrack], limits: Limits) -> list[str]:
    """Return what becomes of each sound: packets of AAC are copied, samples are encoded."""
    words: list[str] = []
    for index, track in enumerate(sounds):
        sound = read_header(track.path, limits).sounds[track.stream]
        coding = ["copy"] if sound.codec == "aac" else ["aac", f"-b:a:{index}", AAC_RATES[sound.channels]]
        words += [f"-c:a:{index}", *coding]
    return words


def _marks(kind: str, tracks: Sequence[AudioTrack | SubtitleTrack]) -> list[str]:
    """Return language, title and disposition as arguments: ffmpeg-python cannot repeat an option, and these must be.

    `handler_name` is the title once more, as MP4 players show it.
    """
    words: list[str] = []
    for index, track in enumerate(tracks):
        for name, value in (("language", track.language), ("title", track.title), ("handler_name", track.title)):
            words += [f"-metadata:s:{kind}:{index}", f"{name}={value}"]
        words += [f"-disposition:{kind}:{index}", track.disposition]
    return words


def _display(video: Probed, pixel_aspect: str) -> str:
    shape = Fraction(video.width, video.height) * Fraction(pixel_aspect.replace(":", "/"))
    return f"{shape.numerator}:{shape.denominator}"


def _text_input(path: Path) -> Any:
    """Return a guarded SRT input. Raises: MediaError where the first cue does not look like one."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        lines = [stream.readline(1000).strip() for _ in range(2)]
    if not lines[0].isdigit() or "-->" not in lines[1]:
        allowed = "a cue's number, then its times with -->"
        raise MediaError("not an SRT file", where=str(path), allowed=allowed, fix="write the subtitles again")
    return ffmpeg.input(f"file:{path}", f="srt", format_whitelist="srt", protocol_whitelist="file")


def _check_tracks(out: Path, found: tuple[int, int, int], wanted: tuple[int, int, int]) -> None:
    if found != wanted:
        words = "{} frames, {} sounds, {} subtitles"
        raise MediaError(words.format(*found), where=str(out), allowed=words.format(*wanted), fix="report this: a part was lost")


def _check_lengths(header: Header, wanted: Probed, sounds: Sequence[AudioTrack]) -> None:
    frame = 1 / Fraction(wanted.frame_rate)
    picture = wanted.frames * frame
    for sound, track in zip(header.sounds, sounds, strict=True):
        if abs(sound.claimed - picture) > frame:
            allowed = f"{float(picture):.3f} s, give or take one frame"
            raise MediaError(f"{sound.claimed:.3f} s of sound", where=str(track.path), allowed=allowed, fix="pad or trim it to the picture")
