"""Copies of a ledger, made while it is in use, and put back: SQLite by its backup API, PostgreSQL by pg_dump and pg_restore.

https://www.sqlite.org/backup.html, https://www.postgresql.org/docs/15/app-pgdump.html: both copy one moment, whatever is written meanwhile.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, inspect, or_, select
from sqlalchemy.engine import URL

from nightdub.infra.errors import LedgerError, MachineLacks
from nightdub.infra.ledger.engine import BUSY
from nightdub.infra.ledger.faults import place
from nightdub.infra.ledger.models import SCHEMA, attempts, jobs, runs
from nightdub.infra.ledger.schema import Schema
from nightdub.infra.scratch import Scratch

SQLITE, POSTGRES = b"SQLite format 3\0", b"PGDMP"  # how the two kinds of copy begin
QUIET = timedelta(minutes=1)  # without a lease and without a finished attempt: no night is at work


class Backup(Schema):
    """Copies of the whole ledger."""

    def back_up(self, to: Path) -> None:
        """Write a consistent copy; it appears whole or not at all.

        Raises: LedgerError where there is no ledger, or something lies at `to` already; MachineLacks without PostgreSQL's programs.
        """
        if self._is_sqlite and not self._file.exists():
            raise LedgerError("there is no ledger yet", where=place(self._url), fix="nothing needs a backup")
        with _appearing(to) as draft:
            if self._is_sqlite:
                _copy_sqlite(self._file, draft)
                with closing(sqlite3.connect(draft)) as copy:
                    copy.execute("PRAGMA journal_mode=DELETE")  # one file, and nothing beside it
            else:
                _run(self._url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")

    def restore(self, source: Path) -> None:
        """Put a copy in the place of all that the ledger has, and bring its tables up to this code.

        Raises: LedgerError where the file is no copy of such a ledger, or a newer Nightdub's, or a night is at work.
        """
        found = self._revision_in(source)
        if not found or found > SCHEMA:
            allowed = f"a copy made by `nightdub backup`, of schema {SCHEMA} or older"
            raise LedgerError(f"a copy of schema {found or 'none'}", where=str(source), allowed=allowed, fix="name another file")
        if self.is_at_work():
            raise LedgerError("a night is at work on this ledger", where=place(self._url), fix="let it end, or stop it and wait a minute")
        if self._is_sqlite:
            _copy_sqlite(source, self._file)
        else:
            self._restore_postgres(source)
        self.migrate()

    def _restore_postgres(self, source: Path) -> None:
        """Put a copy in the place of every table, in one transaction: whatever goes wrong, the ledger is the old one or the new one."""
        with self._read() as connection:
            present = inspect(connection).get_table_names()
        with Scratch("restore") as folder:
            made, script = Path(folder) / "copy.sql", Path(folder) / "restore.sql"
            _run(None, "pg_restore", "--no-owner", "--no-privileges", f"--file={made}", str(source))
            drops = "".join(f'DROP TABLE IF EXISTS "{name}" CASCADE;\n' for name in present)
            with script.open("wb") as out, made.open("rb") as copy:
                out.write(drops.encode())
                shutil.copyfileobj(copy, out)
            _run(self._url, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={script}")

    def is_empty(self) -> bool:
        """Return whether nothing has ever been built or settled here: there is no ledger, or no run in it."""
        if self._is_sqlite and not self._file.exists():
            return True
        with self._read() as connection:
            return not inspect(connection).has_table("runs") or not connection.scalar(select(func.count()).select_from(runs))

    def is_at_work(self) -> bool:
        """Return whether somebody holds a lease, or a run that has not ended finished something within the last minute."""
        if self.is_empty():
            return False
        now = self._clock()
        held = select(func.count()).where(jobs.c.state == "claimed", jobs.c.lease_until > now)
        recent = select(func.count()).join(runs, runs.c.id == attempts.c.run)
        recent = recent.where(runs.c.state == "running", or_(attempts.c.ended > now - QUIET, attempts.c.started > now - QUIET))
        with self._read() as connection:
            return bool(connection.scalar(held) or connection.scalar(recent))

    @property
    def _is_sqlite(self) -> bool:
        return self._url.drivername == "sqlite"

    @property
    def _file(self) -> Path:
        return Path(self._url.database or "")

    def _revision_in(self, source: Path) -> str:
        """Return the schema of a copy; empty where it is none of this kind of ledger."""
        try:
            with source.open("rb") as stream:
                start = stream.read(16)
        except OSError as error:
            raise LedgerError(
                f"cannot be read: {error.strerror}", where=str(source), fix="name a copy that `nightdub backup` made"
            ) from None
        if self._is_sqlite and start == SQLITE:
            return _revision_of(source)
        if not self._is_sqlite and start.startswith(POSTGRES):
            said = _run(None, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(source))
            row = re.search(r"^COPY [^\n]*alembic_version[^\n]*\n(\w+)$", said, re.MULTILINE)
            return row[1] if row else ""
        return ""


def _revision_of(source: Path) -> str:
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise LedgerError("the copy is damaged", where=str(source), fix="name another file")
            return str(copy.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError):
        return ""


def _copy_sqlite(source: Path, to: Path) -> None:
    """Copy a database into another one, page by page in one transaction: who has it open goes on reading and writing."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY)) as old,
            closing(sqlite3.connect(to, timeout=BUSY)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise LedgerError(f"could not be copied: {error}", where=str(to), fix="see to the disk's room and rights, and try again") from error


@contextmanager
def _appearing(to: Path) -> Iterator[Path]:
    """Give a file beside `to` that takes its name when the block ends well; whatever lies there is left alone."""
    taken = LedgerError("a file is there already", where=str(to), fix="name another: backups are never overwritten")
    if to.exists():
        raise taken
    draft = to.with_name(f".{to.name}.{uuid.uuid4().hex}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(0o600, exist_ok=False)  # it holds names, reasons and every text
        yield draft
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        os.link(draft, to)  # fails where somebody was faster
    except FileExistsError:
        raise taken from None
    except OSError as error:
        raise LedgerError(f"the backup cannot be written: {error.strerror}", where=str(to), fix="name another folder") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _run(url: URL | None, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs on a database; the password goes by a file that only this user reads."""
    if not shutil.which(program):
        raise MachineLacks(f"no {program}", where="PATH", fix="apt-get install postgresql-client")
    with Scratch("pg") as folder:
        service = Path(folder) / "service"
        service.write_text("\n".join(["[nightdub]", *(f"{name}={value}" for name, value in _facts(url).items()), ""]))
        connection = ["--dbname=service=nightdub"] if url else []
        environment = os.environ | {"PGSERVICEFILE": str(service)}
        done = subprocess.run([program, *connection, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        what = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"it ended with {done.returncode}"
        raise LedgerError(f"{program}: {what}", where=place(url) if url else arguments[-1], fix="see what it says, and try again")
    return done.stdout


def _facts(url: URL | None) -> dict[str, str]:
    """Return a URL's parts as libpq names them."""
    if url is None:
        return {}
    given = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    return {name: str(value) for name, value in (given | dict(url.query)).items() if value}
