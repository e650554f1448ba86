from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.tasks.engines.pocketsphinx import PocketsphinxAligner
from nightdub.tasks.protocols import Heard, Identity, Sound
from nightdub.tasks.rows import Dropped, Language, Segment, Utterance, Word
from nightdub.tasks.words import MARGIN, align_lines, clip_spans, from_recognition, place_words, spread

LINES = [Segment("s0000", 1.0, 2.0, "Hello there", origin="script"), Segment("s0001", 2.4, 3.0, "Bye", origin="script")]
PROGRAMME = st.lists(st.tuples(st.floats(0, 90), st.floats(0.01, 9)), min_size=1, max_size=8)


class Told:
    """An aligner that answers what it was told."""

    def __init__(self, *heard: Heard) -> None:
        self.heard = list(heard)

    def identity(self) -> Identity:
        return Identity("told", "1")

    def align(self, clips: Sequence[Sound], texts: Sequence[str], language: Language) -> list[Heard]:
        return self.heard


def test_spans_reach_beyond_a_line_but_not_into_its_neighbours() -> None:
    assert clip_spans(LINES, 3.1) == [(0.5, pytest.approx(2.2)), (pytest.approx(2.2), 3.1)]


@given(PROGRAMME)
def test_spans_hold_their_line_and_stay_in_the_programme(times: list[tuple[float, float]]) -> None:
    lines = [Segment(str(index), start, start + length, "x") for index, (start, length) in enumerate(sorted(times))]
    for line, (start, end) in zip(lines, clip_spans(lines, 100.0), strict=True):
        assert 0 <= start <= line.start < line.end <= end <= 100
        assert line.start - start <= MARGIN + 1e-9
        assert end - line.end <= MARGIN + 1e-9


def test_found_words_are_in_programme_time_and_tighten_the_line() -> None:
    heard = Heard("Hello there", (Word("Hello", 0.7, 0.9), Word("there", 1.0, 1.3)))
    first, second = align_lines(LINES, [(0.5, 2.2), (2.2, 3.1)], [np.zeros(1)] * 2, Told(heard, Heard("Bye", failed="no")), "en")
    assert first.words == (Word("Hello", 1.2, 1.4), Word("there", 1.5, 1.8))
    assert (first.start, first.end, first.engine) == (1.2, 1.8, "told")
    assert second.words == (Word("Bye", 2.4, 3.0, estimated=True),)
    assert (second.start, second.end, second.engine) == (2.4, 3.0, "")


def test_without_an_aligner_words_are_estimated_and_say_so() -> None:
    placed = place_words(LINES, [(0, 0), (0, 0)], [None, None], "", "es")
    assert [word.text for word in placed[0].words] == ["Hello", "there"]
    assert all(word.estimated for line in placed for word in line.words)
    assert not any(line.engine for line in placed)


@given(st.text(min_size=1), st.floats(0, 1e4), st.floats(0.01, 100), st.sampled_from(["en", "ko", "ja", "zh"]))
def test_estimated_words_fill_the_line_in_order(text: str, start: float, length: float, language: Language) -> None:
    words = spread(text, start, start + length, language)
    for before, after in pairwise(words):
        assert before.end == after.start
    if words:
        assert words[0].start == start
        assert words[-1].end == pytest.approx(start + length)
        assert all(word.end > word.start and word.text for word in words)


def test_unspaced_languages_are_spread_by_character() -> None:
    assert [word.text for word in spread("今日は、OK です。", 0.0, 1.0, "ja")] == ["今", "日", "は、", "OK", "で", "す。"]


def test_recognised_utterances_become_lines_that_end_at_long_pauses() -> None:
    heard = Heard("One two. Three.", (Word("One", 0.1, 0.3), Word("two.", 0.4, 0.6), Word("Three.", 1.3, 1.6)))
    utterances = [Utterance("u0000", 10.0, 12.0), Utterance("u0001", 13.0, 14.0), Utterance("u0002", 15.0, 16.0)]
    segments, dropped = from_recognition(utterances, [heard, Heard(""), Heard("", failed="crash")], "told")
    assert [(line.id, line.start, line.end, line.text) for line in segments] == [
        ("u0000-0", 10.1, 10.6, "One two."),
        ("u0000-1", 11.3, 11.6, "Three."),
    ]
    assert {(line.origin, line.engine) for line in segments} == {("recognised", "told")}
    assert dropped == [Dropped("u0001", "", "nothing-heard"), Dropped("u0002", "", "recogniser-failed: crash")]


def test_a_real_line_is_found_though_its_script_times_are_half_a_second_off(prompt: Callable[[str], tuple[Sound, str]]) -> None:
    clip, text = prompt("agent-pass")
    sound = np.concatenate([np.zeros(32_000, np.float32), clip, np.zeros(32_000, np.float32)])
    line = Segment("s0000", 2.4, 1.6 + len(clip) / 16_000, text, origin="script")
    ((start, end),) = spans = clip_spans([line], len(sound) / 16_000)
    (placed,) = align_lines([line], spans, [sound[round(start * 16_000) : round(end * 16_000)]], PocketsphinxAligner(), "en")
    assert placed.engine == "pocketsphinx-align"
    assert placed.start == pytest.approx(2.0, abs=0.15)
    assert placed.end == pytest.approx(2.0 + len(clip) / 16_000, abs=0.15)


def test_times_that_an_engine_puts_outside_its_clip_are_cut_and_a_line_wholly_outside_keeps_its_own() -> None:
    over = Heard("Hello there", (Word("Hello", -0.2, 0.9), Word("there", 1.0, 9.0)))
    outside = Heard("Bye", (Word("Bye", 5.0, 6.0),))
    first, second = place_words(LINES, [(0.5, 2.2), (2.2, 3.1)], [over, outside], "told", "en")
    assert first.words == (Word("Hello", 0.5, 1.4), Word("there", 1.5, 2.2))
    assert (second.start, second.end, second.engine) == (2.4, 3.0, "")
