"""Delivered scripts as they are written: SubRip, WebVTT, TTML and CSV dialogue lists, read line by line without judging them."""

from __future__ import annotations

import csv
import html
import io
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from nightdub.infra.errors import ScriptError
from nightdub.tasks.rows import Seconds

LARGEST = 16 << 20  # bytes; a two-hour script with every word timed has under 2 MB
CSV_COLUMNS = ("start", "end", "text")  # and, where there is one, "speaker"


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line of a script as it was delivered; a time that cannot be read is not a number."""

    number: int  # line of the file
    start: Seconds
    end: Seconds
    text: str
    speaker: str = ""

    @property
    def timed(self) -> bool:
        """Return whether both times could be read."""
        return math.isfinite(self.start) and math.isfinite(self.end)


def decode(data: bytes, name: str) -> str:
    """Return a delivered file's text: UTF-8 with or without a mark, or UTF-16 with one.

    Raises:
        ScriptError: another encoding (with the offset of the first byte that does not fit), binary data, or too large a file.
    """
    if len(data) > LARGEST:
        raise ScriptError(f"{len(data)} bytes", where=name, allowed=f"at most {LARGEST}", fix="deliver the dialogue list alone")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        what = f"byte {error.start} (0x{data[error.start] if error.start < len(data) else 0:02x}) is not {error.encoding}"
        fix = "save it as UTF-8; from Windows Latin: iconv -f WINDOWS-1252 -t UTF-8"
        raise ScriptError(what, where=name, allowed="UTF-8, or UTF-16 with a byte order mark", fix=fix) from None
    if "\x00" in text:
        raise ScriptError(f"character {text.index(chr(0))} is zero: this is not a text", where=name, allowed="SRT, WebVTT, TTML, CSV")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def reader_for(text: str, name: str) -> Callable[[str, str], Iterator[RawLine]]:
    """Return the reader that fits the text's own form, whatever its file is called. Raises: ScriptError."""
    start = text.lstrip()[:400]
    if start.startswith("WEBVTT"):
        return read_vtt
    if start.startswith("<"):
        return read_ttml
    if "-->" in text:
        return read_srt
    if set(CSV_COLUMNS) <= set(_columns(text)):
        return read_csv
    first = start.partition("\n")[0][:60]
    allowed = "SRT, WebVTT, TTML, or CSV with the columns start,end,speaker,text"
    raise ScriptError(f"unknown form, begins with {first!r}", where=name, allowed=allowed, fix="export the dialogue list as one of these")


# ---------------------------------------------------------------- SubRip and WebVTT

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)$")
_TAG = re.compile(r"</?[a-zA-Z0-9][^>]*>|\{\\[^}]*\}")
_VOICE = re.compile(r"<v(?:\.[^ \t>]*)?[ \t]+([^>]+)>")


def read_srt(text: str, name: str) -> Iterator[RawLine]:
    """Yield the cues of a SubRip file; a blank line inside a cue's text does not end it."""
    del name
    lines = text.split("\n")
    starts = [index for index, line in enumerate(lines) if "-->" in line]
    for start, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        body = [line.strip() for line in lines[start + 1 : following]]
        if body and following < len(lines) and body[-1].isdigit():
            body.pop()  # the next cue's number
        yield from _cue(start + 1, lines[start], body)


def read_vtt(text: str, name: str) -> Iterator[RawLine]:
    """Yield the cues of a WebVTT file; notes, styles, regions and cue names are passed over, `<v NAME>` is the speaker.

    A cue in which several voices speak becomes as many lines, which share its time by their length.
    """
    del name
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if "-->" in line:
            yield from _cue(index + 1, line, itertools.takewhile(lambda body: body.strip() and "-->" not in body, lines[index + 1 :]))


def _cue(number: int, timing: str, body: Iterable[str]) -> Iterator[RawLine]:
    before, _, after = timing.partition("-->")
    start, end = clock(before), clock((after.split() or [""])[0])  # WebVTT's settings follow the end
    first, *voices = _VOICE.split("\n".join(body))
    said = [("", first), *zip(voices[::2], voices[1::2], strict=True)]
    parts = [(html.unescape(speaker).strip(), html.unescape(_TAG.sub("", text)).strip()) for speaker, text in said]
    parts = [part for part in parts if part[1]] or [("", "")]
    letters = [len(text) for _, text in parts]
    edges = [start, *(start + (end - start) * sum(letters[:count]) / sum(letters) for count in range(1, len(parts))), end]
    for (speaker, text), first_moment, last_moment in zip(parts, edges, edges[1:], strict=False):
        yield RawLine(number, first_moment, last_moment, text, speaker)


def clock(text: str) -> Seconds:
    """Return "HH:MM:SS.mmm", "MM:SS,mmm" or plain seconds as seconds, not a number where it is none of these."""
    if found := _CLOCK.match(text.strip()):
        hours, minutes, seconds = found.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    return float(text) if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) else math.nan


# ---------------------------------------------------------------- CSV


def read_csv(text: str, name: str) -> Iterator[RawLine]:
    """Yield the rows of a dialogue list with a header. Raises: ScriptError where the file is not CSV."""
    for number, row in csv_rows(text, name):
        yield RawLine(number, clock(row["start"]), clock(row["end"]), row["text"], row.get("speaker", ""))


