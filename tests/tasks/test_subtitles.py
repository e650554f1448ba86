from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Placement, Translation
from nightdub.tasks.shots import Cut, shots_between
from nightdub.tasks.subtitles import LOOSE, check_cues, cut_frames, make_cues

FIGURES = SubtitleFigures()
RATE = Fraction(25)
LONG = (
    "The number you have dialed is not in service, and cannot be reached at this time. "
    "Please check the number and dial again, or call the operator for assistance with your call."
)


def cues(
    *rows: tuple[float, float, str],
    language: str = "en",
    duration: float = 60.0,
    rate: Fraction = RATE,
    speakers: dict[str, str] | None = None,
):
    translations = [Translation(f"s{index}", text, "memory") for index, (_, _, text) in enumerate(rows)]
    placements = [Placement(f"s{index}", start, end, start, end) for index, (start, end, _) in enumerate(rows)]
    return make_cues(translations, placements, language, FIGURES, rate, duration=duration, speakers=speakers)


def rules(found: list[Cue], language: str = "en", rate: Fraction = RATE) -> list[str]:
    return [violation.rule for violation in check_cues(found, language, FIGURES, rate)]


def test_one_line_is_one_cue_on_its_frames() -> None:
    assert cues((1.001, 2.999, "Please hold the line.")) == [Cue(1, 1.0, 3.0, ("Please hold the line.",), ("s0",))]


def test_a_long_line_becomes_several_cues_that_keep_every_rule() -> None:
    found = cues((0, 10, LONG))
    assert len(found) >= 3
    assert " ".join(line for cue in found for line in cue.lines) == LONG
    assert all(cue.segments == ("s0",) for cue in found)
    assert rules(found) == []


def test_a_short_cue_takes_the_silence_after_it() -> None:
    (cue,) = cues((5, 5.2, "Yes."))
    assert cue.start == 5
    assert cue.end == pytest.approx(5.84)
    assert rules([cue]) == []


def test_a_fast_cue_takes_reading_time_after_and_then_before() -> None:
    found = cues((5, 6, "Thank you for calling us today."), (6.5, 8, "Goodbye."))
    assert found[0].start < 5
    assert found[0].end == pytest.approx(found[1].start - 2 / 25)
    assert rules(found) == []


def test_short_neighbours_share_a_cue() -> None:
    assert cues((5, 5.3, "Yes."), (5.4, 5.7, "No."), speakers={"s0": "a", "s1": "b"})[0].lines == ("-Yes.", "-No.")
    together = cues((5, 5.3, "Yes."), (5.4, 5.7, "No."), speakers={"s0": "a", "s1": "a"})
    assert together[0].lines == ("Yes. No.",)
    assert together[0].segments == ("s0", "s1")


def test_touching_lines_keep_the_gap() -> None:
    found = cues((1, 3, "Please hold the line."), (3, 5, "Someone will be here soon."))
    assert found[1].start - found[0].end == pytest.approx(2 / 25)


def test_a_slow_line_leaves_after_seven_seconds() -> None:
    found = cues((1, 12, "Slowly now."))
    assert [cue.end - cue.start for cue in found] == [7.0]


def test_nothing_outlasts_the_programme() -> None:
    assert cues((9.8, 9.9, "Bye."), duration=10.0)[-1].end <= 10.0


def test_lines_without_text_or_place_give_no_cue() -> None:
    assert cues((1, 2, "  "), (3, 5, "Hello there.")) == [Cue(1, 3.0, 5.0, ("Hello there.",), ("s1",))]
    assert make_cues([Translation("s0", "Hi.", "memory")], [], "en", FIGURES, RATE, duration=9) == []


def test_what_cannot_be_read_is_kept_and_named() -> None:
    found = cues((0, 1, LONG), (1, 5, "And then there was nothing left to say."))
    assert "reading-speed" in rules(found)
    assert {"s0"} <= {name for violation in check_cues(found, "en", FIGURES, RATE) for name in violation.segments}


