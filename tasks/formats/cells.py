"""Cells of the CSV files that leave us: what a spreadsheet would take for a formula stands behind an apostrophe, and comes back without it.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # how a cell begins that needs the apostrophe, or has had it


def harmless(cell: str) -> str:
    """Return a cell as it may stand in a CSV file."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def as_meant(cell: str) -> str:
    """Return a cell of a CSV file as it was before `harmless`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
