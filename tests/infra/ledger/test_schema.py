"""Creating the tables, finding that they do not fit, and every way in which a database can refuse."""

from __future__ import annotations

import sqlite3
import threading
import traceback
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from nightdub.infra.errors import LedgerError, LedgerUnavailable
from nightdub.infra.ledger import engine
from nightdub.infra.ledger.column import metadata
from nightdub.infra.ledger.ledger import Ledger
from nightdub.infra.ledger.models import SCHEMA
from nightdub.infra.ledger.rows import RecordedMeasurement, Source
from nightdub.infra.ledger.schema import MIGRATIONS

OLD_ROW = """INSERT INTO measurements (title, language, run, metric, value, unit, n, engine, stand_in, not_measured, worst, detail)
    VALUES ('t1', 'es', 'r1', 'wer', 0.5, 'share', 3, 'e', true, '', '[]', '')"""


def set_schema(ledger: Ledger, number: str) -> None:
    with ledger._write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": number})


def pragma(ledger: Ledger, name: str, mode: str) -> object:
    with ledger._begin(mode) as connection:
        return connection.scalar(text(f"PRAGMA {name}"))


def test_migrating_makes_the_tables_of_this_code_and_twice_is_once(bare_url):
    ledger = Ledger(bare_url)
    with pytest.raises(LedgerError, match="next: run `nightdub status`, which upgrades it"):
        ledger.check()
    ledger.migrate()
    ledger.migrate()
    ledger.check()
    with ledger._read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    ledger.close()


def test_four_at_once_migrate_one_after_the_other(bare_url):
    start, errors = threading.Barrier(4), []

    def migrate() -> None:
        ledger = Ledger(bare_url)
        start.wait()
        try:
            ledger.migrate()
            ledger.check()
        except Exception as error:
            errors.append(error)
        finally:
            ledger.close()

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_migration_that_fails_leaves_nothing_behind(bare_url, monkeypatch):
    monkeypatch.setattr("nightdub.infra.ledger.schema.SCHEMA", "9999")
    ledger = Ledger(bare_url)
    with pytest.raises(Exception, match="9999"):
        ledger.migrate()
    monkeypatch.undo()
    with pytest.raises(LedgerError, match="schema is empty"):
        ledger.check()
    ledger.close()


def test_the_code_expects_the_newest_migration():
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA


def test_an_older_schema_says_migrate_and_a_newer_one_says_update(ledger):
    set_schema(ledger, "0000")
    with pytest.raises(LedgerError, match="schema is 0000; allowed: 0003; next: run `nightdub status`, which upgrades it"):
        ledger.check()
    set_schema(ledger, "0004")
    for use in (ledger.check, ledger.migrate):
        with pytest.raises(LedgerError, match="next: update Nightdub"):
            use()


def test_measurements_of_the_first_schema_are_kept_when_they_get_intervals(bare_url, monkeypatch):
    ledger = Ledger(bare_url)
    monkeypatch.setattr("nightdub.infra.ledger.schema.SCHEMA", "0001")
    ledger.migrate()
    monkeypatch.undo()
    with ledger._write() as connection:
        connection.execute(text(OLD_ROW))
    ledger.migrate()
    ledger.check()
    assert ledger.measurements("t1", "es") == [RecordedMeasurement("r1", "wer", 0.5, "share", 3, "e", stand_in=True)]
    ledger.close()


def test_using_a_ledger_without_tables_says_migrate(bare_url):
    ledger = Ledger(bare_url)
    with pytest.raises(LedgerError, match="next: run `nightdub status`, which upgrades it") as caught:
        ledger.title_languages()
    assert not caught.value.transient
    ledger.close()


def test_sqlite_waits_for_nobody_when_reading_and_syncs_what_a_power_cut_must_not_undo(sqlite_url):
    writer, reader = Ledger(sqlite_url), Ledger(sqlite_url)
    assert pragma(writer, "journal_mode", "read") == "wal"
    assert pragma(writer, "foreign_keys", "read") == 1
    assert [pragma(writer, "synchronous", mode) for mode in ("write", "safe", "write")] == [1, 2, 1]
    with writer._write() as connection:
        connection.execute(text("INSERT INTO sources VALUES ('/a', 1, 1, '')"))
        assert reader.known_sources() == {}
    assert list(reader.known_sources()) == ["/a"]
    writer.close()
    reader.close()


