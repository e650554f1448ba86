"""Release policies: rules over measurements, written in YAML and checked when they are loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import ConfigError
from nightdub.quality.metrics.table import METRICS

POLICIES = Path(__file__).parent / "policies"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand on one metric.

    `severity`: "block" and "hold" both keep a title-language from release when they fail or cannot be told; "block" says that the
    output is wrong, "hold" that a person must judge; "warn" is printed and keeps nothing back. `at_least` is the least number of
    samples for a verdict. `stand_in_ok` accepts a value that a stand-in measured; a commercial profile's policy never sets it.
    `not_applicable_ok` passes a title-language that has nothing of the kind, as far as is known for certain.
    """

    metric: str
    comparison: Literal["<=", ">=", "=="]
    threshold: float
    unit: str
    severity: Literal["block", "hold", "warn"] = "hold"
    at_least: int = 1
    stand_in_ok: bool = False
    not_applicable_ok: bool = False
    because: str = ""  # where the figure comes from

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison} {self.threshold:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Policy:
    """A named list of rules; `digest` stands in every decision."""

    name: str
    rules: tuple[Rule, ...]
    describes: str = ""
    digest: str = field(default="")


def read_policy(name: str, folder: Path | None = None) -> Policy:
    """Read and check a policy by name.

    Raises:
        ConfigError: no such policy, or a rule with an unknown metric, another unit than the metric's, or a threshold outside its range.
    """
    path = next((root / f"{name}.yaml" for root in (folder, POLICIES) if root and (root / f"{name}.yaml").exists()), None)
    if path is None:
        known = ", ".join(sorted(other.stem for other in POLICIES.glob("*.yaml")))
        raise ConfigError(
            f"no policy {name!r}", where=str(POLICIES.name), allowed=known, fix="name one of these, or add a file to your policies folder"
        )
    try:
        policy = msgspec.yaml.decode(path.read_bytes(), type=Policy, strict=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigError(str(error), where=path.name, fix="docs/policies.md lists every field") from error
    if problems := [problem for rule in policy.rules for problem in _problems(rule)]:
        raise ConfigError("; ".join(problems), where=path.name, fix="docs/policies.md lists the metrics with units and ranges")
    if not policy.rules:
        raise ConfigError("a policy without rules would release everything", where=path.name, allowed="at least one rule")
    return Policy(policy.name, policy.rules, policy.describes, digest_of(policy.rules))


def _problems(rule: Rule) -> list[str]:
    fact = METRICS.get(rule.metric)
    if fact is None:
        return [f"unknown metric {rule.metric!r}"]
    problems = []
    if rule.unit != fact.unit:
        problems.append(f"{rule.metric} is measured in {fact.unit or 'no unit'}, not in {rule.unit or 'no unit'}")
    if not fact.lowest <= rule.threshold <= fact.highest:
        problems.append(f"{rule.metric} lies between {fact.lowest:g} and {fact.highest:g}: {rule.threshold:g} cannot be told apart")
    return problems
