"""The gate: measurements, a policy and reviewers' overrides in, a decision with named reasons out. It compares numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from nightdub.quality.policy import Policy, Rule
from nightdub.tasks.rows import Measurement, Worst

Outcome = Literal["pass", "fail", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Override:
    """A named reviewer's word that the rules on one metric need not be met until a moment."""

    id: int
    metric: str
    reviewer: str
    reason: str
    expires: datetime

    def __str__(self) -> str:
        return f"overridden by {self.reviewer} until {self.expires:%Y-%m-%d %H:%M} UTC: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one title-language, with all the numbers it was said on."""

    rule: str
    metric: str
    severity: str
    outcome: Literal["pass", "fail", "cannot tell", "overridden"]
    value: float | None
    threshold: float
    unit: str
    n: int
    reason: str  # why the rule was not met, overridden or not; empty where it passed
    worst: tuple[Worst, ...] = ()
    interval: tuple[float, float] | None = None
    engine: str = ""
    stand_in: bool = False
    weights: str = ""
    not_applicable: str = ""  # why there was nothing that could be measured
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Released only if every rule that can keep back passed, or was set aside by a reviewer's word."""

    outcome: Outcome
    policy: str
    policy_digest: str
    verdicts: tuple[Verdict, ...]

    @property
    def released(self) -> bool:
        """Return whether the title-language may go out."""
        return self.outcome == "pass"

    @property
    def says(self) -> str:
        """Return the outcome in words; a pass that rests on reviewers' words says so."""
        return "pass with overrides" if self.released and self.overridden else self.outcome

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why it was kept back, in the order of the policy."""
        return tuple(
            verdict.reason for verdict in self.verdicts if verdict.severity != "warn" and verdict.outcome in ("fail", "cannot tell")
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what was noticed but keeps nothing back."""
        return tuple(verdict.reason for verdict in self.verdicts if verdict.reason and verdict.severity == "warn")

    @property
    def overridden(self) -> tuple[str, ...]:
        """Return the rules that were not met and set aside, each with who, until when and why."""
        return tuple(f"{verdict.reason}; {verdict.override}" for verdict in self.verdicts if verdict.override)


def decide(
    policy: Policy, measurements: Iterable[Measurement], overrides: Iterable[Override] = (), now: datetime | None = None
) -> Decision:
    """Return the decision: a failing rule fails; a rule that cannot be told never releases.

    Args:
        policy: Its rules on title-languages are judged; those on lines were, when the lines were spoken.
        measurements: One row per metric.
        overrides: Reviewers' words for this title-language. They set aside a binding rule that was not met, unless the rule is final.
        now: The moment that overrides are held against, with its time zone; the present where it is left out.
    """
    moment = now or datetime.now(UTC)
    rows: dict[str, list[Measurement]] = {}
    for row in measurements:
        rows.setdefault(row.metric, []).append(row)
    words = {override.metric: override for override in overrides if override.expires > moment}
    rules = [rule for rule in policy.rules if rule.scope == "title-language"]
    verdicts = tuple(_set_aside(rule, _judge(rule, rows.get(rule.metric, [])), words) for rule in rules)
    binding = {verdict.outcome for rule, verdict in zip(rules, verdicts, strict=True) if rule.binds}
    outcome: Outcome = "fail" if "fail" in binding else "cannot tell" if "cannot tell" in binding or not binding else "pass"
    return Decision(outcome, policy.name, policy.digest, verdicts)


def _judge(rule: Rule, rows: Sequence[Measurement]) -> Verdict:
    row = rows[0] if rows else Measurement(rule.metric, None, not_measured="nothing measured it")
    if len(rows) == 1 and row.not_applicable and row.value is None and rule.not_applicable_ok:
        return _verdict(rule, row, "pass", "")
    if unknown := _why_unknown(rule, rows):
        return _verdict(rule, row, "cannot tell", f"{rule.metric}: cannot tell: {unknown}")
    low, high = row.interval if rule.confidence and row.interval else (row.value or 0.0, row.value or 0.0)
    if rule.holds(low) and rule.holds(high):
        return _verdict(rule, row, "pass", "")
    if rule.holds(low) or rule.holds(high):
        demand = f"{rule.comparison} {rule.threshold:g} {rule.unit}".rstrip()
        straddles = f"the 95 % interval {low:.4g} to {high:.4g} has values on both sides of {demand}"
        return _verdict(rule, row, "cannot tell", f"{rule.metric}: cannot tell: {straddles}")
    sure = f" (95 % interval {low:.4g} to {high:.4g})" if rule.confidence else ""
    return _verdict(rule, row, "fail", rule.against(row.value or 0.0) + sure + _named(row))


def _named(row: Measurement) -> str:
    """Return the worst that a measurement names, or what it says of itself, for the reader of a reason."""
    if row.worst:
        worst = row.worst[0]
        return f"; worst: {worst.segment}" + (f" ({worst.detail})" if worst.detail else "")
    return f"; {row.detail}" if row.detail else ""


def _verdict(rule: Rule, row: Measurement, outcome: Outcome, reason: str) -> Verdict:
    return Verdict(
        rule=str(rule),
        metric=rule.metric,
        severity=rule.severity,
        outcome=outcome,
        value=row.value,
        threshold=rule.threshold,
        unit=rule.unit,
        n=row.n,
        reason=reason,
        worst=row.worst,
        interval=row.interval,
        engine=row.engine,
        stand_in=row.stand_in,
        weights=row.weights,
        not_applicable=row.not_applicable,
    )


def _set_aside(rule: Rule, verdict: Verdict, words: Mapping[str, Override]) -> Verdict:
    """Return the verdict with the override that covers it, where the rule binds, was not met and is not final."""
    override = words.get(rule.metric)
    if override is None or not rule.binds or verdict.outcome == "pass":
        return verdict
    if rule.final:
        return replace(verdict, reason=f"{verdict.reason}; {override.reviewer}'s override does not count: {rule.final}")
    return replace(verdict, outcome="overridden", override=override)


def _why_unknown(rule: Rule, rows: Sequence[Measurement]) -> str:
    """Return why a rule has no verdict, or an empty string."""
    if len(rows) != 1:
        return f"{len(rows)} rows measured it" if rows else "nothing measured it"
    row = rows[0]
    if row.value is None or not math.isfinite(row.value):
        return f"not measured: {row.not_applicable or row.not_measured or 'no number'}"
    sure = row.interval is not None and all(map(math.isfinite, row.interval))
    doubts = (
        (row.unit != rule.unit, f"measured in {row.unit or 'no unit'}"),
        (row.stand_in and not rule.stand_in_ok, f"measured by a stand-in ({row.engine})"),
        (row.n < rule.at_least, f"{row.n} sample(s), {rule.at_least} wanted"),
        (rule.confidence is not None and not sure, "measured without an interval"),
    )
    return next((why for doubtful, why in doubts if doubtful), "")
