"""The gate compares numbers and cannot be talked to."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.quality.gate import Decision, Override, decide
from nightdub.quality.policy import Policy, Rule, read_policy
from nightdub.tasks.rows import Measurement, Worst


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


@pytest.mark.parametrize("value", ["3.5001", "3.5000001", "3.500000000001"])
def test_a_value_just_beyond_the_threshold_fails_and_shows_the_digits_that_tell(value: str) -> None:
    decision = decide(policy(WER), [Measurement("recognition.wer", float(value), "%", 500)])
    assert decision.outcome == "fail"
    assert f"is {value} %" in decision.reasons[0]


def test_passes_at_the_threshold_itself() -> None:
    assert decide(policy(WER), [Measurement("recognition.wer", 3.5, "%", 500)]).released


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (None, "nothing measured it"),
        (Measurement("recognition.wer", None, "%", not_measured="no script"), "not measured: no script"),
        (Measurement("recognition.wer", math.nan, "%", 9), "not measured"),
        (Measurement("recognition.wer", 1.0, "%", 0), "0 sample"),
        (Measurement("recognition.wer", -math.inf, "%", 9), "not measured"),
        (Measurement("recognition.wer", 1.0, "%", 9, "ruler", stand_in=True), "stand-in (ruler)"),
        (Measurement("recognition.wer", 0.01, "ratio", 9), "measured in ratio"),
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


def test_two_rows_of_one_metric_are_no_measurement() -> None:
    good, bad = Measurement("recognition.wer", 1.0, "%", 500), Measurement("recognition.wer", 9.0, "%", 500)
    assert "2 rows measured it" in decide(policy(WER), [bad, good]).reasons[0]


def test_what_does_not_apply_passes_only_where_the_rule_says_so_and_never_silently() -> None:
    rule = Rule("translation.bleu", ">=", 43, "BLEU", not_applicable_ok=True)
    row = Measurement("translation.bleu", None, "BLEU", not_applicable="people translated every line")
    decision = decide(policy(rule), [row])
    assert decision.released
    assert decision.verdicts[0].not_applicable == "people translated every line"
    assert decide(policy(replace(rule, not_applicable_ok=False)), [row]).outcome == "cannot tell"
    assert decide(policy(rule), [replace(row, not_applicable="", not_measured="no reference")]).outcome == "cannot tell"


def test_a_verdict_keeps_every_number_that_it_rests_on() -> None:
    worst = (Worst("s3", 40.0, "heard: nothing"),)
    row = Measurement("recognition.wer", 3.62, "%", 500, "whisper 1", interval=(3.0, 4.2), weights="ab" * 32, worst=worst)
    (verdict,) = decide(policy(WER), [row]).verdicts
    assert (verdict.value, verdict.interval, verdict.n, verdict.threshold) == (3.62, (3.0, 4.2), 500, 3.5)
    assert (verdict.engine, verdict.stand_in, verdict.weights, verdict.worst) == ("whisper 1", False, "ab" * 32, worst)


def test_line_rules_are_not_judged_over_a_whole_title() -> None:
    rules = (WER, Rule("line.silence", "<=", 60, "%", scope="line"))
    decision = decide(policy(*rules), [Measurement("recognition.wer", 1.0, "%", 500)])
    assert decision.released
    assert [verdict.metric for verdict in decision.verdicts] == ["recognition.wer"]


# ---------------------------------------------------------------- the report's targets


def verdict_of(name: str, *rows: Measurement) -> list[str]:
    """Return what a shipped policy says of some measurements, in their order."""
    outcomes = {verdict.metric: verdict.outcome for verdict in decide(read_policy(name), rows).verdicts}
    return [outcomes[row.metric] for row in rows]


@pytest.mark.parametrize(
    ("policy_name", "wer", "mos", "outcome"),
    [
        ("commercial-targets", 3.62, 4.38, "fail"),  # the certificate of the report marked both PASS
        ("commercial-targets", 3.5000001, 4.3999999, "fail"),
        ("commercial-targets", 3.5, 4.4, "pass"),
        ("plan-targets", 6.5000001, 4.2999999, "fail"),
        ("plan-targets", 6.5, 4.3, "pass"),
        ("plan-targets", 3.62, 4.38, "pass"),
    ],
)
def test_targets_are_compared_as_they_are(policy_name: str, wer: float, mos: float, outcome: str) -> None:
    rows = Measurement("recognition.wer", wer, "%", 500), Measurement("speech.mos", mos, "MOS", 20)
    assert verdict_of(policy_name, *rows) == [outcome, outcome]


def test_the_other_targets_of_the_plan_are_there() -> None:
    met = (
        Measurement("translation.bleu", 41.0, "BLEU", 50),
        Measurement("picture.psnr", 35.0, "dB", 500),
        Measurement("picture.fid", 9.0, "FID", 3000),
        Measurement("speech.similarity", 95.0, "%", 12),
        Measurement("package.sound_offset", 60.0, "ms", 1),
    )
    assert verdict_of("plan-targets", *met) == ["pass"] * 5
    missed = [replace(row, value=(row.value or 0) + change) for row, change in zip(met, (-0.1, -0.1, 0.1, -0.1, 0.1), strict=True)]
    assert verdict_of("plan-targets", *missed)[:4] == ["fail"] * 4
    assert any("package.sound_offset is 60.1 ms" in reason for reason in decide(read_policy("plan-targets"), missed).reasons)


def test_a_script_without_spaces_is_judged_by_its_characters() -> None:
    words = Measurement("recognition.wer", None, "%", not_applicable="no spaces between words")
    letters = Measurement("recognition.cer", 3.6, "%", 500)
    assert verdict_of("commercial-targets", words, letters) == ["pass", "fail"]
    assert verdict_of("commercial-targets", words, replace(letters, value=3.5)) == ["pass", "pass"]


def test_fewer_than_five_listeners_are_no_mos() -> None:
    assert verdict_of("commercial-targets", Measurement("speech.mos", 4.9, "MOS", 4)) == ["cannot tell"]


# ---------------------------------------------------------------- confidence

SURE = replace(WER, confidence=95)
SURE_MOS = Rule("speech.mos", ">=", 4.0, "MOS", confidence=95)


@pytest.mark.parametrize(
    ("rule", "value", "interval", "outcome"),
    [
        (SURE, 3.0, (2.6, 3.5), "pass"),  # the limit itself is allowed
        (SURE, 3.0, (2.6, 3.5001), "cannot tell"),
        (SURE, 3.62, (3.4, 3.9), "cannot tell"),
        (SURE, 4.5, (3.5001, 5.5), "fail"),
        (SURE, 3.0, None, "cannot tell"),
        (SURE, 3.0, (math.nan, 3.1), "cannot tell"),
        (SURE_MOS, 4.2, (4.0, 4.4), "pass"),
        (SURE_MOS, 4.2, (3.9, 4.4), "cannot tell"),
        (SURE_MOS, 3.5, (3.1, 3.9), "fail"),
    ],
)
def test_a_sure_rule_wants_the_whole_interval(rule: Rule, value: float, interval: tuple[float, float] | None, outcome: str) -> None:
    decision = decide(policy(rule), [Measurement(rule.metric, value, rule.unit, 500, interval=interval)])
    assert decision.outcome == outcome
    assert decision.released == (outcome == "pass")


def test_what_an_interval_leaves_open_is_said_with_its_numbers() -> None:
    row = Measurement("recognition.wer", 3.2, "%", 500, interval=(2.61, 3.94))
    assert "2.61 to 3.94 has values on both sides of <= 3.5 %" in decide(policy(SURE), [row]).reasons[0]
    assert decide(policy(WER), [row]).released


# ---------------------------------------------------------------- overrides

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
WORD = Override(7, "recognition.wer", "Ana", "three proper names", NOW + timedelta(days=2))
POOR = Measurement("recognition.wer", 3.62, "%", 500)


def test_an_override_sets_a_rule_aside_and_is_never_silent() -> None:
    decision = decide(policy(WER), [POOR], [WORD], NOW)
    assert decision.released
    assert (decision.outcome, decision.says) == ("pass", "pass with overrides")
    assert decision.verdicts[0].outcome == "overridden"
    assert decision.verdicts[0].override == WORD
    assert decision.overridden == (
        "recognition.wer is 3.62 %, allowed <= 3.5; overridden by Ana until 2026-11-23 22:00 UTC: three proper names",
    )
    assert decision.reasons == ()


def test_what_cannot_be_told_may_be_overridden_too() -> None:
    decision = decide(policy(WER), [], [WORD], NOW)
    assert decision.says == "pass with overrides"
    assert "cannot tell: nothing measured it; overridden by Ana" in decision.overridden[0]


def test_a_rule_that_passes_needs_no_override() -> None:
    decision = decide(policy(WER), [replace(POOR, value=3.0)], [WORD], NOW)
    assert (decision.says, decision.overridden) == ("pass", ())


def test_an_override_ends_at_its_moment() -> None:
    assert decide(policy(WER), [POOR], [WORD], WORD.expires - timedelta(microseconds=1)).released
    assert not decide(policy(WER), [POOR], [WORD], WORD.expires).released


def test_an_override_covers_its_own_metric_alone() -> None:
    rows = [POOR, Measurement("speech.mos", 4.0, "MOS", 20)]
    decision = decide(policy(WER, MOS), rows, [WORD], NOW)
    assert decision.outcome == "fail"
    assert decision.reasons == ("speech.mos is 4 MOS, allowed >= 4.4",)
    assert len(decision.overridden) == 1


@pytest.mark.parametrize(
    ("metric", "unit"), [("account.missing_lines", "lines"), ("account.failed_lines", "lines"), ("rights.refused", "engines")]
)
def test_nobody_overrides_the_account_and_the_rights(metric: str, unit: str) -> None:
    rule = Rule(metric, "==", 0, unit, severity="block")
    decision = decide(policy(rule), [Measurement(metric, 1.0, unit, 5)], [replace(WORD, metric=metric)], NOW)
    assert decision.outcome == "fail"
    assert f"Ana's override does not count: {metric} blocks" in decision.reasons[0]
    held = decide(policy(replace(rule, severity="hold")), [Measurement(metric, 1.0, unit, 5)], [replace(WORD, metric=metric)], NOW)
    assert held.released


def test_a_warning_stays_a_warning() -> None:
    warn = replace(WER, severity="warn")
    decision = decide(policy(MOS, warn), [Measurement("speech.mos", 4.5, "MOS", 20), POOR], [WORD], NOW)
    assert decision.overridden == ()
    assert "3.62" in decision.warnings[0]


# ---------------------------------------------------------------- for any measurements

METRICS = {
    "recognition.wer": ("%", "<=", 3.5),
    "speech.mos": ("MOS", ">=", 4.4),
    "account.failed_lines": ("lines", "==", 0.0),
    "timing.stretch_p95": ("ratio", "<=", 1.2),
}
numbers = st.one_of(st.none(), st.floats(0, 6), st.sampled_from([0.0, 1.2, 3.5, 4.4, math.nan, math.inf]))
rules = st.builds(
    lambda metric, severity, at_least, confidence, ok: Rule(
        metric,
        METRICS[metric][1],
        METRICS[metric][2],
        METRICS[metric][0],
        severity,
        "title-language",
        at_least,
        confidence,
        ok,  # type: ignore[arg-type]
    ),
    st.sampled_from(sorted(METRICS)),
    st.sampled_from(["block", "hold", "warn"]),
    st.integers(1, 3),
    st.sampled_from([None, 95]),
    st.booleans(),
)
measured = st.builds(
    lambda metric, value, n, stand_in, interval: Measurement(
        metric, value, METRICS[metric][0], n, "any", stand_in, interval=interval and (min(interval), max(interval))
    ),
    st.sampled_from(sorted(METRICS)),
    numbers,
    st.integers(0, 4),
    st.booleans(),
    st.one_of(st.none(), st.tuples(st.floats(0, 6), st.floats(0, 6))),
)
words = st.builds(
    lambda metric, hours: Override(1, metric, "Ana", "because", NOW + timedelta(hours=hours)),
    st.sampled_from(sorted(METRICS)),
    st.integers(-2, 2),
)


def satisfied(rule: Rule, rows: list[Measurement]) -> bool:
    """Say in other words than the gate's whether a rule is met beyond doubt."""
    mine = [row for row in rows if row.metric == rule.metric]
    if len(mine) != 1 or mine[0].value is None or not math.isfinite(mine[0].value):
        return False
    row = mine[0]
    told = row.n >= rule.at_least and (rule.stand_in_ok or not row.stand_in) and (row.interval is not None or rule.confidence is None)
    low, high = row.interval if rule.confidence and row.interval else (row.value, row.value)
    inside = {"<=": high <= rule.threshold, ">=": low >= rule.threshold, "==": low == high == rule.threshold}[rule.comparison]
    return told and inside


