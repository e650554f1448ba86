"""The delivered film as a container: its tracks, rate, length, and whether all of it decodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path

from nightdub.infra.errors import MediaError
from nightdub.infra.media.check import check_decodes
from nightdub.infra.media.header import Header, Sound, read_header
from nightdub.infra.media.probe import Probed, probe
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language, Measurement, Seconds, Worst

_UNREADABLE = "the film cannot be read"

FACTS: dict[str, MetricFact] = {
    "package.track_problems": MetricFact(
        "problems",
        0,
        inf,
        "tracks that are missing, or whose language, default flag, channels or sample rate are not those of a delivery",
        "ISO 639-2 language tags, ffprobe",
        _UNREADABLE,
    ),
    "package.frame_rate_difference": MetricFact(
        "frames/s", 0, inf, "frame rate of the film against the original, absolute", "ffprobe", f"{_UNREADABLE}, or it has no picture"
    ),
    "package.length_difference": MetricFact(
        "ms",
        0,
        inf,
        "length of the film's dub track against the programme that was mixed, absolute",
        "ffprobe",
        f"{_UNREADABLE}, or it has no dub track",
    ),
    "package.decode_errors": MetricFact(
        "errors",
        0,
        inf,
        "checks that the film fails: header, every packet read, strict decoding of picture and first sound, as many pictures as packets",
        "ffmpeg -xerror -err_detect explode",
        "never: a film that cannot be read has an error",
    ),
}

ENGINE = "ffprobe"
RATE = 48_000  # Hz of every sound of a delivery
_ALSO = {"deu": "ger", "fra": "fre", "zho": "chi"}  # ISO 639-2's bibliographic codes, which Matroska has


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a delivery must hold."""

    target: Language
    source: Language
    subtitles: Sequence[Language]
    frame_rate: Fraction
    length: Seconds  # of the programme
    channels: int = 2  # of the dub's track
    original_channels: int = 2


def package_measurements(film: Path, wanted: Wanted) -> list[Measurement]:
    """Return the problems with a film's tracks, its rate, its length and its decoding. Raises nothing for a broken film."""
    header, complaints = _header(film)
    found: Probed | None = None
    if header:
        found, more = _read_through(film, header)
        complaints += more
    worst = tuple(Worst("film", 1.0, complaint) for complaint in complaints[:WORST])
    decoded = Measurement("package.decode_errors", float(len(complaints)), "errors", 1, "ffmpeg", worst=worst, detail="; ".join(complaints))
    return [_tracks(header, found, wanted), _rate(found, wanted), _length(header, wanted), decoded]


def dub_track(header: Header, target: Language) -> int | None:
    """Return which sound of a film is tagged with the dub's language, counted from 0; None where none is."""
    tags = codes(target)
    return next((index for index, sound in enumerate(header.sounds) if sound.language in tags), None)


def codes(language: Language) -> tuple[str, ...]:
    """Return the ISO 639-2 codes of a language as containers write them."""
    code = LANGUAGES[language].iso639_2
    return (code, _ALSO[code]) if code in _ALSO else (code,)


def _header(film: Path) -> tuple[Header | None, list[str]]:
    try:
        return read_header(film), []
    except MediaError as error:
        return None, [error.what]


def _read_through(film: Path, header: Header) -> tuple[Probed | None, list[str]]:
    """Return what reading every packet found, and what reading and decoding complain of."""
    found, complaints = None, []
    try:
        found = probe(film)
    except MediaError as error:
        complaints.append(error.what)
    try:
        pictures = check_decodes(film, every_sound=True)
        if found and header.picture and pictures != found.frames:
            complaints.append(f"{found.frames} frames in the container, but {pictures} pictures decode")
    except MediaError as error:
        complaints.append(error.what)
    return found, complaints


def _tracks(header: Header | None, found: Probed | None, wanted: Wanted) -> Measurement:
    if header is None:
        return Measurement("package.track_problems", None, "problems", engine=ENGINE, not_measured=_UNREADABLE)
    problems = list(track_problems(header, wanted))
    if found and found.variable_rate:
        problems.append("the frame rate varies")
    count = (header.picture is not None) + len(header.sounds) + len(header.subtitles)
    worst = tuple(Worst("film", 1.0, problem) for problem in problems[:WORST])
    return Measurement("package.track_problems", float(len(problems)), "problems", count, ENGINE, worst=worst, detail="; ".join(problems))


def track_problems(header: Header, wanted: Wanted) -> Iterator[str]:
    """Yield what is wrong with the tracks of a film, one sentence each."""
    if header.picture is None:
        yield "no picture"
    yield from _sound_problems(header, wanted.target, "dub", wanted.channels, default=True)
    yield from _sound_problems(header, wanted.source, "original", wanted.original_channels, default=False)
    known = {*codes(wanted.target), *codes(wanted.source)}
    for place, sound in enumerate(header.sounds):
        if sound.language not in known:
            yield f"sound {place + 1} is tagged {sound.language or 'with no language'}, which is neither the dub's nor the original's"
    for language in wanted.subtitles:
        if not {*codes(language)} & {*header.subtitles}:
            yield f"no subtitles tagged {codes(language)[0]}"
    expected = {code for language in wanted.subtitles for code in codes(language)}
    for tag in header.subtitles:
        if tag not in expected:
            yield f"subtitles tagged {tag or 'with no language'}, which nobody asked for"


def _sound_problems(header: Header, language: Language, what: str, channels: int, *, default: bool) -> Iterator[str]:
    tracks = [sound for sound in header.sounds if sound.language in codes(language)]
    if not tracks:
        yield f"no {what} track: no sound is tagged {codes(language)[0]}"
    if len(tracks) > 1:
        yield f"{len(tracks)} sounds are tagged {codes(language)[0]}"
    for track in tracks[:1]:
        yield from _form_problems(track, what, channels, default=default)


def _form_problems(track: Sound, what: str, channels: int, *, default: bool) -> Iterator[str]:
    if track.default != default:
        yield f"the {what} track is {'not ' if default else ''}the default"
    if track.channels != channels:
        yield f"the {what} track has {track.channels} channels, not {channels}"
    if track.sample_rate != RATE:
        yield f"the {what} track has {track.sample_rate} Hz, not {RATE}"


def _rate(found: Probed | None, wanted: Wanted) -> Measurement:
    metric, unit = "package.frame_rate_difference", "frames/s"
    if found is None:
        return Measurement(metric, None, unit, engine=ENGINE, not_measured=_UNREADABLE)
    if not found.frame_rate:
        return Measurement(metric, None, unit, engine=ENGINE, not_measured="the film has no picture")
    difference = abs(Fraction(found.frame_rate) - wanted.frame_rate)
    detail = f"{found.frame_rate} where the original has {wanted.frame_rate}" if difference else ""
    return Measurement(metric, float(difference), unit, found.frames, ENGINE, detail=detail)


def _length(header: Header | None, wanted: Wanted) -> Measurement:
    track = dub_track(header, wanted.target) if header else None
    if header is None or track is None:
        why = "the film has no dub track" if header else _UNREADABLE
        return Measurement("package.length_difference", None, "ms", engine=ENGINE, not_measured=why)
    length = header.sounds[track].claimed
    return Measurement("package.length_difference", 1000 * abs(length - wanted.length), "ms", 1, ENGINE, detail=f"{length:.3f} s")
