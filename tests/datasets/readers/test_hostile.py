"""Corpora that were made to do harm: nothing is run, opened outside or followed, and nothing is lost."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from planted import lines, sound

from nightdub.datasets.readers import corpus, read_corpus
from nightdub.datasets.readers.checks import LONGEST_ID, clip_id
from nightdub.datasets.readers.corpus import Corpus, Defect
from nightdub.datasets.rows import Excused
from nightdub.infra.errors import ConfigError

HOSTILE = (
    "/etc/passwd",
    "//host/share/a.wav",
    "\\\\host\\share\\a.wav",
    "C:\\a.wav",
    "~/a.wav",
    "~root/a.wav",
    "../a.wav",
    "wavs/../../a.wav",
    "wavs\\..\\..\\a.wav",
    "..",
    "http://127.0.0.1:9/a.wav",
    "HTTPS://127.0.0.1:9/a.wav",
    "file:///etc/passwd",
    "pipe:cat /etc/passwd",
    "pipe:0",
    "concat:a.wav|b.wav",
    "s3://bucket/a.wav",
    "touch canary |",
    "|touch canary",
    " |touch canary",
    " http://127.0.0.1:9/a.wav",
    "a\nb.wav",
    "a\0.wav",
    "out/secret.wav",
    "secret.wav",
)
WATCHED = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "socket.getaddrinfo",
    "urllib.Request",
)
seen: list[tuple[str, str]] | None = None


def watch(event: str, args: tuple[object, ...]) -> None:
    if seen is not None and (event in WATCHED or event == "open"):
        seen.append((event, str(args[0])))


sys.addaudithook(watch)  # cannot be taken off again; it looks on only while `seen` is a list


@pytest.fixture
def looked_at() -> Iterator[list[tuple[str, str]]]:
    """What this process opens, runs and connects to."""
    global seen  # noqa: PLW0603
    seen = []
    yield seen
    seen = None


def hostile_corpus(tmp_path: Path) -> Path:
    """Return a corpus folder beside a secret, with links to it."""
    folder = tmp_path / "corpus"
    sound(tmp_path / "outside/secret.wav")
    sound(folder / "wavs/a.wav")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "secret.wav").symlink_to(tmp_path / "outside/secret.wav")
    (folder / "inside.wav").symlink_to("wavs/a.wav")
    return folder


def test_hostile_paths_are_refused_and_nothing_is_run_or_opened(tmp_path: Path, looked_at: list[tuple[str, str]]) -> None:
    folder = hostile_corpus(tmp_path)
    row = {"text": "hello", "language": "en"}
    lines(folder / "manifest.jsonl", *(json.dumps(row | {"id": f"h{n}", "audio_path": path}) for n, path in enumerate(HOSTILE)))
    sources = [{"type": kind, "channels": [0], "source": path} for path in HOSTILE for kind in ("file", "command", "url", "shar")]
    cuts = [
        {"id": f"c{n}", "start": 0, "duration": 1, "recording": {"id": "r", "duration": 1, "sources": [source]}}
        | {"supervisions": [{"id": "s", "start": 0, "duration": 1, "text": "hello", "language": "en"}]}
        for n, source in enumerate(sources)
    ]
    lines(folder / "cuts.jsonl", *map(json.dumps, cuts))
    looked_at.clear()
    for reader, count in (("jsonl", len(HOSTILE)), ("lhotse", len(sources))):
        rows = list(read_corpus(reader, folder))
        assert [row.code for row in rows if isinstance(row, Excused)] == ["unsafe-path"] * count
    opened = {path for event, path in looked_at if event == "open" and not path.endswith((".py", ".pyc"))}
    assert opened == {str(folder / "manifest.jsonl"), str(folder / "cuts.jsonl")}
    assert [event for event, _ in looked_at if event != "open"] == []
    assert not list(tmp_path.rglob("canary"))


def test_links_inside_are_followed_and_links_out_are_not(tmp_path: Path) -> None:
    found = Corpus(hostile_corpus(tmp_path))
    assert found.file("inside.wav") == found.file("wavs/a.wav") == str((tmp_path / "corpus/wavs/a.wav").resolve())
    for path in ("secret.wav", "out/secret.wav"):
        with pytest.raises(Defect, match="leads out"):
            found.file(path)


def test_a_corpus_behind_a_link_is_read(tmp_path: Path) -> None:
    folder = hostile_corpus(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    assert Corpus(tmp_path / "link").file("wavs/a.wav") == str((folder / "wavs/a.wav").resolve())


def test_a_manifest_that_is_a_link_out_a_pipe_or_a_folder_is_no_manifest(tmp_path: Path) -> None:
    folder = hostile_corpus(tmp_path)
    manifest = folder / "metadata.csv"
    for make in (lambda: manifest.symlink_to("/etc/passwd"), lambda: os.mkfifo(manifest)):
        make()
        with pytest.raises(ConfigError):
            read_corpus("ljspeech", folder)
        manifest.unlink()
    manifest.mkdir()
    with pytest.raises(ConfigError, match=r"no metadata\.csv"):
        read_corpus("ljspeech", folder)


@pytest.mark.parametrize("name", ["../manifest.jsonl", "/etc/passwd", "http://127.0.0.1:9/x.jsonl"])
def test_an_option_names_no_file_outside(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no path below the corpus"):
        read_corpus("jsonl", tmp_path, {"manifest": name})


def test_a_pipe_or_a_ring_of_links_for_a_recording_or_a_text_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("hello")
    sound(tmp_path / "b.wav")
    os.mkfifo(tmp_path / "b.txt")
    (tmp_path / "c.wav").symlink_to("c.wav")
    (tmp_path / "c.txt").write_text("hello")
    sound(tmp_path / f"{'d' * 240}.wav")
    (tmp_path / f"{'d' * 240}.txt").write_text("hello")
    rows = list(read_corpus("folder", tmp_path, {"language": "en"}))
    assert [row.code if isinstance(row, Excused) else len(row.id) for row in rows] == ["no-audio"] * 3 + [LONGEST_ID]


def test_a_name_that_is_not_utf8_is_excused(tmp_path: Path) -> None:
    sound(tmp_path / "good.wav")
    (tmp_path / "good.txt").write_text("hello")
    for ending in (b"wav", b"txt"):
        Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9." + ending)).write_text("hello")
    rows = list(read_corpus("folder", tmp_path, {"language": "en"}))
    assert [(row.id, row.code) for row in rows if isinstance(row, Excused)] == [(clip_id("caf\udce9"), "bad-row")]
    assert json.dumps([row.what for row in rows if isinstance(row, Excused)]).encode()


def test_folders_inside_folders_come_to_an_end(tmp_path: Path) -> None:
    sound(tmp_path / "top.wav")
    sound(tmp_path / "/".join("abcdefghijklmnopqrst") / "deep.wav")
    rows = list(read_corpus("folder", tmp_path, {"language": "en"}))
    assert [row.code for row in rows if isinstance(row, Excused)] == ["unsafe-path", "no-text"]


# ---------------------------------------------------------------- a lot of it


def test_a_line_that_is_too_long_is_one_bad_row(tmp_path: Path) -> None:
    sound(tmp_path / "wavs/a.wav")
    good = "a|hello|hello"
    lines(tmp_path / "metadata.csv", "x" * (corpus.LONGEST * 3 + 7), good, "y" * (corpus.LONGEST + 1), good, "z" * corpus.LONGEST)
    rows = list(read_corpus("ljspeech", tmp_path))
    assert [row.where for row in rows] == [f"metadata.csv:{number}" for number in range(1, 6)]
    assert [row.code for row in rows if isinstance(row, Excused)] == ["bad-row", "bad-row", "duplicate-id", "bad-row"]


def test_a_line_without_end_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Stream(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            asked.append(-1 if size is None else size)
            return super().readline(size)

    monkeypatch.setattr(corpus.gzip, "open", lambda *_: Stream(b"x" * (corpus.LONGEST * 3) + b"\na|b|c\n"))
    (tmp_path / "manifest.jsonl.gz").touch()
    assert len(list(read_corpus("jsonl", tmp_path, {"manifest": "manifest.jsonl.gz"}))) == 2
    assert set(asked) == {corpus.LONGEST + 1}


def test_a_manifest_that_breaks_off_or_unpacks_without_end_is_not_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(tmp_path / "a.wav")
    row = {"audio_path": "a.wav", "text": "hello", "language": "en"}
    packed = gzip.compress(b"".join(json.dumps(row | {"id": os.urandom(8).hex()}).encode() + b"\n" for _ in range(5000)))
    name = tmp_path / "manifest.jsonl.gz"
    name.write_bytes(packed[: len(packed) // 2])
    rows = read_corpus("jsonl", tmp_path, {"manifest": name.name})
    first = next(rows)  # rows come while the rest is still unread
    assert not isinstance(first, Excused)
    with pytest.raises(ConfigError, match="to its end"):
        list(rows)
    name.write_bytes(packed)
    assert len(list(read_corpus("jsonl", tmp_path, {"manifest": name.name}))) == 5000
    monkeypatch.setattr(corpus, "LARGEST", 10_000)
    with pytest.raises(ConfigError, match="over 10000 bytes"):
        list(read_corpus("jsonl", tmp_path, {"manifest": name.name}))


def test_a_text_file_that_is_too_long_is_a_bad_row(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_bytes(b"a" * (corpus.LONGEST_TEXT + 1))
    (row,) = read_corpus("folder", tmp_path, {"language": "en"})
    assert isinstance(row, Excused)
    assert row.code == "bad-row"


def test_words_of_excused_rows_are_one_short_line(tmp_path: Path) -> None:
    lines(tmp_path / "metadata.csv", "\x1b[2Ja|b", "x" * 10_000 + "|b")
    for row in read_corpus("ljspeech", tmp_path):
        assert isinstance(row, Excused)
        assert max(len(row.id), len(row.what), len(row.where)) <= 300
        assert not re.search(r"[\x00-\x1f]", row.id + row.what)
