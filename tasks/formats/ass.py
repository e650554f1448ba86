r"""Advanced SubStation Alpha, as Aegisub writes it (version 4.00+) and libass shows it.

The Name field is the speaker, a style such as Sign marks text seen in the picture, `{\an8}` or the style's alignment the top. A comment
event with the times of the line below it holds that line's notes, as do comments in braces. Times are hundredths of a second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nightdub.tasks.formats.line import ON_SCREEN, STYLES, Run, ScriptFile, ScriptLine, of_runs, one_row, runs_of, tidy
from nightdub.tasks.rows import Seconds
from nightdub.tasks.timecode import FrameRate, clock

JOINER = "\u2060"  # after a backslash: it stands for itself then, and is not the beginning of a mark
_EVENT = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
_SIGN = re.compile(r"\b(?:signs?|on-?screen|forced|ts|typeset(?:ting)?)\b|^(?:signs?|on-?screen)", re.IGNORECASE)
_PIECE = re.compile(r"\\([Nnh{}])|\{([^{}]*)\}")
_TAG = re.compile(r"\\(an?|b|i|u|p|r)(-?\d*)")


def read_ass(text: str, name: str, rate: FrameRate | None = None) -> ScriptFile:
    """Return the dialogue events of an ASS or SSA script; drawings are left out of their text, effects and karaoke passed over."""
    del name, rate
    return ScriptFile(tuple(_events(text.split("\n"))), _info(text, "Language"))


def _info(text: str, key: str) -> str:
    found = re.search(rf"^{key}:[ \t]*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _events(rows: list[str]) -> Iterator[ScriptLine]:
    columns: dict[str, list[str]] = {"styles": ["name", "alignment"], "events": list(_EVENT)}
    section, top, comments = "", set(), []
    legacy = False
    for number, row in enumerate(rows, 1):
        if row.startswith("["):
            section = "styles" if "styles" in row.lower() else row.strip("[] \t").lower()
            legacy = legacy or row.lower().startswith("[v4 styles")
            continue
        key, _, rest = row.partition(":")
        if section not in columns or not rest:
            continue
        if key == "Format":
            columns[section] = [cell.strip().lower() for cell in rest.split(",")]
            continue
        cells = dict(zip(columns[section], rest.strip(" \t").split(",", len(columns[section]) - 1), strict=False))
        if key == "Style" and _is_top(cells.get("alignment", ""), legacy=legacy):
            top.add(cells.get("name", "").strip().lstrip("*"))
        elif key == "Comment":
            comments.append((cells.get("start"), cells.get("end"), cells.get("text", "")))
        elif key == "Dialogue":
            notes = [_plain(note) for start, end, note in comments if (start, end) == (cells.get("start"), cells.get("end"))]
            yield _line(number, cells, notes, top=cells.get("style", "").strip().lstrip("*") in top)
            comments = []


def _is_top(alignment: str, *, legacy: bool) -> bool:
    """Return whether a style stands at the top: the upper row of a numeric keypad, or 5 to 7 in SSA."""
    return alignment.strip() in ({"5", "6", "7"} if legacy else {"7", "8", "9"})


@dataclass(slots=True)
class _Reading:
    """State while a line's marks are read."""

    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    styles: set[str] = field(default_factory=set)
    drawing: bool = False
    top: bool = False

    def add(self, text: str) -> None:
        if not self.drawing:
            self.runs.append((text.replace("\\" + JOINER, "\\"), "".join(sorted(self.styles))))

    def block(self, inside: str) -> None:
        """Take what stands between braces: marks, or, without a backslash, a comment."""
        if "\\" not in inside:
            self.notes.append(inside)
        for tag, value in _TAG.findall(inside):
            if tag in ("an", "a"):
                self.top = value in ({"7", "8", "9"} if tag == "an" else {"5", "6", "7"})
            elif tag == "p":
                self.drawing = value not in ("", "0")
            elif tag == "r":
                self.styles.clear()
            elif value in ("", "0"):
                self.styles.discard(tag)
            elif tag in STYLES:
                self.styles.add(tag)


def _read_text(text: str, *, top: bool = False) -> _Reading:
    reading = _Reading(top=top)
    end = 0
    for found in _PIECE.finditer(text):
        reading.add(text[end : found.start()])
        if found[2] is not None:
            reading.block(found[2])
        else:
            reading.add({"N": "\n", "n": "\n", "h": "\u00a0"}.get(found[1], found[1]))
        end = found.end()
    reading.add(text[end:])
    return reading


def _plain(text: str) -> str:
    return "".join(run for run, _ in _read_text(text).runs)


def _line(number: int, cells: Mapping[str, str], notes: list[str], *, top: bool) -> ScriptLine:
    reading = _read_text(cells.get("text", ""), top=top)
    text, styles = of_runs(reading.runs)
    name, style = one_row(cells.get("name", cells.get("actor", ""))), cells.get("style", "")
    sign = _SIGN.search(style) or _SIGN.fullmatch(name)
    speaker = "" if sign and _SIGN.fullmatch(name) else name
    whole = tidy("\n".join([*notes, *reading.notes]))
    start, end = clock(cells.get("start", "")), clock(cells.get("end", ""))
    return ScriptLine(start, end, text, speaker, ON_SCREEN if sign else "", whole, "top" if reading.top else "", styles, number)


# ---------------------------------------------------------------- writing

_HEAD = """[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes
PlayResX: 1920
PlayResY: 1080
{language}
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, \
ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,60,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,60,1
Style: Sign,Arial,60,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,60,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write_ass(file: ScriptFile) -> str:
    """Return a script as ASS 4.00+. A speaker's commas become semicolons, since the field ends at a comma."""
    language = f"Language: {file.language}\n" if file.language else ""
    return _HEAD.format(language=language) + "".join(_event(line) for line in file.lines)


def _event(line: ScriptLine) -> str:
    times = f"0,{_clock(line.start)},{_clock(line.end)}"
    notes = f"Comment: {times},Default,,0,0,0,,{_safe(line.notes)}\n" if line.notes else ""
    text = "".join(
        "".join(f"{{\\{kind}1}}" for kind in styles) + _safe(run) + "".join(f"{{\\{kind}0}}" for kind in styles)
        for run, styles in runs_of(line.text, line.styles)
    )
    place = "{\\an8}" if line.position == "top" else ""
    style = "Sign" if line.kind == ON_SCREEN else "Default"
    return f"{notes}Dialogue: {times},{style},{line.speaker.replace(',', ';')},0,0,0,,{place}{text}\n"


def _safe(text: str) -> str:
    text = text.replace("\\", "\\" + JOINER).replace("{", "\\{").replace("}", "\\}")
    return text.replace("\u00a0", "\\h").replace("\n", "\\N")


def _clock(moment: Seconds) -> str:
    hundredths = round(moment * 100) if math.isfinite(moment) else 0
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 100:02d}.{rest % 100:02d}"
