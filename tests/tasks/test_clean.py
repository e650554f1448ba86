from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.tasks.clean import clean_segments
from nightdub.tasks.rows import Dropped, Segment, Word


def lines(*texts: str, origin: str = "recognised") -> list[Segment]:
    return [Segment(f"s{index:04d}", float(index), index + 0.9, text, origin=origin) for index, text in enumerate(texts)]


def cleaned(text: str, origin: str = "recognised") -> str:
    kept, dropped = clean_segments(lines(text, origin=origin))
    return kept[0].text if kept else f"<{dropped[0].reason}>"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("  a \t b\n c ", "a b c"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("", "<empty>"),
        ("\u200b ", "<empty>"),
        ("[Music]", "<non-speech>"),
        ("(applause)", "<non-speech>"),
        ("*sighs*", "<non-speech>"),
        ("...", "<non-speech>"),
        ("♪", "<non-speech>"),
        ("♪ Happy birthday ♪", "<sung>"),
        ("♪ La la ♪ Stop it!", "Stop it!"),
        ("[sighs] I know. [door slams]", "I know."),
        ("(whispering) Come here (now).", "Come here (now)."),
    ],
)
@pytest.mark.parametrize("origin", ["script", "recognised"])
def test_descriptions_of_sounds_go_and_what_is_said_stays(text: str, result: str, origin: str) -> None:
    assert cleaned(text, origin) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Thanks for watching!", "<invented>"),
        ("시청해 주셔서 감사합니다.", "<invented>"),
        ("Thanks for watching the children.", "Thanks for watching the children."),
        ("go go go go", "go"),
        ("I think so I think so I think so too", "I think so too"),
        ("No, no.", "No, no."),
    ],
)
def test_what_recognisers_invent_goes_from_recognised_lines_only(text: str, result: str) -> None:
    assert cleaned(text) == result
    assert cleaned(text, "script") == text


def test_the_third_repeat_is_dropped_and_the_kept_line_extended() -> None:
    kept, dropped = clean_segments(lines("Yes.", "yes", "YES!", "Yes", "No."))
    assert [(line.id, line.end) for line in kept] == [("s0000", 0.9), ("s0001", 3.9), ("s0004", 4.9)]
    assert dropped == [Dropped("s0002", "YES!", "repeat"), Dropped("s0003", "Yes", "repeat")]


def test_a_script_keeps_its_repeats_and_so_do_two_speakers() -> None:
    assert len(clean_segments(lines("No!", "No!", "No!", origin="script"))[0]) == 3
    said = [Segment(str(index), index, index + 1, "No!", speaker) for index, speaker in enumerate("ABABA")]
    assert clean_segments(said) == (said, [])


def test_words_in_time_follow_their_text() -> None:
    words = tuple(Word(text, float(index), index + 1.0) for index, text in enumerate(["[sighs]", "go", "go", "go", "away"]))
    line = Segment("s0000", 0.0, 5.0, "[sighs] go go go away", words=words, origin="recognised")
    (kept,), _ = clean_segments([line])
    assert (kept.text, [(word.text, word.start) for word in kept.words]) == ("go away", [("go", 1.0), ("away", 4.0)])


@given(st.lists(st.sampled_from(["Hi.", "hi", "[x]", "", "go go go", "Thanks for watching", "♪ a ♪"]) | st.text(max_size=12), max_size=12))
def test_every_line_is_kept_or_dropped_once_and_cleaning_again_changes_nothing(texts: list[str]) -> None:
    kept, dropped = clean_segments(lines(*texts))
    assert sorted([line.id for line in kept] + [row.id for row in dropped]) == [f"s{index:04d}" for index in range(len(texts))]
    assert all(row.reason for row in dropped)
    assert all(any(letter.isalnum() for letter in line.text) for line in kept)
    assert clean_segments(clean_segments(kept)[0]) == (clean_segments(kept)[0], [])