GOOD = Cue(3, 10.0, 12.0, ("Please hold the line.",), ("s0",))


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (replace(GOOD, lines=()), "empty"),
        (replace(GOOD, lines=("Please", " ")), "empty"),
        (replace(GOOD, lines=("one", "two", "three")), "lines"),
        (replace(GOOD, lines=("x" * 43,), end=16.0), "line-length"),
        (replace(GOOD, lines=("Yes.",), end=10.8), "too-short"),
        (replace(GOOD, end=17.04), "too-long"),
        (replace(GOOD, end=11.0), "reading-speed"),
    ],
)
def test_each_rule_is_found_alone(bad: Cue, rule: str) -> None:
    assert rules([GOOD]) == []
    assert rules([bad]) == [rule]
    assert check_cues([bad], "en", FIGURES, RATE)[0].cue == 3


@pytest.mark.parametrize(("start", "rule"), [(12.0, "gap"), (12.04, "gap"), (11.9, "order"), (5.0, "order")])
def test_rules_between_cues(start: float, rule: str) -> None:
    assert rules([GOOD, Cue(4, start, start + 3, ("Next.",))]) == [rule]
    assert rules([GOOD, Cue(4, 12.08, 15.0, ("Next.",))]) == []


def test_a_violation_has_its_figures() -> None:
    (violation,) = check_cues([replace(GOOD, end=11.0)], "en", FIGURES, RATE)
    assert (violation.value, violation.allowed, violation.segments) == (21.0, 20.0, ("s0",))


# ---------------------------------------------------------------- cuts, audiences, places


@pytest.mark.parametrize(
    ("start", "end", "broken"),
    [
        (10.0, 12.0, False),
        (8.0, 9.92, False),  # two frames before a cut
        (8.0, 9.96, True),
        (8.0, 10.2, True),  # a few frames over it
        (8.0, 10.48, False),  # half a second over it
        (10.04, 12.0, True),
        (9.8, 12.0, True),
        (9.52, 12.0, False),
    ],
)
def test_a_cue_lies_with_the_cuts(start: float, end: float, broken: bool) -> None:
    cue = Cue(1, start, end, ("Please hold the line.",), ("s0",))
    found = [violation.rule for violation in check_cues([cue], "en", FIGURES, RATE, cuts=[250])]
    assert found == ["shot-change"] * broken
    assert check_cues([cue], "en", FIGURES, RATE) == []


def test_cues_are_made_to_lie_with_the_cuts() -> None:
    lines = [Translation("s0", "Please hold the line.", "memory"), Translation("s1", "Someone will be here soon.", "memory")]
    places = [Placement("s0", 8.0, 10.1, 8.0, 10.1), Placement("s1", 10.2, 12.3, 10.2, 12.3)]
    found = make_cues(lines, places, "en", FIGURES, RATE, duration=60, cuts=[250])
    assert [(cue.start, cue.end) for cue in found] == [(8.0, 9.92), (10.0, 12.32)]
    assert check_cues(found, "en", FIGURES, RATE, cuts=[250]) == []


def test_long_takes_are_no_cuts() -> None:
    parts = shots_between([Cut(100)], 5000, RATE)
    assert len(parts) > 2
    assert cut_frames(parts, RATE) == (100,)


def test_children_read_more_slowly_and_sdh_is_read_faster() -> None:
    cue = Cue(1, 1.0, 2.5, ("Por favor, no cuelgue aún.",))  # 26 characters in 1.5 s: 17.3 a second
    children = SubtitleFigures(audience="children")
    assert [row.allowed for row in check_cues([cue], "es", FIGURES, RATE)] == [17]
    assert [row.allowed for row in check_cues([cue], "es", children, RATE)] == [13]
    assert check_cues([cue], "es", FIGURES, RATE, sdh=True) == []
    assert [row.allowed for row in check_cues([cue], "es", children, RATE, sdh=True)] == [17]
    slow = make_cues([Translation("s0", cue.lines[0], "m")], [Placement("s0", 1.0, 2.5, 1, 2.5)], "es", children, RATE, duration=9)
    assert slow[0].end == 3.0  # 26 / 13 s


