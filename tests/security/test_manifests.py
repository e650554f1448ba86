"""Manifests are rows of known fields: nothing in one runs, fetches, or reads outside its folder (as lhotse's `type: command` would)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nightdub.datasets.evaluation import read_set
from nightdub.flows.delivered import MANIFEST, check_folder
from nightdub.infra.digests import digest_file
from nightdub.infra.errors import ConfigError, MediaError, NightdubError, PairsError
from nightdub.quality.metrics.pairs import read_file_pairs, read_text_pairs

LINE = {"id": "a", "text": "hello", "language": "en"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recording, and another one beside it that nobody may read."""
    (tmp_path / "set").mkdir()
    for place in ("set/in.wav", "out.wav"):
        (tmp_path / place).write_bytes(b"RIFF----WAVE")
    (tmp_path / "set/link.wav").symlink_to("../out.wav")
    (tmp_path / "set/ring.wav").symlink_to("ring.wav")
    return tmp_path / "set"


def write(folder: Path, *rows: object) -> Path:
    path = folder / "set.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "source",
    ["touch ran |", "pipe:0", "http://127.0.0.1:9/x.wav", "command:touch ran;.wav", "$(touch ran).wav", "file:in.wav", "-i.wav"],
)
def test_a_manifest_that_is_to_run_something_runs_nothing(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    lhotse = {"recording": {"id": "r", "sources": [{"type": "command", "channels": [0], "source": "touch ran"}]}}
    before = sorted(folder.iterdir())
    for row in (LINE | {"audio": source}, LINE | {"audio": {"type": "command", "source": source}}):
        with pytest.raises(ConfigError):
            read_set(str(write(folder, row | lhotse)))
    assert [row.audio for row in read_set(str(write(folder, LINE | lhotse))).examples] == [""]  # fields that nobody reads mean nothing
    pairs = folder / "pairs.json"
    pairs.write_bytes(msgspec.json.encode([{"ref": source, "gen": source}]))
    with pytest.raises(PairsError):
        read_file_pairs(pairs)
    pairs.unlink()
    (folder / "set.jsonl").unlink()
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", ["../out.wav", "{outside}", "link.wav", "ring.wav", "sub/../../out.wav", "in.wav\0", "x" * 300 + ".wav"])
def test_a_recording_outside_the_set_is_refused(name: str, folder: Path) -> None:
    given = name.replace("{outside}", str(folder.parent / "out.wav"))
    with pytest.raises(ConfigError, match="no recording"):
        read_set(str(write(folder, LINE | {"audio": given})))
    assert len(read_set(str(write(folder, LINE | {"audio": "in.wav"}))).files) == 1


@pytest.mark.parametrize("name", ["../out.wav", "/etc/passwd", "a/../../out.wav", "", ".", "a//b", "x" * 300, "in.wav\0"])
def test_a_delivery_that_names_files_outside_is_refused(name: str, folder: Path) -> None:
    row = {"name": name, "bytes": 12, "sha256": digest_file(folder.parent / "out.wav"), "signed": False}
    delivery = {"title": "t", "language": "es", "files": [row]}
    (folder / MANIFEST).write_bytes(msgspec.json.encode(delivery))
    with pytest.raises(MediaError, match="names"):
        check_folder(folder)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(delivery | {"files": [row | {"name": "in.wav"}]}))
    assert check_folder(folder) == ["in.wav"]


@pytest.mark.parametrize("text", [b"[" * 1_000_000, b'{"id": ' + b"9" * 100_000 + b"}", b'{"id": "\\ud800", "ref": "", "hyp": ""}'])
def test_json_that_nests_counts_or_breaks_without_end_is_refused_with_its_line(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(text)
    for read in (lambda: read_text_pairs(path), lambda: read_set(str(path))):
        with pytest.raises(NightdubError) as raised:
            read()
        assert "1" in str(raised.value)
        assert raised.value.where
