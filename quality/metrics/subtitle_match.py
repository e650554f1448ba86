"""Delivered subtitle files against what is said and what is seen in the picture, letter by letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nightdub.tasks.formats.line import ON_SCREEN, SOUND
from nightdub.tasks.rows import Cue, Seconds, Segment, Translation
from nightdub.tasks.subtitle_rules import BRACKETS

_NEAR: Seconds = 8.0  # a cue of a text in the picture may come or go so much beside it: it lasts 7 s at most
_BRACKETED = re.compile("|".join(rf"{re.escape(opened)}[^{re.escape(opened + closed)}]*{re.escape(closed)}" for opened, closed in BRACKETS))


@dataclass(frozen=True, slots=True)
class Line:
    """Something that has to stand in a file: its letters, and when."""

    segment: str
    start: Seconds
    end: Seconds
    text: str


@dataclass(frozen=True, slots=True)
class Matched:
    """One file against the lines."""

    distance: int
    letters: int  # of the lines
    lines: tuple[str, ...]
    found: tuple[float, ...]  # share of each line's letters that stand in the file
    shifts: tuple[tuple[float, str], ...]  # ms by which a cue is late, and the line that it begins with


def lines_of(translations: Iterable[Translation], times: Mapping[str, tuple[Seconds, Seconds]], *, bracketed: bool = True) -> list[Line]:
    """Return the lines with text and a place in time, in order of time; `bracketed` keeps what stands in brackets."""
    texts = {line.segment: letters(line.text if bracketed else _BRACKETED.sub("", line.text)) for line in translations}
    places = sorted((start, segment, end) for segment, (start, end) in times.items())
    return [Line(segment, start, end, text) for start, segment, end in places if (text := texts.get(segment, ""))]


def letters(text: str) -> str:
    """Return text in NFC without spaces and control characters, which no cue need keep."""
    kept = (letter for letter in unicodedata.normalize("NFC", text) if not letter.isspace())
    return "".join(letter for letter in kept if unicodedata.category(letter) not in {"Cc", "Cf"})


def signs_of(marks: Iterable[Segment], translations: Iterable[Translation]) -> list[Line]:
    """Return the texts seen in the picture, one without a translation without letters."""
    texts = {line.segment: letters(line.text) for line in translations}
    return [Line(mark.id, mark.start, mark.end, texts.get(mark.id, "")) for mark in marks if mark.kind == ON_SCREEN]


def is_of(cue: Cue, sign: Line) -> bool:
    """Return whether a cue shows a text of the picture, or a part of it, at about its time."""
    shown = letters("".join(cue.lines))
    return bool(shown) and shown in sign.text and cue.start < sign.end + _NEAR and sign.start - _NEAR < cue.end


def is_shown(sign: Line, cues: Sequence[Cue]) -> bool:
    """Return whether at least half of a text of the picture stands in cues at about its time."""
    shown = sum(len(letters("".join(cue.lines))) for cue in cues if is_of(cue, sign))
    return bool(sign.text) and 2 * shown >= len(sign.text)


def dialogue(cues: Sequence[Cue], signs: Sequence[Line], *, captioned: bool) -> list[Cue]:
    """Return the cues of what is said, in order of time; where they are captioned, without names and sounds in brackets."""
    told = [cue for cue in cues if cue.kind != ON_SCREEN and not any(is_of(cue, sign) for sign in signs)]
    if captioned:
        whole = ["\n".join(cue.lines) for cue in told]  # a name may be broken over two lines
        bare = [replace(cue, lines=tuple(_BRACKETED.sub("", text).split("\n"))) for cue, text in zip(told, whole, strict=True)]
        told = [cue for cue in bare if cue.kind != SOUND and letters(_cue_text(cue)).strip("♪")]
    return sorted(told, key=lambda cue: cue.start)


def match(spoken: Sequence[Line], cues: Sequence[Cue], pause: Seconds, lead: Callable[[Cue], Seconds]) -> Matched:
    """Lay all lines beside all cues, letter by letter; `lead` says by how much a cue may come early without being shifted."""
    from rapidfuzz.distance import Levenshtein

    wanted, shown = "".join(line.text for line in spoken), [_cue_text(cue) for cue in cues]
    starts = _starts([line.text for line in spoken])
    opens = {start: cue for cue, start in enumerate(_starts(shown)) if shown[cue]}  # letter of the file -> the cue that begins there
    hits, shifts, changed = [0] * len(wanted), [], 0
    begins = {start: line for line, start in enumerate(starts)}
    for step in Levenshtein.opcodes(wanted, "".join(shown)):
        if step.tag != "equal":
            changed += max(step.src_end - step.src_start, step.dest_end - step.dest_start)
            continue
        for offset in range(step.src_end - step.src_start):
            hits[step.src_start + offset] = 1
            line, cue = begins.get(step.src_start + offset), opens.get(step.dest_start + offset)
            if line is not None and cue is not None:
                calm = cue + 1 == len(cues) or cues[cue + 1].start - cues[cue].end > pause
                late = cues[cue].start - spoken[line].start
                shifts.append((calm, 1000 * (min(late + lead(cues[cue]), 0.0) if late < 0 else late), spoken[line].segment))
    found = tuple(sum(hits[start : start + len(line.text)]) / len(line.text) for start, line in zip(starts, spoken, strict=True))
    chosen = [row for row in shifts if row[0]] or shifts
    pairs = tuple((milliseconds, segment) for _, milliseconds, segment in chosen)
    return Matched(changed, len(wanted), tuple(line.segment for line in spoken), found, pairs)


def _cue_text(cue: Cue) -> str:
    """Return a cue's letters; the dash before each of two speakers is no letter."""
    two = len(cue.lines) > 1 and all(line.startswith("-") for line in cue.lines)
    return letters("".join(line[1:] if two else line for line in cue.lines))


def _starts(texts: Sequence[str]) -> list[int]:
    """Return where each text begins in all of them joined."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text)
    return starts
