"""A dub with a fault is measured where it differs from the good one, with the same numbers; what counts is what the good dub kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from good_dub import build_dub

from nightdub.quality.dub import Dub
from nightdub.quality.faults import judge as room
from nightdub.quality.faults.judge import Judged, Ruling, Trial, judge, measure_changed, share, tally
from nightdub.quality.faults.kinds import Truth, Where, plant
from nightdub.quality.faults.table import FAULTS
from nightdub.quality.measure import Findings, measure_dub, measure_programme, score_lines, score_shots, whole_picture
from nightdub.quality.policy import Policy, Rule
from nightdub.tasks.rows import Measurement

POLICY = Policy(
    "house",
    (
        Rule("leakage.original", "<=", -20, "dB"),
        Rule("picture.black_frames", "==", 0, "frames", severity="block"),
        Rule("speech.mos", ">=", 4.4, "MOS"),
        Rule("roundtrip.wer", "<=", 50, "%", severity="warn"),
    ),
)
GOOD = [
    Measurement("leakage.original", -50.0, "dB", 9),
    Measurement("picture.black_frames", 0.0, "frames", 100),
    Measurement("speech.mos", None, "MOS", not_measured="no listeners"),
    Measurement("roundtrip.wer", 10.0, "%", 50),
]


def truth(kind: str = "noise", severity: float = 10) -> Truth:
    return Truth(kind, severity, "dB", 0, Where())


def rule_on(*changed: Measurement) -> Ruling:
    rows = {row.metric: row for row in (*GOOD, *changed)}
    found = judge([POLICY], GOOD, [Trial(truth(), tuple(rows.values()))])[0].ruling("house")
    assert found
    return found


def test_nothing_is_held_against_a_dub_that_measures_as_the_good_one() -> None:
    assert rule_on().metrics == ()
    assert not rule_on().caught


def test_a_rule_that_fails_now_has_caught_the_fault() -> None:
    found = rule_on(Measurement("leakage.original", -15.0, "dB", 9))
    assert found.metrics == ("leakage.original",)
    assert found.reasons == ("leakage.original is -15 dB, allowed <= -20",)


def test_what_cannot_be_told_any_more_has_caught_it_as_well() -> None:
    found = rule_on(Measurement("picture.black_frames", None, "frames", not_measured="frames lack"))
    assert found.metrics == ("picture.black_frames",)


def test_a_warning_catches_nothing_and_neither_does_a_rule_that_the_good_dub_broke() -> None:
    assert rule_on(Measurement("roundtrip.wer", 90.0, "%", 50)).metrics == ()
    assert rule_on(Measurement("speech.mos", 1.0, "MOS", 9)).metrics == ()


def test_a_trial_that_was_skipped_or_failed_has_no_ruling_and_is_not_counted() -> None:
    trials = [Trial(truth(), skipped="no face"), Trial(truth(), failed="no disk"), Trial(truth(), tuple(GOOD))]
    found = judge([POLICY], GOOD, trials)
    assert [len(row.rulings) for row in found] == [0, 0, 1]
    assert [(row.caught, row.n) for row in tally(found, "house")] == [(0, 1)]


def test_a_tally_has_wilsons_interval_and_names_the_rules_that_caught_most() -> None:
    rulings = [("a", "b"), ("b",), ()]
    judged = [Judged(truth(), (Ruling("house", metrics, ()),)) for metrics in rulings]
    row = tally(judged, "house")[0]
    assert (row.kind, row.severity, row.caught, row.n, row.metrics) == ("noise", 10, 2, 3, ("b", "a"))
    # Wilson 1927 for 2 of 3 at z = 1.96, worked out by hand: centre (2 + 1.9207)/(3 + 3.8415), half width 1.96 sqrt(2/3 + 0.9604)/6.8415
    assert row.interval == pytest.approx((0.2077, 0.9385), abs=1e-3)
    whole = share(tally([*judged, Judged(truth("hum", 3), (Ruling("house", ("a",), ()),))], "house"))
    assert (whole.caught, whole.n) == (3, 4)
    assert share([]).interval is None


# ---------------------------------------------------------------- measured where it differs


def measured(dub: Dub) -> Findings:
    shots = score_shots(dub)
    return Findings(score_lines(dub), shots, measure_programme(dub), whole_picture(dub, shots))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Dub:
    return build_dub(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def found(good: Dub) -> Findings:
    return measured(good)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "severity", "lines", "shots", "programme"),
    [
        ("account-missing-row", 1, 0, 0, 0),
        ("subtitle-missing", 1, 0, 0, 0),
        ("noise", 10, 1, 2, 1),
        ("av-shift", 120, 0, 0, 1),
        ("black-frames", 5, 0, 1, 1),
        ("dropped-frames", 1, 0, 2, 1),
    ],
)
def test_what_differs_alone_is_measured_again_with_the_numbers_of_a_full_measurement(
    good: Dub,
    found: Findings,
    kind: str,
    severity: float,
    lines: int,
    shots: int,
    programme: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dub, _ = plant(FAULTS[kind], good, severity, tmp_path)
    counts = {"lines": 0, "shots": 0, "programme": 0}
    for name, part in (("score_lines", "lines"), ("score_shots", "shots"), ("measure_programme", "programme")):
        monkeypatch.setattr(room, name, _counting(getattr(room, name), counts, part))
    quick = measure_changed(good, found, dub)
    assert counts["lines"] == lines
    assert counts["shots"] <= shots
    assert counts["programme"] == programme
    monkeypatch.undo()
    assert quick == measure_dub(dub, measured(dub))


def _counting(measure, counts: dict[str, int], part: str):  # type: ignore[no-untyped-def]
    def counted(dub: Dub):  # type: ignore[no-untyped-def]
        rows = measure(dub)
        counts[part] += 1 if part == "programme" else len(rows)
        return rows

    return counted
