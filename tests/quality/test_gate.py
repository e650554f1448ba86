"""The gate compares numbers and cannot be talked to."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from nightdub.infra.errors import ConfigError
from nightdub.quality.gate import decide
from nightdub.quality.policy import POLICIES, Policy, Rule, read_policy
from nightdub.tasks.rows import Measurement


def policy(*rules: Rule) -> Policy:
    return Policy("test", rules)


WER = Rule("recognition.wer", "<=", 3.5, "%")
MOS = Rule("speech.mos", ">=", 4.4, "MOS", at_least=5)


def test_the_reports_certificate_would_not_have_been_issued() -> None:
    """WER 3.62 against <= 3.5 and MOS 4.38 against >= 4.4 were once printed as PASS."""
    measured = [Measurement("recognition.wer", 3.62, "%", 500), Measurement("speech.mos", 4.38, "MOS", 20)]
    decision = decide(policy(WER, MOS), measured)
    assert decision.outcome == "fail"
    assert [verdict.outcome for verdict in decision.verdicts] == ["fail", "fail"]
    assert "3.62" in decision.reasons[0]
    assert "<= 3.5" in decision.reasons[0]


def test_a_value_just_beyond_the_threshold_shows_the_digits_that_tell() -> None:
    assert "3.5001" in decide(policy(WER), [Measurement("recognition.wer", 3.5001, "%", 500)]).reasons[0]


def test_passes_at_the_threshold_itself() -> None:
    assert decide(policy(WER), [Measurement("recognition.wer", 3.5, "%", 500)]).released


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (None, "nothing measured it"),
        (Measurement("recognition.wer", None, "%", not_measured="no script"), "not measured: no script"),
        (Measurement("recognition.wer", math.nan, "%", 9), "not measured"),
        (Measurement("recognition.wer", 1.0, "%", 0), "0 sample"),
        (Measurement("recognition.wer", 1.0, "%", 9, "ruler", stand_in=True), "stand-in (ruler)"),
    ],
)
def test_what_cannot_be_told_never_releases(row: Measurement | None, says: str) -> None:
    decision = decide(policy(WER), [row] if row else [])
    assert decision.outcome == "cannot tell"
    assert not decision.released
    assert says in decision.reasons[0]


def test_a_warning_keeps_nothing_back_but_is_not_silent() -> None:
    warn = Rule("roundtrip.wer", "<=", 50, "%", severity="warn")
    decision = decide(policy(WER, warn), [Measurement("recognition.wer", 1.0, "%", 500), Measurement("roundtrip.wer", 80.0, "%", 500)])
    assert decision.released
    assert "roundtrip.wer is 80" in decision.warnings[0]


def test_a_policy_of_warnings_alone_releases_nothing() -> None:
    assert not decide(policy(Rule("roundtrip.wer", "<=", 50, "%", severity="warn")), [Measurement("roundtrip.wer", 1.0, "%", 5)]).released


def test_shipped_policies_load_and_broadcast_accepts_no_stand_in() -> None:
    names = sorted(path.stem for path in POLICIES.glob("*.yaml"))
    policies = {name: read_policy(name) for name in names}
    assert {"broadcast", "preview"} <= set(policies)
    assert not any(rule.stand_in_ok for rule in policies["broadcast"].rules)
    assert policies["broadcast"].digest != policies["preview"].digest


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{metric: speech.beauty, comparison: '>=', threshold: 1, unit: MOS}", "unknown metric 'speech.beauty'"),
        ("{metric: speech.mos, comparison: '>=', threshold: 6, unit: MOS}", "lies between 1 and 5"),
        ("{metric: speech.mos, comparison: '>=', threshold: 4, unit: '%'}", "is measured in MOS"),
        ("{metric: speech.mos, comparison: '>', threshold: 4, unit: MOS}", "Invalid enum value"),
        ("{metric: speech.mos, comparison: '>=', unit: MOS}", "missing required field `threshold`"),
    ],
)
def test_a_policy_that_cannot_decide_is_refused_when_it_is_loaded(tmp_path: Path, rule: str, says: str) -> None:
    (tmp_path / "own.yaml").write_text(f"name: own\nrules: [{rule}]\n")
    with pytest.raises(ConfigError, match=says):
        read_policy("own", tmp_path)


def test_a_policy_without_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("name: own\nrules: []\n")
    with pytest.raises(ConfigError, match="would release everything"):
        read_policy("own", tmp_path)
