"""The verdict: how often it cries wolf, how often it sees a regression, and when it does not know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nightdub.infra.errors import ConfigError
from nightdub.quality.compare import FEWEST, Contrast, contrast, detectable, holm, judge
from nightdub.quality.score import Score, mean_score

RNG = np.random.default_rng(20260131)
BASE = 0.08  # word errors of the stable engine, as in the simulations of published power tables


def rate(errors: np.ndarray, words: np.ndarray) -> Score:
    counts = np.stack([100.0 * errors, words.astype(float)], axis=1)
    return Score("wer", "%", False, counts, lambda sums: sums[:, 0] / sums[:, 1], "test")


def engines(lines: int, more: float, spread: float = 0.0) -> tuple[Score, Score]:
    """Return a candidate that errs `more` often (a share of words) and the stable engine, on lines of 4 to 19 words."""
    words = RNG.integers(4, 20, lines)
    stable, candidate = RNG.binomial(words, BASE), RNG.binomial(words, BASE + more)
    return rate(candidate, words), rate(stable, words)


def alarms(lines: int, more: float, trials: int) -> float:
    """Return the share of trials in which the candidate is called worse, one-sided 5 %."""
    found = [contrast("en", *engines(lines, more), (), resamples=300).p_worse <= 0.05 for _ in range(trials)]
    return float(np.mean(found))


def test_false_alarms_are_small_but_real() -> None:
    """One-sided 5 %: within .02 and .09 in 400 trials (three standard errors are .033)."""
    assert 0.02 <= alarms(200, 0.0, 400) <= 0.09


def test_a_larger_regression_and_a_larger_set_are_seen_more_often() -> None:
    """Orientation from a published simulation (base 8 %, 200 lines): +1 point .38, +2 points .82, +3 points .96."""
    small, middle, large = (alarms(200, more, 150) for more in (0.01, 0.02, 0.03))
    assert 0.25 < small < 0.55
    assert small < middle < large
    assert middle > 0.7
    assert alarms(500, 0.01, 150) > small


def test_the_smallest_regression_is_found_four_times_in_five() -> None:
    one = contrast("en", *engines(500, 0.0), (), resamples=500)
    assert alarms(500, detectable(one.standard_error) / 100, 200) == pytest.approx(0.8, abs=0.12)


def test_lines_of_one_speaker_count_as_one_voice() -> None:
    """Ten lines per speaker that err together: drawn one by one they cry wolf, drawn by speaker they do not."""
    alone = together = 0
    for _ in range(200):
        words, speakers = RNG.integers(4, 20, 300), np.repeat(np.arange(30), 10)
        better = np.clip(BASE + RNG.normal(0, 0.06, 30)[speakers], 0, 1)
        pair = rate(RNG.binomial(words, better), words), rate(RNG.binomial(words, BASE), words)
        alone += contrast("en", *pair, (), resamples=200).p_worse <= 0.05
        together += contrast("en", *pair, speakers.tolist(), resamples=200).p_worse <= 0.05
    assert alone > 2 * together
    assert 0.01 <= together / 200 <= 0.12


def test_the_same_engine_passes_and_the_same_numbers_come_twice() -> None:
    candidate, _ = engines(100, 0.0)
    found = contrast("en", candidate, candidate, ())
    assert (found.worse_by, found.standard_error, found.p_worse, found.p_margin) == (0.0, 0.0, 1.0, pytest.approx(1 / 2001))
    assert judge([found]).outcome == "pass"
    pair = engines(100, 0.01)
    assert contrast("en", *pair, ()) == contrast("en", *pair, ())


def test_higher_may_be_better() -> None:
    good, bad = mean_score("dnsmos", "", [4.0, 4.2] * 20, "test"), mean_score("dnsmos", "", [3.0, 3.1] * 20, "test")
    assert contrast("en", bad, good, ()).worse_by == pytest.approx(1.05)
    assert judge([contrast("en", bad, good, ())]).outcome == "fail"
    assert judge([contrast("en", good, bad, ())]).outcome == "pass"


def row(p_worse: float, p_margin: float, clusters: int = 50) -> Contrast:
    return Contrast("en", "wer", "%", 100, clusters, 9.0, 8.0, 1.0, (0.1, 1.9), 0.5, 0.5, p_worse, p_margin)


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        ([row(0.5, 0.01)], "pass"),
        ([row(0.01, 0.01)], "pass"),  # worse, by less than matters
        ([row(0.01, 0.9)], "fail"),
        ([row(0.3, 0.3)], "cannot_tell"),
        ([row(0.5, 0.01), row(0.3, 0.3)], "cannot_tell"),
        ([row(0.5, 0.01), row(0.01, 0.9)], "fail"),
        ([row(0.03, 0.9), row(0.3, 0.3)], "cannot_tell"),  # 0.03 alone fails, asked twice it does not
        ([row(0.5, 0.01, clusters=FEWEST - 1)], "cannot_tell"),
        ([row(0.01, 0.9, clusters=FEWEST - 1)], "cannot_tell"),
    ],
)
def test_the_three_outcomes(rows: list[Contrast], want: str) -> None:
    assert judge(rows).outcome == want


def test_holm_against_a_worked_example() -> None:
    """Four values by hand: .01 * 4, .02 * 3, then never less than what came before: .03 * 2 = .06, .04 -> .06."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_smallest_regression_in_closed_form() -> None:
    """(1.645 + 0.842) * SE for one question; (1.960 + 0.842) * SE for two."""
    assert detectable(1.0) == pytest.approx(2.4865, abs=1e-4)
    assert detectable(0.5, 2) == pytest.approx(0.5 * 2.8016, abs=1e-4)


def test_what_cannot_be_compared_is_refused() -> None:
    (one, other), (short, _) = engines(30, 0.0), engines(20, 0.0)
    with pytest.raises(ConfigError, match="different metrics or lines"):
        contrast("en", one, short, ())
    with pytest.raises(ConfigError, match="no margin"):
        contrast("en", one, other, (), margin=0.0)
    with pytest.raises(ConfigError, match="nothing was compared"):
        judge([])


def test_one_cluster_cannot_tell() -> None:
    found = contrast("en", *engines(30, 0.5), ["a"] * 30)
    assert (found.interval, judge([found]).outcome) == (None, "cannot_tell")


def test_on_a_stand_ins_word_nothing_passes_and_nothing_fails() -> None:
    good, bad = mean_score("dnsmos", "", [4.0, 4.2] * 20, "test"), mean_score("dnsmos", "", [3.0, 3.1] * 20, "test")
    for row, outcome in ((contrast("en", good, bad, []), "pass"), (contrast("en", bad, good, []), "fail")):
        assert judge([row]).outcome == outcome
        answer = judge([replace(row, stand_in=True)])
        assert (answer.outcome, answer.verdicts[0].why) == ("cannot_tell", "heard by a stand-in")
