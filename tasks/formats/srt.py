r"""SubRip: numbers, times, text. It has no standard; this is what players and subtitle editors agree on.

`{\an8}` puts a line at the top, `<i>`, `<b>` and `<u>` style it, a name in capitals and a colon before the text is the speaker. Text
stands as it is: a character is written as an entity only where it would be read as a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nightdub.tasks.formats.line import ScriptFile, ScriptLine, label_of, of_runs, tagged
from nightdub.tasks.formats.tags import marked_runs, unescaped
from nightdub.tasks.timecode import FrameRate, clock, written_clock

_TIMES = re.compile(r"\s*\d[\w:.,]*\s*-->\s*\w", re.ASCII)
_MARK = re.compile(r"</?(?:[biusvc]|font|span|lang|ruby|rt)(?:[. ][^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_TOP = re.compile(r"\{(?=\\)[^{}]{0,200}\\an?[789]\b[^{}]{0,200}\}")


def read_srt(text: str, name: str, rate: FrameRate | None = None) -> ScriptFile:
    """Return the cues of a SubRip file; a blank row inside a cue's text does not end it."""
    del name, rate
    return ScriptFile(tuple(_cues(text.split("\n"))))


def _cues(rows: Sequence[str]) -> Iterator[ScriptLine]:
    starts = [index for index in range(len(rows)) if _has_times(rows, index)]
    for start, following in zip(starts, [*starts[1:], len(rows)], strict=False):  # an arrow in a text may begin no cue at all
        body = rows[start + 1 : following]
        if body and following < len(rows) and body[-1].strip().isdigit():
            body = body[:-1]  # without the next cue's number
        before, _, after = rows[start].partition("-->")
        whole = "\n".join(body)
        text, styles = of_runs((run, look) for run, look, _ in marked_runs(whole, _MARK))
        top = "top" if _TOP.search(whole) else ""
        yield ScriptLine(clock(before), clock((after.split() or [""])[0]), text, position=top, styles=styles, number=start + 1)


def _has_times(rows: Sequence[str], index: int) -> bool:
    """Return whether a cue begins in this row: an arrow between times, or whatever stands around it below a number."""
    return "-->" in rows[index] and (_TIMES.match(rows[index]) is not None or (index > 0 and rows[index - 1].strip().isdigit()))


def write_srt(file: ScriptFile) -> str:
    """Return a script as SubRip."""
    return "\n".join(_block(line) for line in file.lines)


def _block(line: ScriptLine) -> str:
    rows = line.text.split("\n")
    arrows = any(_has_times(rows, index) for index in range(len(rows)))

    def safe(run: str) -> str:
        run = run.replace("&", "&amp;") if unescaped(run) != run else run
        run = run.replace("<", "&lt;") if _MARK.search(run) else run
        return run.replace("{\\", "&#123;\\").replace("-->", "--&gt;" if arrows else "-->")

    text = ("{\\an8}" if line.position == "top" else "") + label(line.speaker) + tagged(line, safe)
    return f"{line.number}\n{written_clock(line.start, ',')} --> {written_clock(line.end, ',')}\n{text}\n"


def label(speaker: str) -> str:
    """Return the label that tells a speaker in the text, "" where the name cannot stand as one (a script without capitals)."""
    name = speaker.upper()
    return f"{name}: " if speaker and label_of(f"{name}: x") == name else ""
