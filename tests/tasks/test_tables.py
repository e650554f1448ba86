from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.tables import TableRow, read_table


def test_commas_or_tabs_part_the_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('En,ES\n"Yes, sir.",Sí.\n\n')
    (tmp_path / "a.tsv").write_text("en\tes\nYes, sir.\tSí.\n")
    assert read_table(tmp_path / "a.csv") == (("en", "es"), [TableRow(2, ("Yes, sir.", "Sí."))])
    assert read_table(tmp_path / "a.tsv") == read_table(tmp_path / "a.csv")


def test_a_byte_order_mark_and_short_rows_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfen,es\r\nYes\r\n")
    assert read_table(tmp_path / "a.csv") == (("en", "es"), [TableRow(2, ("Yes", ""))])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "header"),
        (b"en,en\n", "header"),
        (b"en,es\na,b\nc,d,e\n", "line 3"),
        (b"en,es\na,b\nc,\xff\n", "line 3: not UTF-8"),
        (b'en,es\na,"b\n', "line 2"),
    ],
)
def test_a_bad_table_is_refused_with_its_lines(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(ScriptError, match=said) as caught:
        read_table(tmp_path / "a.csv")
    assert "a.csv" in caught.value.where


def test_an_absent_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="No such file"):
        read_table(tmp_path / "none.csv")
