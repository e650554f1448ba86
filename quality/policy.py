"""Release policies: rules over measurements, written in YAML and checked when they are loaded."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import ConfigError
from nightdub.infra.strict_yaml import read_yaml
from nightdub.quality.metrics.table import METRICS

POLICIES = Path(__file__).parent / "policies"
ACCOUNTABLE = ("account", "rights")  # families whose blocking rules no reviewer sets aside
LINE = "line"  # family of the metrics of one line

_COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand on one metric.

    `severity`: "block" and "hold" both keep a title-language from release when they fail or cannot be told; "block" says that the
    output is wrong, "hold" that a person must judge; "warn" is printed and keeps nothing back. `scope`: a "line" rule is judged on
    each line when it is spoken, and a line that breaks it is made by the next engine. `at_least` is the least number of samples for
    a verdict. With `confidence` the whole 95 % interval of the measurement must satisfy the rule, not its value alone.
    `stand_in_ok` accepts a value that a stand-in measured; a commercial profile's policy never sets it. `not_applicable_ok` passes a
    title-language that has nothing of the kind, as far as is known for certain.
    """

    metric: str
    comparison: Literal["<=", ">=", "=="]
    threshold: float
    unit: str
    severity: Literal["block", "hold", "warn"] = "hold"
    scope: Literal["title-language", "line"] = "title-language"
    at_least: int = 1
    confidence: Literal[95] | None = None
    stand_in_ok: bool = False
    not_applicable_ok: bool = False
    because: str = ""  # where the figure comes from

    def __str__(self) -> str:
        sure = f", {self.confidence} % sure" if self.confidence else ""
        return f"{self.metric} {self.comparison} {self.threshold:.12g} {self.unit}".rstrip() + sure

    def holds(self, value: float) -> bool:
        """Return whether a value satisfies the rule, compared as it is: nothing is rounded."""
        return bool(_COMPARE[self.comparison](value, self.threshold))

    def against(self, value: float) -> str:
        """Return in words how a value breaks the rule, with as many digits as tell it from the threshold: 3.5000001 is not 3.5."""
        digits = (f"{value:.{places}f}".rstrip("0").rstrip(".") for places in (4, 8, 12, 17))
        shown = next((text for text in digits if float(text) != self.threshold), repr(value))
        return f"{self.metric} is {shown} {self.unit}".rstrip() + f", allowed {self.comparison} {self.threshold:.12g}"

    @property
    def binds(self) -> bool:
        """Return whether the rule decides over a release."""
        return self.scope == "title-language" and self.severity != "warn"

    @property
    def final(self) -> str:
        """Return why no reviewer may set the rule aside; empty where one may."""
        if self.severity == "block" and self.metric.split(".")[0] in ACCOUNTABLE:
            return f"{self.metric} blocks: an account that does not balance and missing rights are no matter of taste"
        return ""


DATA_GATE = Rule("data.failed_expectations", "==", 0, "expectations", "block", because="every policy has this rule")


@dataclass(frozen=True, slots=True)
class Policy:
    """A named list of rules; `digest` stands in every decision."""

    name: str
    rules: tuple[Rule, ...]
    describes: str = ""
    extends: str = ""  # name of a policy whose rules on all other metrics hold as well

    @property
    def digest(self) -> str:
        """Return one digest over all rules, whatever way their numbers were written."""
        return digest_of([replace(rule, threshold=float(rule.threshold)) for rule in self.rules])

    @property
    def line_rules(self) -> tuple[Rule, ...]:
        """Return the rules that are judged on each line when it is spoken, without what changes no line."""
        return tuple(replace(rule, because="") for rule in self.rules if rule.scope == "line")


def read_policy(name: str, folder: Path | None = None) -> Policy:
    """Read and check a policy by name; the rule that the data gates pass belongs to every policy, and need not be written.

    Raises:
        ConfigError: no such policy, or rules that could not decide: an unknown metric, field or word, another unit than the metric's, a
            threshold that cannot be missed or met, two rules that say the same or contradict each other, nothing that binds.
    """
    path = next((root / f"{name}.yaml" for root in (folder, POLICIES) if root and (root / f"{name}.yaml").exists()), None)
    if path is None:
        known = ", ".join(sorted(other.stem for other in POLICIES.glob("*.yaml")))
        raise ConfigError(
            f"no policy {name!r}", where=str(POLICIES.name), allowed=known, fix="name one of these, or add a file to your policies folder"
        )
    try:
        policy = read_yaml(path.read_bytes(), Policy)
    except ValueError as error:
        allowed = f"a rule's fields: {', '.join(Rule.__dataclass_fields__)}"
        raise ConfigError(str(error), where=path.name, allowed=allowed, fix="docs/policies.md says what each field means") from error
    if policy.name != name:
        raise ConfigError(f"is named {policy.name!r}", where=path.name, allowed=f"name: {name}", fix="a policy has its file's name")
    if policy.extends:
        policy = _extended(policy, folder, path.name)
    check_policy(policy, path.name)
    if any(rule.metric == DATA_GATE.metric for rule in policy.rules):
        return policy
    return replace(policy, rules=(DATA_GATE, *policy.rules))


