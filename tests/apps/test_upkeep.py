"""`nightdub backup`, `restore` and `tidy` as a person and a script see them."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nightdub.flows.night import open_books
from nightdub.flows.release import move_pointer
from nightdub.infra.settings import load_settings

Run = Callable[..., tuple[int, str, str]]
FILM = "f" * 64


@pytest.fixture(autouse=True)
def _scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # whose scratch folders are swept


def release(package: str) -> None:
    with open_books(load_settings()) as books:
        books.ledger.finish_run(books.ledger.start_run("nightly", {}), "done", {})
        move_pointer(books, "film", "es", package, decision=None, action="release", who="gate", why="pass")


def test_a_ledger_goes_back_an_hour_and_says_what_it_learnt_again(run: Run, tmp_path: Path) -> None:
    assert run("backup", "early")[::2] == (
        1,
        "nightdub: sqlite:///" + f"{tmp_path}/.nightdub/ledger.db: there is no ledger yet; next: nothing needs a backup\n",
    )
    release(FILM)
    code, out, _ = run("backup", "kept/backup")
    assert (code, out) == (0, f"kept/backup: {(tmp_path / 'kept/backup').stat().st_size} bytes\n")
    code, _, err = run("backup", "kept/backup")
    assert code == 1
    assert "never overwritten" in err
    release("e" * 64)
    code, out, _ = run("restore", "kept/backup")
    assert code == 0
    assert "1 releases, rollbacks or withdrawals entered again" in out
    (saved,) = Path(".nightdub").glob("ledger-before-restore-*")
    assert f"what was there is saved: {saved}" in out
    with open_books(load_settings()) as books:
        assert [row.package for row in books.ledger.releases()] == ["e" * 64, FILM]
        assert len(books.ledger.runs()) == 1
    assert run("restore", "nowhere")[0] == 1


def test_a_lost_ledger_comes_back(run: Run) -> None:
    release(FILM)
    assert run("backup", "backup")[0] == 0
    for path in Path(".nightdub").glob("ledger.db*"):
        path.unlink()
    code, out, _ = run("restore", "backup")
    assert code == 0
    assert "saved" not in out
    with open_books(load_settings()) as books:
        assert books.ledger.releases()[0].package == FILM


def test_garbage_is_counted_before_it_is_deleted(run: Run) -> None:
    with open_books(load_settings()) as books:
        books.ledger.start_run("nightly", {})
        old = books.store.put_bytes(b"nobody wants this")
        books.ledger.claim("key", "speak", 1, "film", "es", "dead", "run", lease_seconds=-1.0)
    path = next(Path(".nightdub/store/objects").rglob(old))
    os.utime(path, (time.time() - 72 * 3600,) * 2)
    code, out, _ = run("tidy", "--dry-run", "--json")
    assert (code, json.loads(out)["objects_deleted"], json.loads(out)["leases_freed"], path.exists()) == (0, 1, 0, True)
    assert run("tidy", "--grace-hours", "100")[1] == "1 leases of dead workers freed\n"
    code, out, _ = run("tidy")
    assert (code, out) == (0, "1 objects deleted that nothing refers to\n17 bytes freed\n")
    assert not path.exists()
    assert run("tidy")[1] == "nothing to do\n"


def test_a_ledger_that_does_not_keep_the_store_deletes_nothing(run: Run) -> None:
    """One that was lost and begun anew, or the wrong one: to it all of the store would be rubbish."""
    with open_books(load_settings()) as books:
        kept = books.store.put_bytes(b"of another ledger")
    path = next(Path(".nightdub/store/objects").rglob(kept))
    os.utime(path, (time.time() - 72 * 3600,) * 2)
    code, _, err = run("tidy")
    assert (code, path.exists()) == (1, True)
    assert "nothing is deleted by a ledger without a run" in err
    with open_books(load_settings()) as books:
        books.store.write_pointer("ledger", b"the first run of another", None)
        books.ledger.start_run("nightly", {})
    code, _, err = run("tidy")
    assert (code, path.exists()) == (1, True)
    assert "another ledger than the one that keeps this store" in err
