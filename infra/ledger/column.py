"""What the ledger's columns are made of: moments, JSON and numbers that mean the same in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, Float, ForeignKey, Integer, MetaData, String

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


def text(name: str, **options: Any) -> Column[str]:
    """Return a column of text; what is unknown is empty, never NULL."""
    return Column(name, String, nullable=False, **options)


def time(name: str, *, nullable: bool = False) -> Column[datetime]:
    """Return a column of moments in UTC."""
    return Column(name, UtcTime, nullable=nullable)


def json(name: str) -> Column[Any]:
    """Return a column of plain JSON values."""
    return Column(name, Json, nullable=False)


def seconds(name: str) -> Column[float]:
    """Return a column of durations in seconds."""
    return Column(name, Float(53), nullable=False)


def count(name: str) -> Column[int]:
    """Return a column of whole numbers."""
    return Column(name, Integer, nullable=False)


def job_key(**options: Any) -> Column[str]:
    """Return a column that names a job."""
    return Column("key", String, ForeignKey("jobs.key"), nullable=False, **options)
