"""What came of the work: runs, costs, measurements, decisions, releases, and the digests that must be kept."""

from __future__ import annotations

import math
import platform
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, case, delete, func, select, update

from nightdub.infra.ledger.engine import Database, columns, insert, lock, values
from nightdub.infra.ledger.models import (
    attempts,
    decisions,
    jobs,
    measurements,
    policies,
    releases,
    runs,
)
from nightdub.infra.ledger.rows import (
    CostLine,
    DecisionOutcome,
    RecordedDecision,
    RecordedMeasurement,
    RecordedRelease,
    ReleaseAction,
    Run,
)

Move = tuple[ReleaseAction, str, str, datetime]  # action, package, previous, moment


class Outcomes(Database):
    """The tables that people read in the morning; decisions and releases are only ever added to."""

    def start_run(self, kind: str, options: Mapping[str, Any]) -> str:
        """Return the id of a new run; ids sort by time. Options are kept as they are: give no secrets."""
        now = self._clock()
        run = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
        row = {
            "id": run,
            "kind": kind,
            "started": now,
            "state": "running",
            "host": platform.node(),
            "options": dict(options),
            "account": {},
        }
        with self._write_safely() as connection:
            connection.execute(runs.insert().values(row))
        return run

    def finish_run(self, run: str, state: str, account: Mapping[str, Any]) -> None:
        """Record how a run ended, and its balanced account."""
        end = {"state": state, "account": dict(account), "ended": self._clock()}
        with self._write_safely() as connection:
            connection.execute(update(runs).where(runs.c.id == run).values(end))

    def runs(self, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first."""
        query = select(*columns(runs, Run)).order_by(runs.c.id.desc()).limit(limit)
        with self._read() as connection:
            return [Run(*row) for row in connection.execute(query)]

    def first_run(self) -> str:
        """Return the id of the first run ever, by which a ledger is known; "" where there was none."""
        with self._read() as connection:
            return connection.scalar(select(func.min(runs.c.id))) or ""

    def costs(self, run: str) -> list[CostLine]:
        """Return what a run took, by title, language and step; attempts that another one later replaced are in it too."""
        place = (jobs.c.title, jobs.c.language, jobs.c.step)
        sums = [func.sum(attempts.c[name]) for name in ("wall", "cpu", "engine", "built", "reused")]
        lost = func.sum(case((attempts.c.outcome == "lost", 1), else_=0))
        query: Select[Any] = select(*place, *sums, func.count(), lost).join(jobs, jobs.c.key == attempts.c.key)
        with self._read() as connection:
            rows = connection.execute(query.where(attempts.c.run == run).group_by(*place).order_by(*place))
            return [CostLine(*row) for row in rows]

    def record_measurements(self, run: str, title: str, language: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Record what was measured of a title-language in a run, in place of what this run recorded before.

        A row has the fields of `RecordedMeasurement` but `run`; only `metric` is required. A value that is not a number is stored as
        not measured.
        """
        place = {"run": run, "title": title, "language": language}
        measured = [values(RecordedMeasurement(run, **_numbered(row))) | place for row in rows]
        with self._write() as connection:
            connection.execute(delete(measurements).where(*(measurements.c[name] == value for name, value in place.items())))
            if measured:
                connection.execute(measurements.insert(), measured)

    def measurements(self, title: str, language: str, run: str | None = None) -> list[RecordedMeasurement]:
        """Return what a run measured of a title-language, in the order of recording; None means the latest that measured it."""
        here = (measurements.c.title == title, measurements.c.language == language)
        latest = select(measurements.c.run).where(*here).order_by(measurements.c.id.desc()).limit(1).scalar_subquery()
        query = select(*columns(measurements, RecordedMeasurement)).where(*here, measurements.c.run == (run or latest))
        with self._read() as connection:
            return [RecordedMeasurement(*row) for row in connection.execute(query.order_by(measurements.c.id))]

    def keep_policy(self, digest: str, name: str, rules: Sequence[Any]) -> None:
        """Keep the rules behind a policy's digest, once: a decision stays explained whatever becomes of the policy's file."""
        row = {"digest": digest, "name": name, "rules": list(rules), "created": self._clock()}
        with self._write() as connection:
            connection.execute(insert(connection, policies).values(row).on_conflict_do_nothing())

    def policy_rules(self, digest: str) -> list[Any]:
        """Return the rules behind a policy's digest; none where it was never kept."""
        with self._read() as connection:
            return list(connection.scalar(select(policies.c.rules).where(policies.c.digest == digest)) or [])

    def record_decision(
        self,
        title: str,
        language: str,
        *,
        run: str,
        recipe: str,
        policy: str,
        policy_digest: str,
        outcome: DecisionOutcome,
        reasons: Sequence[Any],
        rules: Sequence[Any],
    ) -> int:
        """Add what the gate said of a title-language and return the row's id."""
        row = {"title": title, "language": language, "run": run, "recipe": recipe, "policy": policy, "policy_digest": policy_digest}
        said = {"outcome": outcome, "reasons": list(reasons), "rules": list(rules), "created": self._clock()}
        with self._write_safely() as connection:
            return _added(connection, decisions, row | said)

    def decisions(self, title: str | None = None, language: str | None = None, run: str | None = None) -> list[RecordedDecision]:
        """Return the gate's decisions, newest first; None means every one."""
        query = _chosen(decisions, RecordedDecision, title=title, language=language, run=run)
        with self._read() as connection:
            return [RecordedDecision(*row) for row in connection.execute(query)]

    def record_release(
        self, title: str, language: str, *, action: ReleaseAction, package: str, decision: int | None, who: str, why: str
    ) -> int:
        """Add a move of the release pointer and return the row's id; the same move again adds nothing.

        `package` is what is out after the move: empty after a withdrawal. What was out before is taken from the last row.
        """
        moved = {"title": title, "language": language, "action": action, "package": package, "decision": decision}
        with self._write_safely() as connection:
            lock(connection, f"nightdub release {title} {language}")
            last = connection.execute(_chosen(releases, RecordedRelease, title=title, language=language).limit(1)).one_or_none()
            if last and (last.action, last.package) == (action, package) and (decision is None or last.decision is not None):
                return int(last.id)
            now = self._clock()  # a machine whose clock is fast may have made the last move: the order is the ledger's, not the clocks'
            now = max(now, last.created + timedelta(microseconds=1)) if last else now
            row = moved | {"previous": last.package if last else "", "who": who, "why": why, "created": now}
            return _added(connection, releases, row)

    def recall_release(self, title: str, language: str, move: Move, *, who: str, why: str) -> bool:
        """Add a move that this ledger had forgotten, at the moment at which it was made; return False where a newer one is known."""
        action, package, previous, moved = move
        with self._write_safely() as connection:
            lock(connection, f"nightdub release {title} {language}")
            last = connection.execute(_chosen(releases, RecordedRelease, title=title, language=language).limit(1)).one_or_none()
            if last and last.created >= moved:
                return False
            row = {"title": title, "language": language, "action": action, "package": package, "previous": previous, "decision": None}
            _added(connection, releases, row | {"who": who, "why": why, "created": moved})
        return True

    def releases(self, title: str | None = None, language: str | None = None) -> list[RecordedRelease]:
        """Return the moves of release pointers, newest first; None means every one."""
        query = _chosen(releases, RecordedRelease, title=title, language=language)
        with self._read() as connection:
            return [RecordedRelease(*row) for row in connection.execute(query)]

    def released_with(self, metric: str) -> list[tuple[str, str, str, str]]:
        """Return title, language, package and the metric's detail of all that is out now and had the metric above 0 when it was judged."""
        newest = select(func.max(releases.c.id)).group_by(releases.c.title, releases.c.language)
        out = select(releases.c.title, releases.c.language, releases.c.package).where(releases.c.id.in_(newest)).subquery()
        made = releases.alias()  # a rollback names no decision: the release that it went back to does
        place = (made.c.title == out.c.title) & (made.c.language == out.c.language) & (made.c.package == out.c.package)
        measured = (
            (measurements.c.run == decisions.c.run) & (measurements.c.title == out.c.title) & (measurements.c.language == out.c.language)
        )
        query = (
            select(out.c.title, out.c.language, out.c.package, measurements.c.detail)
            .join(made, place)
            .join(decisions, decisions.c.id == made.c.decision)
            .join(measurements, measured)
            .where(measurements.c.metric == metric, measurements.c.value > 0)
            .distinct()
        )
        with self._read() as connection:
            return [tuple(row) for row in connection.execute(query)]


def _numbered(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with a value that both databases keep: SQLite would turn NaN into NULL without a word."""
    value = row.get("value")
    if value is None or not math.isnan(value):
        return dict(row)
    return dict(row) | {"value": None, "not_measured": row.get("not_measured") or "not a number"}


def _added(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    return int(connection.scalar(table.insert().values(row).returning(table.c.id)))


def _chosen(table: Table, kind: type, **place: str | None) -> Select[Any]:
    conditions = [table.c[name] == value for name, value in place.items() if value is not None]
    return select(*columns(table, kind)).where(*conditions).order_by(table.c.id.desc())
