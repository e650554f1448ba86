"""How a suite is declared: columns of a table, and what is expected of them in words and figures.

Completeness is not declared, because nobody may forget it: a table without rows fails, and every column that is named here must have a
value in every row unless it is listed as `optional`. Expectations of one row that no ready-made one states (`holds`) become columns of
True and False.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]
Kind = Literal["rows", "as many as lines", "complete", "some", "unique", "between", "one of", "a line", "matches", "above", "ascending"]


@dataclass(frozen=True, slots=True)
class Against:
    """What a table is held against, where it is known: the ids of the lines that it is about, and the programme's length in seconds."""

    lines: frozenset[str] | None = None
    length: float | None = None

    def knows(self, name: str) -> bool:
        """Return whether a thing that an expectation needs was given; one that needs nothing always has it."""
        return not name or getattr(self, name) is not None


Test = Callable[[Row, int, Against], object]  # row, its number from 0, and what the table is held against -> true or false


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: `says` is what verdicts and pages call it."""

    says: str
    kind: Kind
    column: str = ""  # empty = the table as a whole
    figures: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""  # a text column: only rows in which it is not empty are looked at, and there must be one
    needs: Literal["", "lines", "length"] = ""
    test: Test | None = None  # makes the column, which has no other source


@dataclass(frozen=True, slots=True)
class Suite:
    """One kind of table, and all that is expected of it."""

    name: str
    describes: str
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    expects: tuple[Expectation, ...]
    optional: tuple[str, ...] = ()  # columns that may be empty

    def expectations(self) -> tuple[Expectation, ...]:
        """Return everything that is expected: rows, then values in every column, then what was declared."""
        words = dict.fromkeys(self.texts, "a text") | dict.fromkeys(self.numbers, "a finite number")
        complete = [Expectation(f"{name} is {what}", "complete", name) for name, what in words.items() if name not in self.optional]
        return (Expectation("the table has rows", "rows"), *complete, *self.expects)


def unique(column: str) -> Expectation:
    """Expect no value twice."""
    return Expectation(f"{column} is not used twice", "unique", column)


def between(column: str, low: float, high: float, *, where: str = "", above_low: bool = False) -> Expectation:
    """Expect numbers from `low` (itself left out with `above_low`) to `high`."""
    lowest = f"above {low:g}" if above_low else f"at least {low:g}"
    figures = {"min_value": low, "max_value": high, "strict_min": above_low}
    return Expectation(f"{column} is {lowest}, up to {high:g}{_where(where)}", "between", column, figures, where)


def one_of(column: str, values: Collection[str], what: str) -> Expectation:
    """Expect values out of a known set."""
    return Expectation(f"{column} is {what}", "one of", column, {"value_set": sorted(values)})


def matches(column: str, pattern: str, what: str, *, where: str = "") -> Expectation:
    """Expect texts in which a regular expression is found."""
    return Expectation(f"{column} {what}{_where(where)}", "matches", column, {"regex": pattern}, where)


def above(column: str, other: str, *, or_equal: bool = False) -> Expectation:
    """Expect one column above another one, row by row."""
    figures = {"column_A": column, "column_B": other, "or_equal": or_equal}
    return Expectation(f"{column} is {'not before' if or_equal else 'after'} {other}", "above", column, figures)


def ascending(column: str) -> Expectation:
    """Expect no row below the one before it."""
    return Expectation(f"rows are in order of {column}", "ascending", column)


def a_line(column: str) -> Expectation:
    """Expect ids of the lines that the table is about."""
    return Expectation(f"{column} is a line of this title", "a line", column, needs="lines")


def as_many_as_lines() -> Expectation:
    """Expect one row for each line; with unique ids of known lines, that is every line exactly once."""
    return Expectation("there is one row for each line", "as many as lines", needs="lines")


def holds(column: str, says: str, test: Test, *, needs: Literal["", "lines", "length"] = "") -> Expectation:
    """Expect something of every row that takes several fields, or a list; `column` names the field it is mostly about."""
    return Expectation(says, "one of", column, {"value_set": [True]}, needs=needs, test=test)


def some(column: str, says: str, test: Test) -> Expectation:
    """Expect something of at least one row: that every single row has an excuse is not enough."""
    return Expectation(says, "some", column, {"min_value": 0, "strict_min": True}, test=test)


def _where(column: str) -> str:
    return f" where there is a {column}" if column else ""
