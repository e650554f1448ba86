"""Time codes against published counts: SMPTE ST 12-1 drops 108 codes of 108,000 an hour at 29.97, 216 of 216,000 at 59.94."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.infra.errors import ScriptError
from nightdub.tasks.timecode import (
    RATES,
    FrameRate,
    clock,
    code_of,
    frames_of,
    hour,
    is_code,
    named_rate,
    nearest_frame,
    rate_of,
    seconds_of,
    written_clock,
)


@pytest.mark.parametrize(
    ("name", "code", "frame"),
    [
        ("29.97df", "00:00:59;29", 1799),
        ("29.97df", "00:01:00;02", 1800),
        ("29.97df", "00:09:59;29", 17981),
        ("29.97df", "00:10:00;00", 17982),
        ("29.97df", "01:00:00;00", 107_892),
        ("29.97df", "23:59:59;29", 2_589_407),
        ("59.94df", "00:01:00;04", 3600),
        ("59.94df", "01:00:00;00", 215_784),
        ("29.97", "01:00:00:00", 108_000),
        ("23.976", "01:00:00:00", 86_400),
        ("25", "10:00:00:12", 900_012),
        ("24", "00:00:01:23", 47),
        ("30", "00:00:10:00", 300),
        ("50", "00:00:00:49", 49),
        ("59.94", "00:01:00:00", 3600),
    ],
)
def test_codes_count_frames_as_the_standard_does(name: str, code: str, frame: int) -> None:
    assert frames_of(code, RATES[name]) == frame
    assert code_of(frame, RATES[name]) == code


@pytest.mark.parametrize(
    ("name", "code", "what"),
    [
        ("29.97df", "00:01:00;00", "does not exist"),
        ("29.97df", "00:59:00;01", "does not exist"),
        ("59.94df", "00:01:00;03", "does not exist"),
        ("29.97", "00:01:00;00", "does not exist"),
        ("25", "00:00:00:25", "23:59:59:24"),
        ("24", "24:00:00:00", "23:59:59:23"),
        ("25", "00:60:00:00", "HH:MM:SS:FF"),
        ("25", "0:00:00:00", "HH:MM:SS:FF"),
        ("25", "00:00:00;10", "only 29.97 and 59.94"),
        ("25", "soon", "HH:MM:SS:FF"),
    ],
)
def test_codes_that_cannot_be_are_refused(name: str, code: str, what: str) -> None:
    with pytest.raises(ScriptError, match=what):
        frames_of(code, RATES[name])


def test_the_tenth_minute_drops_nothing_and_a_semicolon_asks_for_drop_frame() -> None:
    assert frames_of("00:10:00;00", RATES["29.97"]) == 17982
    assert frames_of("00:10:00:00", RATES["29.97"]) == 18000


@given(st.sampled_from(sorted(RATES)), st.data())
def test_every_frame_of_the_day_has_one_code(name: str, data: st.DataObject) -> None:
    rate = RATES[name]
    last = frames_of(f"23:59:59{';' if rate.drop else ':'}{rate.nominal - 1:02d}", rate)
    frame = data.draw(st.integers(0, last))
    assert frames_of(code_of(frame, rate), rate) == frame
    assert nearest_frame(seconds_of(frame, rate), rate) == frame
    assert nearest_frame(float(seconds_of(frame, rate)), rate) == frame


@pytest.mark.parametrize("frame", [-1, 24 * 107_892])
def test_no_code_lies_outside_the_day(frame: int) -> None:
    with pytest.raises(ScriptError, match="2589407"):
        code_of(frame, RATES["29.97df"])


def test_moments_are_exact() -> None:
    assert seconds_of(30_000, RATES["29.97"]) == 1001
    assert seconds_of(107_892, RATES["29.97df"]) == Fraction(36_000_036, 10_000) - Fraction(72, 10_000)  # 3599.9964 s
    assert hour(RATES["29.97"]) == Fraction(36_036, 10)
    assert hour(RATES["25"]) == hour(None) == 3600


def test_rates_have_names_and_videos_have_rates() -> None:
    assert named_rate("29.97DF") == FrameRate(Fraction(30_000, 1001), drop=True)
    assert rate_of(Fraction(2997, 100)) == RATES["29.97"]
    assert rate_of(Fraction(24)) == RATES["24"]
    assert rate_of(Fraction(24_000, 1001)) == RATES["23.976"]
    assert rate_of(Fraction(12)).nominal == 12
    with pytest.raises(ScriptError, match=r"allowed: 23\.976, 24, 25"):
        named_rate("26")


@pytest.mark.parametrize(("text", "code"), [("00:00:01:02", True), (" 00:00:01;02 ", True), ("00:00:01.02", False), ("00:01:02", False)])
def test_a_code_is_told_from_a_clock(text: str, code: bool) -> None:
    assert is_code(text) is code


@pytest.mark.parametrize(
    ("text", "seconds"), [("01:02:03.5", 3723.5), ("2:03,25", 123.25), ("100:00:00.0", 360_000.0), ("12.5", 12.5), ("0", 0.0)]
)
def test_clocks_are_read(text: str, seconds: float) -> None:
    assert clock(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1:2:3:4", "00:00:0x", "nan", "inf", "1e3", "٣:٠٠"])
def test_what_is_no_clock_is_no_number(text: str) -> None:
    assert math.isnan(clock(text))


@given(st.integers(0, 360_000_000))
def test_a_written_clock_is_read_back(milliseconds: int) -> None:
    assert clock(written_clock(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-9)
