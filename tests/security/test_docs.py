"""A threat model is worth what its tests are: every test that it names exists, and every row has one or says why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(tests/[\w/]+\.py)?(?:::(test_\w+))?")  # "::test_x" alone is in the file that was named before
ROW = re.compile(r"^\| ([SR]\d+)\b([^|]*\|.*)\|$", re.MULTILINE)  # a promise may have several rows
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
    found, path = [], ""
    for given, name in NAMED.findall(named):
        path = given or path
        if (given or name) and not (functions(path) and (not name or name in functions(path))):
            found.append(f"{path}::{name}")
    return found


@pages
def test_every_test_that_is_named_exists(page: str) -> None:
    assert absent(text(page)) == []


@pages
def test_every_row_of_the_checklist_names_a_test_or_says_why_not(page: str) -> None:
    rows = {name: "" for name, _ in ROW.findall(text(page))}
    for name, row in ROW.findall(text(page)):
        rows[name] += row
    assert set(PAGES[page]) <= rows.keys()
    assert [name for name, row in rows.items() if "tests/" not in row and "**not" not in row.lower()] == []


def test_a_name_that_is_nobody_s_is_found() -> None:
    ours = f"tests/security/test_docs.py::{test_a_name_that_is_nobody_s_is_found.__name__}"
    named = f"`{ours}` `{ours}_at_all`, `::test_nothing` `tests/security/test_nothing.py`"
    assert absent(named) == [f"{ours}_at_all", "tests/security/test_docs.py::test_nothing", "tests/security/test_nothing.py::"]
