"""The ledger's tables. Rows stand for title-steps and title-languages, never for segments: those live in manifests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table

from nightdub.infra.ledger.column import Serial, count, job_key, json, metadata, seconds, text, time

SCHEMA = "0003"  # the newest file of `migrations/versions`

runs = Table(
    "runs",
    metadata,
    text("id", primary_key=True),
    text("kind"),
    time("started"),
    time("ended", nullable=True),
    text("state"),
    text("host"),
    json("options"),
    json("account"),
)

title_languages = Table(
    "title_languages",
    metadata,
    text("title", primary_key=True),
    text("language", primary_key=True),
    text("profile"),
    text("recipe"),
    json("inputs"),
    text("state"),
    json("reasons"),
    text("package"),
    text("run"),
    time("updated"),
    CheckConstraint("state IN ('released', 'held', 'failed', 'building')", name="state"),
)

jobs = Table(
    "jobs",
    metadata,
    text("key", primary_key=True),
    text("step"),
    count("version"),
    text("title"),
    text("language"),  # empty where the step serves every language of the title
    text("state"),
    text("owner"),
    time("lease_until", nullable=True),
    count("fence"),
    text("manifest"),
    json("error"),
    text("run"),
    time("created"),
    time("finished", nullable=True),
    CheckConstraint("state IN ('claimed', 'done', 'partial', 'failed')", name="state"),
    Index(None, "state", "lease_until"),
)

attempts = Table(
    "attempts",
    metadata,
    job_key(primary_key=True),
    Column("fence", Integer, primary_key=True, autoincrement=False),
    text("run", index=True),
    text("owner"),
    time("started"),
    time("ended", nullable=True),
    text("outcome"),  # empty while the attempt runs
    seconds("wall"),
    seconds("cpu"),
    seconds("engine"),
    count("built"),
    count("reused"),
    json("error"),
    CheckConstraint("outcome IN ('', 'done', 'partial', 'failed', 'lost')", name="outcome"),
)

artifacts = Table(
    "artifacts",
    metadata,
    job_key(primary_key=True),
    text("name", primary_key=True),
    text("digest", index=True),
    Column("size", BigInteger, nullable=False),  # bytes
)

artifact_inputs = Table(
    "artifact_inputs",
    metadata,
    job_key(primary_key=True),
    text("name", primary_key=True),
    text("digest", index=True),
)

heads = Table(
    "heads",
    metadata,
    text("title", primary_key=True),
    text("language", primary_key=True),
    text("step", primary_key=True),
    text("key"),
)

measurements = Table(
    "measurements",
    metadata,
    Column("id", Serial, primary_key=True),
    text("title"),
    text("language"),
    text("run"),
    text("metric"),
    Column("value", Float(53)),  # NULL: not measured
    text("unit"),
    count("n"),
    text("engine"),
    Column("stand_in", Boolean, nullable=False),
    text("not_measured"),
    text("not_applicable"),
    json("worst"),
    text("detail"),
    Column("interval_low", Float(53)),  # NULL: no interval was estimated
    Column("interval_high", Float(53)),
    text("weights"),
    json("inputs"),
    text("environment"),
    Index(None, "title", "language", "id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Serial, primary_key=True),
    text("title"),
    text("language"),
    text("run", index=True),
    text("recipe"),
    text("policy"),
    text("policy_digest"),
    text("outcome"),
    json("reasons"),
    json("rules"),
    time("created"),
    CheckConstraint("outcome IN ('pass', 'fail', 'cannot_tell')", name="outcome"),
    Index(None, "title", "language", "id"),
)

policies = Table("policies", metadata, text("digest", primary_key=True), text("name"), json("rules"), time("created"))

releases = Table(
    "releases",
    metadata,
    Column("id", Serial, primary_key=True),
    text("title"),
    text("language"),
    text("action"),
    text("package"),  # what is out after this row; empty = nothing
    Column("decision", Serial, ForeignKey("decisions.id"), nullable=True),
    text("previous"),  # what was out before it
    text("who"),
    text("why"),
    time("created"),
    CheckConstraint("action IN ('release', 'rollback', 'withdraw')", name="action"),
    Index(None, "title", "language", "id"),
)

sources = Table(
    "sources",
    metadata,
    text("path", primary_key=True),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("mtime_ns", BigInteger, nullable=False),
    text("digest"),
)

environments = Table("environments", metadata, text("digest", primary_key=True), json("facts"), time("created"))

overrides = Table(
    "overrides",
    metadata,
    Column("id", Serial, primary_key=True),
    text("title"),  # "*" = every title
    text("language"),  # "*" = every language
    text("metric"),
    text("reviewer"),
    text("reason"),
    time("created"),
    time("expires"),
    time("revoked", nullable=True),
    Index(None, "title", "language"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Serial, primary_key=True),
    text("verb"),
    text("engine"),  # as it is written: "name" or "name:setting=value,..."
    text("identity"),  # digest of the engine's identities: name, version, weights, settings
    text("dataset"),
    text("dataset_digest"),
    text("language"),  # what was said, or "en-es" where it was translated
    text("run"),
    count("items"),
    count("failed"),
    text("hypotheses"),  # digest of the stored rows
    json("metrics"),
    json("identities"),
    text("environment"),
    time("created"),
    Index(None, "verb", "engine", "id"),
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Serial, primary_key=True),
    text("verb"),
    text("candidate"),
    text("stable"),
    json("evaluations"),  # pairs of ids: the candidate's, the stable one's
    text("outcome"),
    json("verdicts"),
    time("created"),
    CheckConstraint("outcome IN ('pass', 'fail', 'cannot_tell')", name="outcome"),
    Index(None, "verb", "candidate", "id"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("id", Serial, primary_key=True),
    text("subject"),  # a verb of the engine table, or "profile"
    text("alias"),
    text("target"),  # what the alias names after this row; empty = nothing
    text("previous"),  # what it named before
    text("action"),
    text("who"),
    text("why"),
    json("evidence"),
    time("created"),
    CheckConstraint("alias IN ('stable', 'candidate')", name="alias"),
    CheckConstraint("action IN ('promote', 'rollback')", name="action"),
    Index(None, "subject", "alias", "id"),
)

reevaluations = Table(
    "reevaluations",
    metadata,
    Column("release", Serial, ForeignKey("releases.id"), primary_key=True, autoincrement=False),
    Column("alias", Serial, ForeignKey("aliases.id"), primary_key=True, autoincrement=False),
)

voices = Table(
    "voices",
    metadata,
    Column("id", Serial, primary_key=True),
    text("series"),  # or the title's id where it belongs to none
    text("character"),
    text("language"),  # "*" = every language without an entry of its own; empty = as first heard
    text("voice"),
    text("gender"),
    text("reference"),  # digest of a clip of the voice
    text("origin"),  # where the clip is from
    json("acoustics"),
    text("model"),  # digest of a voice conversion model
    text("model_index"),
    text("consent"),
    text("who"),
    text("why"),
    time("created"),
    Index(None, "series", "character", "language", "id"),
)

consents = Table(
    "consents",
    metadata,
    text("id", primary_key=True),
    text("speaker"),
    text("scope"),
    json("languages"),
    time("expires", nullable=True),
    time("withdrawn", nullable=True),
    text("document"),
    text("who"),
    time("created"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Serial, primary_key=True),
    text("title"),
    text("language"),
    text("segment"),
    text("text"),
    text("speaker"),
    Column("start", Float(53)),  # NULL: as it is
    Column("end", Float(53)),
    Column("locked", Boolean, nullable=False),
    json("pinned"),
    text("who"),
    text("why"),
    time("created"),
    time("revoked", nullable=True),
    Index(None, "title", "language", "segment", "id"),
)

approved_lines = Table(
    "approved_lines",
    metadata,
    Column("id", Serial, primary_key=True),
    text("source_language"),
    text("target_language"),
    text("source"),
    text("target"),
    text("title"),
    text("segment"),
    text("who"),
    time("created"),
    time("revoked", nullable=True),
    Index(None, "source_language", "target_language", "id"),
)
