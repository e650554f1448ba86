"""One format into another, with what is lost on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.files import FORMS, lost, read_file, written
from nightdub.tasks.formats.line import ScriptFile, ScriptLine, decode, understood
from nightdub.tasks.formats.tmx import MemoryFile, MemoryUnit, parse_tmx, write_tmx
from nightdub.tasks.formats.xliff import BilingualFile, BilingualLine, read_xliff, write_xliff
from nightdub.tasks.rows import Language, Seconds
from nightdub.tasks.timecode import FrameRate

ENDINGS = {name: name for name in FORMS} | {"xlf": "xliff", "xliff": "xliff", "tmx": "tmx", "itt": "ttml", "dfxp": "ttml"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to convert: `offset` is the moment of the input that becomes zero; languages say what the input itself does not."""

    rate: FrameRate | None = None
    offset: Seconds = 0.0
    language: Language = ""
    target: Language = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """The text made, how many lines or units it has, and what was lost or assumed."""

    text: str
    count: int
    lost: tuple[str, ...]


def convert(data: bytes, name: str, form: str, wanted: Wanted) -> Converted:
    """Return a script, a bilingual file or a translation memory in another form: a name of `FORMS`, "xliff" or "tmx".

    Raises:
        ScriptError: the input cannot be read, or a form that has no place for what it is: a memory has no times, a script one language.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        text = decode(data, name)
        if "<tmx" in text[:2000]:
            return _of_memory(parse_tmx(text, name), name, form, wanted)
        if "<xliff" in text[:2000]:
            return _of_bilingual(read_xliff(text, name), name, form, wanted)
    return _of_script(read_file(data, name, wanted.rate), name, form, wanted)


# ---------------------------------------------------------------- scripts


def _of_script(file: ScriptFile, name: str, form: str, wanted: Wanted) -> Converted:
    if form == "tmx":
        raise ScriptError("a script in one language", where=name, allowed="XLIFF as the input of a memory", fix="make XLIFF of it first")
    file = replace(file, language=wanted.language or file.language, rate=wanted.rate or file.rate)
    moved = [replace(line, start=_less(line.start, wanted.offset), end=_less(line.end, wanted.offset)) for line in file.lines]
    lines, left = _usable(moved)
    if not lines:
        raise ScriptError(f"no usable line ({', '.join(left) or 'none found'})", where=name)
    file = replace(file, lines=tuple(lines))
    if form != "xliff":
        return Converted(written(file, form), len(lines), (*file.notes, *left, *lost(file, form)))
    rows = tuple(
        BilingualLine(
            f"s{index:04d}",
            line.text,
            "",
            line.notes,
            start=line.start,
            end=line.end,
            speaker=line.speaker,
            kind=line.kind,
            source_styles=line.styles,
        )
        for index, line in enumerate(lines)
    )
    placed = sum(bool(line.position) for line in lines)
    missing = [f"position: {placed} lines"] if placed else []
    return Converted(write_xliff(BilingualFile(file.language, wanted.target, rows, name)), len(rows), (*file.notes, *left, *missing))


def _less(moment: Seconds, offset: Seconds) -> Seconds:
    return round(moment - offset, 6)


def _usable(lines: Sequence[ScriptLine]) -> tuple[list[ScriptLine], list[str]]:
    """Return the lines that every format can hold, and why the others are left out."""
    checks: tuple[tuple[str, Callable[[ScriptLine], bool]], ...] = (
        ("without readable times", lambda line: not line.timed),
        ("that end before they begin", lambda line: line.end <= line.start),
        ("before the beginning", lambda line: line.start < 0),
        ("without text", lambda line: not line.text),
    )
    left: dict[str, list[int]] = {}
    kept = []
    for line in lines:
        why = next((why for why, wrong in checks if wrong(line)), "")
        if why:
            left.setdefault(why, []).append(line.number)
        else:
            kept.append(line)
    return kept, [f"lines {why}: {len(numbers)}, the first is line {numbers[0]}" for why, numbers in left.items()]


# ---------------------------------------------------------------- for translators


def _of_bilingual(file: BilingualFile, name: str, form: str, wanted: Wanted) -> Converted:
    file = replace(file, source=wanted.language or file.source, target=wanted.target or file.target)
    if form == "xliff":
        return Converted(write_xliff(file), len(file.lines), ())
    translated = [line for line in file.lines if line.target]
    if form == "tmx":
        units = tuple(_unit(line, file) for line in translated)
        return Converted(write_tmx(MemoryFile(units, file.source)), len(units), (*_untranslated(file), *_untimely(translated)))
    lines = [_line(number, line, translated=bool(translated)) for number, line in enumerate(translated or file.lines, 1)]
    script = ScriptFile(tuple(understood(line) for line in lines), file.target if translated else file.source)
    made = _of_script(script, name, form, replace(wanted, language=script.language))
    return replace(made, lost=((*_untranslated(file), *made.lost) if translated else made.lost))


def _line(number: int, line: BilingualLine, *, translated: bool) -> ScriptLine:
    text, styles = (line.target, line.target_styles) if translated else (line.source, line.source_styles)
    return ScriptLine(line.start, line.end, text, line.speaker, line.kind, line.notes, "", styles, number)


def _unit(line: BilingualLine, file: BilingualFile) -> MemoryUnit:
    notes = (line.notes,) if line.notes else ()
    return MemoryUnit(((file.source, line.source), (file.target, line.target)), line.id, notes, (("x-state", line.state),))


def _untranslated(file: BilingualFile) -> list[str]:
    count = sum(not line.target for line in file.lines)
    return [f"lines without a translation: {count}"] if count else []


def _untimely(lines: Sequence[BilingualLine]) -> list[str]:
    """Return what a memory has no place for."""
    counts = {
        "times": sum(math.isfinite(line.start) for line in lines),
        "speaker": sum(bool(line.speaker) for line in lines),
        "kind": sum(bool(line.kind) for line in lines),
        "styles": sum(bool(line.source_styles or line.target_styles) for line in lines),
    }
    return [f"{name}: {count} lines" for name, count in counts.items() if count]


def _in_language(texts: Sequence[tuple[Language, str]], wanted: Language) -> str:
    """Return a unit's text in a language: of exactly this tag, else of one that begins with it, as "es-ES" with "es"."""
    exact = next((text for tag, text in texts if tag == wanted), "")
    return exact or next((text for tag, text in texts if tag.partition("-")[0].lower() == wanted.lower()), "")