def test_a_locked_ledger_is_worth_another_try(url, monkeypatch):
    monkeypatch.setattr(engine, "BUSY", 0.05)
    holder, other = Ledger(url), Ledger(url)
    holder.remember_sources([Source("/a", 1, 1, "")])
    with holder._write() as connection:
        connection.execute(text("UPDATE sources SET size = 2"))
        with pytest.raises(LedgerUnavailable) as caught:
            other.remember_sources([Source("/a", 3, 3, "")])
    assert caught.value.transient
    other.remember_sources([Source("/a", 3, 3, "")])
    holder.close()
    other.close()


def test_a_missing_folder_and_a_file_that_is_no_database(tmp_path: Path):
    with pytest.raises(LedgerError, match="next: create the folder") as caught:
        Ledger(f"sqlite:///{tmp_path}/nowhere/ledger.db").migrate()
    assert not caught.value.transient
    (tmp_path / "picture.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(LedgerError, match="file is not a database; next: the file is no ledger") as caught:
        Ledger(f"sqlite:///{tmp_path}/picture.db").check()
    assert not caught.value.transient


def test_a_damaged_file_says_restore(sqlite_url):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(LedgerError, match="restore the file from a backup"):
        Ledger(sqlite_url).title_languages()


def test_a_full_disk_says_so_and_keeps_what_was_there(sqlite_url):
    ledger = Ledger(sqlite_url)
    ledger.remember_sources([Source("/a", 1, 1, "")])
    pragma(ledger, "max_page_count = 1", "read")
    with pytest.raises(LedgerError, match="full; next: free space"):
        ledger.remember_sources(Source(f"/{number}", 1, 1, "x" * 64) for number in range(5000))
    assert list(ledger.known_sources()) == ["/a"]
    ledger.close()


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://u:hunter2@host/db", "postgresql://u:hunter2@host/db", "hunter2", "x://u:hunter2@h:p"],
)
def test_other_urls_are_refused_without_repeating_a_password(url):
    with pytest.raises(LedgerError, match="allowed: sqlite:///folder") as caught:
        Ledger(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_does_not_answer_is_worth_another_try_and_the_password_stays_secret():
    ledger = Ledger("postgresql+psycopg://operator:hunter2@127.0.0.1:1/nightdub?sslpassword=hunter2")
    with pytest.raises(LedgerUnavailable, match=r"operator:\*\*\*@127.0.0.1:1/nightdub") as caught:
        ledger.check()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_database_that_does_not_exist_is_for_a_person_to_mend(postgres):
    with pytest.raises(LedgerError, match="or create the database") as caught:
        Ledger(postgres.url("no-such-database")).check()
    assert not caught.value.transient


def test_a_server_that_went_and_came_back(postgres, postgres_url):
    ledger = Ledger(postgres_url)
    ledger.remember_sources([Source("/a", 1, 1, "")])
    postgres.stop()
    try:
        with pytest.raises(LedgerUnavailable):
            ledger.known_sources()
    finally:
        postgres.start()
    assert list(ledger.known_sources()) == ["/a"]
    ledger.close()


def test_a_server_that_stops_in_the_middle_of_a_transaction_undoes_it(postgres, postgres_url):
    ledger = Ledger(postgres_url)

    def write_across_a_restart() -> None:
        with ledger._write() as connection:
            connection.execute(text("INSERT INTO sources VALUES ('/b', 1, 1, '')"))
            postgres.stop()
            postgres.start()
            connection.execute(text("INSERT INTO sources VALUES ('/c', 1, 1, '')"))

    with pytest.raises(LedgerUnavailable):
        write_across_a_restart()
    assert ledger.known_sources() == {}
    ledger.close()


def test_sqlite_reports_only_through_our_errors(sqlite_url):
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TABLE heads")
    connection.close()
    with pytest.raises(LedgerError, match="no such table: heads; next: run `nightdub status`, which upgrades it"):
        Ledger(sqlite_url).all_heads()
