"""What people settle for more than one night: voices, consents, corrections and approved lines."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    words = ("series", "character", "language", "voice", "gender", "reference", "origin")
    rest = ("model", "model_index", "consent", "who", "why")
    _create("voices", *map(_text, words), _json("acoustics"), *map(_text, rest), _time("created"))
    op.create_table(
        "consents",
        sa.Column("id", sa.String(), primary_key=True),
        *map(_text, ("speaker", "scope")),
        _json("languages"),
        _time("expires", nullable=True),
        _time("withdrawn", nullable=True),
        *map(_text, ("document", "who")),
        _time("created"),
    )
    _create(
        "corrections",
        *map(_text, ("title", "language", "segment", "text", "speaker")),
        sa.Column("start", sa.Float(53)),
        sa.Column("end", sa.Float(53)),
        sa.Column("locked", sa.Boolean(), nullable=False),
        _json("pinned"),
        *map(_text, ("who", "why")),
        _time("created"),
        _time("revoked", nullable=True),
    )
    words = ("source_language", "target_language", "source", "target", "title", "segment", "who")
    _create("approved_lines", *map(_text, words), _time("created"), _time("revoked", nullable=True))
    for table, columns in (
        ("voices", ["series", "character", "language", "id"]),
        ("corrections", ["title", "language", "segment", "id"]),
        ("approved_lines", ["source_language", "target_language", "id"]),
    ):
        op.create_index(f"ix_{table}_{columns[0]}", table, columns)


def _create(table: str, *columns: sa.Column[Any]) -> None:
    number = sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    op.create_table(table, number, *columns)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.String(), "sqlite"), nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON().with_variant(sa.String(), "sqlite"), nullable=False)
