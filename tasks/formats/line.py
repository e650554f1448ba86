"""The one row that every script format is read into and written from, and its text in order: `ScriptLine`, `ScriptFile`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

from nightdub.infra.errors import ScriptError
from nightdub.tasks.rows import Cue, Language, Seconds
from nightdub.tasks.timecode import FrameRate

LARGEST = 16 << 20  # bytes; a two-hour script with every word timed has under 2 MB
MOST_ROWS = 500_000  # line ends of a script; the same script has under 100,000
LATEST = 1e9  # seconds
ON_SCREEN, SOUND = "on-screen", "sound"  # kinds; "" = dialogue
STYLES = "biu"  # bold, italic, underlined

Run = tuple[str, str]  # text, and the letters of its styles in order: "", "i", "bi"


@dataclass(frozen=True, slots=True)
class Style:
    """Characters `first` up to, not including, `last` of a line's text are bold ("b"), italic ("i") or underlined ("u")."""

    first: int
    last: int
    kind: str


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line of a script as it was delivered; a time that cannot be read is not a number."""

    start: Seconds
    end: Seconds
    text: str  # rows as on screen, parted by line ends
    speaker: str = ""
    kind: str = ""  # empty = dialogue; "on-screen" = text in the picture; "sound" = wholly in brackets or between note signs
    notes: str = ""
    position: str = ""  # "top"; empty = bottom
    styles: tuple[Style, ...] = ()
    number: int = field(default=0, compare=False)  # place in the file, for messages

    @property
    def timed(self) -> bool:
        """Return whether both times could be read, and lie in a programme that there can be."""
        return abs(self.start) < LATEST and abs(self.end) < LATEST


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A whole script; `language` is empty and `rate` None where the file does not say them."""

    lines: tuple[ScriptLine, ...]
    language: Language = ""
    rate: FrameRate | None = None
    hour: Seconds = 3600.0  # how long an hour of its own times lasts: 3603.6 in non-drop time code at 29.97
    notes: tuple[str, ...] = ()  # what had to be assumed, for the operator


def of_cues(cues: Sequence[Cue], language: Language) -> ScriptFile:
    """Return subtitles as a script's rows, one for each cue."""
    lines = (
        ScriptLine(cue.start, cue.end, tidy("\n".join(cue.lines)), tidy(cue.speaker), cue.kind, position=cue.position, number=cue.index)
        for cue in cues
    )
    return ScriptFile(tuple(lines), language)


def decode(data: bytes, name: str, largest: int = LARGEST) -> str:
    """Return a delivered file's text: UTF-8 with or without a mark, or UTF-16 with one.

    Raises:
        ScriptError: another encoding (with the offset of the first byte that does not fit), binary data, or too large a file.
    """
    if len(data) > largest:
        raise ScriptError(f"{len(data)} bytes", where=name, allowed=f"at most {largest}", fix="deliver the dialogue list alone")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        what = f"byte {error.start} (0x{data[error.start] if error.start < len(data) else 0:02x}) is not {error.encoding}"
        fix = "save it as UTF-8; from Windows Latin: iconv -f WINDOWS-1252 -t UTF-8"
        raise ScriptError(what, where=name, allowed="UTF-8, or UTF-16 with a byte order mark", fix=fix) from None
    if "\x00" in text:
        what = f"character {text.index(chr(0))} is zero: this is not a text"
        raise ScriptError(what, where=name, allowed="SRT, WebVTT, TTML, ASS, CSV, XLIFF, TMX")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# ---------------------------------------------------------------- text

# What XML 1.0 cannot hold or a player takes for the end of a row: control characters, surrogates, line separators, and code points
# that are no characters. Joiners and direction marks stay: emoji and right-to-left text need them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\r]+")


def tidy(text: str) -> str:
    """Return text without control characters, each row without blanks around it and with single ones inside, and without empty rows."""
    rows = (_BLANKS.sub(" ", row).strip() for row in _UNWRITABLE.sub("", text).split("\n"))
    return "\n".join(row for row in rows if row)


def one_row(text: str) -> str:
    """Return tidy text as a single row."""
    return tidy(text).replace("\n", " ")


