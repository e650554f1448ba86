from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.line_breaks import break_lines, breaks, halves, one_line, rows_alone, width
from nightdub.tasks.subtitle_rules import RULES

WORDS = {
    "en": ["the", "number", "you", "dialled,", "is", "not", "available;", "please", "and", "Operator.", "assistance", "I", "what?"],
    "es": ["el", "número", "que", "usted", "marcó,", "no", "está", "disponible;", "por", "favor", "y", "operadora.", "¿qué?"],
    "ja": ["今日は", "天気が", "良いので、", "公園に", "行きます。", "「はい」", "ABC", "123"],
    "ko": ["안녕하세요.", "저는", "한국어를", "공부합니다,", "그리고", "OK"],
    "zh": ["你好，", "我是", "中国人。", "今天", "天气", "很好！", "OK"],
}


@pytest.mark.parametrize(
    ("language", "text", "lines"),
    [
        ("en", "All our operators are busy.", ("All our operators are busy.",)),
        (
            "en",
            "The person you have called is away, but will be back before noon.",
            ("The person you have called is away,", "but will be back before noon."),
        ),
        (
            "en",
            "Please leave your message after the tone and hang up when done.",
            ("Please leave your message", "after the tone and hang up when done."),
        ),
        (
            "es",
            "Deje su mensaje después de la señal y cuelgue cuando haya terminado.",
            ("Deje su mensaje después de la señal", "y cuelgue cuando haya terminado."),
        ),
        (
            "fr",
            "Bonjour ! Toutes nos lignes sont occupées pour le moment.",
            ("Bonjour ! Toutes nos lignes", "sont occupées pour le moment."),
        ),
        ("ja", "今日は天気がとても良いので、", ("今日は天気がとても", "良いので、")),
    ],
)
def test_breaks_where_a_reader_would(language: str, text: str, lines: tuple[str, ...]) -> None:
    assert break_lines(text, language, 2) == lines


def test_what_does_not_fit_is_said() -> None:
    assert break_lines("word " * 30, "en", 2) is None
    assert break_lines("x" * 50, "en", 2) is None
    assert halves("x" * 50, "en") is None


def test_no_line_begins_with_closing_punctuation() -> None:
    text = "これは「本当」です。"
    assert all(text[place] not in "」。" and text[place - 1] != "「" for place in breaks(text, "ja"))
    assert breaks("Vraiment ? Oui", "fr") == [11]


def test_no_break_spaces_hold() -> None:
    assert one_line("  une \n\t fois\u00a0!  ") == "une fois\u00a0!"
    assert breaks("une fois\u00a0!", "fr") == [4]


def test_latin_words_and_numbers_stay_whole_in_chinese() -> None:
    text = "请拨打12345号Hello世界"
    parts = {text[:place] for place in breaks(text, "zh")}
    assert "请拨打12" not in parts
    assert "请拨打12345号Hel" not in parts
    assert "请拨打12345号" in parts


def test_width_counts_as_the_language_does() -> None:
    assert width("abc", "en") == 3
    assert width("日本", "ja") == 2
    assert width("日本ab", "ja") == 3
    assert width("한국 ab", "ko") == 3.5


FAMILY, FLAG, THUMB = "👨‍👩‍👧‍👦", "🇪🇸", "👍🏽"


@pytest.mark.parametrize(
    ("text", "language", "length"),
    [
        (FAMILY, "en", 1),  # four people and three joiners
        (f"{FLAG}{THUMB} ok", "es", 5),
        ("e\u0301", "fr", 1),  # an accent of its own
        (FAMILY, "ja", 1),
        (f"日本{FLAG}", "ja", 3),
        ("한", "ko", 1),
        ("\u1112\u1161\u11ab", "ko", 1),  # the same, in three letters
        ("Hi \u2067שלום\u2069!", "en", 8),  # direction marks are not seen
        ("\u200eمرحبا", "en", 5),
        ("नमस्ते", "hi", 6),  # vowel signs count, as in the guide's figures
    ],
)
def test_a_reader_s_characters_are_counted(text: str, language: str, length: float) -> None:
    assert width(text, language) == length


def test_no_emoji_is_broken() -> None:
    text = f"今日は{FAMILY}と公園に{FLAG}行きます{THUMB}とても楽しいです"
    lines = break_lines(text, "ja", 2)
    assert lines is not None
    assert all(sum(line.count(emoji) for line in lines) == 1 for emoji in (FAMILY, FLAG, THUMB))
    assert not any(text[:place].endswith(("\u200d", "🇪", "👍")) for place in breaks(text, "ja"))


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (("He said שלום to us",), ("He said שלום to us",)),
        (("שלום, he said",), ("\u200eשלום, he said",)),  # else a player lays the whole row out from the right
        (("مرحبا بالعالم!",), ("مرحبا بالعالم!",)),  # wholly right to left
        (("\u200eשלום, he said",), ("\u200eשלום, he said",)),
        (("He said \u2067שלום", "עולם\u2069 to us"), ("He said \u2067שלום\u2069", "\u200e\u2067עולם\u2069 to us")),
        (("plain", "rows"), ("plain", "rows")),
    ],
)
def test_every_row_has_its_own_direction(lines: tuple[str, ...], rows: tuple[str, ...]) -> None:
    assert rows_alone(lines) == rows


@pytest.mark.parametrize(
    ("language", "text", "lines"),
    [
        ("en", "Nobody told Miriam Blumenthal what happened.", ("Nobody told Miriam Blumenthal", "what happened.")),
        ("en", "[Captain Hernandez] Nobody leaves the ship.", ("[Captain Hernandez]", "Nobody leaves the ship.")),
        ("zh", "我昨天本来想去看你但是后来下了很大的雨", ("我昨天本来想去看你", "但是后来下了很大的雨")),
        ("ko", "어제 너를 보러 가려고 했어 하지만 비가 많이 왔어", ("어제 너를 보러 가려고 했어", "하지만 비가 많이 왔어")),
    ],
)
def test_grammar_of_each_language(language: str, text: str, lines: tuple[str, ...]) -> None:
    assert break_lines(text, language, 2) == lines


def test_halves_prefer_the_end_of_a_sentence() -> None:
    assert halves("Please hold the line for a moment. We will be with you.", "en") == (
        "Please hold the line for a moment.",
        "We will be with you.",
    )


@given(language=st.sampled_from(sorted(WORDS)), data=st.data())
def test_no_letter_is_lost_and_no_line_too_long(language: str, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(WORDS[language]), min_size=1, max_size=25))
    text = (" " if LANGUAGES[language].spaces else "").join(words)
    lines = break_lines(text, language, 2)
    if lines is not None:
        assert len(lines) <= 2
        assert max(width(line, language) for line in lines) <= RULES[language].line_length
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    parts = halves(text, language)
    if parts is not None:
        assert all(parts)
        assert "".join(parts).replace(" ", "") == text.replace(" ", "")
