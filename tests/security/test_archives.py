"""Hostile archives: a workbook is the one archive that is read from outside, and nothing is ever unpacked to a folder."""

from __future__ import annotations

import io
import re
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nightdub.infra.errors import ScriptError
from nightdub.tasks.review_sheet import LARGEST, _read_workbook

ROOMS = Path(__file__).parents[2]
# Headers of shards are written with tarfile, and nothing is read with it.
_UNPACKS = re.compile(r"extractall|unpack_archive|\btarfile\.(?!BLOCKSIZE|LENGTH_NAME|TarInfo\b|\w+_FORMAT)|py7zr|rarfile")
LAUGHS = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(9)
) + "]>"  # fmt: skip


def workbook(path: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    book.worksheets[0].append(["line", "text", "revision"])
    book.save(path)
    return path


def changed(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """Write a workbook again with each part as `change` gives it."""
    with zipfile.ZipFile(workbook(path)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, change(name, data))
    return path


def bomb(path: Path) -> Path:
    """128 MiB of spaces in 128 kilobytes."""
    with zipfile.ZipFile(workbook(path), "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w", force_zip64=True) as part:
        for _ in range(128):
            part.write(b" " * (1 << 20))
    return path


def lying_size(path: Path) -> Path:
    """A part of 32 MiB that the archive's directory calls 100 bytes."""
    big = b"<worksheet>" + b" " * (32 << 20)
    data = bytearray(changed(path, lambda name, part: big if name.endswith("sheet1.xml") else part).read_bytes())
    at = data.find(struct.pack("<I", len(big)), data.rfind(b"PK\1\2xl/worksheets"[:4], 0, data.find(b"PK\5\6")) - 2000)
    while at >= 0:
        data[at : at + 4] = struct.pack("<I", 100)
        at = data.find(struct.pack("<I", len(big)), at)
    path.write_bytes(data)
    return path


def entities(path: Path) -> Path:
    """A sheet whose text doubles tenfold nine times."""
    return changed(path, lambda name, data: _with_entity(LAUGHS, data) if name.endswith("sheet1.xml") else data)


def outside_entity(path: Path) -> Path:
    """A sheet that wants a file of ours as its text."""
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY j SYSTEM "file://{path.with_name("secret")}">]>'
    path.with_name("secret").write_text("secret-canary")
    return changed(path, lambda name, data: _with_entity(head, data) if name.endswith("sheet1.xml") else data)


def _with_entity(head: str, part: bytes) -> bytes:
    """Return a part that begins with other declarations, and calls for the entity `j`."""
    body = re.sub(r"^<\?xml[^>]*>\s*", "", part.decode())
    assert ">line<" in body
    return (head + body.replace(">line<", ">&j;<")).encode()


def truncated(path: Path) -> Path:
    path.write_bytes(workbook(path).read_bytes()[:-200])
    return path


def not_a_zip(path: Path) -> Path:
    path.write_bytes(b"PK\3\4" + bytes(1000))
    return path


def huge_file(path: Path) -> Path:
    with path.open("wb") as stream:
        stream.truncate(LARGEST + 1)
    return path


BOOKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "128 MiB in 128 kilobytes": (bomb, "bytes unpacked"),
    "a size that is a lie": (lying_size, "not a workbook"),
    "text that doubles": (entities, "could not read worksheets"),
    "text of another file": (outside_entity, "could not read worksheets"),
    "cut short": (truncated, "not a workbook"),
    "no archive": (not_a_zip, "not a workbook"),
    "larger than any sheet": (huge_file, "allowed: at most"),
}


@pytest.mark.parametrize("name", BOOKS)
def test_a_hostile_workbook_is_refused_in_little_memory(name: str, tmp_path: Path) -> None:
    make, message = BOOKS[name]
    path = make(tmp_path / "sheet.xlsx")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ScriptError) as caught:
        list(_read_workbook(path))
    assert message in str(caught.value)
    assert "secret-canary" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_openpyxl_refuses_entities_since_defusedxml_is_there() -> None:
    import openpyxl

    assert openpyxl.DEFUSEDXML


def test_a_part_that_leads_elsewhere_is_never_written(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    path = workbook(folder / "sheet.xlsx")
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../../escaped", str(tmp_path / "escaped"), "..\\escaped"):
            archive.writestr(name, "escaped")
    before = sorted(tmp_path.rglob("*"))
    assert [row[:3] for row in _read_workbook(path)] == [["line", "text", "revision"]]
    assert sorted(tmp_path.rglob("*")) == before


def test_the_expansion_happens_where_nobody_takes_care() -> None:
    """The control: the same doubling, read by a parser without a limit's protection, grows a hundredfold."""
    small = LAUGHS.partition("<!ENTITY d")[0] + "]><x>&c;</x>"
    grown = subprocess.run(
        [sys.executable, "-c", "import sys, xml.etree.ElementTree as e; print(len(e.fromstring(sys.stdin.read()).text))"],
        input=small, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(grown.stdout) == 200


def test_nothing_is_unpacked_anywhere() -> None:
    """No room extracts an archive to a folder; where one will, it is to use tarfile's `data` filter and come here."""
    found = []
    for path in (path for room in ("infra", "tasks", "quality", "datasets", "flows", "apps") for path in (ROOMS / room).rglob("*.py")):
        found += [f"{path.name}: {match}" for match in _UNPACKS.findall(path.read_text("utf-8"))]
    assert found == []
    assert _UNPACKS.search("archive.extractall(folder)")
    assert _UNPACKS.search("tarfile.open(path)")


def test_a_workbook_from_a_stream_of_noise_is_refused(tmp_path: Path) -> None:
    data = bytearray(workbook(tmp_path / "sheet.xlsx").read_bytes())
    for place in range(0, len(data), 97):
        spoilt = bytearray(data)
        spoilt[place] ^= 0xFF
        (tmp_path / "spoilt.xlsx").write_bytes(spoilt)
        try:
            assert sum(1 for _ in _read_workbook(tmp_path / "spoilt.xlsx")) <= 1
        except ScriptError:
            continue
    assert zipfile.is_zipfile(io.BytesIO(data))
