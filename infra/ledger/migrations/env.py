"""Alembic runs this file; the connection, its transaction and the lock come from `Ledger.migrate`."""

from __future__ import annotations

from alembic import context

from nightdub.infra.ledger.models import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
