"""HTTP Live Streaming (RFC 8216) of CMAF tracks: picture, sounds and subtitles as renditions of which players choose by language."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.cmaf import Track, write_track
from nightdub.infra.media.groups import read_groups
from nightdub.infra.media.header import Picture, read_header
from nightdub.infra.media.safety import LIMITS, Limits

MAIN = "main.m3u8"
_SDH = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"  # ibid., 9.7


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound `stream` of the film as a rendition; the default one plays unasked."""

    stream: int
    language: str  # BCP 47
    title: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A WebVTT file as a rendition. `forced` = what is read unasked; `described` = for the deaf.

    `chosen` = players may choose it by the viewer's language: of several that differ in nothing but their title, one alone.
    """

    path: Path
    language: str  # BCP 47
    title: str
    forced: bool = False
    described: bool = False
    chosen: bool = True


def write_hls(film: Path, sounds: Sequence[Sound], texts: Sequence[Text], folder: Path, limits: Limits = LIMITS) -> list[Path]:
    """Write `main.m3u8` and all that it names into a folder, and return every file, `main.m3u8` last.

    Raises:
        MediaError: the film lacks a track, or its picture is none that HLS carries as it is (H.264 in MP4).
    """
    header = read_header(film, limits)
    if (shape := header.picture) is None:
        raise MediaError("no picture", where=str(film), allowed="a film", fix="deliver the masters alone")
    _check_names([*sounds, *texts], film)
    picture = write_track(film, "v:0", folder / "video.m4s", limits)
    heard = [write_track(film, f"a:{sound.stream}", folder / f"audio-{index}.m4s", limits) for index, sound in enumerate(sounds)]
    target = math.ceil(max(part.seconds for track in (picture, *heard) for part in track.fragments))  # one for all (RFC 8216, 6.2.4)
    playlists = [_playlist(track, target) for track in (picture, *heard)]
    read = [_subtitles(text, folder / f"text-{index}", picture.seconds) for index, text in enumerate(texts)]
    channels = [header.sounds[sound.stream].channels for sound in sounds]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        *(["#EXT-X-INDEPENDENT-SEGMENTS"] if _independent(film, picture, Fraction(shape.rates[0]), limits) else []),
    ]
    lines += [_media_of_sound(*row) for row in zip(sounds, playlists[1:], channels, strict=True)]
    lines += [_media_of_text(text, playlist) for text, (playlist, _) in zip(texts, read, strict=True)]
    stream = _stream(shape, picture, heard, target) + (',SUBTITLES="text"' if texts else "")
    main = _written(folder / MAIN, [*lines, stream, playlists[0].name])
    return [*(track.path for track in (picture, *heard)), *playlists, *(path for pair in read for path in pair), main]


def _stream(shape: Picture, picture: Track, heard: Sequence[Track], target: int) -> str:
    """Return the line that names the picture, with what a player has to carry and decode beside it."""
    peak = picture.peak(target) + max(track.peak(target) for track in heard)
    average = picture.average + max(track.average for track in heard)
    facts = f"BANDWIDTH={round(peak)},AVERAGE-BANDWIDTH={round(average)},RESOLUTION={shape.width}x{shape.height}"
    facts += f',FRAME-RATE={float(Fraction(shape.rates[0])):.3f},CODECS="{_avc(picture)},mp4a.40.2",AUDIO="sound"'
    return f"#EXT-X-STREAM-INF:{facts}"


def _playlist(track: Track, target: int) -> Path:
    """Write the playlist of a track beside it; `target` is the target duration in seconds."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{target}", "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines.append(f'#EXT-X-MAP:URI="{track.path.name}",BYTERANGE="{track.header}@0"')
    for part in track.fragments:
        lines += [f"#EXTINF:{part.seconds:.6f},", f"#EXT-X-BYTERANGE:{part.size}@{part.start}", track.path.name]
    return _written(track.path.with_suffix(".m3u8"), [*lines, "#EXT-X-ENDLIST"])


def _written(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _independent(film: Path, picture: Track, rate: Fraction, limits: Limits) -> bool:
    """Return whether every segment starts with a picture that nothing after it leans across, found in the film's own units."""
    starts = set(read_groups(film, limits).starts)
    return all(round(second * rate) in starts for second in accumulate((part.seconds for part in picture.fragments[:-1]), initial=0.0))


def _check_names(renditions: Sequence[Sound | Text], film: Path) -> None:
    """Refuse two renditions of one kind with one name (RFC 8216, 4.3.4.1.1). Raises: MediaError."""
    names = [(type(rendition), rendition.title) for rendition in renditions]
    if twice := next((title for kind, title in names if names.count((kind, title)) > 1), ""):
        raise MediaError(f"two renditions named {twice!r}", where=str(film), fix="give each its own title")


def _subtitles(text: Text, name: Path, length: float) -> tuple[Path, Path]:
    """Write a WebVTT file as one segment with its playlist; its clock is tied to the picture's (RFC 8216, 3.5)."""
    cues, playlist = name.with_suffix(".vtt"), name.with_suffix(".m3u8")
    head, _, body = text.path.read_text(encoding="utf-8", errors="replace").partition("\n")
    if not head.startswith("WEBVTT"):
        raise MediaError(f"begins with {head[:20]!r}", where=str(text.path), allowed="WebVTT", fix="write the subtitles again")
    cues.write_text(f"{head}\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n{body}", encoding="utf-8")
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{max(1, math.ceil(length))}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    return _written(playlist, [*lines, f"#EXTINF:{length:.6f},", cues.name, "#EXT-X-ENDLIST"]), cues


def _media_of_sound(sound: Sound, playlist: Path, channels: int) -> str:
    facts = [("TYPE", "AUDIO", False), ("GROUP-ID", "sound", True), ("NAME", sound.title, True), ("LANGUAGE", sound.language, True)]
    facts += [("DEFAULT", "YES" if sound.default else "NO", False), ("AUTOSELECT", "YES", False), ("CHANNELS", str(channels), True)]
    return _media([*facts, ("URI", playlist.name, True)])


def _media_of_text(text: Text, playlist: Path) -> str:
    facts = [("TYPE", "SUBTITLES", False), ("GROUP-ID", "text", True), ("NAME", text.title, True), ("LANGUAGE", text.language, True)]
    chosen, forced = ("YES" if mark else "NO" for mark in (text.chosen or text.forced, text.forced))
    facts += [("DEFAULT", "NO", False), ("AUTOSELECT", chosen, False), ("FORCED", forced, False)]
    return _media([*facts, *([("CHARACTERISTICS", _SDH, True)] if text.described else []), ("URI", playlist.name, True)])


def _media(facts: Sequence[tuple[str, str, bool]]) -> str:
    return "#EXT-X-MEDIA:" + ",".join(_attributes(facts))


def _attributes(facts: Sequence[tuple[str, str, bool]]) -> Iterator[str]:
    for name, value, quoted in facts:
        clean = value.replace('"', "'").replace("\n", " ").replace("\r", " ")  # what a quoted string cannot hold (RFC 8216, 4.2)
        yield f'{name}="{clean}"' if quoted else f"{name}={value}"


def _avc(track: Track) -> str:
    """Return the codec's name with profile and level (RFC 6381, 3.3), from the configuration record in the header."""
    with track.path.open("rb") as stream:
        start = stream.read(track.header)
    at = start.find(b"avcC")
    if at < 0:
        raise MediaError("no H.264 configuration", where=str(track.path), allowed="H.264", fix="name a profile that encodes the picture")
    return f"avc1.{start[at + 5 : at + 8].hex().upper()}"
