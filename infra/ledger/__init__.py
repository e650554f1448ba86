"""The ledger: what was built, measured, decided and released."""

from __future__ import annotations

from nightdub.infra.ledger.ledger import Ledger
from nightdub.infra.ledger.rows import (
    Artifact,
    Claim,
    Cost,
    CostLine,
    DecisionOutcome,
    Job,
    JobState,
    RecordedDecision,
    RecordedMeasurement,
    RecordedRelease,
    ReleaseAction,
    Run,
    Source,
    Standing,
    TitleLanguage,
    TitleState,
)

__all__ = [
    "Artifact",
    "Claim",
    "Cost",
    "CostLine",
    "DecisionOutcome",
    "Job",
    "JobState",
    "Ledger",
    "RecordedDecision",
    "RecordedMeasurement",
    "RecordedRelease",
    "ReleaseAction",
    "Run",
    "Source",
    "Standing",
    "TitleLanguage",
    "TitleState",
]