def csv_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line numbers and rows with lower-case column names; commas, semicolons and tabs may part the columns.

    Raises:
        ScriptError: the file breaks the rules of CSV.
    """
    mark = _delimiter(text)
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    try:
        columns = [column.strip().lower() for column in next((row for row in reader if any(row)), [])]
        for row in reader:
            if any(cell.strip() for cell in row):
                last = len(columns) - 1  # text that holds the mark without quotes runs over into more cells
                padded = [*row, *([""] * len(columns))]
                cells = [*padded[:last], mark.join(row[last:])]
                yield reader.line_num, {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    except csv.Error as error:
        where = f"{name}, line {reader.line_num}"
        raise ScriptError(f"not CSV: {error}", where=where, fix="quote cells that hold commas or quotes") from None


def _columns(text: str) -> list[str]:
    header = text.lstrip().partition("\n")[0]
    return [column.strip().strip('"').lower() for column in header.split(_delimiter(text))]


def _delimiter(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)


# ---------------------------------------------------------------- TTML

_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
_PARAMETER = "{http://www.w3.org/ns/ttml#parameter}"
_METADATA = "{http://www.w3.org/ns/ttml#metadata}"
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)$")


def read_ttml(text: str, name: str) -> Iterator[RawLine]:
    """Yield the paragraphs of a TTML file; `ttm:agent` is the speaker, times of enclosing elements are added.

    The line number is the paragraph's own count, since XML keeps no lines.

    Raises:
        ScriptError: broken XML, a document type (whose entities can grow without bound), or no TTML.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ScriptError("a document type declaration", where=name, allowed="TTML without one", fix="export it again as plain TTML")
    try:
        root = ElementTree.fromstring(text.lstrip())  # noqa: S314 - documents that declare entities were refused above
    except ElementTree.ParseError as error:
        raise ScriptError(f"broken XML: {error}", where=name, fix="export the TTML again") from None
    if _local(root.tag) != "tt":
        raise ScriptError(f"XML of <{_local(root.tag)}>", where=name, allowed="TTML, whose outermost element is <tt>")
    try:
        times = _TtmlTimes.of(root)
    except (ValueError, ZeroDivisionError) as error:
        raise ScriptError(f"frame or tick rate: {error}", where=name, allowed="positive numbers", fix="export the TTML again") from None
    agents = {agent.get(_XML_ID, ""): _agent_name(agent) for agent in root.iter(f"{_METADATA}agent")}
    for number, (paragraph, offset, agent) in enumerate(_paragraphs(root, times, 0.0, ""), start=1):
        start = offset + times.seconds(paragraph.get("begin", "0s"))
        end = offset + times.seconds(paragraph.get("end", "")) if paragraph.get("end") else start + times.seconds(paragraph.get("dur", ""))
        yield RawLine(number, start, end, _ttml_text(paragraph), agents.get(agent, agent))


@dataclass(frozen=True, slots=True)
class _TtmlTimes:
    """Clock of one document."""

    frame: Seconds
    tick: Seconds

    @classmethod
    def of(cls, root: ElementTree.Element) -> _TtmlTimes:
        """Read the document's parameters. Raises: ValueError, ZeroDivisionError where they are no rates."""
        above, below = (root.get(f"{_PARAMETER}frameRateMultiplier") or "1 1").replace(":", " ").split()
        frames = float(root.get(f"{_PARAMETER}frameRate", 30)) * float(above) / float(below)
        ticks = float(root.get(f"{_PARAMETER}tickRate", frames))
        return cls(1 / frames, 1 / ticks)

    def seconds(self, text: str) -> Seconds:
        """Return a time expression of TTML 2 as seconds, not a number where it is none."""
        if found := _OFFSET.match(text.strip()):
            units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "f": self.frame, "t": self.tick}
            return float(found[1]) * units[found[2]]
        parts = text.strip().split(":")
        if len(parts) == 4 and all(part.replace(".", "", 1).isdigit() for part in parts):
            return clock(":".join(parts[:3])) + float(parts[3]) * self.frame
        return clock(text) if len(parts) == 3 else math.nan


def _paragraphs(
    element: ElementTree.Element, times: _TtmlTimes, offset: Seconds, agent: str
) -> Iterator[tuple[ElementTree.Element, Seconds, str]]:
    """Yield each paragraph with the time that its enclosing elements begin, and its own or their agent."""
    for child in element:
        own = child.get(f"{_METADATA}agent", agent).split()
        first = own[0] if own else ""
        if _local(child.tag) == "p":
            yield child, offset, first
        else:
            yield from _paragraphs(child, times, offset + times.seconds(child.get("begin", "0s")), first)


def _agent_name(agent: ElementTree.Element) -> str:
    name = agent.find(f"{_METADATA}name")
    return (name.text or "").strip() if name is not None else agent.get(_XML_ID, "")


def _ttml_text(element: ElementTree.Element) -> str:
    parts = [element.text or ""]
    for child in element:
        parts += [" " if _local(child.tag) == "br" else _ttml_text(child), child.tail or ""]
    return "".join(parts)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
