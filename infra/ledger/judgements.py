"""What was judged of engines: evaluations, comparisons, aliases; and what reviewers and machines add to a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, func, select, update

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import AliasConflict, LedgerError
from nightdub.infra.ledger.engine import Database, columns, insert, lock, values
from nightdub.infra.ledger.models import aliases, comparisons, decisions, environments, evaluations, overrides, reevaluations, releases
from nightdub.infra.ledger.rows import Alias, AliasAction, AliasMove, Override, RecordedComparison, RecordedEvaluation, Reevaluation


class Judgements(Database):
    """Rows are only ever added; an override alone can be marked as revoked."""

    def record_environment(self, facts: Mapping[str, Any]) -> str:
        """Keep what a machine is made of, once, and return its digest: what rows name as their environment."""
        row = {"digest": digest_of(facts), "facts": dict(facts), "created": self._clock()}
        with self._write() as connection:
            connection.execute(insert(connection, environments).values(row).on_conflict_do_nothing())
        return str(row["digest"])

    def environment(self, digest: str) -> dict[str, Any]:
        """Return the facts of an environment; empty where the digest is unknown."""
        with self._read() as connection:
            return dict(connection.scalar(select(environments.c.facts).where(environments.c.digest == digest)) or {})

    def add_override(self, title: str, language: str, metric: str, *, reviewer: str, reason: str, expires: datetime) -> int:
        """Add a reviewer's word on one rule and return its id; "*" stands for every title or language.

        Raises: LedgerError where it names nobody, gives no reason, or would be over already.
        """
        now = self._clock()
        if not reviewer.strip() or not reason.strip() or expires <= now:
            raise LedgerError("an override that cannot count", where=metric, allowed="a reviewer, a reason, an expiry that is to come")
        row = {"title": title, "language": language, "metric": metric, "reviewer": reviewer, "reason": reason}
        with self._write_safely() as connection:
            return _added(connection, overrides, row | {"created": now, "expires": expires, "revoked": None})

    def overrides(self, title: str | None = None, language: str | None = None, at: datetime | None = None) -> list[Override]:
        """Return the overrides that touch a title-language and hold at a moment, oldest first; None means every one."""
        query = select(*columns(overrides, Override)).order_by(overrides.c.id)
        for name, wanted in (("title", title), ("language", language)):
            query = query if wanted is None else query.where(overrides.c[name].in_((wanted, "*")))
        with self._read() as connection:
            found = [Override(*row) for row in connection.execute(query)]
        return found if at is None else [override for override in found if override.holds(at)]

    def revoke_override(self, number: int) -> None:
        """End an override now; one that was revoked before keeps its moment. Raises: LedgerError where there is no such override."""
        with self._write_safely() as connection:
            if connection.scalar(select(overrides.c.id).where(overrides.c.id == number)) is None:
                raise LedgerError(f"no override {number}", fix="name the id of one that was added")
            which = and_(overrides.c.id == number, overrides.c.revoked.is_(None))
            connection.execute(update(overrides).where(which).values(revoked=self._clock()))

    def record_evaluation(self, row: RecordedEvaluation) -> int:
        """Add an evaluation and return its id."""
        return self._record(evaluations, row)

    def evaluations(
        self, verb: str | None = None, engine: str | None = None, dataset: str | None = None, limit: int | None = None
    ) -> list[RecordedEvaluation]:
        """Return evaluations, newest first; None means every one."""
        query = _newest(evaluations, RecordedEvaluation, verb=verb, engine=engine, dataset=dataset).limit(limit)
        with self._read() as connection:
            return [RecordedEvaluation(*row) for row in connection.execute(query)]

    def record_comparison(self, row: RecordedComparison) -> int:
        """Add a comparison and return its id."""
        return self._record(comparisons, row)

    def comparisons(self, verb: str | None = None, candidate: str | None = None, stable: str | None = None) -> list[RecordedComparison]:
        """Return comparisons, newest first; None means every one."""
        query = _newest(comparisons, RecordedComparison, verb=verb, candidate=candidate, stable=stable)
        with self._read() as connection:
            return [RecordedComparison(*row) for row in connection.execute(query)]

    def move_alias(
        self,
        subject: str,
        alias: Alias,
        target: str,
        *,
        after: int,
        action: AliasAction,
        who: str,
        why: str,
        evidence: Sequence[int] = (),
    ) -> int:
        """Move an alias by compare-and-set and return the row's id.

        `after` is the id of the move that the caller saw last, 0 for none. A rollback of `stable` marks, in the same transaction, the
        releases that are out and were made since that move.

        Raises: AliasConflict where somebody else has moved the alias since.
        """
        row = {"subject": subject, "alias": alias, "target": target, "action": action, "who": who, "why": why}
        with self._write_safely() as connection:
            lock(connection, f"nightdub alias {subject} {alias}")
            last = connection.execute(_newest(aliases, AliasMove, subject=subject, alias=alias).limit(1)).one_or_none()
            if (last.id if last else 0) != after:
                now = last.target if last else ""
                raise AliasConflict(f"{alias} was moved to {now or 'nothing'}", where=subject, fix="look at it again, then decide again")
            known = {"previous": last.target if last else "", "evidence": list(evidence), "created": self._clock()}
            moved = _added(connection, aliases, row | known)
            if last and action == "rollback" and alias == "stable":
                _mark(connection, moved, since=last.created)
        return moved

    def alias_moves(self, subject: str | None = None, alias: str | None = None) -> list[AliasMove]:
        """Return the moves of aliases, newest first; None means every one."""
        with self._read() as connection:
            return [AliasMove(*row) for row in connection.execute(_newest(aliases, AliasMove, subject=subject, alias=alias))]

    def reevaluations(self) -> list[Reevaluation]:
        """Return the releases that a rollback marked, are still out, and were not decided on since; oldest first."""
        place = (releases.c.title, releases.c.language)
        later = select(decisions.c.id).where(
            decisions.c.title == releases.c.title, decisions.c.language == releases.c.language, decisions.c.created > aliases.c.created
        )
        query = (
            select(*place, releases.c.package, aliases.c.subject, aliases.c.previous, aliases.c.why, aliases.c.created)
            .join(reevaluations, reevaluations.c.release == releases.c.id)
            .join(aliases, aliases.c.id == reevaluations.c.alias)
            .where(releases.c.id.in_(_out()), ~later.exists())
            .order_by(aliases.c.id, *place)
        )
        with self._read() as connection:
            return [Reevaluation(*row) for row in connection.execute(query)]

    def _record(self, table: Table, row: Any) -> int:
        known = {name: value for name, value in values(row).items() if name != "id"}
        with self._write_safely() as connection:
            return _added(connection, table, known | {"created": self._clock()})


def _out() -> Select[Any]:
    """Select the last move of every release pointer."""
    return select(func.max(releases.c.id)).group_by(releases.c.title, releases.c.language)


def _mark(connection: Connection, alias: int, since: datetime) -> None:
    """Mark what is out and was released since a moment."""
    query = select(releases.c.id).where(releases.c.id.in_(_out()), releases.c.created >= since, releases.c.package != "")
    if marked := [{"release": release, "alias": alias} for release in connection.scalars(query)]:
        connection.execute(reevaluations.insert(), marked)


def _added(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    return int(connection.scalar(table.insert().values(row).returning(table.c.id)))


def _newest(table: Table, kind: type, **wanted: str | None) -> Select[Any]:
    conditions = [table.c[name] == value for name, value in wanted.items() if value is not None]
    return select(*columns(table, kind)).where(*conditions).order_by(table.c.id.desc())
