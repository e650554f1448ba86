"""Reading a catalogue: a CSV file with one title a row; every problem is found in one pass, with its row number."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from nightdub.infra.errors import CatalogueError
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Title

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
REQUIRED = ("id", "source", "language", "targets")
DELIVERED = ("source", "script", "memory", "glossary", "references", "cast", "music_and_effects", "dialogue")  # columns that name files
OPTIONAL = (*DELIVERED[1:], "series", "episode", "profile", "priority")
DEEPEST = 64  # folders that are looked up one by one
LARGEST = 64 << 20  # bytes of a catalogue file; 10,000 rows take about 2 MiB


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that cannot be built, and why."""

    row: int  # line of the file, the header is 1
    id: str
    what: str

    def __str__(self) -> str:
        return f"row {self.row}{f' ({self.id})' if self.id else ''}: {self.what}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The usable titles in the order of the file, and the problems of the others."""

    titles: tuple[Title, ...]
    problems: tuple[Problem, ...]

    def strict(self, path: Path) -> Catalogue:
        """Return self, or raise CatalogueError with every problem."""
        if self.problems:
            raise CatalogueError(
                f"{len(self.problems)} problem(s)",
                where=str(path),
                problems=[str(problem) for problem in self.problems],
                fix="mend the rows, or run with --keep-going to build the others",
            )
        return self


def read_catalogue(path: Path, profiles: Collection[str]) -> Catalogue:
    """Read a catalogue; relative paths count from its folder, and none may leave it.

    Raises:
        CatalogueError: the file itself cannot be used: absent, no UTF-8, a column missing or unknown, no row.
    """
    reader = csv.DictReader(io.StringIO(_text(path)), restkey="", strict=True)
    try:
        _check_header(path, reader.fieldnames or [])
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise CatalogueError(str(error), where=f"{path}, line {reader.line_num}", fix="write it as RFC 4180 CSV, UTF-8") from error
    if not rows:
        raise CatalogueError("0 rows", where=str(path), allowed="one row a title under the header", fix="docs/catalogue.md has an example")
    root = Root(path.parent)
    titles: list[Title] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, row in rows:
        found = [Problem(line, row.get("id") or "", what) for what in _row_problems(row, root, profiles, seen)]
        problems += found
        seen.setdefault(row.get("id") or "", line)
        if not found:
            titles.append(_title(row, root, line))
    return Catalogue(tuple(titles), tuple(problems))


class Root:
    """A catalogue's folder: finds where a delivered file really lies, asking for each folder on the way once."""

    def __init__(self, folder: Path) -> None:
        self.path = os.path.realpath(folder)
        self._real = {self.path: self.path}

    def find(self, value: str) -> str:
        """Return the real path of a relative one, whether it exists or not."""
        path = os.path.join(self.path, value)  # noqa: PTH118  (ten thousand titles: pathlib takes eight times as long)
        return os.path.realpath(path) if ".." in value or value.count(os.sep) > DEEPEST else self._follow(os.path.normpath(path))

    def holds(self, path: str) -> bool:
        """Return whether a real path lies below the folder."""
        return path.startswith(f"{self.path}{os.sep}")

    def _follow(self, path: str) -> str:
        if path not in self._real:
            parent, _, name = path.rpartition(os.sep)
            real = f"{self._follow(parent)}{os.sep}{name}"
            self._real[path] = os.path.realpath(real) if os.path.islink(real) else real  # noqa: PTH114
        return self._real[path]


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise CatalogueError("no file but a folder, pipe, socket or device", where=str(path), fix="give the path of a CSV file")
        if path.stat().st_size > LARGEST:
            raise CatalogueError(
                f"{path.stat().st_size} bytes", where=str(path), allowed=f"up to {LARGEST} bytes", fix="split the catalogue"
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CatalogueError(error.strerror or "unreadable", where=str(path), fix="give the path of a CSV file") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"byte {error.start} is not UTF-8", where=str(path), allowed="UTF-8", fix="save it again as UTF-8") from error


def _check_header(path: Path, names: Collection[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in REQUIRED + OPTIONAL]
    twice = [name for name, count in Counter(names).items() if count > 1]
    problems = [f"column {name!r} is missing" for name in missing] + [f"column {name!r} is unknown" for name in unknown]
    problems += [f"column {name!r} stands twice" for name in twice]
    if problems:
        columns = f"{', '.join(REQUIRED)} and, if wanted, {', '.join(OPTIONAL)}"
        raise CatalogueError(
            "wrong header", where=f"{path}, row 1", allowed=columns, fix="docs/catalogue.md describes each", problems=problems
        )


def _row_problems(row: dict[str, str], root: Root, profiles: Collection[str], seen: dict[str, int]) -> Iterator[str]:
    if None in row.values() or "" in row:
        yield "has fewer or more fields than the header"
        return
    if not ID.fullmatch(row["id"]):
        yield f"id {row['id']!r} is unsafe; allowed: 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit"
    elif row["id"] in seen:
        yield f"id {row['id']!r} was used in row {seen[row['id']]}"
    yield from _language_problems(row)
    for name in ("series", "episode"):
        if row.get(name) and not ID.fullmatch(row[name]):
            yield f"{name} {row[name]!r} is unsafe; allowed: 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit"
    if row.get("profile") and row["profile"] not in profiles:
        yield f"profile {row['profile']!r} is unknown; allowed: {', '.join(sorted(profiles))}"
    if row.get("priority") and not re.fullmatch(r"-?\d{1,9}", row["priority"]):
        yield f"priority {row['priority']!r} is not a whole number"
    for name in DELIVERED:
        if value := row.get(name):
            yield from _path_problems(name, value, root)
    if not row["source"]:
        yield "source is empty"


def _language_problems(row: dict[str, str]) -> Iterator[str]:
    targets = _targets(row)
    allowed = ", ".join(sorted(LANGUAGES))
    if row["language"] not in LANGUAGES:
        yield f"language {row['language']!r} is unknown; allowed: {allowed}"
    if not targets:
        yield "targets is empty; allowed: languages with ; between them"
    for target in targets:
        if target not in LANGUAGES:
            yield f"target {target!r} is unknown; allowed: {allowed}"
    if row["language"] in targets:
        yield f"target {row['language']!r} is the source language"
    if len(set(targets)) < len(targets):
        yield "targets names a language twice"


def _path_problems(name: str, value: str, root: Root) -> Iterator[str]:
    if "\0" in value or "://" in value or value.startswith(os.sep):
        yield f"{name} {value!r} is unsafe; allowed: a path below the catalogue's folder"
        return
    path = root.find(value)
    if not root.holds(path):
        yield f"{name} {value!r} leaves the catalogue's folder"
    elif not os.path.isfile(path):  # noqa: PTH113
        yield f"{name} {value!r} is not reachable: no such file below {Path(root.path).name}/"
    elif not os.access(path, os.R_OK):
        yield f"{name} {value!r} cannot be read: its permissions do not allow it"


def _targets(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in row["targets"].split(";") if part.strip())


def _title(row: dict[str, str], root: Root, line: int) -> Title:
    files = {name: root.find(row[name]) for name in DELIVERED if row.get(name)}
    return Title(
        id=row["id"],
        language=row["language"],
        targets=_targets(row),
        series=row.get("series") or "",
        episode=row.get("episode") or "",
        profile=row.get("profile") or "preview",
        priority=int(row.get("priority") or 0),
        row=line,
        **files,
    )
