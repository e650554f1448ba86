"""What docs/reliability.md names as a proof is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "docs/reliability.md").read_text()
    last, found = "", 0
    for file, name in re.findall(r"`((?:tests/[\w/]+\.py)?)(?:::(\w+))?`", page):
        last = file or last
        if file or name:
            found += 1
            assert f"def {name or ''}" in (ROOT / last).read_text(), f"{last}::{name}"
    assert found > 20
