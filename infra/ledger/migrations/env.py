"""Alembic runs this file; the connection, its transaction and the lock come from `Ledger.migrate`."""

from __future__ import annotations

from alembic import context

from nightdub.infra.ledger.models import runs  # any table knows them all

context.configure(connection=context.config.attributes["connection"], target_metadata=runs.metadata)
context.run_migrations()
