"""The bed's gain under speech, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nightdub.tasks.duck import gain_course

SPEECH = np.zeros(100, np.float32)  # a second at the line's own level


def test_it_goes_down_before_speech_holds_and_comes_back() -> None:
    """-9 dB in 0.2 s up to 50 ms before the line, 0.5 s of hold, then back in 0.5 s."""
    course = gain_course([(200, SPEECH)], 500, -9.0)
    assert not course[:175].any()
    assert course[195:350] == pytest.approx(-9.0)
    assert course[185] == pytest.approx(-4.5, abs=0.46)
    assert course[374] == pytest.approx(-4.5, abs=0.19)
    assert course[399:] == pytest.approx(0.0)
    assert np.diff(course).min() >= -9 / 20 - 1e-9
    assert np.diff(course).max() <= 9 / 50 + 1e-9


def test_it_follows_how_loud_the_speech_is() -> None:
    """At 20 dB under its line speech takes half of it, at 30 dB nothing."""
    levels = np.array([0.0] * 100 + [-20.0] * 200 + [-30.0] * 200, np.float32)
    course = gain_course([(0, levels)], 700, -12.0)
    assert course[0] == pytest.approx(-12.0)
    assert course[250] == pytest.approx(-6.0)
    assert course[480] == pytest.approx(0.0)


def test_two_lines_are_one_where_the_pause_is_short_and_the_lower_gain_counts() -> None:
    course = gain_course([(0, SPEECH), (150, SPEECH), (50, np.full(100, -20, np.float32))], 400, -9.0)
    assert course[:250] == pytest.approx(-9.0)


def test_a_programme_without_lines_is_left_alone_and_one_that_ends_early_cuts_the_last() -> None:
    assert not gain_course([], 100, -9.0).any()
    assert gain_course([(50, SPEECH)], 100, -9.0).shape == (100,)
