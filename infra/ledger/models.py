"""The ledger's tables. Rows stand for title-steps and title-languages, never for segments: those live in manifests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

SCHEMA = "0001"  # the newest file of `migrations/versions`

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class UtcText(String):
    """A moment as text that sorts by time, for SQLite, which has no type for it."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what writes a moment: always UTC, always as long."""
        return lambda moment: moment and moment.astimezone(UTC).isoformat(" ", "microseconds")

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what reads a moment."""
        return lambda text: text and datetime.fromisoformat(text)


class JsonText(String):
    """JSON as text for SQLite, read without SQLAlchemy's three Python calls for each value: half the time of a plan's query."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what writes plain JSON values."""
        return spell

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what reads JSON."""
        return msgspec.json.decode


def spell(value: Any) -> str:
    """Return plain JSON values as text with sorted names."""
    return msgspec.json.encode(value, order="sorted").decode()


UtcTime = DateTime(timezone=True).with_variant(UtcText(), "sqlite")
Json = JSON().with_variant(JsonText(), "sqlite")
Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only where the type is INTEGER


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, String, nullable=False, **options)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable)


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False)


def _seconds(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _job_key(**options: Any) -> Column[str]:
    return Column("key", String, ForeignKey("jobs.key"), nullable=False, **options)


runs = Table(
    "runs",
    metadata,
    _text("id", primary_key=True),
    _text("kind"),
    _time("started"),
    _time("ended", nullable=True),
    _text("state"),
    _text("host"),
    _json("options"),
    _json("account"),
)

title_languages = Table(
    "title_languages",
    metadata,
    _text("title", primary_key=True),
    _text("language", primary_key=True),
    _text("profile"),
    _text("recipe"),
    _json("inputs"),
    _text("state"),
    _json("reasons"),
    _text("package"),
    _text("run"),
    _time("updated"),
    CheckConstraint("state IN ('released', 'held', 'failed', 'building')", name="state"),
)

jobs = Table(
    "jobs",
    metadata,
    _text("key", primary_key=True),
    _text("step"),
    _count("version"),
    _text("title"),
    _text("language"),  # empty where the step serves every language of the title
    _text("state"),
    _text("owner"),
    _time("lease_until", nullable=True),
    _count("fence"),
    _text("manifest"),
    _json("error"),
    _text("run"),
    _time("created"),
    _time("finished", nullable=True),
    CheckConstraint("state IN ('claimed', 'done', 'partial', 'failed')", name="state"),
    Index(None, "state", "lease_until"),
)

attempts = Table(
    "attempts",
    metadata,
    _job_key(primary_key=True),
    Column("fence", Integer, primary_key=True, autoincrement=False),
    _text("run", index=True),
    _text("owner"),
    _time("started"),
    _time("ended", nullable=True),
    _text("outcome"),  # empty while the attempt runs
    _seconds("wall"),
    _seconds("cpu"),
    _seconds("engine"),
    _count("built"),
    _count("reused"),
    _json("error"),
    CheckConstraint("outcome IN ('', 'done', 'partial', 'failed', 'lost')", name="outcome"),
)

artifacts = Table(
    "artifacts",
    metadata,
    _job_key(primary_key=True),
    _text("name", primary_key=True),
    _text("digest", index=True),
    Column("size", BigInteger, nullable=False),  # bytes
)

artifact_inputs = Table(
    "artifact_inputs",
    metadata,
    _job_key(primary_key=True),
    _text("name", primary_key=True),
    _text("digest", index=True),
)

heads = Table(
    "heads",
    metadata,
    _text("title", primary_key=True),
    _text("language", primary_key=True),
    _text("step", primary_key=True),
    _text("key"),
)

measurements = Table(
    "measurements",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("title"),
    _text("language"),
    _text("run"),
    _text("metric"),
    Column("value", Float(53)),  # NULL: not measured
    _text("unit"),
    _count("n"),
    _text("engine"),
    Column("stand_in", Boolean, nullable=False),
    _text("not_measured"),
    _json("worst"),
    _text("detail"),
    Index(None, "title", "language", "id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("title"),
    _text("language"),
    _text("run", index=True),
    _text("recipe"),
    _text("policy"),
    _text("policy_digest"),
    _text("outcome"),
    _json("reasons"),
    _json("rules"),
    _time("created"),
    CheckConstraint("outcome IN ('pass', 'fail', 'cannot_tell')", name="outcome"),
    Index(None, "title", "language", "id"),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("title"),
    _text("language"),
    _text("action"),
    _text("package"),  # what is out after this row; empty = nothing
    Column("decision", Serial, ForeignKey("decisions.id"), nullable=True),
    _text("previous"),  # what was out before it
    _text("who"),
    _text("why"),
    _time("created"),
    CheckConstraint("action IN ('release', 'rollback', 'withdraw')", name="action"),
    Index(None, "title", "language", "id"),
)

sources = Table(
    "sources",
    metadata,
    _text("path", primary_key=True),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("mtime_ns", BigInteger, nullable=False),
    _text("digest"),
)
