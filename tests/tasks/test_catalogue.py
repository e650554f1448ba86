"""The catalogue: every problem in one pass, each with its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import CatalogueError
from nightdub.tasks.catalogue import read_catalogue

PROFILES = ("preview", "broadcast")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.mp4").write_bytes(b"x")
    (tmp_path / "film.srt").write_bytes(b"x")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "catalogue.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_titles_with_paths_below_its_folder(folder: Path) -> None:
    path = write(folder, "id,source,language,targets,script,priority\nfilm,film.mp4,en,es; fr,film.srt,7\n")
    (title,) = read_catalogue(path, PROFILES).titles
    assert title.targets == ("es", "fr")
    assert (title.source, title.script) == (str(folder / "film.mp4"), str(folder / "film.srt"))
    assert (title.priority, title.profile, title.row) == (7, "preview", 2)


def test_lists_every_problem_at_once_with_its_row(folder: Path) -> None:
    path = write(
        folder,
        "id,source,language,targets,profile\n"
        "film,film.mp4,en,es,preview\n"
        "film,film.mp4,en,es,preview\n"
        "../etc,film.mp4,en,es,preview\n"
        "two,film.mp4,xx,yy,preview\n"
        "three,gone.mp4,en,es,preview\n"
        "four,../film.mp4,en,es,preview\n"
        "five,https://example.org/film.mp4,en,es,preview\n"
        "six,film.mp4,en,en;es;es,nope\n",
    )
    listed = read_catalogue(path, PROFILES)
    assert [title.id for title in listed.titles] == ["film"]
    found = "\n".join(str(problem) for problem in listed.problems)
    for row, text in {
        3: "was used in row 2",
        4: "is unsafe",
        5: "language 'xx' is unknown",
        6: "is not reachable",
        7: "leaves the catalogue's folder",
        8: "is unsafe",
        9: "profile 'nope' is unknown",
    }.items():
        assert any(line.startswith(f"row {row} ") and text in line for line in found.splitlines()), (row, text, found)
    assert "target 'en' is the source language" in found
    assert "targets names a language twice" in found
    with pytest.raises(CatalogueError, match="row 5") as caught:
        listed.strict(path)
    assert len(caught.value.problems) == len(listed.problems)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,source,language\nfilm,film.mp4,en\n", "column 'targets' is missing"),
        ("id,source,language,targets,colour\nfilm,film.mp4,en,es,red\n", "column 'colour' is unknown"),
        ("id,source,language,targets\n", "0 rows"),
        ("", "column 'id' is missing"),
    ],
)
def test_refuses_a_file_that_is_no_catalogue(folder: Path, text: str, says: str) -> None:
    with pytest.raises(CatalogueError, match=says):
        read_catalogue(write(folder, text), PROFILES)


def test_refuses_another_encoding_and_an_absent_file(folder: Path) -> None:
    path = folder / "catalogue.csv"
    path.write_bytes("id,source,language,targets\nfilm,café.mp4,en,es\n".encode("latin-1"))
    with pytest.raises(CatalogueError, match="byte 35 is not UTF-8"):
        read_catalogue(path, PROFILES)
    with pytest.raises(CatalogueError, match="No such file"):
        read_catalogue(folder / "absent.csv", PROFILES)


def test_a_row_with_too_many_fields_is_a_problem_of_that_row(folder: Path) -> None:
    listed = read_catalogue(write(folder, "id,source,language,targets\nfilm,film.mp4,en,es,more\nok,film.mp4,en,es\n"), PROFILES)
    assert [title.id for title in listed.titles] == ["ok"]
    assert "fewer or more fields" in str(listed.problems[0])


def test_a_symlink_that_leaves_the_folder_is_refused(folder: Path) -> None:
    (folder / "link.mp4").symlink_to("/etc/hostname")
    listed = read_catalogue(write(folder, "id,source,language,targets\nfilm,link.mp4,en,es\n"), PROFILES)
    assert "leaves the catalogue's folder" in str(listed.problems[0])
