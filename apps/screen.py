"""Rows for whoever reads them: a table on a terminal, tab-separated lines elsewhere, in which nothing is cut off or wrapped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

MOST_ROWS = 60  # of a table on a terminal; lines and --json have all


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Print rows under a header; colours only on a terminal, and not there either where NO_COLOR is set."""
    console = Console()
    if not console.is_terminal:
        for row in (header, *rows):
            sys.stdout.write("\t".join(_plain(cell) for cell in row) + "\n")
        return
    table = Table(*header, box=None, header_style="bold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    console.print(table)
    if len(rows) > MOST_ROWS:
        print_line(f"... and {len(rows) - MOST_ROWS} more; --json prints all")


def print_line(text: str, style: str = "") -> None:
    """Print one line, however long it is."""
    Console().print(Text(text, style=style), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _plain(cell: str | Text) -> str:
    return " ".join(str(cell).split())
