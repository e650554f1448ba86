"""Jobs: who may work on a key, until when, and whose result counts.

A claim is a lease with a fencing token that grows with every grant. A result is taken from the holder of the newest token alone, also
when its lease ran out but nobody took the job over: the work is good, and its bytes are named by their digest anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, bindparam, delete, func, select, tuple_, update

from nightdub.infra.errors import LeaseLost
from nightdub.infra.ledger.engine import INSERTS, Database, columns, values
from nightdub.infra.ledger.models import artifact_inputs, artifacts, attempts, jobs
from nightdub.infra.ledger.rows import Artifact, Claim, Cost, Job, JobState
from nightdub.infra.ledger.spoken import Line, Spoken

Token = tuple[str, str, int]  # key, owner, fence

CHUNK = 5000  # keys in one query; SQLite takes 32,766 parameters, PostgreSQL 65,535
EXPIRED = {"code": "LeaseLost", "what": "the worker stopped and its lease ran out", "transient": True}


def _first_statement(dialect: Dialect) -> Any:
    return INSERTS[dialect.name](jobs).on_conflict_do_nothing()


class _Standing(NamedTuple):
    """What a claim or a commit needs to know of a job."""

    state: JobState
    owner: str
    lease_until: datetime | None
    fence: int
    manifest: str
    error: dict[str, Any]


WANTED = jobs.c.key == bindparam("wanted")
TOKEN = (WANTED, jobs.c.owner == bindparam("holder"), jobs.c.fence == bindparam("token"), jobs.c.state == "claimed")
ATTEMPT = (attempts.c.key == bindparam("wanted"), attempts.c.fence == bindparam("token"))
STANDING = select(*(jobs.c[name] for name in _Standing._fields)).where(WANTED)
SEEN = Spoken(lambda _: STANDING)
HELD = Spoken(lambda _: STANDING.with_for_update(skip_locked=True))
FIRST = Spoken(_first_statement)
TAKE_OVER = Spoken(lambda _: update(jobs).where(WANTED))
KEEP = Spoken(lambda _: update(jobs).where(*TOKEN))
OPEN = Spoken(lambda _: attempts.insert())
CLOSE = Spoken(lambda _: update(attempts).where(*ATTEMPT))
LOSE = Spoken(lambda _: update(attempts).where(attempts.c.key == bindparam("wanted"), attempts.c.outcome == ""))
UNMAKE = Spoken(lambda _: delete(artifacts).where(artifacts.c.key == bindparam("wanted")))
UNREAD = Spoken(lambda _: delete(artifact_inputs).where(artifact_inputs.c.key == bindparam("wanted")))
MADE = Spoken(lambda _: artifacts.insert())
READ = Spoken(lambda _: artifact_inputs.insert())


class Jobs(Database):
    """One row for each step of each title-language, and an attempt row for every time it was granted."""

    def claim(
        self,
        key: str,
        step: str,
        version: int,
        title: str,
        language: str,
        owner: str,
        run: str,
        lease_seconds: float,
        *,
        retry: bool = False,
    ) -> Claim:
        """Ask for the work on a key: granted where it is new, expired or failed for a passing cause, else what became of it.

        Partial and terminally failed jobs are granted again only with `retry`. While another claim or commit on the same key is being
        answered, this one is told "busy" at once.
        """
        now = self._clock()
        until = now + timedelta(seconds=lease_seconds)
        work = {"key": key, "step": step, "version": version, "title": title, "language": language}
        lease = {"state": "claimed", "owner": owner, "run": run, "lease_until": until, "error": {}}
        with self._speak() as line:
            seen = _standing(SEEN, line, key)
            claim = _answer(seen, now, until, retry=retry) if seen else _first(line, work | lease, now, until)
            if claim.outcome != "granted":
                return claim
            if seen:
                held = _standing(HELD, line, key)  # nobody else can take it over now, but somebody may have
                claim = _answer(held, now, until, retry=retry) if held else Claim("busy", lease_until=now)
                if claim.outcome != "granted":
                    return claim
                LOSE.send(line, {"wanted": key, "ended": now, "outcome": "lost", "error": EXPIRED})
                TAKE_OVER.send(line, {"wanted": key, **work, **lease, "fence": claim.fence, "finished": None})
            OPEN.send(line, _attempt(key, claim.fence, run, owner, now))
        return claim

    def extend(self, key: str, owner: str, fence: int, lease_seconds: float) -> datetime:
        """Return the new end of a lease, counted from now. Raises: LeaseLost where the job was taken over or ended."""
        until = self._clock() + timedelta(seconds=lease_seconds)
        with self._speak() as line:
            if not _update_held(line, (key, owner, fence), {"lease_until": until}):
                raise _lost((key, owner, fence))
        return until

    def commit(
        self,
        key: str,
        owner: str,
        fence: int,
        manifest: str,
        artifacts: Sequence[Artifact],
        inputs: Mapping[str, str],
        cost: Cost,
        *,
        partial: bool = False,
    ) -> None:
        """Record a job's result, lineage and cost in one transaction; the same commit again changes nothing.

        Args:
            manifest: Digest of the artifact that lists the others.
            inputs: Name -> digest of all that was read.
            partial: Some segments failed; the job is granted again only where a retry is asked for.

        Raises: LeaseLost where the token is stale.
        """
        end: dict[str, Any] = {"state": "partial" if partial else "done", "manifest": manifest, "error": {}}
        with self._speak() as line:
            if _end(line, (key, owner, fence), end, cost, self._clock()):
                _replace(line, key, artifacts, inputs, anew=fence > 1)

    def fail(self, key: str, owner: str, fence: int, error: Mapping[str, Any], cost: Cost) -> None:
        """Record why a job could not be done, as `error_row` gives it. Raises: LeaseLost where the token is stale."""
        with self._speak() as line:
            _end(line, (key, owner, fence), {"state": "failed", "error": dict(error)}, cost, self._clock())

    def reopen(self, key: str, error: Mapping[str, Any]) -> bool:
        """Let a finished job be claimed anew, because its objects are gone or damaged; say whether there was one."""
        change = {"state": "failed", "error": dict(error) | {"transient": True}}
        with self._write() as connection:
            finished = jobs.c.state.in_(["done", "partial"])
            return connection.execute(update(jobs).where(jobs.c.key == key, finished).values(change)).rowcount == 1

    def reap(self) -> int:
        """Free every job whose lease ran out, close its attempt as lost, and return how many there were."""
        now = self._clock()
        expired = select(jobs.c.key).where(jobs.c.state == "claimed", jobs.c.lease_until <= now)
        with self._write() as connection:
            keys = list(connection.scalars(expired.with_for_update(skip_locked=True)))
            for part in _parts(keys):
                connection.execute(update(jobs).where(jobs.c.key.in_(part)).values(state="failed", error=EXPIRED, finished=now))
                _close_lost(connection, part, now)
        return len(keys)

    def jobs(self, keys: Iterable[str]) -> dict[str, Job]:
        """Return the jobs that exist under these keys."""
        with self._read() as connection:
            found = [connection.execute(select(*columns(jobs, Job)).where(jobs.c.key.in_(part))) for part in _parts(list(keys))]
            return {row.key: Job(*row) for rows in found for row in rows}

    def artifacts_of(self, key: str) -> list[Artifact]:
        """Return what a job made, by name."""
        query = select(*columns(artifacts, Artifact)).where(artifacts.c.key == key).order_by(artifacts.c.name)
        with self._read() as connection:
            return [Artifact(*row) for row in connection.execute(query)]

    def maker_of(self, title: str, language: str, step: str, outputs: Mapping[str, str], until: datetime | None = None) -> str:
        """Return the key of the newest job of a step that made all these artifacts for a title-language; "" where there is none.

        `outputs` gives name -> digest; `language` is empty for what all languages of a title share. A job that was there at `until`
        comes before every later one.
        """
        made = tuple_(artifacts.c.name, artifacts.c.digest).in_(outputs.items())
        query = select(jobs.c.key).join(artifacts, artifacts.c.key == jobs.c.key)
        query = query.where(jobs.c.title == title, jobs.c.language == language, jobs.c.step == step, made)
        query = query.group_by(jobs.c.key, jobs.c.created).having(func.count() == len(outputs)).limit(1)
        later = [jobs.c.created > until] if until else []
        query = query.order_by(*later, jobs.c.created.desc())
        with self._read() as connection:
            return connection.scalar(query) or ""

    def inputs_of(self, key: str) -> dict[str, str]:
        """Return what a job read: name -> digest."""
        query = select(artifact_inputs.c.name, artifact_inputs.c.digest).where(artifact_inputs.c.key == key)
        with self._read() as connection:
            return dict(connection.execute(query).all())


def _standing(statement: Spoken, line: Line, key: str) -> _Standing | None:
    """Return a job, or None where there is none (or, of HELD, where another transaction has it)."""
    rows = statement.send(line, {"wanted": key})
    return _Standing(*rows[0]) if rows else None


def _first(line: Line, row: dict[str, Any], now: datetime, until: datetime) -> Claim:
    """Insert a job that nobody has; only where none was seen, since an insert waits for whoever is changing the row."""
    made = FIRST.count(line, row | {"fence": 1, "manifest": "", "created": now})
    return Claim("granted", 1, lease_until=until) if made else Claim("busy", lease_until=now)


def _answer(job: _Standing, now: datetime, until: datetime, *, retry: bool) -> Claim:
    """Return what a claim on an existing job gets."""
    if job.state == "claimed" and job.lease_until and job.lease_until > now:
        return Claim("busy", job.fence, lease_until=job.lease_until)
    if job.state == "done" or (job.state != "claimed" and not retry and not job.error.get("transient")):
        return Claim(job.state, job.fence, job.manifest, job.error)
    return Claim("granted", job.fence + 1, job.manifest, lease_until=until)


def _attempt(key: str, fence: int, run: str, owner: str, now: datetime) -> dict[str, Any]:
    return {"key": key, "fence": fence, "run": run, "owner": owner, "started": now, "outcome": "", "error": {}} | values(Cost())


def _update_held(line: Line, token: Token, change: dict[str, Any]) -> bool:
    """Change a claimed job if this is its newest token; say whether it was."""
    key, owner, fence = token
    return KEEP.count(line, {"wanted": key, "holder": owner, "token": fence, **change}) == 1


def _end(line: Line, token: Token, end: dict[str, Any], cost: Cost, now: datetime) -> bool:
    """Close a job and its attempt; return False where this holder already ended it the same way."""
    key, owner, fence = token
    if not _update_held(line, token, end | {"finished": now}):
        job = _standing(SEEN, line, key)
        ended = {"owner": owner, "fence": fence} | {name: end[name] for name in ("state", "manifest") if name in end}
        if job and all(getattr(job, name) == value for name, value in ended.items()):
            return False
        raise _lost(token)
    attempt = {"wanted": key, "token": fence, "ended": now, "outcome": end["state"], "error": end["error"], **values(cost)}
    CLOSE.send(line, attempt)
    return True


def _close_lost(connection: Connection, keys: Sequence[str], now: datetime) -> None:
    open_ones = update(attempts).where(attempts.c.key.in_(keys), attempts.c.outcome == "")
    connection.execute(open_ones.values(ended=now, outcome="lost", error=EXPIRED))


def _replace(line: Line, key: str, made: Sequence[Artifact], inputs: Mapping[str, str], *, anew: bool) -> None:
    """Write what a job made and read; `anew`, what an earlier grant wrote goes first."""
    if anew:
        UNMAKE.send(line, {"wanted": key})
        UNREAD.send(line, {"wanted": key})
    MADE.send_all(line, [{"key": key} | values(artifact) for artifact in made])
    READ.send_all(line, [{"key": key, "name": name, "digest": digest} for name, digest in inputs.items()])


def _lost(token: Token) -> LeaseLost:
    key, owner, fence = token
    return LeaseLost(f"token {fence} of {owner} no longer counts", where=key, fix="drop this result: another worker has the job")


def _parts(keys: list[str]) -> Iterable[list[str]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
