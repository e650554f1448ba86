"""Says what a database error means for Nightdub: worth another try, or a thing for a person to mend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from nightdub.infra.errors import LedgerError, LedgerUnavailable

MIGRATE = "run `nightdub status`, which upgrades it"
AGAIN = "try again; if it stays, look for a process that holds the ledger"

# https://www.sqlite.org/rescode.html: the first word of the name is the primary code.
SQLITE = {
    "SQLITE_CANTOPEN": "create the folder, or give this user the right to write there",
    "SQLITE_READONLY": "give this user the right to write the file and its folder",
    "SQLITE_PERM": "give this user the right to read and write the file",
    "SQLITE_FULL": "free space on the disk",
    "SQLITE_IOERR": "look at the disk: reading or writing the file failed",
    "SQLITE_NOTADB": "the file is no ledger: name another, or move it away",
    "SQLITE_CORRUPT": "restore the file from a backup, or move it away: releases are known again from the store, all else is built anew",
}
SQLITE_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")

# https://www.postgresql.org/docs/15/errcodes-appendix.html: connection, transaction conflict, resources, lock, operator intervention.
POSTGRES_TRANSIENT = ("08", "25P03", "40", "53", "55P03", "57")
# A refused connection has no code, only the server's words.
POSTGRES_REFUSED = re.compile(r"authentication failed|does not exist|no pg_hba\.conf entry|permission denied")


def place(url: URL) -> str:
    """Return the ledger's URL as messages may show it: no password, in whatever part of the URL it was given."""
    return url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)


@contextmanager
def translated(url: URL, driver: type[Exception]) -> Iterator[None]:
    """Turn database errors, and those of the driver itself, into ours.

    Raises: LedgerUnavailable where a retry can help, LedgerError where not.
    """
    try:
        yield
    except (SQLAlchemyError, driver) as error:
        raise explain(error, url) from error


def explain(error: Exception, url: URL) -> LedgerError:
    """Return what a database error means; the text never holds SQL, parameters or the password."""
    where = place(url)
    if isinstance(error, PoolExhausted):
        return LedgerUnavailable("every connection of this process is in use", where=where, fix="run fewer titles at a time")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if cause is None or isinstance(cause, SQLAlchemyError):
        return LedgerError(type(error).__name__, where=where, fix="report this: the ledger's code is wrong")
    what = (str(cause).splitlines() or [type(cause).__name__])[0]
    if password := url.password:
        what = what.replace(str(password), "***")
    if name := getattr(cause, "sqlite_errorname", ""):
        return _sqlite(name, what, where)
    return _postgres(getattr(cause, "sqlstate", None), what, where, lost=getattr(error, "connection_invalidated", False))


def _sqlite(name: str, what: str, where: str) -> LedgerError:
    if name.startswith(SQLITE_BUSY):
        return LedgerUnavailable(what, where=where, fix=AGAIN)
    if "no such table" in what or "no such column" in what:
        return LedgerError(what, where=where, fix=MIGRATE)
    primary = "_".join(name.split("_")[:2])
    return LedgerError(what, where=where, fix=SQLITE.get(primary, "report this: the ledger refused a row"))


def _postgres(state: str | None, what: str, where: str, *, lost: bool) -> LedgerError:
    if state in {"42P01", "42703"}:  # undefined table, undefined column
        return LedgerError(what, where=where, fix=MIGRATE)
    if state is None and POSTGRES_REFUSED.search(what):
        return LedgerError(what, where=where, fix="mend user, password or database in the ledger's URL, or create the database")
    if lost or state is None or state.startswith(POSTGRES_TRANSIENT):
        return LedgerUnavailable(what, where=where, fix="see that the server runs and can be reached, then try again")
    return LedgerError(what, where=where, fix="report this: the ledger refused a row")
