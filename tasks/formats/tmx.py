"""TMX 1.4b (LISA, 2005): translation memories as every translation tool exchanges them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.line import decode, tidy
from nightdub.tasks.formats.safe_xml import XML, Element, local, parse
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language

LARGEST = 256 << 20  # bytes; half a million units
# A document type that only names TMX's own file, as most tools write it. It is never fetched.
_NAMED = re.compile(r"<!DOCTYPE\s+tmx(?:\s+(?:SYSTEM|PUBLIC)(?:\s+(?:\"[^\"]*\"|'[^']*'))+)?\s*>")
_NATIVE = {"bpt", "ept", "it", "ph", "ut"}  # elements whose content is another tool's code, not text
_MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)  # as TMX writes dates: 20260131T235959Z


@dataclass(frozen=True, slots=True)
class MemoryUnit:
    """One text in several languages, as pairs of BCP 47 tag and text in the file's order."""

    texts: tuple[tuple[Language, str], ...]
    id: str = ""
    notes: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()  # kind and value, of the unit and of its texts: ("x-project", "pilot")
    changed: str = ""  # last change, else creation, as "20260131T235959Z"
    author: str = ""  # who changed it last, else who made it


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A translation memory; `source` is empty where a unit may be used from any of its languages ("*all*")."""

    units: tuple[MemoryUnit, ...]
    source: Language = ""


def read_tmx(path: Path, name: str = "") -> list[dict[Language, str]]:
    """Return the texts of a memory by language of `LANGUAGES`; "en-US" counts as "en", of two texts in one language the first.

    Raises:
        ScriptError: the file cannot be read, or see `parse_tmx`.
    """
    where = name or str(path)
    try:
        file = parse_tmx(decode(path.read_bytes(), where, LARGEST), where)
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=where, fix="check the memory's path in the catalogue") from None
    rows: list[dict[Language, str]] = [{} for _ in file.units]
    for row, unit in zip(rows, file.units, strict=True):
        for tag, text in unit.texts:
            if (language := re.split("[-_]", tag.lower())[0]) in LANGUAGES:
                row.setdefault(language, text)
    return rows


def parse_tmx(text: str, name: str) -> MemoryFile:
    """Return the units of a translation memory; codes of other tools inside a text are left out, and units with no text at all.

    Raises:
        ScriptError: broken XML, a document type that declares anything, no TMX, or a text without its language.
    """
    root = parse(_NAMED.sub("", text, count=1), name, ("tmx",))
    header = next((child for child in root if local(child.tag) == "header"), None)
    source = "" if header is None else header.get("srclang", "")
    units = [_unit(unit, number, name) for number, unit in enumerate(_all(root, "tu"), 1)]
    return MemoryFile(tuple(unit for unit in units if unit.texts), "" if source == "*all*" else source)


def _all(element: Element, tag: str) -> Iterator[Element]:
    return (child for child in element.iter() if local(child.tag) == tag)


def _unit(unit: Element, number: int, name: str) -> MemoryUnit:
    texts = []
    for variant in (child for child in unit if local(child.tag) == "tuv"):
        language = variant.get(f"{XML}lang") or variant.get("lang", "")  # 1.1 had it without the prefix
        if not language:
            raise ScriptError(f"unit {number} has a text without its language", where=name, fix="export the memory again, as TMX 1.4")
        text = tidy("".join(_text(segment) for segment in variant if local(segment.tag) == "seg"))
        texts += [(language, text)] if text else []
    return MemoryUnit(
        tuple(texts),
        unit.get("tuid", ""),
        tuple(note for child in _all(unit, "note") if (note := tidy(child.text or ""))),
        tuple((child.get("type", ""), value) for child in _all(unit, "prop") if (value := tidy(child.text or ""))),
        unit.get("changedate", unit.get("creationdate", "")),
        unit.get("changeid", unit.get("creationid", "")),
    )


def _text(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        native = local(child.tag) in _NATIVE
        parts += [_text(sub) for sub in child if local(sub.tag) == "sub"] if native else [_text(child)]
        parts.append(child.tail or "")
    return "".join(parts)


def write_tmx(file: MemoryFile) -> str:
    """Return a translation memory as TMX 1.4b.

    Raises:
        ScriptError: a unit without a text, a text without its language, or a date that is none of TMX's.
    """
    source = quoteattr(file.source or "*all*")
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n'
        f'  <header creationtool="nightdub" creationtoolversion="{version("nightdub")}" segtype="sentence" o-tmf="nightdub" adminlang="en" '
        f'srclang={source} datatype="plaintext"/>\n  <body>\n'
    )
    return head + "".join(_written(unit) for unit in file.units) + "  </body>\n</tmx>\n"


def _written(unit: MemoryUnit) -> str:
    whole = unit.texts and all(language and text for language, text in unit.texts)
    if not whole or (unit.changed and not _MOMENT.fullmatch(unit.changed)):
        raise ScriptError(f"unit {unit}", where="TMX", allowed="texts, each with its language; dates as 20260131T235959Z")
    marks = {"tuid": unit.id, "changedate": unit.changed, "changeid": unit.author}
    return "\n".join(
        [
            "    <tu" + "".join(f" {name}={quoteattr(value)}" for name, value in marks.items() if value) + ">",
            *(f"      <note>{escape(note)}</note>" for note in unit.notes),
            *(f"      <prop type={quoteattr(kind)}>{escape(value)}</prop>" for kind, value in unit.properties),
            *(f"      <tuv xml:lang={quoteattr(language)}><seg>{escape(text)}</seg></tuv>" for language, text in unit.texts),
            "    </tu>\n",
        ]
    )