def of_runs(runs: Iterable[Run]) -> tuple[str, tuple[Style, ...]]:
    """Return tidy text and its styles from runs as they were read. A blank is styled where the characters on both sides are."""
    pieces = [(_UNWRITABLE.sub("", text), styles) for text, styles in runs]
    whole = "".join(text for text, _ in pieces)
    if not any(styles for _, styles in pieces):
        return tidy(whole), ()
    marks = iter([styles for text, styles in pieces for letter in text if not letter.isspace()])
    text = tidy(whole)  # keeps every character that is no blank
    seen = ["" if letter.isspace() else next(marks) for letter in text]
    return text, tuple(sorted((span for kind in STYLES for span in _spans(text, seen, kind)), key=lambda span: (span.first, span.kind)))


def _spans(text: str, seen: Sequence[str], kind: str) -> Iterable[Style]:
    """Yield the longest stretches of one style; blanks never part one and never end one."""
    places = [index for index, letter in enumerate(text) if not letter.isspace()]
    for styled, run in groupby(places, key=lambda index: kind in seen[index]):
        if styled:
            found = list(run)
            yield Style(found[0], found[-1] + 1, kind)


def runs_of(text: str, styles: Sequence[Style]) -> list[Run]:
    """Return text as runs of one look each; the reverse of `of_runs`."""
    edges = sorted({0, len(text), *(edge for style in styles for edge in (style.first, style.last) if 0 <= edge <= len(text))})
    return [
        (text[first:last], "".join(sorted({style.kind for style in styles if style.first <= first and last <= style.last})))
        for first, last in pairwise(edges)
    ]


def tagged(line: ScriptLine, safe: Callable[[str], str]) -> str:
    """Return a line's text with `<b>`, `<i>` and `<u>` around styled runs, each run made safe first."""
    return "".join(
        "".join(f"<{kind}>" for kind in styles) + safe(run) + "".join(f"</{kind}>" for kind in reversed(styles))
        for run, styles in runs_of(line.text, line.styles)
    )


# ---------------------------------------------------------------- meaning

_BRACKETED = re.compile(r"(?:\s*(?:\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】|\([^()]*\)|（[^（）]*）|\*[^*]+\*|[♪♫♬][^♪♫♬]*[♪♫♬]?))+\s*")
_LONGEST_SOUND = 10_000  # characters; each bracket costs the search memory
_LABEL = re.compile(r"([^\W\d][^\n:\[\]()]{0,39}(?: ?\([^\n:()]{1,20}\))?):[ \n]+(?=\S)")  # "ANN: ...", "DR. O'NEIL (V.O.): ..."
_ROUND = str.maketrans("[]", "()")


def is_sound(text: str) -> bool:
    """Return whether a line is nothing but descriptions of sounds in brackets, or sung between note signs."""
    return len(text) <= _LONGEST_SOUND and _BRACKETED.fullmatch(text) is not None


def label_of(text: str) -> str:
    """Return the name that stands in capitals before a line, as subtitles for the deaf write it ("ANN: Hello"); "" where there is none."""
    found = _LABEL.match(text)
    return found[1] if found and found[1].isupper() and sum(map(str.isalpha, found[1])) > 1 else ""


def understood(line: ScriptLine) -> ScriptLine:
    """Return a line with the kind and the speaker that its own text tells: "[sighs]" is a sound, "ANN: Hello" is Ann's."""
    if line.kind == ON_SCREEN:
        return line
    name = "" if line.speaker or is_sound(line.text) else label_of(line.text)
    if name:
        line = replace(_without(line, len(name) + 2), speaker=name)
    if line.kind == SOUND and line.text and not is_sound(line.text):
        bracketed = f"[{line.text.translate(_ROUND)}]"
        line = replace(line, text=bracketed, styles=tuple(Style(style.first + 1, style.last + 1, style.kind) for style in line.styles))
    return replace(line, kind=SOUND if is_sound(line.text) else "")


def _without(line: ScriptLine, count: int) -> ScriptLine:
    """Return a line without its first characters."""
    styles = (Style(max(style.first - count, 0), style.last - count, style.kind) for style in line.styles if style.last > count)
    return replace(line, text=line.text[count:], styles=tuple(styles))
