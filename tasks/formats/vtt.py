"""WebVTT (W3C). `<v Name>` is the speaker, `<c.forced>` marks text seen in the picture, `line:0` puts a cue at the top.

A NOTE block belongs to the cue below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from xml.sax.saxutils import escape

from nightdub.tasks.formats.line import ON_SCREEN, ScriptFile, ScriptLine, of_runs, one_row, tagged, tidy
from nightdub.tasks.formats.tags import marked_runs, unescaped
from nightdub.tasks.timecode import FrameRate, clock, written_clock

FORCED = "forced"
_MARK = re.compile(r"</?[a-zA-Z0-9][^<>]*>|<>|</>|\{\\[^{}]*\}")
_VOICE = re.compile(r"<v(?:\.[^ \t\n<>]*)?[ \t\n]+([^<>]+)>")
_ON_SCREEN = re.compile(r"<c\.[^<>]{0,200}\b(?:forced|on-?screen|signs?)\b[^<>]{0,200}>", re.IGNORECASE)
_LINE = re.compile(r"\bline:(-?\d+(?:\.\d+)?)(%?)")
_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)")
_LANGUAGE = re.compile(r"Language:[ \t]*(\S+)")
_TOP_ROWS = 5  # of the fifteen or so that a picture has


def read_vtt(text: str, name: str, rate: FrameRate | None = None) -> ScriptFile:
    """Return the cues of a WebVTT file; styles, regions and cue names are passed over.

    A cue in which several voices speak becomes as many lines, which share its time by their length.
    """
    del name, rate
    rows = text.split("\n")
    header = [found[1] for row in takewhile(str.strip, rows) if (found := _LANGUAGE.match(row))]
    return ScriptFile(tuple(_cues(rows)), header[0] if header else "")


def _cues(rows: Sequence[str]) -> Iterator[ScriptLine]:
    notes: list[str] = []
    index = 0
    while index < len(rows):
        body = _body(rows, index + 1)
        if "-->" in rows[index]:
            yield from _voices(index + 1, rows[index], "\n".join(body), tidy("\n".join(notes)))
            notes = []
        elif _BLOCK.match(rows[index]):
            notes += [unescaped("\n".join([rows[index][4:], *body]))] if rows[index].startswith("NOTE") else []
        else:
            body = []  # a name, or nothing: its cue begins in the next row
        index += 1 + len(body)


def _body(rows: Sequence[str], first: int) -> list[str]:
    """Return the rows up to an empty one or the next cue's times."""
    last = first
    while last < len(rows) and rows[last].strip() and "-->" not in rows[last]:
        last += 1
    return list(rows[first:last])


def _voices(number: int, timing: str, body: str, notes: str) -> Iterator[ScriptLine]:
    before, _, after = timing.partition("-->")
    end, *settings = after.split() or [""]
    kind = ON_SCREEN if _ON_SCREEN.search(body) else ""
    said: list[tuple[str, list[tuple[str, str]]]] = [("", [])]
    for run, styles, mark in marked_runs(body, _MARK):
        said[-1][1].append((run, styles))
        if voice := _VOICE.fullmatch(mark):
            said.append((one_row(unescaped(voice[1])), []))
    read = [(speaker, *of_runs(runs)) for speaker, runs in said]
    parts = [part for part in read if part[1]] or [("", "", ())]
    first, last = clock(before), clock(end)
    before_each = list(accumulate(len(text) for _, text, _ in parts))
    edges = [first, *(first + (last - first) * letters / before_each[-1] for letters in before_each[:-1]), last]
    for (speaker, text, looks), start, stop in zip(parts, edges, edges[1:], strict=False):
        yield ScriptLine(start, stop, text, speaker, kind, notes, _position(" ".join(settings)), looks, number)


def _position(settings: str) -> str:
    """Return "top" for a cue in the upper part of the picture: rows counted from above, or a share of its height."""
    found = _LINE.search(settings)
    if not found:
        return ""
    place = float(found[1])
    return "top" if 0 <= place < (50 if found[2] else _TOP_ROWS) and not found[1].startswith("-") else ""


def write_vtt(file: ScriptFile) -> str:
    """Return a script as WebVTT, its three special characters escaped."""
    header = f"WEBVTT\nLanguage: {file.language}\n" if file.language else "WEBVTT\n"
    return "\n".join([header, *(_block(line) for line in file.lines)])


def _block(line: ScriptLine) -> str:
    text = tagged(line, lambda run: escape(run, {"{\\": "&#123;\\"}))
    text = f"<c.{FORCED}>{text}</c>" if line.kind == ON_SCREEN else text
    text = f"<v {escape(line.speaker)}>{text}</v>" if line.speaker else text
    notes = f"NOTE\n{escape(line.notes)}\n\n" if line.notes else ""
    place = " line:0" if line.position == "top" else ""
    return f"{notes}{line.number}\n{written_clock(line.start)} --> {written_clock(line.end)}{place}\n{text}\n"
