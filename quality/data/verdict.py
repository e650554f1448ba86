"""What a data gate says of a table: counts and names of expectations, never a value of the data."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 3  # failed expectations of one suite that a reason names; the page has them all


@dataclass(frozen=True, slots=True)
class ExpectationVerdict:
    """What became of one expectation."""

    expectation: str  # in words, as the suite declares it
    column: str  # empty = the table as a whole
    success: bool
    n: int = 0  # rows looked at
    unexpected: int = 0  # rows that are not as expected
    share: float = 0.0  # of the rows looked at, %
    message: str = ""  # why it failed; empty where it passed


@dataclass(frozen=True, slots=True)
class DataVerdict:
    """What one suite says of one table. `success` only if every expectation was run, looked at something, and held."""

    suite: str
    success: bool
    n: int  # rows of the table
    expectations: tuple[ExpectationVerdict, ...]
    left_out: tuple[str, ...] = ()  # expectations that need another table, which was not given
    engine: str = ""  # name and version of what ran the suite

    @property
    def failed(self) -> tuple[ExpectationVerdict, ...]:
        """Return the expectations that did not hold."""
        return tuple(row for row in self.expectations if not row.success)

    @property
    def reason(self) -> str:
        """Return in one line why the table was refused, naming suite and expectations; empty where it was not."""
        if self.success:
            return ""
        named = "; ".join(f"{row.expectation} ({row.message})" for row in self.failed[:SHOWN])
        more = f"; and {len(self.failed) - SHOWN} more" if len(self.failed) > SHOWN else ""
        return f"data gate {self.suite}: {named}{more}"
