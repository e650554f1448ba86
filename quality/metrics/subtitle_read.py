"""Delivered subtitle files read strictly: what a player would stumble over is a problem, not something to be mended."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.line import ON_SCREEN
from nightdub.tasks.formats.tags import unescaped
from nightdub.tasks.formats.ttml import read_ttml
from nightdub.tasks.formats.vtt import FORCED
from nightdub.tasks.rows import Cue, Seconds

_SRT_TIMES = re.compile(r"(\d{2,4}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,4}):([0-5]\d):([0-5]\d),(\d{3})\s*$")
_VTT_TIMES = re.compile(
    r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]+-->[ \t]+(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:[ \t].*)?$"
)
_TAG = re.compile(r"</?[a-z][^>]{0,500}>|<\d[^>]{0,500}>")  # bounded: "<a" without end is looked through once for each "<a"
_NUMBER = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
_PLACE = re.compile(r"\{\\an([1-9])\}")  # of a SubRip line; 7 to 9 = top
_VTT_TOP = re.compile(r"\bline:(?:[0-4]|[0-4]?\d(?:\.\d+)?%)(?=[ \t]|$)")
# A character above U+007F as UTF-8 writes it, seen as bytes.
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file; `cue` counts from 1 in the file's order, 0 = the file as a whole."""

    cue: int
    what: str


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """A file's cues in its own order, and what is wrong with it. A cue whose times cannot be read is left out, and a problem."""

    cues: tuple[Cue, ...]
    problems: tuple[Problem, ...]


def read_subtitles(name: str, data: bytes, known: str = "") -> SubtitleFile:
    """Return the cues of a SubRip, WebVTT or TTML file by the ending of its name ("srt", "film.vtt").

    `known` is text that is right as it stands: what looks like mis-read UTF-8 in it (a capital before a quotation mark) is none.
    """
    problems: list[Problem] = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(Problem(0, f"not UTF-8 at byte {error.start}"))
        text = data.decode("utf-8", errors="replace")
    if text.startswith("\ufeff"):
        problems.append(Problem(0, "byte order mark"))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    form = name.lower().rpartition(".")[2]
    cues, found = {"srt": _read_srt, "vtt": _read_vtt, "ttml": _read_ttml}.get(form, _unknown)(text)
    problems += found
    if not cues:
        problems.append(Problem(0, "no cue"))
    return SubtitleFile(tuple(cues), tuple(problems + list(_judged(cues, known))))


def misread(text: str) -> list[str]:
    """Return the places where UTF-8 was taken for Windows Latin ("Ã©" for "é"), as they stand in the text."""
    coded = [_windows(letter) for letter in text]
    joined = b"".join(code or b" " for code in coded)  # one byte for each letter
    return [text[match.start() : match.end()] for match in _UTF8.finditer(joined)]


def _windows(letter: str) -> bytes:
    """Return a letter's one byte in Windows Latin, with the five that it leaves out as in Latin 1; empty where it has none."""
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1") if ord(letter) < 0x100 else b""


def _judged(cues: list[Cue], known: str) -> Iterator[Problem]:
    """Yield what is wrong with order, times and letters."""
    previous: Cue | None = None
    before: dict[str, Cue] = {}  # place in the picture -> the last cue there
    for place, cue in enumerate(cues, start=1):
        text, above = "\n".join(cue.lines), before.get(cue.position)
        if not text.strip():
            yield Problem(place, "empty")
        if cue.end <= cue.start:
            yield Problem(place, "ends before it begins")
        if previous and cue.start < previous.start:
            yield Problem(place, "out of order")
        elif above and cue.start < above.end:
            yield Problem(place, "overlaps the one before")
        if wrong := [found for found in misread(text) if found not in known]:
            yield Problem(place, f"UTF-8 read as Windows Latin: {wrong[0]}")
        if "\ufffd" in text:
            yield Problem(place, "a letter was lost (U+FFFD)")
        previous = before[cue.position] = cue


def _read_srt(text: str) -> tuple[list[Cue], list[Problem]]:
    cues: list[Cue] = []
    problems: list[Problem] = []
    expected = 1
    for place, block in enumerate(_blocks(text), start=1):
        times = _SRT_TIMES.match(block[1]) if len(block) > 1 else None
        if not times or not _NUMBER.fullmatch(block[0]):
            problems.append(Problem(place, f"cannot be read: {block[0][:40]!r}"))
            expected += 1
            continue
        if int(block[0]) != expected:
            problems.append(Problem(place, f"has the number {int(block[0])} instead of {expected}"))
        expected = int(block[0]) + 1
        position = "top" if any(found in "789" for found in _PLACE.findall("\n".join(block[2:]))) else ""
        lines = tuple(unescaped(_PLACE.sub("", line)) for line in block[2:])
        cues.append(Cue(int(block[0]), _seconds(times.groups()[:4]), _seconds(times.groups()[4:]), lines, position=position))
    return cues, problems


def _read_vtt(text: str) -> tuple[list[Cue], list[Problem]]:
    first, *blocks = _blocks(text) or [[""]]
    if not re.match(r"WEBVTT(?:[ \t]|$)", first[0]):
        return [], [Problem(0, f"cannot be read: begins with {first[0][:40]!r}, not WEBVTT")]
    cues: list[Cue] = []
    problems: list[Problem] = []
    expected = 1
    for block in blocks:
        if block[0].startswith(("NOTE", "STYLE", "REGION")):
            continue
        place = len(cues) + 1
        at = 0 if "-->" in block[0] else 1
        times = _VTT_TIMES.match(block[at]) if at < len(block) else None
        if not times:
            problems.append(Problem(place, f"cannot be read: {block[0][:40]!r}"))
            expected += 1
            continue
        if at and _NUMBER.fullmatch(block[0]):  # a name may be anything; a number is held to its order
            if int(block[0]) != expected:
                problems.append(Problem(place, f"has the number {int(block[0])} instead of {expected}"))
            expected = int(block[0])
        expected += 1
        lines, top = tuple(html.unescape(_TAG.sub("", line)) for line in block[at + 1 :]), "top" if _VTT_TOP.search(block[at]) else ""
        kind = ON_SCREEN if any(f"<c.{FORCED}>" in line for line in block[at + 1 :]) else ""
        cues.append(Cue(place, _seconds(times.groups()[:4]), _seconds(times.groups()[4:]), lines, kind=kind, position=top))
    return cues, problems


def _read_ttml(text: str) -> tuple[list[Cue], list[Problem]]:
    cues: list[Cue] = []
    problems: list[Problem] = []
    try:
        for line in read_ttml(text, "ttml").lines:
            if line.timed:
                lines = tuple(line.text.split("\n"))
                cues.append(Cue(line.number, line.start, line.end, lines, kind=line.kind, position=line.position))
            else:
                problems.append(Problem(line.number, f"times cannot be read: {line.text[:40]!r}"))
    except ScriptError as error:
        problems.append(Problem(0, f"cannot be read: {error}"))
    return cues, problems


def _unknown(_text: str) -> tuple[list[Cue], list[Problem]]:
    return [], [Problem(0, "a format that is not known: srt, vtt and ttml are")]


def _blocks(text: str) -> list[list[str]]:
    """Return the lines between empty lines."""
    return [block.split("\n") for block in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")) if block.strip()]


def _seconds(clock: tuple[str | None, ...]) -> Seconds:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in clock)
    return math.fsum((3600 * hours + 60 * minutes + seconds, thousandths / 1000))
