"""Hostile names: what a catalogue may call its titles and files, and what lies at the end of a path."""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from canary import bare
from films import film

from nightdub.infra.errors import CatalogueError, MediaError
from nightdub.infra.media.sniff import sniff
from nightdub.tasks.catalogue import read_catalogue
from nightdub.tasks.probe import probe_source

IDS = [
    "-version", "concat:x", ";$(touch x)", "a;b", "a b", "a\nb", "a\n", "\na", "a\0b", "a/b", "../a", "..", ".", "..%2f", "%2e%2e",
    "A", "", "_a",
    "a" * 65, "ａ", "é", "а", "a\u202eb", "a\u200bb", "a\ud800", "'a'", '"a"', "`a`",
    "a|b", "a&b", "*", "~", "a\\b", "con:", "a.mp4", "=1+1",
]  # fmt: skip
NAMES = ["-version.mp4", "-i.mp4", "concat:x.mp4", "pipe:0.mp4", "http:x.mp4", ";$(touch x).mp4", "`touch x`.mp4", "a\nb.mp4", "a'b\".mp4",
         "%d%s%n.mp4", "fi\u202elm.mp4", "фильм.mp4", "a*?[0-9].mp4", "| touch x.mp4", "~.mp4", "..mp4", "a,b=c:d.mp4"]  # fmt: skip
OUTSIDE = [
    "/etc/passwd", "/dev/zero", "/proc/self/environ", "../secret.mp4", "good/../../secret.mp4", "..%2fsecret.mp4", "%2e%2e/secret.mp4",
    "file:///etc/passwd", "http://127.0.0.1/a.mp4", "concat:../secret.mp4", "\\\\host\\secret.mp4",
    "a\0.mp4", "..\\secret.mp4", "./../secret.mp4",
    "link.mp4", "folder/secret.mp4", "chain.mp4", "proc/environ", "/proc/self/root/etc/passwd", "self/root/etc/passwd",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalogue's folder beside a secret, with links that lead there."""
    inside = tmp_path / "catalogue"
    (inside / "good").mkdir(parents=True)
    (tmp_path / "secret.mp4").write_text("secret")
    (inside / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (inside / "folder").symlink_to(tmp_path)
    (inside / "chain.mp4").symlink_to("link.mp4")
    (inside / "proc").symlink_to("/proc/self")
    (inside / "self").symlink_to("/proc/self")
    return inside


def catalogue(folder: Path, *rows: tuple[str, str]) -> Path:
    path = folder / "catalogue.csv"
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as stream:
        table = csv.writer(stream)
        table.writerow(["id", "source", "language", "targets"])
        table.writerows([*row, "en", "es"] for row in rows)
    return path


@pytest.mark.parametrize("name", IDS)
def test_an_id_that_could_mean_something_else_is_refused(name: str, folder: Path) -> None:
    (folder / "film.mp4").touch()
    path = catalogue(folder, (name, "film.mp4"), ("good", "film.mp4"))
    if "\ud800" in name:  # no UTF-8: refused as a whole
        with pytest.raises(CatalogueError, match="UTF-8"):
            read_catalogue(path, ["preview"])
        return
    found = read_catalogue(path, ["preview"])
    assert [title.id for title in found.titles] == ["good"]
    assert "is unsafe" in found.problems[0].what


@pytest.mark.parametrize("value", OUTSIDE)
def test_a_source_outside_the_folder_is_refused(value: str, folder: Path) -> None:
    found = read_catalogue(catalogue(folder, ("a", value)), ["preview"])
    assert found.titles == ()
    assert any(word in found.problems[0].what for word in ("is unsafe", "leaves the catalogue's folder", "is not reachable"))


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "good" / "film.mp4").touch()
    (folder / "inner.mp4").symlink_to("good/film.mp4")
    found = read_catalogue(catalogue(folder, ("a", "inner.mp4")), ["preview"])
    assert found.titles[0].source == str(folder / "good" / "film.mp4")


def _special(folder: Path) -> dict[str, Path]:
    """Make one of each thing that is no file."""
    made = {name: folder / f"{name}.mp4" for name in ("pipe", "socket", "folder", "device")}
    os.mkfifo(made["pipe"])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(made["socket"]))
    made["folder"].mkdir()
    made["device"].symlink_to("/dev/zero")
    return made


def test_what_is_no_file_is_refused_without_waiting(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("s")  # a socket's path may be no longer than 107 characters
    made = _special(folder)
    found = read_catalogue(catalogue(folder, *((name, path.name) for name, path in made.items())), ["preview"])
    assert found.titles == ()
    assert len(found.problems) == 4
    for path in made.values():
        with pytest.raises(MediaError, match=r"no file but|cannot be read"):
            sniff(path)
        with pytest.raises(CatalogueError, match="no file but"):
            read_catalogue(path, ["preview"])


def test_a_pipe_makes_others_wait(tmp_path: Path) -> None:
    """The control: who opens it as any file waits for ever."""
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(["cat", str(tmp_path / "pipe.mp4")], timeout=0.3, capture_output=True, check=False)


def test_the_system_itself_is_no_film() -> None:
    for path in ("/proc/self/environ", "/proc/self/mem", "/proc/self/maps", "/dev/stdin", "/etc/passwd"):
        with pytest.raises(MediaError):
            probe_source(Path(path))


def test_a_film_may_have_any_name(tmp_path: Path) -> None:
    good = film(tmp_path / "good.mp4", "-c:v", "mpeg4", "-c:a", "aac", seconds=0.4, size="64x48")
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(good, folder / name)
    before = sorted(folder.iterdir())
    rows = [(f"t{number}", name) for number, name in enumerate(NAMES)]
    path = catalogue(folder, *rows)
    assert read_catalogue(path, ["preview"]).problems == ()
    path.unlink()
    for name in NAMES[:1] + NAMES[2:3] + NAMES[5:6] + NAMES[7:8]:  # what ffmpeg itself would take for something else
        assert probe_source(folder / name).frames == 10
    assert sorted(folder.iterdir()) == before
    assert bare("ffprobe", "-v", "error", "concat:x.mp4").returncode != 0, "the control: bare, this name is a protocol"
    assert b"ffprobe version" in bare("ffprobe", "-version.mp4").stdout + bare("ffprobe", "-version").stdout
