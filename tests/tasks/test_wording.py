from __future__ import annotations

from dataclasses import replace

import pytest

from nightdub.tasks.duration import estimate, learn_pace
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Clip, Placement, Segment, Translation
from nightdub.tasks.surroundings import Surroundings
from nightdub.tasks.wording import choose_wordings, reconsider, wordings

FIGURES = FitFigures()
AROUND = Surroundings(60.0)
LONG = "Well, I do not know what is in the box, sir, you know."  # 2.9 s by the estimate, 1.9 s at its shortest


def line_of(index: int, text: str, origin: str = "apertium", **more: object) -> Translation:
    return Translation(f"s{index}", text, origin, estimate=estimate(text, "en"), **more)  # type: ignore[arg-type]


def segments_of(*slots: tuple[float, float]) -> list[Segment]:
    return [Segment(f"s{index}", start, end, "texto", "ab"[index % 2]) for index, (start, end) in enumerate(slots)]


def said(*slots: tuple[float, float], lines: list[Translation], figures: FitFigures = FIGURES, **more: object) -> list[Translation]:
    return choose_wordings(segments_of(*slots), lines, "en", figures, AROUND, more.pop("terms", {}), **more)  # type: ignore[arg-type]


def test_a_line_that_fits_keeps_its_text_and_the_engines_rate() -> None:
    (line,) = said((1.0, 6.0), lines=[line_of(0, LONG)])
    assert (line.text, line.notes) == (LONG, ())
    assert line.rate <= 1.0


def test_a_line_that_does_not_fit_is_said_with_fewer_words() -> None:
    (line,) = said((1.0, 2.2), lines=[line_of(0, LONG)])
    assert line.text == "I don't know what's in the box."
    assert line.notes == ("shortened:contraction+filler+vocative",)
    assert line.estimate == pytest.approx(estimate(line.text, "en"))


def test_without_shortening_the_engine_is_asked_to_hurry() -> None:
    (line,) = said((1.0, 2.0), lines=[line_of(0, LONG)], figures=replace(FIGURES, shorten=False))
    assert (line.text, line.rate) == (LONG, FIGURES.rate_fastest)


def test_rates_come_in_steps() -> None:
    lines = [line_of(0, LONG)]
    rates = {said((1.0, 3.0 + slack / 100), lines=lines, figures=replace(FIGURES, shorten=False))[0].rate for slack in range(0, 100, 9)}
    assert len(rates) > 2
    assert all(round(rate * 20) == pytest.approx(rate * 20) for rate in rates)


def test_other_texts_of_memory_and_engine_are_taken_too() -> None:
    (line,) = said(
        (1.0, 1.8), lines=[line_of(0, "He is the new teacher of our school.", variants=("He teaches here.", "He is the new teacher."))]
    )
    assert line.text == "He teaches here."
    assert line.notes == ("other-wording",)


def test_texts_are_ordered_by_length_and_a_longer_one_is_none() -> None:
    line = line_of(0, LONG, variants=("I have no idea what is in there, I really have none at all, sir.", "No idea."))
    texts = [wording.text for wording in wordings(line, "en")]
    assert texts[0] == LONG
    assert texts[-1] == "No idea."
    assert [estimate(text, "en") for text in texts] == sorted((estimate(text, "en") for text in texts), reverse=True)


def test_what_a_person_wrote_is_not_reworded_nor_are_terms() -> None:
    assert said((1.0, 2.2), lines=[line_of(0, LONG, "person")])[0].text == LONG
    (kept,) = said((1.0, 2.2), lines=[line_of(0, LONG)], terms={"s0": ["sir"]})
    assert "sir" in kept.text
    pinned = {"s0": Placement("s0", 1.0, 2.2, 1.0, 2.2)}
    assert said((1.0, 2.2), lines=[line_of(0, LONG)], pinned=pinned)[0].text == LONG


def test_a_line_without_text_passes_through() -> None:
    failed = Translation("s0", "", "apertium", failed="empty output")
    assert said((1.0, 2.0), (3.0, 5.0), lines=[failed, line_of(1, "Good morning.")])[0] == failed


def spoken(index: int, seconds: float, rate: float = 1.0, engine: str = "espeak-ng") -> Clip:
    return Clip(f"s{index}", "key", "sound", seconds, engine, rate, voice="f1")


def again(
    slots: list[tuple[float, float]], lines: list[Translation], clips: list[Clip], figures: FitFigures = FIGURES
) -> list[Translation]:
    return reconsider(segments_of(*slots), lines, clips, "en", figures, AROUND, {})


def test_lines_that_fit_as_spoken_are_left_alone() -> None:
    assert again([(1.0, 4.2), (5.0, 7.0)], [line_of(0, LONG), line_of(1, "Good morning.")], [spoken(0, 3.1), spoken(1, 1.0)]) == []


def test_a_line_that_came_out_too_long_is_asked_for_faster_before_it_is_reworded() -> None:
    (line,) = again([(1.0, 3.0)], [line_of(0, "Nobody ever opened that heavy box.")], [spoken(0, 3.3)])
    assert line.text == "Nobody ever opened that heavy box."
    assert 1.1 <= line.rate <= FIGURES.rate_fastest


def test_a_line_that_no_rate_mends_is_reworded() -> None:
    (line,) = again([(1.0, 2.4)], [line_of(0, LONG)], [spoken(0, 2.6, rate=1.3)])
    assert line.text == "I don't know what's in the box."


def test_the_pace_that_a_voice_showed_decides_which_text_is_short_enough() -> None:
    """By the estimate the first shorter text would do; the voice takes half as long again, and the second is asked for."""
    text, first, second = "He is the new teacher of our school.", "He is the new teacher here.", "He teaches."
    line = line_of(0, text, variants=(first, second))
    others = [line_of(index, "Good morning to you.") for index in (1, 2, 3)]
    slots = [(1.0, 1.0 + 1.2 * line.estimate), (10.0, 18.0), (20.0, 28.0), (30.0, 38.0)]
    normal = [spoken(index, one.estimate) for index, one in enumerate((line, *others))]
    assert again(slots, [line, *others], normal) == []
    tight = [(1.0, 1.0 + estimate(first, "en") / 1.1), *slots[1:]]
    figures = replace(FIGURES, borrow=0.0)
    (quick,) = again(tight, [line, *others], normal, figures)
    slow = [replace(clip, duration=1.5 * clip.duration) for clip in normal]
    (found,) = again(tight, [line, *others], slow, figures)
    assert (quick.text, found.text) == (first, second)


def test_a_pace_is_learnt_from_three_lines_by_voice_else_by_engine_else_not_at_all() -> None:
    pace = learn_pace([("a", "x", 1.0, 1.2), ("a", "x", 1.0, 1.3), ("a", "x", 2.0, 2.2), ("a", "y", 1.0, 2.0), ("b", "z", 1.0, 9.0)])
    assert pace.factor("a", "x") == pytest.approx(1.2)
    assert pace.factor("a", "y") == pytest.approx(1.24)  # the median of 1.1, 1.2, 1.3 and 2.0 is 1.25, in steps of 0.02
    assert pace.factor("b", "z") == 1.0
    assert pace.factor("c", "") == 1.0
