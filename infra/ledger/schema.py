"""Creates and upgrades the ledger's tables, and says when they do not fit this code."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger.engine import Database, lock
from nightdub.infra.ledger.faults import MIGRATE, place
from nightdub.infra.ledger.models import SCHEMA

MIGRATIONS = Path(__file__).parent / "migrations"


class Schema(Database):
    """The ledger's tables as a whole."""

    def migrate(self) -> None:
        """Create the tables or bring them up to this code, in one transaction and one process at a time.

        Raises: LedgerError where a newer Nightdub has been here.
        """
        with self._write_safely() as connection:
            lock(connection, "nightdub migrate")
            if (found := _revision(connection)) > SCHEMA:
                raise self._misfit(found)
            if found < SCHEMA:
                _upgrade(connection)

    def check(self) -> None:
        """Raise LedgerError unless the tables are the ones that this code was written for."""
        path = self._url.database or ""
        if self._url.drivername == "sqlite" and not Path(path).exists():
            raise LedgerError("there is no ledger yet", where=place(self._url), fix=MIGRATE)
        with self._read() as connection:
            found = _revision(connection)
        if found != SCHEMA:
            raise self._misfit(found)

    def _misfit(self, found: str) -> LedgerError:
        fix = MIGRATE if found < SCHEMA else "update Nightdub on this machine: a newer one has used this ledger"
        return LedgerError(f"the ledger's schema is {found or 'empty'}", where=place(self._url), allowed=SCHEMA, fix=fix)


def _revision(connection: Connection) -> str:
    """Return the schema's number, as Alembic stores it; empty where there are no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, SCHEMA)
