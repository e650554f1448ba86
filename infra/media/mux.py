"""Put picture, sound and subtitle tracks into one file, and count what came out."""

from __future__ import annotations

from collections.abc import Sequence
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

AAC_RATE = "192k"  # bits a second of each audio track
_FORMS: dict[str, dict[str, Any]] = {
    ".mp4": {"f": "mp4", "scodec": "mov_text", "movflags": "+faststart"},
    ".mkv": {"f": "matroska", "scodec": "subrip", "avoid_negative_ts": "disabled"},  # else AAC's priming delays the picture by 21 ms
}


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One sound (WAV); players pick the default one."""

    path: Path
    language: str  # ISO 639-2, as containers have it
    title: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One subtitle (SRT in UTF-8); in MP4 the first one is always marked as default, ffmpeg gives no choice."""

    path: Path
    language: str  # ISO 639-2
    title: str
    default: bool = False


def mux(
    video: Path,
    sounds: Sequence[AudioTrack],
    subtitles: Sequence[SubtitleTrack],
    out: Path,
    *,
    pixel_aspect: str = "1:1",
    comment: str = "",
    limits: Limits = LIMITS,
) -> Probed:
    """Write `out` (.mp4 or .mkv by its name): the picture's packets as they are, each sound as AAC, each subtitle as text.

    The same inputs give the same bytes. `pixel_aspect` is width:height of one pixel; `comment` is readable in any player.

    Raises:
        MediaError: a frame or a track was lost, or a sound is not as long as the picture within one frame.
    """
    if out.suffix not in _FORMS:
        raise MediaError(f"no container for {out.suffix!r}", where=str(out), allowed=", ".join(_FORMS), fix="change the name's ending")
    wanted = probe(video, limits)
    inputs = [media_input(video, limits)["v:0"]]
    inputs += [media_input(track.path, limits)["a:0"] for track in sounds]
    inputs += [_text_input(track.path)["s:0"] for track in subtitles]
    coding = {"vcodec": "copy", "acodec": "aac", "audio_bitrate": AAC_RATE, "threads": 1, "flags:a": "+bitexact"}
    shape = {} if pixel_aspect == "1:1" else {"aspect": _display(wanted, pixel_aspect)}
    with written(out) as part:
        command = ffmpeg_command(ffmpeg.output(*inputs, f"file:{part}", **coding, **_FORMS[out.suffix], **shape, **CLEAN), limits)
        place = command.index(f"file:{part}")
        command[place:place] = [*_marks("a", sounds), *_marks("s", subtitles), *(("-metadata", f"comment={comment}") if comment else ())]
        run(command, limits, str(out))
        found = probe(part, limits)
        header = read_header(part, limits)
        tracks = (found.frames, len(header.sounds), len(header.subtitles))
        _check_tracks(out, tracks, (wanted.frames, len(sounds), len(subtitles)))
        _check_lengths(header, wanted, sounds)
    return found


def _marks(kind: str, tracks: Sequence[AudioTrack | SubtitleTrack]) -> list[str]:
    """Return language, title and disposition as arguments: ffmpeg-python cannot repeat an option, and these must be.

    `handler_name` is the title once more, as MP4 players show it.
    """
    words: list[str] = []
    for index, track in enumerate(tracks):
        for name, value in (("language", track.language), ("title", track.title), ("handler_name", track.title)):
            words += [f"-metadata:s:{kind}:{index}", f"{name}={value}"]
        words += [f"-disposition:{kind}:{index}", "default" if track.default else "0"]
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
