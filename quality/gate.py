"""The gate: measurements and a policy in, a decision with named reasons out. It compares numbers and cannot be talked to."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from nightdub.quality.policy import Policy, Rule
from nightdub.tasks.rows import Measurement, Worst

Outcome = Literal["pass", "fail", "cannot tell"]

_COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one title-language, with all the numbers it was said on."""

    rule: str
    metric: str
    severity: str
    outcome: Outcome
    value: float | None
    threshold: float
    unit: str
    n: int
    reason: str  # empty where the rule passed
    worst: tuple[Worst, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Released only if every rule that can keep back passed."""

    outcome: Outcome
    policy: str
    policy_digest: str
    verdicts: tuple[Verdict, ...]

    @property
    def released(self) -> bool:
        """Return whether the title-language may go out."""
        return self.outcome == "pass"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why it was kept back, in the order of the policy."""
        return tuple(verdict.reason for verdict in self.verdicts if verdict.reason and verdict.severity != "warn")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what was noticed but keeps nothing back."""
        return tuple(verdict.reason for verdict in self.verdicts if verdict.reason and verdict.severity == "warn")


def decide(policy: Policy, measurements: Iterable[Measurement]) -> Decision:
    """Return the decision: a failing rule fails; a rule that cannot be told never releases."""
    by_metric = {row.metric: row for row in measurements}
    verdicts = tuple(_judge(rule, by_metric) for rule in policy.rules)
    binding = [verdict.outcome for verdict in verdicts if verdict.severity != "warn"]
    outcome: Outcome = "fail" if "fail" in binding else "cannot tell" if "cannot tell" in binding or not binding else "pass"
    return Decision(outcome, policy.name, policy.digest, verdicts)


def _judge(rule: Rule, measurements: Mapping[str, Measurement]) -> Verdict:
    row = measurements.get(rule.metric)
    if row and row.not_applicable and rule.not_applicable_ok:
        return Verdict(str(rule), rule.metric, rule.severity, "pass", None, rule.threshold, rule.unit, 0, "")
    unknown = _why_unknown(rule, row)
    if row is None or row.value is None or unknown:
        return Verdict(
            str(rule),
            rule.metric,
            rule.severity,
            "cannot tell",
            row.value if row else None,
            rule.threshold,
            rule.unit,
            row.n if row else 0,
            f"{rule.metric}: cannot tell: {unknown}",
            row.worst if row else (),
        )
    passed = _COMPARE[rule.comparison](row.value, rule.threshold)
    reason = "" if passed else f"{rule.metric} is {_number(row.value)} {rule.unit}, allowed {rule.comparison} {rule.threshold:g}"
    return Verdict(
        str(rule), rule.metric, rule.severity, "pass" if passed else "fail", row.value, rule.threshold, rule.unit, row.n, reason, row.worst
    )


def _why_unknown(rule: Rule, row: Measurement | None) -> str:
    """Return why a rule has no verdict, or an empty string."""
    if row is None:
        return "nothing measured it"
    if row.value is None or math.isnan(row.value):
        return f"not measured: {row.not_applicable or row.not_measured or 'no value'}"
    if row.stand_in and not rule.stand_in_ok:
        return f"measured by a stand-in ({row.engine})"
    if row.n < rule.at_least:
        return f"{row.n} sample(s), {rule.at_least} wanted"
    return ""


def _number(value: float) -> str:
    """Return a number with the digits that tell it from its threshold: 3.504 is not 3.5."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
