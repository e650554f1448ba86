"""Review sheets: what is written comes back, what a spreadsheet would run as a formula does not run, and bad rows stop no other."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks import review_sheet
from nightdub.tasks.review_sheet import COLUMNS, SheetRow, read_sheet, revision_of
from nightdub.tasks.rows import Segment

ROW = SheetRow("s0001", 1.0, 2.5, "Ana", "Hello.", "Hola.", "apertium", "number-changed:3", approve=True, revision="abc")
texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30).map(str.strip)
rows_of_a_sheet = st.builds(SheetRow, st.just("s1"), st.just(1.25), st.none(), *[texts] * 5, st.booleans(), st.booleans(), st.just("r"))


def write_sheet(path: Path, rows: list[SheetRow]) -> Path:
    return review_sheet.write_sheet(path, rows, "pilot", "en", "es")


@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.builds(SheetRow, st.just("s1"), st.just(1.25), st.none(), *[texts] * 5, st.booleans(), st.booleans(), st.just("r")))
)
def test_what_is_written_comes_back(kind: str, rows: list[SheetRow], tmp_path_factory: pytest.TempPathFactory) -> None:
    found = read_sheet(write_sheet(tmp_path_factory.mktemp("sheet") / f"lines{kind}", rows))
    assert (list(found.rows), found.problems) == (rows, ())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1+1", "''-x"])
def test_no_cell_is_a_formula(text: str, tmp_path: Path) -> None:
    row = SheetRow("s0001", 1.0, 2.0, "", "", text, revision="r")
    with write_sheet(tmp_path / "lines.csv", [row]).open(encoding="utf-8-sig", newline="") as stream:
        (cells,) = list(csv.DictReader(stream))
    assert cells["text"] == f"'{text}"
    cell = openpyxl.load_workbook(write_sheet(tmp_path / "lines.xlsx", [row])).active.cell(2, COLUMNS.index("text") + 1)
    assert (cell.data_type, cell.value) == ("s", text)
    assert [read_sheet(tmp_path / name).rows for name in ("lines.csv", "lines.xlsx")] == [(row,), (row,)]


def test_what_a_spreadsheet_saves_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("Line;Text;Start;End;Approve;Revision\ns1;Hola;1,5;2,25;Yes;r\n;;;;;\n", encoding="utf-16")
    assert read_sheet(path).rows == (SheetRow("s1", 1.5, 2.25, None, "", "Hola", approve=True, lock=None, revision="r"),)
    book = openpyxl.Workbook()
    book.active.append(["line", "text", "start", "lock", "revision"])
    book.active.append(["s1", 7, 1.5, True, "r"])
    book.save(tmp_path / "lines.xlsx")
    assert read_sheet(tmp_path / "lines.xlsx").rows == (SheetRow("s1", 1.5, None, None, "", "7", lock=True, revision="r"),)


def test_a_bad_row_is_named_and_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("line,text,start,approve,revision\ns1,a,soon,,r\n,b,1,,r\ns3,c,1,perhaps,r\ns4,d,1,,r\n")
    found = read_sheet(path)
    assert [row.line for row in found.rows] == ["s4"]
    assert [problem.split(":")[0] for problem in found.problems] == ["row 2 (s1)", "row 3 (no line)", "row 4 (s3)"]


def test_a_row_that_is_cut_short_is_named_or_says_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("line,revision,text,speaker\ns1,r,Hola\ns2,r\n")
    assert [(row.line, row.text, row.speaker) for row in read_sheet(path).rows] == [("s1", "Hola", ""), ("s2", "", "")]


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.xlsx"
    bad.write_bytes(b"no workbook")
    with pytest.raises(ScriptError, match="not a workbook"):
        read_sheet(bad)
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(65 << 20))
    with pytest.raises(ScriptError, match="bytes unpacked"):
        read_sheet(bad)
    (tmp_path / "few.csv").write_text("line,text\ns1,a\n")
    with pytest.raises(ScriptError, match="no column revision"):
        read_sheet(tmp_path / "few.csv")
    with pytest.raises(ScriptError, match=r"ending '\.doc'"):
        write_sheet(tmp_path / "lines.doc", [ROW])


def test_a_revision_is_that_of_time_speaker_and_words() -> None:
    line = Segment("s1", 1.0, 2.0, "Hello.", "Ana")
    known = revision_of(line, "Hola.")
    assert revision_of(Segment("s9", 1.0, 2.0, "Hello.", "Ana", origin="script"), "Hola.") == known
    assert revision_of(line, "Hola.", locked=True) != known
    others = (Segment("s1", 1.5, 2.0, "Hello.", "Ana"), Segment("s1", 1.0, 2.0, "Hello!", "Ana"), Segment("s1", 1.0, 2.0, "Hello.", "Ben"))
    assert len({known, revision_of(line, "Buenas."), *(revision_of(other, "Hola.") for other in others)}) == 5


def test_translators_get_xliff_and_what_they_call_final_is_approved(tmp_path: Path) -> None:
    rows = [
        SheetRow("s0001", 1.0, 2.5, "Ana", "Hello & <b>.", "Hola.", "apertium", "one\ntwo", revision="abc123"),
        SheetRow("s0002", 3.0, 4.0, "", "Bye.", "Adiós.", approve=True, revision="def456"),
    ]
    path = write_sheet(tmp_path / "lines.xlf", rows)
    assert 'srcLang="en" trgLang="es"' in path.read_text()
    found = read_sheet(path).rows
    assert [(row.line, row.start, row.end, row.speaker, row.source, row.text) for row in found] == [
        ("s0001", 1.0, 2.5, "Ana", "Hello & <b>.", "Hola."),
        ("s0002", 3.0, 4.0, "", "Bye.", "Adiós."),
    ]
    assert [(row.approve, row.lock, row.revision) for row in found] == [(False, None, "abc123"), (True, None, "def456")]
