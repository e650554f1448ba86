"""A threat model is worth what its tests are: every test that it names exists, and every row has one or says why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
ROW = re.compile(r"^\| ([SR]\d+) \|(.*)\|$", re.MULTILINE)
PAGES = {"security.md": [f"S{number}" for number in range(1, 26)], "reliability.md": [f"R{number}" for number in range(1, 16)]}
pages = pytest.mark.parametrize("page", PAGES)


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@cache
def functions(path: str) -> set[str]:
    """Return the names of a test file's functions; none where there is no such file."""
    file = ROOT / path
    return {node.name for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.FunctionDef)} if file.is_file() else set()


def absent(named: str) -> list[str]:
    """Return the tests that a text names and nobody wrote."""
    return [f"{path}::{name}" for path, name in NAMED.findall(named) if not functions(path) or (name and name not in functions(path))]


@pages
def test_every_test_that_is_named_exists(page: str) -> None:
    assert absent(text(page)) == []


@pages
def test_every_row_of_the_checklist_names_a_test_or_says_why_not(page: str) -> None:
    rows = dict(ROW.findall(text(page)))
    assert set(PAGES[page]) <= rows.keys()
    assert [name for name, row in rows.items() if not NAMED.search(row) and "**not" not in row.lower()] == []


def test_a_name_that_is_nobody_s_is_found() -> None:
    ours = f"tests/security/test_docs.py::{test_a_name_that_is_nobody_s_is_found.__name__}"
    assert absent(f"`{ours}` `{ours}_at_all` `tests/security/test_nothing.py`") == [f"{ours}_at_all", "tests/security/test_nothing.py::"]
