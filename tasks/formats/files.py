"""Every format of timed lines: told apart by content, read into the same rows, and what writing one would lose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.ass import read_ass, write_ass
from nightdub.tasks.formats.dialogue_list import is_list, read_csv, write_csv
from nightdub.tasks.formats.line import MOST_ROWS, ScriptFile, decode, of_cues, understood
from nightdub.tasks.formats.srt import read_srt, write_srt
from nightdub.tasks.formats.ttml import read_ttml, write_ttml
from nightdub.tasks.formats.vtt import read_vtt, write_vtt
from nightdub.tasks.rows import Cue, Language
from nightdub.tasks.timecode import FrameRate


@dataclass(frozen=True, slots=True)
class Form:
    """One format: `read` takes a text, a name for messages and the frame rate of its time code, where one is known."""

    read: Callable[[str, str, FrameRate | None], ScriptFile]
    write: Callable[[ScriptFile], str]


FORMS: dict[str, Form] = {
    "srt": Form(read_srt, write_srt),
    "vtt": Form(read_vtt, write_vtt),
    "ttml": Form(read_ttml, write_ttml),
    "ass": Form(read_ass, write_ass),
    "csv": Form(read_csv, write_csv),
}
SUBTITLES = ("srt", "vtt", "ttml")  # what a dub is delivered with
FIELDS = ("text", "speaker", "kind", "notes", "position", "styles")


def read_file(data: bytes, name: str, rate: FrameRate | None = None) -> ScriptFile:
    """Return a delivered script's rows, whatever its file is called; `rate` is that of time code which does not say its own.

    Raises:
        ScriptError: the file is in none of the formats, or breaks its own. One bad line never raises: its times are not numbers.
    """
    text = _bounded(decode(data, name), name)
    file = FORMS[form_of(text, name)].read(text, name, rate)
    return replace(file, lines=tuple(understood(line) for line in file.lines))


def _bounded(text: str, name: str) -> str:
    """Return a script's text. Raises: ScriptError where it has more rows than any programme's."""
    if (count := text.count("\n")) > MOST_ROWS:
        raise ScriptError(f"{count} rows", where=name, allowed=f"at most {MOST_ROWS}", fix="deliver the dialogue list alone")
    return text


def form_of(text: str, name: str) -> str:
    """Return the format of a text by its own form. Raises: ScriptError where it has none that is known."""
    start = text.lstrip()[:400]
    if start.startswith("WEBVTT"):
        return "vtt"
    if start.startswith("<"):
        return "ttml"
    if start.lower().startswith("[script info]"):
        return "ass"
    if is_list(text):
        return "csv"
    if "-->" in text:
        return "srt"
    first = start.partition("\n")[0][:60]
    allowed = "SRT, WebVTT, TTML, ASS, or CSV with columns such as start,end,speaker,text"
    raise ScriptError(f"unknown form, begins with {first!r}", where=name, allowed=allowed, fix="export the dialogue list as one of these")


def written(file: ScriptFile, form: str) -> str:
    """Return a script in a format, its lines numbered from 1."""
    lines = (replace(line, number=number) for number, line in enumerate(file.lines, 1))
    return FORMS[form].write(replace(file, lines=tuple(lines)))


def lost(file: ScriptFile, form: str) -> list[str]:
    """Return what a script loses in a format, found by writing and reading it: "speaker: 12 lines". Nothing = it can be read back whole."""
    made = FORMS[form].read(written(file, form), form, file.rate)
    back = [understood(line) for line in made.lines]
    if len(back) != len(file.lines):
        return [f"lines: {len(back)} of {len(file.lines)} can be read back"]
    pairs = list(zip(file.lines, back, strict=True))
    changed = {name: [line for line, other in pairs if getattr(line, name) != getattr(other, name)] for name in FIELDS}
    changed["time, by half a millisecond or more"] = [
        line for line, other in pairs if max(abs(line.start - other.start), abs(line.end - other.end)) >= 0.0005
    ]
    return [f"{name}: {len(lines)} lines" for name, lines in changed.items() if lines]


def subtitle_text(form: str, cues: Sequence[Cue], language: Language) -> str:
    """Return cues in one of `SUBTITLES`. SubRip, which would show it, is not told the speaker: what is shown stands in the cue's rows."""
    file = of_cues(cues, language)
    if form == "srt":
        file = replace(file, lines=tuple(replace(line, speaker="") for line in file.lines))
    return FORMS[form].write(file)


def write_subtitles(cues: Sequence[Cue], language: Language, folder: Path) -> dict[str, Path]:
    """Write all of `SUBTITLES` as `subtitles.<format>` in UTF-8 and return them by name."""
    written = {}
    for form in SUBTITLES:
        written[form] = folder / f"subtitles.{form}"
        written[form].write_text(subtitle_text(form, cues, language), encoding="utf-8", newline="\n")
    return written
