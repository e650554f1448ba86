"""Store and ledger lost, full, locked or tampered with while a dub is made: one line says so, and the next night goes on where it was."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import tiny

from nightdub.flows import title as room
from nightdub.flows.night import load_houses, open_books
from nightdub.flows.plan import make_plan
from nightdub.flows.pointer import released_package
from nightdub.flows.recipe import FileDigests
from nightdub.flows.title import build_step
from nightdub.infra import disk
from nightdub.infra.errors import LedgerError, LedgerUnavailable
from nightdub.infra.ledger import engine
from nightdub.infra.store import LocalStore

slow = pytest.mark.slow


@pytest.fixture
def plain(catalogue: Path, tmp_path: Path) -> Path:
    """A home of its own with the title without a face; its catalogue."""
    home = tmp_path / "home"
    shutil.copytree(catalogue.parents[1], home)
    return tiny.write_catalogue(home / "catalogue", [row for row in tiny.read_rows(catalogue) if row["id"] == "plain"])


def before(step: str, strike: Any) -> Any:
    """Return a way to build that lets `strike` happen once, before a step."""
    struck = []

    def build(night, ask, *, retry):
        if ask.step.name == step and not struck:
            struck.append(step)
            strike()
        return build_step(night, ask, retry=retry)

    return build


@contextmanager
def locked(ledger: Path) -> Iterator[Any]:
    """Yield what locks a ledger against every other writer, until the block ends."""
    with closing(sqlite3.connect(ledger, isolation_level=None, check_same_thread=False)) as other:
        yield lambda: other.execute("BEGIN IMMEDIATE")


@slow
def test_a_dub_outlives_a_store_that_goes_a_disk_that_fills_and_a_ledger_that_locks(plain, undisturbed, monkeypatch) -> None:
    """Each calamity strikes at a later step of the same dub; each next night needs no word from anybody to try again."""
    home = plain.parents[1]
    store, away = home / "store", home / "store-unmounted"
    monkeypatch.setattr(engine, "BUSY", 0.1)
    monkeypatch.setattr(room, "LEDGER_PAUSES", ())

    with open_books(tiny.settings_for(home)) as books:
        (gone,) = tiny.run_titles(books, plain, before("shots", lambda: store.rename(away)))
        away.rename(store)
        assert gone.state == "failed"
        assert "the store's" in gone.reasons[0]
        assert gone.reasons[0].endswith("next: mount or restore it and run again [transient]")

        with monkeypatch.context() as patch:
            (full,) = tiny.run_titles(books, plain, before("convert", lambda: patch.setattr(disk, "_write_through", no_space)))
        assert full.state == "failed"
        assert "no space left" in full.reasons[0]
        assert full.reasons[0].endswith("[StoreError]")
        assert list((store / "incoming").iterdir()) == []

        with locked(home / "ledger.db") as lock, pytest.raises(LedgerUnavailable, match="database is locked; next: try again"):
            tiny.run_titles(books, plain, before("package", lock))

        (end,) = tiny.run_titles(books, plain)
        assert (end.state, end.package) == ("released", undisturbed.packages["plain", "es"])
        assert end.built_steps == 4  # package and what measures; what had been finished was not made again
        assert released_package(books, "plain", "es") == end.package


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@slow
def test_a_tampered_object_fails_its_title_and_is_healed_the_night_after(undisturbed, tmp_path) -> None:
    """The sound of the original is read again when the edited film is packaged."""
    catalogue = undisturbed.copied(tmp_path / "home")
    with open_books(tiny.settings_for(tmp_path / "home")) as books:
        assert isinstance(books.store, LocalStore)
        head = books.ledger.heads("plain", "")["original"]
        (sound,) = books.ledger.artifacts_of(head)
        path = books.store.fetch(sound.digest)
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-2] + b"zz")
        script = catalogue.parent / "plain/script.vtt"
        script.write_text(script.read_text().replace("The conference is now locked", "Please try again."))

        (broken,) = tiny.run_titles(books, catalogue)
        assert broken.state == "failed"
        assert broken.reasons[0].startswith("plain/es/package: bytes with the digest ")
        assert broken.reasons[0].endswith("[DigestMismatch]")
        assert released_package(books, "plain", "es") == undisturbed.packages["plain", "es"]

        (healed,) = tiny.run_titles(books, catalogue)
        assert (healed.state, healed.reasons) == ("released", ())
        assert books.store.fetch(sound.digest).is_file()
        assert released_package(books, "plain", "es") == healed.package != undisturbed.packages["plain", "es"]


@slow
def test_a_source_that_vanishes_fails_alone_and_is_taken_up_when_it_is_back(plain, monkeypatch) -> None:
    source, away = plain.parent / "plain/film.mp4", plain.parent / "film-away.mp4"
    listed = tiny.load_catalogue

    def then_it_vanishes(*arguments):
        found = listed(*arguments)
        source.rename(away)
        return found

    with open_books(tiny.settings_for(plain.parents[1])) as books:
        with monkeypatch.context() as patch:
            patch.setattr(tiny, "load_catalogue", then_it_vanishes)
            (lost,) = tiny.run_titles(books, plain)
        assert lost.state == "failed"
        assert lost.reasons == ("plain: source cannot be read: No such file or directory; next: deliver it again [SourceUnreadable]",)
        away.rename(source)
        listed_again = listed(books.settings, plain)
        digests = FileDigests(books.ledger)
        (planned,) = make_plan(listed_again.titles, load_houses(books.settings, listed_again), books.ledger, digests)
        assert planned.because == ("source changed",)


def test_a_ledger_that_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is a letter, not a ledger" * 100)
    with pytest.raises(LedgerError, match=r"file is not a database; next: .*move it away"), open_books(tiny.settings_for(tmp_path)):
        pass


def test_a_ledger_of_a_newer_nightdub_is_left_alone(tmp_path: Path) -> None:
    with open_books(tiny.settings_for(tmp_path)):
        pass
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match=r"schema is 9999; allowed: \d+; next: update Nightdub"), open_books(tiny.settings_for(tmp_path)):
        pass


def test_a_locked_ledger_stops_a_night_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_books(tiny.settings_for(tmp_path)):
        pass
    monkeypatch.setattr(engine, "BUSY", 0.1)
    with locked(tmp_path / "ledger.db") as lock:
        lock()
        with pytest.raises(LedgerUnavailable, match="database is locked"), open_books(tiny.settings_for(tmp_path)):
            pass