def _of_memory(file: MemoryFile, name: str, form: str, wanted: Wanted) -> Converted:
    if form == "tmx":
        return Converted(write_tmx(file), len(file.units), ())
    if form != "xliff":
        raise ScriptError("a memory, which has no times", where=name, allowed="xlf, tmx")
    source = wanted.language or file.source
    if not source or not wanted.target:
        raise ScriptError(
            "languages of the memory", where=name, allowed="one of the source and one of the target", fix="--language en --target es"
        )
    pairs = [(_in_language(unit.texts, source), _in_language(unit.texts, wanted.target), unit) for unit in file.units]
    rows = tuple(
        BilingualLine(f"u{index:05d}", text, target, "\n".join(unit.notes), "translated")
        for index, (text, target, unit) in enumerate(pairs)
        if text and target
    )
    if not rows:
        there = ", ".join(sorted({tag for unit in file.units for tag, _ in unit.texts}))
        raise ScriptError(f"no unit in {source} and {wanted.target}", where=name, allowed=there, fix="name two of these languages")
    left = len(file.units) - len(rows)
    others = [f"units that are not in both languages: {left}"] if left else []
    facts = sum(bool(unit.id or unit.properties or unit.changed or unit.author or len(unit.texts) > 2) for unit in file.units)
    others += [f"ids, properties, authors, dates or other languages: {facts} units"] if facts else []
    return Converted(write_xliff(BilingualFile(source, wanted.target, rows)), len(rows), tuple(others))
