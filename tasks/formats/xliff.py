"""XLIFF 2.1 (OASIS Standard, 2018): lines with their translations, out to translators and back.

Times, speaker and kind stand in the metadata module, where translation tools show them and keep them; notes are notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.line import Run, Style, of_runs, runs_of, tidy
from nightdub.tasks.formats.safe_xml import Element, local, parse
from nightdub.tasks.rows import Language, Seconds
from nightdub.tasks.timecode import clock, written_clock

STATES = ("initial", "translated", "reviewed", "final")  # in order; "initial" = not translated, or not yet checked
_METADATA = "urn:oasis:names:tc:xliff:metadata:2.0"
_CATEGORY = "dialogue"
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")  # of NMTOKEN what every tool takes
_SUBTYPES = {"xlf:b": "b", "xlf:i": "i", "xlf:u": "u"}


@dataclass(frozen=True, slots=True)
class BilingualLine:
    """One line with its translation; times that were not given are not a number."""

    id: str
    source: str
    target: str = ""
    notes: str = ""
    state: str = "initial"  # one of STATES
    start: Seconds = float("nan")
    end: Seconds = float("nan")
    speaker: str = ""
    kind: str = ""  # as a script line's
    source_styles: tuple[Style, ...] = ()
    target_styles: tuple[Style, ...] = ()


@dataclass(frozen=True, slots=True)
class BilingualFile:
    """All lines of one programme in two languages, as BCP 47 tags."""

    source: Language
    target: Language
    lines: tuple[BilingualLine, ...]
    title: str = ""


def read_xliff(text: str, name: str) -> BilingualFile:
    """Return the units of an XLIFF 2 file. A unit that a tool cut into segments is one line again; its state is the lowest of theirs.

    Raises:
        ScriptError: broken XML or a document type, XLIFF of version 1, an unknown state, a unit without an id, or one id twice.
    """
    root = parse(text, name, ("xliff",))
    if not root.get("version", "").startswith("2."):
        version, fix = root.get("version", "none"), "export it as XLIFF 2.0 or 2.1"
        raise ScriptError(f"XLIFF version {version}", where=name, allowed="2.0, 2.1", fix=fix)
    lines: dict[str, BilingualLine] = {}
    for file in root:
        for unit in file.iter():
            if local(unit.tag) == "unit":
                line = _line(unit, name)
                if not line.id or line.id in lines:
                    raise ScriptError(f"unit {line.id!r}", where=name, allowed="ids, each of which comes once in the file")
                lines[line.id] = line
    title = next((file.get("original", "") for file in root if local(file.tag) == "file"), "")
    return BilingualFile(root.get("srcLang", ""), root.get("trgLang", ""), tuple(lines.values()), title)


def _line(unit: Element, name: str) -> BilingualLine:
    parts = [part for part in unit if local(part.tag) in ("segment", "ignorable")]
    source, source_styles = of_runs(run for part in parts for run in _content(part, "source"))
    target, target_styles = of_runs(run for part in parts for run in _content(part, "target"))
    states = [part.get("state", "initial") for part in parts if local(part.tag) == "segment"]
    if strange := [state for state in states if state not in STATES]:
        raise ScriptError(f"state {strange[0]!r}", where=f"{name}, unit {unit.get('id', '')}", allowed=", ".join(STATES))
    facts = _facts(unit)
    notes = tidy("\n".join("".join(note.itertext()) for note in unit.iter() if local(note.tag) == "note"))
    return BilingualLine(
        id=unit.get("id", ""),
        source=source,
        target=target,
        notes=notes,
        state=min(states, key=STATES.index, default="initial"),
        start=clock(facts.get("start", "")),
        end=clock(facts.get("end", "")),
        speaker=facts.get("speaker", ""),
        kind=facts.get("kind", ""),
        source_styles=source_styles,
        target_styles=target_styles,
    )


def _facts(unit: Element) -> dict[str, str]:
    return {meta.get("type", ""): tidy(meta.text or "") for meta in unit.iter(f"{{{_METADATA}}}meta")}


def _content(part: Element, tag: str) -> Iterator[Run]:
    for child in part:
        if local(child.tag) == tag:
            yield from _runs(child, "")


def _runs(element: Element, styles: str) -> Iterator[Run]:
    """Yield the text of a segment; codes that stand for nothing but themselves are passed over."""
    yield element.text or "", styles
    for child in element:
        kind = _SUBTYPES.get(child.get("subType", ""), "") if local(child.tag) == "pc" else ""
        yield from _runs(child, "".join(sorted({*styles, kind})))
        yield child.tail or "", styles


# ---------------------------------------------------------------- writing

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" xmlns:mda="urn:oasis:names:tc:xliff:metadata:2.0" \
version="2.1" srcLang={source}{target}>
  <file id="f1"{original}>
"""
_TAIL = """  </file>
</xliff>
"""


def write_xliff(file: BilingualFile) -> str:
    """Return lines as XLIFF 2.1, one unit with one segment each.

    Raises:
        ScriptError: no language of the source, an id or state that XLIFF does not allow, an empty line, or a target without its language.
    """
    if not file.source:
        raise ScriptError("no language of the source", where="XLIFF", fix="name it: --language en")
    if not file.target and any(line.target for line in file.lines):
        raise ScriptError("translations, and no language that they are in", where="XLIFF", fix="name it: --target es")
    target = f" trgLang={quoteattr(file.target)}" if file.target else ""
    original = f" original={quoteattr(file.title)}" if file.title else ""
    head = _HEAD.format(source=quoteattr(file.source), target=target, original=original)
    return head + "".join(_unit(line) for line in file.lines) + _TAIL


def _unit(line: BilingualLine) -> str:
    if not _ID.fullmatch(line.id) or line.state not in STATES or not line.source:
        what = f"line {line.id!r} in state {line.state!r}" if line.source else f"line {line.id!r} without text"
        raise ScriptError(what, where="XLIFF", allowed=f"an id of {_ID.pattern}, text, and a state of {', '.join(STATES)}")
    facts = {"start": _time(line.start), "end": _time(line.end), "speaker": line.speaker, "kind": line.kind}
    metas = "".join(f'<mda:meta type="{name}">{escape(value)}</mda:meta>' for name, value in facts.items() if value)
    rows = [f'    <unit id="{line.id}" xml:space="preserve">']
    if metas:
        rows.append(f'      <mda:metadata><mda:metaGroup category="{_CATEGORY}">{metas}</mda:metaGroup></mda:metadata>')
    if line.notes:
        rows.append(f"      <notes><note>{escape(line.notes)}</note></notes>")
    source, target = _coded(line.source, line.source_styles), _coded(line.target, line.target_styles)
    inner = f"<source>{source}</source>" + (f"<target>{target}</target>" if target else "")
    return "\n".join([*rows, f'      <segment state="{line.state}">{inner}</segment>', "    </unit>\n"])


def _time(moment: Seconds) -> str:
    return written_clock(moment) if moment == moment else ""  # noqa: PLR0124 - not a number is unequal to itself


def _coded(text: str, styles: Sequence[Style]) -> str:
    """Return text with a pair of codes around each style of each run; ids count within source and target alike."""
    out, number = [], 0
    for run, kinds in runs_of(text, styles):
        coded = escape(run)
        for kind in reversed(kinds):
            number += 1
            coded = f'<pc id="{number}" type="fmt" subType="xlf:{kind}">{coded}</pc>'
        out.append(coded)
    return "".join(out)