@given(st.lists(rules, max_size=5), st.lists(measured, max_size=6), st.lists(words, max_size=3))
def test_nothing_is_released_over_a_binding_rule_that_is_neither_met_nor_overridden(
    rules: list[Rule], rows: list[Measurement], overrides: list[Override]
) -> None:
    decision = decide(policy(*rules), rows, overrides, NOW)
    binding = [rule for rule in rules if rule.severity != "warn"]
    valid = {override.metric for override in overrides if override.expires > NOW}
    final = [rule for rule in binding if rule.severity == "block" and rule.metric.startswith("account.")]
    excused = [rule for rule in binding if rule.metric in valid and rule not in final]
    expected = bool(binding) and all(satisfied(rule, rows) or rule in excused for rule in binding)
    assert decision.released == expected
    assert (decision.reasons == ()) == (expected or not binding)
    assert bool(decision.overridden) == any(not satisfied(rule, rows) for rule in excused)


@given(st.lists(rules, min_size=1, max_size=4), st.lists(measured, max_size=6))
def test_a_decision_says_the_same_again(rules: list[Rule], rows: list[Measurement]) -> None:
    first: Decision = decide(policy(*rules), rows, [WORD], NOW)
    assert repr(decide(policy(*rules), rows, [WORD], NOW)) == repr(first)
