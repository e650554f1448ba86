"""The first night: runs, title-languages, jobs, attempts, artifacts, heads, measurements, decisions, releases, sources."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    _runs_and_titles()
    _jobs()
    _what_jobs_made()
    _outcomes()
    _indices()


def _runs_and_titles() -> None:
    _table(
        "runs",
        _key("id"),
        _text("kind"),
        _time("started"),
        _time("ended", nullable=True),
        _text("state"),
        _text("host"),
        *_json("options", "account"),
    )
    _table(
        "title_languages",
        _key("title"),
        _key("language"),
        _text("profile"),
        _text("recipe"),
        *_json("inputs"),
        _text("state"),
        *_json("reasons"),
        _text("package"),
        _text("run"),
        _time("updated"),
        _one_of("title_languages", "state", "released", "held", "failed", "building"),
    )
    _table("heads", _key("title"), _key("language"), _key("step"), _text("key"))
    _table("sources", _key("path"), _number("size", sa.BigInteger()), _number("mtime_ns", sa.BigInteger()), _text("digest"))


def _jobs() -> None:
    _table(
        "jobs",
        _key("key"),
        _text("step"),
        _number("version"),
        _text("title"),
        _text("language"),
        _text("state"),
        _text("owner"),
        _time("lease_until", nullable=True),
        _number("fence"),
        _text("manifest"),
        *_json("error"),
        _text("run"),
        _time("created"),
        _time("finished", nullable=True),
        _one_of("jobs", "state", "claimed", "done", "partial", "failed"),
    )


def _what_jobs_made() -> None:
    _table(
        "attempts",
        _key("key"),
        sa.Column("fence", sa.Integer(), primary_key=True, autoincrement=False),
        _text("run"),
        _text("owner"),
        _time("started"),
        _time("ended", nullable=True),
        _text("outcome"),
        *(_number(name, sa.Float(53)) for name in ("wall", "cpu", "engine")),
        _number("built"),
        _number("reused"),
        *_json("error"),
        _one_of("attempts", "outcome", "", "done", "partial", "failed", "lost"),
        _refers("attempts", "key", "jobs.key"),
    )
    size = _number("size", sa.BigInteger())
    _table("artifacts", _key("key"), _key("name"), _text("digest"), size, _refers("artifacts", "key", "jobs.key"))
    _table("artifact_inputs", _key("key"), _key("name"), _text("digest"), _refers("artifact_inputs", "key", "jobs.key"))


def _outcomes() -> None:
    where = ("title", "language")
    _table(
        "measurements",
        _serial(),
        *map(_text, (*where, "run", "metric")),
        sa.Column("value", sa.Float(53)),
        _text("unit"),
        _number("n"),
        _text("engine"),
        _number("stand_in", sa.Boolean()),
        _text("not_measured"),
        *_json("worst"),
        _text("detail"),
    )
    _table(
        "decisions",
        _serial(),
        *map(_text, (*where, "run", "recipe", "policy", "policy_digest", "outcome")),
        *_json("reasons", "rules"),
        _time("created"),
        _one_of("decisions", "outcome", "pass", "fail", "cannot_tell"),
    )
    _table(
        "releases",
        _serial(),
        *map(_text, (*where, "action", "package")),
        sa.Column("decision", _serial().type),
        *map(_text, ("previous", "who", "why")),
        _time("created"),
        _one_of("releases", "action", "release", "rollback", "withdraw"),
        _refers("releases", "decision", "decisions.id"),
    )


def _indices() -> None:
    for table, columns in (
        ("jobs", ["state", "lease_until"]),
        ("attempts", ["run"]),
        ("artifacts", ["digest"]),
        ("artifact_inputs", ["digest"]),
        ("measurements", ["title", "language", "id"]),
        ("decisions", ["title", "language", "id"]),
        ("decisions", ["run"]),
        ("releases", ["title", "language", "id"]),
    ):
        op.create_index(f"ix_{table}_{columns[0]}", table, columns)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(name, *parts)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), primary_key=True)


def _serial() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.String(), "sqlite"), nullable=nullable)


def _json(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON().with_variant(sa.String(), "sqlite"), nullable=False) for name in names]


def _number(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Integer(), nullable=False)


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=f"ck_{table}_{column}")


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}")
