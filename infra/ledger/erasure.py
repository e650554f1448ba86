"""Taking out of the ledger what a person has a right to have forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, select, update

from nightdub.infra.ledger.engine import Database
from nightdub.infra.ledger.models import artifact_inputs, artifacts, attempts, decisions, heads, jobs, measurements, sources

_AT_ONCE = 500  # keys or paths in one statement


class Erasure(Database):
    """Deletes rows that nothing else ever deletes."""

    def jobs_of(self, title: str) -> dict[str, str]:
        """Return key -> step of every job of a title."""
        with self._read() as connection:
            return dict(connection.execute(select(jobs.c.key, jobs.c.step).where(jobs.c.title == title)).all())

    def erase_title(self, title: str, keep: Collection[str]) -> None:
        """Delete every job and head of a title but those in `keep`, what was measured of it but for the latest run, and the details of
        its decisions but for the newest.
        """
        newest = select(func.max(decisions.c.id)).where(decisions.c.title == title)
        latest = select(measurements.c.run).where(measurements.c.title == title).order_by(measurements.c.id.desc()).limit(1)
        with self._write() as connection:
            gone = [key for key in connection.scalars(select(jobs.c.key).where(jobs.c.title == title)) if key not in keep]
            for start in range(0, len(gone), _AT_ONCE):
                part = gone[start : start + _AT_ONCE]
                connection.execute(delete(heads).where(heads.c.title == title, heads.c.key.in_(part)))
                for table in (artifacts, artifact_inputs, attempts, jobs):
                    connection.execute(delete(table).where(table.c.key.in_(part)))
            connection.execute(delete(measurements).where(measurements.c.title == title, measurements.c.run != latest.scalar_subquery()))
            old = (decisions.c.title == title) & (decisions.c.id != newest.scalar_subquery())
            connection.execute(update(decisions).where(old).values(rules=[], reasons=["erased"]))

    def forget_sources(self, paths: Iterable[str]) -> int:
        """Forget the digests of files; return of how many."""
        wanted, count = list(paths), 0
        with self._write() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                done = connection.execute(delete(sources).where(sources.c.path.in_(wanted[start : start + _AT_ONCE])))
                count += done.rowcount
        return count
