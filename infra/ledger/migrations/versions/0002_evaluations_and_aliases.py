"""Evaluations and aliases: also comparisons, environments, overrides, re-evaluations; measurements keep intervals, weights and inputs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and widen `measurements`; rows that are there keep what they say."""
    _measurements()
    _judgements()
    _evaluations()
    _aliases()
    for table, columns in (
        ("overrides", ["title", "language"]),
        ("evaluations", ["verb", "engine", "id"]),
        ("comparisons", ["verb", "candidate", "id"]),
        ("aliases", ["subject", "alias", "id"]),
    ):
        op.create_index(f"ix_{table}_{columns[0]}", table, columns)


def _measurements() -> None:
    json = sa.JSON().with_variant(sa.String(), "sqlite")
    for column in (
        sa.Column("not_applicable", sa.String(), nullable=False, server_default=""),
        sa.Column("interval_low", sa.Float(53)),
        sa.Column("interval_high", sa.Float(53)),
        sa.Column("weights", sa.String(), nullable=False, server_default=""),
        sa.Column("inputs", json, nullable=False, server_default="{}"),
        sa.Column("environment", sa.String(), nullable=False, server_default=""),
    ):
        op.add_column("measurements", column)


def _judgements() -> None:
    op.create_table("policies", sa.Column("digest", sa.String(), primary_key=True), _text("name"), *_json("rules"), _time("created"))
    op.create_table("environments", sa.Column("digest", sa.String(), primary_key=True), *_json("facts"), _time("created"))
    op.create_table(
        "overrides",
        _serial(),
        *map(_text, ("title", "language", "metric", "reviewer", "reason")),
        _time("created"),
        _time("expires"),
        _time("revoked", nullable=True),
    )


def _evaluations() -> None:
    op.create_table(
        "evaluations",
        _serial(),
        *map(_text, ("verb", "engine", "identity", "dataset", "dataset_digest", "language", "run")),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        _text("hypotheses"),
        *_json("metrics", "identities"),
        _text("environment"),
        _time("created"),
    )
    op.create_table(
        "comparisons",
        _serial(),
        *map(_text, ("verb", "candidate", "stable")),
        *_json("evaluations"),
        _text("outcome"),
        *_json("verdicts"),
        _time("created"),
        _one_of("comparisons", "outcome", "pass", "fail", "cannot_tell"),
    )


def _aliases() -> None:
    op.create_table(
        "aliases",
        _serial(),
        *map(_text, ("subject", "alias", "target", "previous", "action", "who", "why")),
        *_json("evidence"),
        _time("created"),
        _one_of("aliases", "alias", "stable", "candidate"),
        _one_of("aliases", "action", "promote", "rollback"),
    )
    number = _serial().type
    op.create_table(
        "reevaluations",
        sa.Column("release", number, primary_key=True, autoincrement=False),
        sa.Column("alias", number, primary_key=True, autoincrement=False),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name="fk_reevaluations_release"),
        sa.ForeignKeyConstraint(["alias"], ["aliases.id"], name="fk_reevaluations_alias"),
    )


def _serial() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.String(), "sqlite"), nullable=nullable)


def _json(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON().with_variant(sa.String(), "sqlite"), nullable=False) for name in names]


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=f"ck_{table}_{column}")
