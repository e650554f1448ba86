"""The one line that every benchmark prints."""

from __future__ import annotations

import json
from collections.abc import Mapping


def emit(name: str, figures: Mapping[str, float | int | str], ratio: float, aim: str, *, met: bool) -> None:
    """Print a benchmark's result as one JSON line, figures rounded to four significant digits."""
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"name": name, "figures": rounded, "ratio": float(f"{ratio:.4g}"), "aim": aim, "met": met}))
