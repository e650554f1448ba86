"""The report formats: what was wanted beside what was made, as JSON lines of texts or as a JSON list of files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightdub.infra.errors import PairsError

TEXT_FORM = '{"id": "...", "ref": "...", "hyp": "..."}, all text; "src" may hold the source line'
FILE_FORM = '[{"ref": "PATH", "gen": "PATH"}, ...]'
_NAMED = 10  # faults named in one message


@dataclass(frozen=True, slots=True)
class TextPair:
    """One utterance or line: the reference, what a machine made of it, and where known the source line of a translation."""

    id: str
    reference: str
    hypothesis: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class FilePair:
    """Two files to compare: the reference and the generated one."""

    reference: Path
    generated: Path


def read_text_pairs(path: Path) -> list[TextPair]:
    """Read JSON lines of `id`, `ref`, `hyp` and optionally `src`. Empty lines and other fields are passed over; texts may be empty.

    Raises:
        PairsError: the file is absent, is not UTF-8 or holds no pair; a line is no JSON object, lacks a field, holds something that is
            no text, or repeats an id. Every faulty line is named.
    """
    pairs: list[TextPair] = []
    faults: list[str] = []
    first: dict[str, int] = {}
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:  # also a whole number of thousands of digits
            faults.append(f"line {number}: no JSON: {error}")
            continue
        if fault := _fault(row, ("id", "ref", "hyp"), ("src",)):
            faults.append(f"line {number}: {fault}")
        elif row["id"] in first:
            faults.append(f"line {number}: id {row['id']!r} again, first on line {first[row['id']]}")
        else:
            first[row["id"]] = number
            pairs.append(TextPair(row["id"], row["ref"], row["hyp"], row.get("src", "")))
    _refuse(path, faults, TEXT_FORM)
    if not pairs:
        raise PairsError("no pair in it", where=str(path), allowed=TEXT_FORM, fix="give one line for each utterance")
    return pairs


def read_file_pairs(path: Path) -> list[FilePair]:
    """Read a JSON list of `ref` and `gen`, paths relative to the file's folder.

    Raises:
        PairsError: the file is absent, no JSON list or empty; an entry lacks a field, holds no text, names no file, or leads out of the
            folder (also by a link). Every faulty entry is named by its line.
    """
    folder = path.parent.resolve()
    pairs: list[FilePair] = []
    faults: list[str] = []
    for line, row in _entries(path):
        fault = _fault(row, ("ref", "gen"), ())
        for name in () if fault else ("ref", "gen"):
            fault = fault or _path_fault(folder, row[name])
        if fault:
            faults.append(f"line {line}: {fault}")
        else:
            pairs.append(FilePair((folder / row["ref"]).resolve(), (folder / row["gen"]).resolve()))
    _refuse(path, faults, FILE_FORM)
    if not pairs:
        raise PairsError("no pair in it", where=str(path), allowed=FILE_FORM, fix="give one entry for each pair of files")
    return pairs


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PairsError(error.strerror or str(error), where=str(path), fix="name a file that can be read") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PairsError(f"line {line}: not UTF-8", where=str(path), allowed="UTF-8", fix="save the file as UTF-8") from error


def _entries(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield each entry of a JSON list with the line that it begins on."""
    text = _text(path)
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        known = {json.JSONDecodeError: f"line {getattr(error, 'lineno', 1)}: no JSON: {error}", RecursionError: "nested too deeply"}
        what = known.get(type(error), f"no JSON: {error}")
        raise PairsError(what, where=str(path), allowed=FILE_FORM, fix="mend this line") from error
    if not isinstance(rows, list):
        raise PairsError(f"a {type(rows).__name__} instead of a list", where=str(path), allowed=FILE_FORM, fix="put the pairs in a list")
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    for row in rows:
        while text[at] in " \t\r\n,":
            at += 1
        yield text.count("\n", 0, at) + 1, row
        at = decoder.raw_decode(text, at)[1]


def _fault(row: object, wanted: Sequence[str], possible: Sequence[str]) -> str:
    if not isinstance(row, dict):
        return f"a {type(row).__name__} instead of an object"
    if missing := [name for name in wanted if name not in row]:
        return f"no field {', '.join(missing)}"
    wrong = [name for name in (*wanted, *possible) if name in row and not isinstance(row[name], str)]
    if wrong:
        return ", ".join(f"{name} is {type(row[name]).__name__}, not text" for name in wrong)
    if halves := [name for name in (*wanted, *possible) if not _is_whole(row.get(name, ""))]:
        return f"{', '.join(halves)} holds half a character (a lone surrogate)"
    return "id is empty" if "id" in wanted and not row["id"].strip() else ""


def _is_whole(text: str) -> bool:
    """Return whether a text can be written as UTF-8: JSON may spell half of a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _path_fault(folder: Path, name: str) -> str:
    try:
        found = (folder / name).resolve() if "\0" not in name else folder.parent
        if not name or Path(name).is_absolute() or not found.is_relative_to(folder):
            return f"{name!r} is not a path inside the folder of this list"
        return "" if found.is_file() else f"no file {name!r}"
    except (OSError, RuntimeError):  # a name longer than the system allows, or a ring of links
        return f"no file {name[:80]!r}"


def _refuse(path: Path, faults: list[str], allowed: str) -> None:
    if faults:
        more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise PairsError("; ".join(faults[:_NAMED]) + more, where=str(path), allowed=allowed, fix="mend these lines")