def test_small_gaps_are_closed_but_in_japanese() -> None:
    rows = ((1.0, 3.0, "はい、そうです。"), (3.3, 5.3, "いいえ、違います。"))
    assert cues(*rows, language="ja")[0].end == 3.0
    assert cues(*[(start, end, "Please hold the line.") for start, end, _ in rows])[0].end == 3.2
    open_gap = [replace(GOOD, end=12.0), Cue(4, 12.2, 14.2, ("Please hold the line.",))]
    assert rules(open_gap) == ["open-gap"]
    long = [replace(GOOD, start=5.1), open_gap[1]]
    assert rules(long) == []  # closed, it would stand for more than seven seconds


def test_the_top_of_the_picture_is_judged_by_itself() -> None:
    sign = Cue(4, 10.5, 11.9, ("NO ENTRY",), kind="on-screen", position="top")
    assert rules([GOOD, sign]) == []
    assert rules([GOOD, replace(sign, position="")]) == ["order"]


RATES = st.sampled_from([Fraction(24), RATE, Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)])


@given(language=st.sampled_from(["en", "es", "de", "ja", "ko"]), rate=RATES, data=st.data())
def test_cues_are_ordered_apart_and_lose_nothing(language: str, rate: Fraction, data: st.DataObject) -> None:
    words = {"ja": "今日は良い天気ですね。", "ko": "안녕하세요 저는 "}.get(language, "please wait, and hold. ")
    rows, now = [], 0.0
    for _ in range(data.draw(st.integers(1, 6))):
        start = now + data.draw(st.floats(0, 2))
        now = start + data.draw(st.floats(0.3, 9))
        rows.append((start, now, (words * 8)[: data.draw(st.integers(1, 90))].strip()))
    found = cues(*rows, language=language, duration=now + 1, rate=rate)
    assert not {"order", "lines", "line-length", "too-long", "empty"} & set(rules(found, language, rate))
    assert [cue.index for cue in found] == list(range(1, len(found) + 1))
    said = "".join(line.lstrip("- ") for cue in found for line in cue.lines)
    assert said.replace(" ", "") == "".join(text for _, _, text in rows).replace(" ", "")
    assert found == cues(*rows, language=language, duration=now + 1, rate=rate)


def test_lines_over_random_cuts() -> None:
    """Times follow the cuts without any other rule being broken; what is left cannot be had. The figures stand in docs/subtitles.md."""
    random, rate, moment = Random(1), Fraction(24), 1.0
    words = LONG.lower().split()
    lines, places = [], []
    for index in range(1500):
        text = " ".join(random.choice(words) for _ in range(random.randint(1, 14))).capitalize() + "."
        length = max(0.5, len(text) / random.uniform(11, 19))
        lines.append(Translation(f"s{index:04}", text, "memory"))
        places.append(Placement(f"s{index:04}", moment, moment + length, moment, moment + length))
        moment += length + random.choice([0.05, 0.1, 0.3, 0.5, 1, 2, 3])
    cuts = sorted({round(moment * random.random() * rate) for _ in range(1500)})
    made = [make_cues(lines, places, "en", FIGURES, rate, duration=moment, cuts=shots) for shots in ((), cuts)]
    broken = [Counter(row.rule for row in check_cues(cues, "en", FIGURES, rate, cuts=cuts)) for cues in made]
    shares = [100 * sum(count[rule] for rule in LOOSE) / len(cues) for count, cues in zip(broken, made, strict=True)]
    print(f"\n{len(made[1])} cues over {len(cuts)} cuts: {shares[0]:.1f} % loose without snapping, {shares[1]:.1f} % with it")  # noqa: T201
    assert sum(broken[1][rule] for rule in broken[1] if rule not in LOOSE) == 0
    assert shares[0] > 30
    assert shares[1] < 3
