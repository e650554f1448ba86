"""Statements that are sent very often: compiled once by SQLAlchemy, then sent through the driver's own cursor.

Of a claim and its commit on SQLite, SQLAlchemy's way around the statements took four fifths of the time, most of it while the only
write lock was held (benchmarks/ledger.py). What differs between the databases is still SQLAlchemy's: spelling, types, casts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Select
from sqlalchemy.types import TypeEngine

Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction on the driver's own connection."""

    dialect: Dialect
    cursor: Any  # one for all statements: with psycopg a new one for each takes as long as some of them


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as one database takes it."""

    text: str
    binds: tuple[tuple[str, Processor | None], ...]  # in the order in which the database wants them
    fixed: dict[str, Any]  # values that belong to the statement
    positional: bool
    results: tuple[Processor | None, ...]

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return values as the driver takes them."""
        given = {**self.fixed, **values}
        pairs = [(name, process(given[name]) if process else given[name]) for name, process in self.binds]
        return tuple(value for _, value in pairs) if self.positional else dict(pairs)

    def read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return a row of the driver's as Python values."""
        return tuple(process(value) if process else value for value, process in zip(row, self.results, strict=True))


class Spoken:
    """One statement; `build` gives it, once for each database and set of values."""

    def __init__(self, build: Callable[[Dialect], Any]) -> None:
        self._build = build
        self._ready: dict[tuple[str, ...], _Ready] = {}

    def send(self, line: Line, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Send it with one row of values; return the rows that it selects. Raises: the driver's own errors."""
        ready, cursor = self._for(line.dialect, values), line.cursor
        cursor.execute(ready.text, ready.bound(values))
        if cursor.description is None:
            return []
        return [ready.read(row) for row in cursor.fetchall()]

    def count(self, line: Line, values: Mapping[str, Any]) -> int:
        """Send a change and return how many rows it met."""
        ready, cursor = self._for(line.dialect, values), line.cursor
        cursor.execute(ready.text, ready.bound(values))
        return int(cursor.rowcount)

    def send_all(self, line: Line, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send it once for each row; nothing where there are none."""
        if rows:
            ready = self._for(line.dialect, rows[0])
            line.cursor.executemany(ready.text, [ready.bound(row) for row in rows])

    def _for(self, dialect: Dialect, values: Mapping[str, Any]) -> _Ready:
        key = (dialect.name, *values)
        if key not in self._ready:
            self._ready[key] = self._compiled(dialect, list(values))
        return self._ready[key]

    def _compiled(self, dialect: Dialect, names: list[str]) -> _Ready:
        statement = self._build(dialect)
        compiled = statement.compile(dialect=dialect, column_keys=names)
        kinds = {name: parameter.type for parameter, name in compiled.bind_names.items()}
        order = compiled.positiontup if compiled.positional else list(kinds)
        binds = tuple((name, _impl(kinds[name], dialect).bind_processor(dialect)) for name in order)
        chosen = statement.selected_columns if isinstance(statement, Select) else getattr(statement, "exported_columns", ())
        results = tuple(_impl(column.type, dialect).result_processor(dialect, None) for column in chosen)
        fixed = {name: value for name, value in compiled.params.items() if name not in names}
        return _Ready(str(compiled), binds, fixed, bool(compiled.positional), results)


def _impl(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)
