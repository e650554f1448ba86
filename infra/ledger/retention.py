"""What must be kept, and what the ledger may forget: jobs, measurements and decisions that nothing has used for a long time.

Kept for ever, since they are few and are the house's memory: runs, title-languages, releases with their decisions, policies, overrides,
evaluations and all that people settled. A night of 1,000 built title-languages adds 1,000 of them, and half a million rows of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Subquery, and_, delete, func, not_, or_, select, true, union

from nightdub.infra.ledger.engine import Database
from nightdub.infra.ledger.models import (
    artifact_inputs,
    artifacts,
    attempts,
    decisions,
    evaluations,
    heads,
    jobs,
    measurements,
    releases,
    title_languages,
)

T = TypeVar("T")


class Retention(Database):
    """Reads and prunes by one rule: what a title's newest jobs reach, and what went into a film that is out or was, since a moment."""

    def live_digests(self, since: datetime | None = None) -> set[str]:
        """Return every digest that a collector of garbage must keep; `since` None means from the first day on.

        That is: what the heads of the title-languages read and made; every package that is out, stands, or was out after `since`, with
        all that went into it; and what evaluations rest on. What manifests list is for the collector to follow; what a running job
        stored is younger than its lease.
        """
        with self._read() as connection:
            return {digest for digest in connection.scalars(union(*_digests(_kept(since), since))) if digest}

    def live_manifests(self, since: datetime | None = None) -> set[str]:
        """Return those of `live_digests` that are manifests of jobs."""
        kept = _kept(since)
        with self._read() as connection:
            return set(connection.scalars(select(jobs.c.manifest).join(kept, kept.c.key == jobs.c.key).where(jobs.c.manifest != "")))

    def forget(self, since: datetime) -> tuple[int, int]:
        """Delete what is older than `since`: finished jobs that nothing above needs, and decisions, with the measurements that they rest
        on, that are neither a title-language's newest nor a release's.

        Return how many jobs, and how many of the others. A job that is wanted again is made again, to the same bytes. What must go is
        found without a lock, and deleted a part at a time, so that a night goes on beside it.
        """
        with self._read() as connection:
            kept = _kept(since)
            keys = list(connection.scalars(select(jobs.c.key).where(*_idle(since), jobs.c.key.not_in(select(kept.c.key)))))
            judged = ((measurements, list(connection.scalars(_measured(since)))), (decisions, list(connection.scalars(_decided(since)))))
        gone = sum(self._forget_jobs(part, since) for part in _parts(keys))
        for table, numbers in judged:
            for few in _parts(numbers):
                with self._write() as connection:
                    connection.execute(delete(table).where(table.c.id.in_(few)))
        return gone, sum(len(numbers) for _, numbers in judged)

    def _forget_jobs(self, part: list[str], since: datetime) -> int:
        """Delete jobs with all that hangs on them, but for those that came into use again."""
        still = select(jobs.c.key).where(jobs.c.key.in_(part), *_idle(since), jobs.c.key.not_in(select(heads.c.key)))
        with self._write() as connection:
            keys = list(connection.scalars(still.with_for_update(skip_locked=True)))
            for table in (artifacts, artifact_inputs, attempts, jobs):
                connection.execute(delete(table).where(table.c.key.in_(keys)))
        return len(keys)


def _idle(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return jobs.c.state != "claimed", jobs.c.created < since, func.coalesce(jobs.c.finished, jobs.c.created) < since


def _needed(since: datetime) -> ColumnElement[bool]:
    """Return whether a decision is young, its title-language's newest, or a release's."""
    newest = select(func.max(decisions.c.id)).group_by(decisions.c.title, decisions.c.language)
    released = select(releases.c.decision).where(releases.c.decision.is_not(None))
    return or_(decisions.c.created >= since, decisions.c.id.in_(newest), decisions.c.id.in_(released))


def _decided(since: datetime) -> Select[Any]:
    return select(decisions.c.id).where(not_(_needed(since)))


def _measured(since: datetime) -> Select[Any]:
    """Select what was measured in runs all of whose decisions on the title-language go."""
    place = [decisions.c[name] for name in ("title", "language", "run")]
    doomed = select(*place).except_(select(*place).where(_needed(since))).subquery()
    here = and_(*(doomed.c[name] == measurements.c[name] for name in ("title", "language", "run")))
    return select(measurements.c.id).join(doomed, here)


def _parts(values: Sequence[T]) -> Iterator[list[T]]:
    return (list(values[start : start + 1000]) for start in range(0, len(values), 1000))


def _packages(since: datetime | None) -> Select[Any]:
    """Select the packages that stand, are out, or were out after a moment."""
    place = (releases.c.title, releases.c.language)
    until = func.lead(releases.c.created, type_=releases.c.created.type).over(partition_by=place, order_by=releases.c.id)
    moves = select(releases.c.package, until.label("until")).subquery()
    recent = true() if since is None else or_(moves.c.until.is_(None), moves.c.until >= since)
    return select(union(select(moves.c.package).where(recent), select(title_languages.c.package)).subquery().c.package)


def _kept(since: datetime | None) -> Subquery:
    """Select the keys of the heads' jobs, and of every job that had a part in one of the packages.

    A part is found by digest among the jobs of the same title: rather one too many, where two made the same bytes.
    """
    last = select(artifacts.c.key).where(artifacts.c.digest.in_(_packages(since)), artifacts.c.digest != "")
    parts = last.cte("parts", recursive=True)
    reader, maker = jobs.alias("reader"), jobs.alias("maker")
    earlier = (
        select(maker.c.key)
        .select_from(parts)
        .join(reader, reader.c.key == parts.c.key)
        .join(artifact_inputs, artifact_inputs.c.key == parts.c.key)
        .join(artifacts, artifacts.c.digest == artifact_inputs.c.digest)
        .join(maker, (maker.c.key == artifacts.c.key) & (maker.c.title == reader.c.title))
    )
    return union(select(parts.union(earlier).c.key), select(heads.c.key)).subquery("kept")


def _digests(kept: Subquery, since: datetime | None) -> Iterable[Select[Any]]:
    yield _packages(since)
    yield select(evaluations.c.hypotheses)
    yield select(evaluations.c.dataset_digest)
    yield select(jobs.c.manifest).join(kept, kept.c.key == jobs.c.key)
    yield select(artifacts.c.digest).join(kept, kept.c.key == artifacts.c.key)
    yield select(artifact_inputs.c.digest).join(kept, kept.c.key == artifact_inputs.c.key)