def _extended(policy: Policy, folder: Path | None, where: str) -> Policy:
    """Return a policy with the rules of the one that it extends, but for those on metrics that it has rules of its own on."""
    own = {rule.metric for rule in policy.rules}
    base = Policy("", ()) if policy.extends == policy.name else read_policy(policy.extends, folder)
    if base.extends or not base.rules:
        allowed = "a policy that extends none itself"
        raise ConfigError(f"extends {policy.extends!r}", where=where, allowed=allowed, fix="extend that one's own base, or copy its rules")
    return replace(policy, rules=(*(rule for rule in base.rules if rule.metric not in own), *policy.rules))


def check_policy(policy: Policy, where: str) -> None:
    """Raise ConfigError with everything that keeps a policy from deciding, each with its place, what is allowed and what to do."""
    problems = [problem for number, rule in enumerate(policy.rules, 1) for problem in _problems(rule, f"{where}, rule {number}")]
    problems += _quarrels(policy.rules, where)
    if not any(rule.binds for rule in policy.rules):
        what = "no rule binds" if policy.rules else "a policy without rules would release everything"
        problems.append(_problem(what, where, "at least one block or hold rule on a title-language", "add one"))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ConfigError("\n  ".join([f"{len(problems)} problems", *map(str, problems)]), where=where)


def _problems(rule: Rule, where: str) -> list[ConfigError]:
    """Return what is wrong with one rule by itself."""
    fact = METRICS.get(rule.metric)
    if fact is None:
        near = [name for name in METRICS if name.split(".")[0] == rule.metric.split(".")[0]] or sorted(
            {name.split(".")[0] + ".*" for name in METRICS}
        )
        return [_problem(f"unknown metric {rule.metric!r}", where, ", ".join(near), "docs/metrics.md lists the metrics")]
    where, problems = f"{where} ({rule.metric})", []
    if rule.unit != fact.unit:
        what = f"{rule.metric} is measured in {fact.unit or 'no unit'}, not in {rule.unit or 'no unit'}"
        problems.append(_problem(what, where, f"unit: {fact.unit!r}", "write the metric's unit, and the threshold in it"))
    if not (math.isfinite(rule.threshold) and fact.lowest <= rule.threshold <= fact.highest):
        what = f"{rule.metric} lies between {fact.lowest:g} and {fact.highest:g}: {rule.threshold:g} cannot be told apart"
        problems.append(_problem(what, where, f"{fact.lowest:g} to {fact.highest:g}", "mend the threshold"))
    elif (rule.comparison, rule.threshold) in ((">=", fact.lowest), ("<=", fact.highest)):
        what = f"every value is {rule.comparison} {rule.threshold:g}: the rule can never fail"
        problems.append(_problem(what, where, f"a threshold inside {fact.lowest:g} to {fact.highest:g}", "mend it, or leave the rule out"))
    if rule.at_least < 1:
        problems.append(_problem(f"at_least: {rule.at_least} asks for nothing", where, "1 and up", "leave it out: 1 is the default"))
    if rule.confidence and (not fact.interval or rule.comparison == "=="):
        what = f"no interval of {rule.metric} can be {rule.comparison} {rule.threshold:g} as a whole"
        allowed = "<= or >= on " + ", ".join(name for name, other in METRICS.items() if other.interval)
        problems.append(_problem(what, where, allowed, "leave confidence out: the value itself is compared"))
    return problems + _scope_problems(rule, where)


def _scope_problems(rule: Rule, where: str) -> list[ConfigError]:
    """Return what a line rule says that has no meaning for one line, and the other way round."""
    of_line = rule.metric.split(".")[0] == LINE
    if of_line != (rule.scope == "line"):
        allowed = "line" if of_line else "title-language"
        return [_problem(f"{rule.metric} has no scope {rule.scope!r}", where, f"scope: {allowed}", "mend the scope")]
    plain = Rule(rule.metric, rule.comparison, rule.threshold, rule.unit, scope=rule.scope, because=rule.because)
    if of_line and rule != plain:
        allowed = "metric, comparison, threshold, unit, scope, because"
        return [_problem("a line that breaks its rule is made anew: nothing else can be said of it", where, allowed, "leave the rest out")]
    return []


def _quarrels(rules: Sequence[Rule], where: str) -> list[ConfigError]:
    """Return the pairs of rules that say the same, or that no value can satisfy together."""
    problems = []
    for (first, one), (second, other) in combinations(enumerate(rules, 1), 2):
        if one.metric != other.metric:
            continue
        place = f"{where}, rules {first} and {second} ({one.metric})"
        if _same(one, other):
            problems.append(_problem(f"{one} and {other} are the same demand", place, "one of them", "leave one out"))
        elif not _agree(one, other):
            what = f"no value is {one.comparison} {one.threshold:g} and {other.comparison} {other.threshold:g}"
            problems.append(_problem(what, place, "rules that one value can satisfy", "mend a threshold or a comparison"))
    return problems


def _same(one: Rule, other: Rule) -> bool:
    """Return whether one of two rules would be idle: the same side of the same threshold, or of the same severity."""
    if (one.comparison, one.confidence) != (other.comparison, other.confidence):
        return False
    return one.threshold == other.threshold or one.severity == other.severity


def _agree(one: Rule, other: Rule) -> bool:
    """Return whether some value satisfies both rules: then the threshold of one of them does."""
    if one.comparison == other.comparison and one.comparison != "==":
        return True
    return any(one.holds(value) and other.holds(value) for value in (one.threshold, other.threshold))


def _problem(what: str, where: str, allowed: str, fix: str) -> ConfigError:
    return ConfigError(what, where=where, allowed=allowed, fix=fix)
