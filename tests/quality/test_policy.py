"""A policy that cannot decide is refused when it is loaded, with its place, what is allowed and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightdub.infra.errors import ConfigError
from nightdub.quality.metrics.table import METRICS
from nightdub.quality.policy import DATA_GATE, POLICIES, Policy, read_policy

GOOD = "{metric: account.missing_lines, comparison: '==', threshold: 0, unit: lines}"


def read(folder: Path, *rules: str, name: str = "own") -> Policy:
    body = "\n".join(f"  - {rule}" for rule in rules)
    (folder / "own.yaml").write_text(f"name: {name}\nrules:\n{body}\n")
    return read_policy("own", folder)


@pytest.mark.parametrize("name", sorted(path.stem for path in POLICIES.glob("*.yaml")))
def test_shipped_policies_load(name: str) -> None:
    assert read_policy(name).rules


def test_shipped_policies_differ_and_commercial_ones_accept_no_stand_in() -> None:
    policies = {path.stem: read_policy(path.stem) for path in POLICIES.glob("*.yaml")}
    assert {"broadcast", "broadcast-r128", "preview", "plan-targets", "commercial-targets", "dataset", "plan-dataset"} == set(policies)
    for name in policies.keys() - {"preview"}:
        assert not any(rule.stand_in_ok for rule in policies[name].rules)
    assert len({policy.digest for policy in policies.values()}) == len(policies)


def test_r128_is_broadcast_with_another_loudness() -> None:
    base, own = ({(rule.metric, rule.comparison): rule for rule in read_policy(name).rules} for name in ("broadcast", "broadcast-r128"))
    changed = {metric for metric, _ in {key for key in base.keys() | own.keys() if base.get(key) != own.get(key)}}
    assert changed == {"loudness.integrated", "loudness.dialogue", "loudness.true_peak", "package.true_peak"}


def test_a_policy_takes_the_rules_that_it_has_none_of_its_own_for(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        f"name: base\nrules:\n  - {GOOD}\n  - {{metric: timing.cut, comparison: '==', threshold: 0, unit: s}}\n"
    )
    (tmp_path / "own.yaml").write_text(
        "name: own\nextends: base\nrules:\n  - {metric: timing.cut, comparison: '<=', threshold: 2, unit: s}\n"
    )
    assert [str(rule) for rule in read_policy("own", tmp_path).rules if rule.metric != DATA_GATE.metric] == [
        "account.missing_lines == 0 lines",
        "timing.cut <= 2 s",
    ]


@pytest.mark.parametrize("base", ["own", "other", "nonsense"])
def test_what_cannot_be_extended_is_refused(tmp_path: Path, base: str) -> None:
    (tmp_path / "own.yaml").write_text(f"name: own\nextends: {base}\nrules:\n  - {GOOD}\n")
    (tmp_path / "other.yaml").write_text(f"name: other\nextends: preview\nrules:\n  - {GOOD}\n")
    with pytest.raises(ConfigError, match=r"extends 'o|no policy 'nonsense'"):
        read_policy("own", tmp_path)


def test_only_broadcast_demands_certainty() -> None:
    sure = {name: {rule.metric for rule in read_policy(name).rules if rule.confidence} for name in ("preview", "broadcast", "plan-targets")}
    assert sure == {
        "preview": set(),
        "broadcast": {f"{where}.{rate}" for where in ("recognition", "roundtrip") for rate in ("wer", "cer")},
        "plan-targets": set(),
    }


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{metric: speech.beauty, comparison: '>=', threshold: 1, unit: MOS}", r"unknown metric 'speech.beauty'; allowed: .*speech.mos"),
        ("{metric: nobodys.own, comparison: '>=', threshold: 1, unit: MOS}", r"unknown metric 'nobodys.own'; allowed: .*account\.\*"),
        ("{metric: speech.mos, comparison: '>=', threshold: 6, unit: MOS}", "lies between 1 and 5.*allowed: 1 to 5"),
        ("{metric: speech.mos, comparison: '>=', threshold: .nan, unit: MOS}", "lies between 1 and 5"),
        ("{metric: timing.cut, comparison: '<=', threshold: .inf, unit: s}", "lies between 0 and inf"),
        ("{metric: speech.mos, comparison: '<=', threshold: 5, unit: MOS}", "can never fail"),
        ("{metric: timing.cut, comparison: '>=', threshold: 0, unit: s}", "can never fail"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, unit: '%'}", "is measured in MOS, not in %; allowed: unit: 'MOS'"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, unit: ''}", "is measured in MOS, not in no unit"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4}", "missing required field `unit`"),
        ("{metric: speech.mos, comparison: '>', threshold: 4, unit: MOS}", "Invalid enum value '>'.*comparison"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, unit: MOS, severity: fatal}", "Invalid enum value 'fatal'.*severity"),
        ("{metric: speech.mos, comparison: '>=', unit: MOS}", "missing required field `threshold`"),
        ("{metric: speech.mos, comparison: '>=', threshold: high, unit: MOS}", "Expected `float`, got `str`"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, unit: MOS, at_least: 0}", "at_least: 0 asks for nothing.*allowed: 1 and up"),
        (
            "{metric: speech.mos, comparison: '>=', threshold: 4, unit: MOS, treshold: 5}",
            r"unknown field rules\.1\.treshold; allowed: a rule's",
        ),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, threshold: 3, unit: MOS}", "'threshold' stands twice"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, unit: MOS, confidence: 90}", "Invalid enum value 90.*confidence"),
        (
            "{metric: timing.cut, comparison: '<=', threshold: 4, unit: s, confidence: 95}",
            "no interval of timing.cut.*allowed: .*recognition.wer",
        ),
        (
            "{metric: recognition.wer, comparison: '==', threshold: 4, unit: '%', confidence: 95}",
            "no interval of recognition.wer can be ==",
        ),
        (
            "{metric: speech.mos, comparison: '>=', threshold: 4, unit: MOS, scope: line}",
            "has no scope 'line'; allowed: scope: title-language",
        ),
        ("{metric: line.silence, comparison: '<=', threshold: 4, unit: '%'}", "has no scope 'title-language'; allowed: scope: line"),
        ("{metric: line.silence, comparison: '<=', threshold: 4, unit: '%', scope: line, severity: warn}", "made anew"),
        ("{metric: line.silence, comparison: '<=', threshold: 4, unit: '%', scope: line, stand_in_ok: true}", "made anew"),
    ],
)
def test_a_rule_that_cannot_decide_is_refused(tmp_path: Path, rule: str, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)own.yaml.*{says}.*next: "):
        read(tmp_path, GOOD, rule)


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("'>=', threshold: 4", "'<=', threshold: 3", "no value is >= 4 and <= 3"),
        ("'==', threshold: 4", "'<=', threshold: 3", "no value is == 4 and <= 3"),
        ("'==', threshold: 4", "'==', threshold: 3", "the same demand"),
        ("'==', threshold: 4, severity: warn", "'==', threshold: 3", "no value is == 4 and == 3"),
        ("'>=', threshold: 4", "'>=', threshold: 4", "the same demand"),
        ("'>=', threshold: 4", "'>=', threshold: 4, severity: warn", "the same demand"),
        ("'>=', threshold: 4", "'>=', threshold: 3", "the same demand"),
    ],
)
def test_rules_that_quarrel_or_repeat_are_refused(tmp_path: Path, one: str, other: str, says: str) -> None:
    pair = [f"{{metric: speech.mos, unit: MOS, comparison: {half}}}" for half in (one, other)]
    with pytest.raises(ConfigError, match=rf"own.yaml, rules 2 and 3 \(speech.mos\): .*{says}.*allowed: .*next: "):
        read(tmp_path, GOOD, *pair)


@pytest.mark.parametrize(
    "other",
    [
        "'<=', threshold: 5, severity: warn",  # a warning before it is too late
        "'>=', threshold: 3",
        "'<=', threshold: 10, severity: block",
        "'<=', threshold: 10, severity: warn, confidence: 95",
    ],
)
def test_rules_that_say_different_things_of_one_metric_stand_together(tmp_path: Path, other: str) -> None:
    pair = [f"{{metric: recognition.wer, unit: '%', comparison: {half}}}" for half in ("'<=', threshold: 10", other)]
    if "block" in other:
        with pytest.raises(ConfigError, match="the same demand"):
            read(tmp_path, *pair)
    else:
        assert len(read(tmp_path, *pair).rules) == 2 + 1  # and the data gates'


def test_every_problem_of_a_policy_is_named_at_once(tmp_path: Path) -> None:
    bad = "{metric: speech.mos, comparison: '>=', threshold: 9, unit: '%', at_least: -1}"
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, GOOD, bad, GOOD)
    text = str(refused.value)
    assert "own.yaml: 4 problems" in text
    assert text.count("rule 2 (speech.mos)") == 3
    assert "rules 1 and 3 (account.missing_lines)" in text


def test_a_policy_that_could_not_keep_anything_back_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("name: own\nrules: []\n")
    with pytest.raises(ConfigError, match="would release everything"):
        read_policy("own", tmp_path)
    with pytest.raises(ConfigError, match=r"no rule binds.*allowed: at least one block or hold rule"):
        read(tmp_path, GOOD.replace("unit", "severity: warn, unit"))


def test_a_policy_has_its_files_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is named 'broadcast'.*allowed: name: own"):
        read(tmp_path, GOOD, name="broadcast")


def test_an_unknown_policy_names_the_known_ones() -> None:
    with pytest.raises(
        ConfigError,
        match=r"no policy 'lax'.*allowed: broadcast, broadcast-r128, commercial-targets, dataset, plan-dataset, plan-targets, preview",
    ):
        read_policy("lax")


def test_a_digest_stands_for_the_rules_alone(tmp_path: Path) -> None:
    first = read(tmp_path, GOOD)
    assert read(tmp_path, GOOD).digest == first.digest
    assert read(tmp_path, GOOD.replace("0", "1")).digest != first.digest


def test_line_rules_say_only_what_changes_a_line() -> None:
    rules = read_policy("preview").line_rules
    assert rules
    assert {rule.metric for rule in rules} == {name for name in METRICS if name.startswith("line.")}
    assert not any(rule.because for rule in rules)


def test_every_policy_has_the_data_gates_rule_once(tmp_path: Path) -> None:
    wer = "{metric: recognition.wer, unit: '%', comparison: '<=', threshold: 10}"
    own = "{metric: data.failed_expectations, unit: expectations, comparison: '==', threshold: 0, severity: hold}"
    assert read(tmp_path, wer).rules[0] == DATA_GATE
    assert [rule.severity for rule in read(tmp_path, wer, own).rules if rule.metric == DATA_GATE.metric] == ["hold"]
