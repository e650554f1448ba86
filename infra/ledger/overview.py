"""Counts for whoever watches an installation: a handful of queries, each over an index or one small table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from nightdub.infra.ledger.engine import Database, columns
from nightdub.infra.ledger.models import attempts, decisions, jobs, releases, runs, title_languages
from nightdub.infra.ledger.rows import Run


class Overview(Database):
    """The ledger in numbers."""

    def states(self) -> dict[str, int]:
        """Return state -> title-languages."""
        return self._counted(select(title_languages.c.state, func.count()).group_by(title_languages.c.state))

    def job_states(self) -> dict[tuple[str, str], int]:
        """Return step and state -> jobs that are not simply done: few, and found by the index."""
        place = (jobs.c.step, jobs.c.state)
        query = select(*place, func.count()).where(jobs.c.state.in_(["claimed", "partial", "failed"])).group_by(*place)
        with self._read() as connection:
            return {(step, state): count for step, state, count in connection.execute(query)}

    def jobs_done(self) -> int:
        """Return how many jobs are done; only the index is read."""
        with self._read() as connection:
            return connection.scalar(select(func.count()).where(jobs.c.state == "done")) or 0

    def leases(self) -> tuple[int, int, datetime | None]:
        """Return how many jobs are claimed, how many of these leases have run out, and when the oldest of the attempts began."""
        claimed = jobs.c.state == "claimed"
        now = self._clock()
        began = func.min(attempts.c.started, type_=attempts.c.started.type)
        with self._read() as connection:
            held = connection.scalar(select(func.count()).where(claimed)) or 0
            expired = connection.scalar(select(func.count()).where(claimed, jobs.c.lease_until <= now)) or 0
            open_ones = select(began).join(jobs, (jobs.c.key == attempts.c.key) & (jobs.c.fence == attempts.c.fence))
            return held, expired, connection.scalar(open_ones.where(claimed, attempts.c.outcome == ""))

    def nights(self, kind: str = "nightly") -> dict[str, int]:
        """Return state -> runs of a kind, from the first day on."""
        return self._counted(select(runs.c.state, func.count()).where(runs.c.kind == kind).group_by(runs.c.state))

    def last_run(self, state: str = "", kind: str = "nightly") -> Run | None:
        """Return the newest run of a kind, in any state or in the named one."""
        query = select(*columns(runs, Run)).where(runs.c.kind == kind, *([runs.c.state == state] if state else []))
        with self._read() as connection:
            row = connection.execute(query.order_by(runs.c.id.desc()).limit(1)).one_or_none()
        return Run(*row) if row else None

    def runs_after(self, run: str, kind: str = "nightly") -> int:
        """Return how many runs of a kind are newer than this one; with "", how many there are."""
        with self._read() as connection:
            return connection.scalar(select(func.count()).where(runs.c.kind == kind, runs.c.id > run)) or 0

    def move_counts(self) -> dict[str, int]:
        """Return action -> moves of release pointers, from the first day on."""
        return self._counted(select(releases.c.action, func.count()).group_by(releases.c.action))

    def decision_counts(self, run: str) -> dict[str, int]:
        """Return outcome -> decisions of the gate in a run."""
        return self._counted(select(decisions.c.outcome, func.count()).where(decisions.c.run == run).group_by(decisions.c.outcome))

    def _counted(self, query: Select[Any]) -> dict[str, int]:
        with self._read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}
