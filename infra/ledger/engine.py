"""Opens the database and its transactions: SQLite for one machine, PostgreSQL for many, the same tables and the same promises.

SQLite runs in WAL mode, where readers and the one writer never wait for each other. Writers take the lock when they begin (`BEGIN
IMMEDIATE`), since a reader that turns writer half-way fails at once instead of waiting. `synchronous` is NORMAL for job rows: a killed
process loses nothing, a power cut may lose the last of them, and their steps are then built again to the same bytes. Runs, decisions
and releases are written with FULL, which also makes everything before them safe (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import gc
import select as sockets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Engine, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger.column import spell
from nightdub.infra.ledger.faults import translated
from nightdub.infra.ledger.spoken import Line

Clock = Callable[[], datetime]

BUSY = 30  # seconds to wait for a lock; with 30 s four processes writing at once saw no error, with 0 s half of their writes failed
STUCK = 60  # seconds after which PostgreSQL frees the locks of a process that stopped in the middle of a transaction
# A network that swallows packets is noticed within a minute, not within Linux's two hours (names are libpq's).
ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
DRIVERS = ("sqlite", "postgresql+psycopg")
INSERTS: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def utc_now() -> datetime:
    """Return this machine's time; leases assume that machines agree to within seconds."""
    return datetime.now(UTC)


class Database:
    """A pool of connections and the three kinds of transaction: reading, writing, and writing what a power cut must not undo."""

    def __init__(self, url: str, clock: Clock = utc_now) -> None:
        """Open nothing yet. Raises: LedgerError where the URL cannot be used."""
        self._url = _parsed(url)
        self._clock = clock
        self._engine = _open(self._url)
        self._modes = {mode: self._engine.execution_options(mode=mode) for mode in ("read", "write", "safe")}
        self._translated = partial(translated, self._url, self._engine.dialect.loaded_dbapi.Error)
        # SQLite has one writer at a time: threads take turns here, where each gets one, instead of polling the file's lock.
        self._turn: AbstractContextManager[Any] = threading.Lock() if self._url.drivername == "sqlite" else nullcontext()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _begin(self, mode: str) -> Iterator[Connection]:
        turn = nullcontext() if mode == "read" else self._turn
        with turn, self._translated(), self._modes[mode].begin() as connection:
            yield connection

    @contextmanager
    def _speak(self) -> Iterator[Line]:
        """Begin a writing transaction for `Spoken` statements alone, without SQLAlchemy's own way round a connection."""
        with self._turn, self._translated():
            connection = self._engine.raw_connection()
            try:
                if self._url.drivername == "sqlite":
                    begin_sqlite(connection.driver_connection, connection.info, "write")
                yield Line(self._engine.dialect, connection.cursor())
                connection.commit()
            except BaseException:
                with suppress(self._engine.dialect.loaded_dbapi.Error):
                    connection.rollback()
                raise
            finally:
                connection.close()  # a dead one is refused at its next checkout

    def _read(self) -> AbstractContextManager[Connection]:
        return self._begin("read")

    def _write(self) -> AbstractContextManager[Connection]:
        return self._begin("write")

    def _write_safely(self) -> AbstractContextManager[Connection]:
        return self._begin("safe")


def columns(table: Table, kind: type) -> list[Column[Any]]:
    """Return a table's columns in the order of a dataclass's fields, so that `kind(*row)` fits."""
    return [table.columns[field.name] for field in fields(kind)]


def values(row: Any) -> dict[str, Any]:
    """Return a dataclass row's fields by name, not copied."""
    return {name: getattr(row, name) for name in row.__slots__}


def upsert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows or overwrite those with the same primary key; sorted, so that two writers never wait for each other in a ring."""
    keys = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
    if not ordered:
        return
    statement = insert(connection, table)
    others = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), ordered)


def insert(connection: Connection, table: Table) -> Any:
    """Return this database's own insert, which knows `ON CONFLICT`."""
    return INSERTS[connection.dialect.name](table)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python from looking for garbage among rows that all stay: it takes as long as reading 50,000 of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def lock(connection: Connection, name: str) -> None:
    """Hold a name against other writers until the transaction ends; SQLite has only one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _parsed(url: str) -> URL:
    allowed = "sqlite:///folder/ledger.db or postgresql+psycopg://user@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the text stays out of the message: it may hold a password
        raise LedgerError("a ledger URL that cannot be read", allowed=allowed, fix="mend the setting `ledger`") from None
    if parsed.drivername not in DRIVERS or (parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}):
        raise LedgerError(f"no ledger in {parsed.drivername!r}", allowed=allowed, fix="mend the setting `ledger`")
    return parsed


def _open(url: URL) -> Engine:
    if url.drivername == "sqlite":
        options: dict[str, Any] = {"connect_args": {"timeout": BUSY}}
    else:
        server = f"-c timezone=UTC -c lock_timeout={BUSY}s -c idle_in_transaction_session_timeout={STUCK}s"
        options = {"connect_args": {"connect_timeout": 10, "options": server, **ALIVE}}
    engine = create_engine(url, json_serializer=spell, json_deserializer=msgspec.json.decode, hide_parameters=True, **options)
    if url.drivername == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that the server has closed meanwhile, so that the pool opens another.

    An idle one has nothing to read unless its server went away: asking the socket costs no way to the server and back, as a ping does.
    """
    watch = sockets.poll()
    if not connection.closed:
        watch.register(connection.fileno(), sockets.POLLIN)
    if connection.closed or watch.poll(0):
        raise DisconnectionError("the server closed this connection")


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver opens no transactions of its own
    _switch_to_wal(connection)
    connection.execute("PRAGMA foreign_keys=ON")


def _switch_to_wal(connection: Any) -> None:
    """Switch a new ledger to WAL; SQLite itself waits for nobody there, and several may open the same new ledger at once."""
    until = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    begin_sqlite(connection.connection.driver_connection, connection.info, connection.get_execution_options()["mode"])


def begin_sqlite(driver: Any, known: dict[Any, Any], mode: str) -> None:
    """Begin through the driver: on SQLAlchemy's way these two statements took as long as all others of a claim."""
    wanted = "FULL" if mode == "safe" else "NORMAL"
    if mode != "read" and known.get("synchronous") != wanted:
        driver.execute(f"PRAGMA synchronous={wanted}")
        known["synchronous"] = wanted
    driver.execute("BEGIN" if mode == "read" else "BEGIN IMMEDIATE")
