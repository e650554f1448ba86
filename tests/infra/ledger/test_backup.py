"""Backups of both databases: of one moment, while others write; never over a file, never under a night, and of old schemas too."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nightdub.infra.errors import LedgerError, MachineLacks
from nightdub.infra.ledger import Cost, Ledger, Source


@pytest.fixture
def own(bare_url: str) -> Iterator[Ledger]:
    """A ledger by itself, with one run: restoring replaces its tables."""
    ledger = Ledger(bare_url)
    ledger.migrate()
    ledger.finish_run(ledger.start_run("nightly", {}), "done", {})
    yield ledger
    ledger.close()


def test_what_was_backed_up_comes_back_and_what_came_later_goes(own: Ledger, tmp_path: Path) -> None:
    own.remember_sources([Source("/before", 1, 1, "")])
    own.back_up(tmp_path / "kept/backup")
    own.remember_sources([Source("/after", 1, 1, "")])
    own.restore(tmp_path / "kept/backup")
    own.check()
    assert list(own.known_sources()) == ["/before"]
    assert len(own.runs()) == 1
    assert stat.S_IMODE((tmp_path / "kept/backup").stat().st_mode) == 0o600
    own.remember_sources([Source("/again", 1, 1, "")])
    assert set(own.known_sources()) == {"/before", "/again"}


def test_a_backup_shows_one_moment_while_others_write(own: Ledger, tmp_path: Path) -> None:
    """Rows are written in pairs; a backup that saw half a pair would be of no moment at all."""
    stop, pairs = threading.Event(), iter(range(10_000))

    def write() -> None:
        while not stop.is_set():
            number = next(pairs)
            own.remember_sources([Source(f"/{number}/a", 1, 1, ""), Source(f"/{number}/b", 1, 1, "")])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        own.back_up(tmp_path / "backup")
    finally:
        stop.set()
        writer.join()
    own.restore(tmp_path / "backup")
    found = list(own.known_sources())
    assert len(found) % 2 == 0


def test_an_existing_file_is_never_overwritten(own: Ledger, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("mine")
    with pytest.raises(LedgerError, match="a file is there already"):
        own.back_up(tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup"]


def test_nothing_is_restored_under_a_night(own: Ledger, tmp_path: Path) -> None:
    own.back_up(tmp_path / "backup")
    run = own.start_run("nightly", {})
    fence = own.claim("k", "mix", 1, "t", "es", "w", run, 60.0).fence
    with pytest.raises(LedgerError, match="a night is at work"):
        own.restore(tmp_path / "backup")
    own.commit("k", "w", fence, "m", [], {}, Cost())
    with pytest.raises(LedgerError, match="a night is at work"):  # between two jobs nobody holds a lease
        own.restore(tmp_path / "backup")
    assert own.jobs(["k"])
    own.finish_run(run, "done", {})
    own.restore(tmp_path / "backup")
    assert not own.jobs(["k"])


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"SQLite format 3\0 but no more", b"PGDMP but no more"])
def test_what_is_no_backup_is_refused_and_changes_nothing(own: Ledger, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong").write_bytes(content)
    for source in (tmp_path / "wrong", tmp_path / "absent"):
        with pytest.raises(LedgerError):
            own.restore(source)
    assert len(own.runs()) == 1


def test_a_backup_of_an_older_schema_is_brought_up_and_one_of_a_newer_refused(
    bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(bare_url)
    with monkeypatch.context() as patch:
        patch.setattr("nightdub.infra.ledger.schema.SCHEMA", "0001")
        ledger.migrate()
    ledger.back_up(tmp_path / "old")
    ledger.migrate()
    ledger.back_up(tmp_path / "new")
    ledger.restore(tmp_path / "old")
    ledger.check()
    monkeypatch.setattr("nightdub.infra.ledger.backup.SCHEMA", "0001")
    with pytest.raises(LedgerError, match=r"a copy of schema 0\d+; allowed: a copy made by `nightdub backup`, of schema 0001"):
        ledger.restore(tmp_path / "new")
    ledger.close()


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    ledger.back_up(tmp_path / "backup")
    data = bytearray((tmp_path / "backup").read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    (tmp_path / "backup").write_bytes(data)
    with pytest.raises(LedgerError):
        ledger.restore(tmp_path / "backup")
    ledger.check()
    ledger.close()


def test_a_backup_is_one_file(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    with pytest.raises(LedgerError, match="there is no ledger yet"):
        ledger.back_up(tmp_path / "kept/none")
    ledger.migrate()
    ledger.back_up(tmp_path / "kept/backup")
    with closing(sqlite3.connect(tmp_path / "kept/backup")) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["backup"]
    ledger.close()


def test_without_postgresqls_programs_the_machine_lacks_something(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineLacks, match="postgresql-client"):
        Ledger(postgres_url).back_up(tmp_path / "backup")
