"""Texts of training rows: one spelling, nothing lost; rates; languages."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.datasets.prompts import recorded_prompts
from nightdub.datasets.texts import guess_language, normalise, rate, sentence, spoken_characters
from nightdub.infra.errors import ConfigError
from nightdub.tasks.duration import count_letters
from nightdub.tasks.languages import LANGUAGES

CASES = [
    ("en", "I paid $3.50 in 1999 — “really”…", 'I paid three point five dollars in nineteen ninety nine - "really"...'),
    (
        "en",
        "The 21st of 1,234 people, at 10:30, 5% of it.",
        "The twenty first of one thousand two hundred and thirty four people, at ten thirty, five percent of it.",
    ),
    ("en", "Don’t   fly\u00a010km", "Don't fly ten km"),
    ("es", "Cuesta 1.234 € y 2,5 más", "Cuesta mil doscientos treinta y cuatro euros y dos punto cinco más"),
    ("fr", "L’été, 3,5 % à 80 ans", "L'été, trois virgule cinq pour cent à quatre vingts ans"),
    ("de", "Für 21 Gäste", "Für einundzwanzig Gäste"),
    ("it", "Perché 16 città", "Perché sedici città"),
    ("pt", "São 22 irmãos", "São vinte e dois irmãos"),
    ("ca", "Són 3 cançons", "Són tres cançons"),
    ("ru", "ещё 5 человек", "ещё пять человек"),
    ("hi", "मेरे पास 21 किताबें और १०० रुपये", "मेरे पास इक्कीस किताबें और एक सौ रुपये"),
    ("ja", "今日は３月１５日です。がぎぐ", "今日は三月十五日です。がぎぐ"),
    ("zh", "２０２６年，有105个，12345，3.5％", "二零二六年，有一百零五个，一万二千三百四十五，百分之三点五"),
    ("zh", "10 15 110 1005 100000", "十 十五 一百一十 一千零五 十万"),
    ("ko", "저는 보통 20분 정도, 3시에 12만 원", "저는 보통 이십 분 정도, 세 시에 십이만 원"),
    ("ko", "b/ 아/ 그래서 (3시)/(세 시)에+ n/ 갔어* o/ 요", "아 그래서 세 시에 갔어 요"),
    ("fr", "tel 0612345678", "tel zéro six un deux trois quatre cinq six sept huit"),
]

FULL_WIDTH = "".join(map(chr, range(0xFF21, 0xFF5B)))


@pytest.mark.parametrize(("language", "written", "read"), CASES)
def test_is_written_as_it_is_read(language: str, written: str, read: str) -> None:
    assert normalise(written, language) == read


@pytest.mark.parametrize("language", LANGUAGES)
def test_decomposed_text_is_composed_and_nothing_is_lost(language: str) -> None:
    text = "한국어 がぎぐ हिन्दी ещё été piñata 中文"
    assert normalise(unicodedata.normalize("NFD", text), language) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_digit_is_left(language: str) -> None:
    assert not re.search(r"\d", normalise("7 42 100 3.14 2,5 0800 1.000.000 12345678 ４２ १२ 10:30 a1b", language))


@given(st.text(max_size=40), st.sampled_from(sorted(LANGUAGES)))
def test_twice_is_as_once(text: str, language: str) -> None:
    once = normalise(text, language)
    assert normalise(once, language) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(alphabet=st.characters(categories=["Ll", "Lu", "Lo", "Mn", "Mc"], exclude_characters=FULL_WIDTH), max_size=30))
def test_letters_and_their_marks_all_stay(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert normalise(text, "en") == composed


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="'xx'"):
        normalise("text", "xx")


def test_a_sentence_is_its_words() -> None:
    assert sentence("Good  day, Mr. O’Brien!") == sentence("good day mr obrien") == "good day mr obrien"
    assert sentence("が") != sentence("か")
    assert sentence("...") == ""


def test_the_rate_counts_what_is_sounded() -> None:
    assert spoken_characters("good day!") == 7
    assert spoken_characters("... - !") == 0
    for text in ("कार्य 12", "きゃ", "안녕하세요 3", "Ça va?"):
        assert spoken_characters(text) == count_letters(text) + len(re.findall(r"\d", text))
    assert rate("good day!", 2.0) == 3.5
    assert rate("good day", 0.0) == 0.0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("안녕하세요", "ko"),
        ("今日は", "ja"),
        ("你好世界", "zh"),
        ("добрый вечер", "ru"),
        ("नमस्ते", "hi"),
        ("Guten Abend, meine Damen und Herren", "de"),
        ("Buenas noches, señoras y señores", "es"),
        ("hello", ""),
        ("OK", ""),
        ("123 ...", ""),
        ("", ""),
    ],
)
def test_the_language_is_told_or_not(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_han_is_japanese_where_chinese_is_no_candidate_and_a_script_speaks_for_itself() -> None:
    assert guess_language("日本", ("ja", "en")) == "ja"
    assert guess_language("안녕하세요", ("en", "es")) == "ko"


def test_at_most_one_prompt_in_a_thousand_is_taken_for_another_language_and_long_ones_are_told() -> None:
    wrong, untold, long, count = [], 0, 0, 0
    for language in ("en", "es", "fr", "it"):
        for prompt in recorded_prompts(language).values():
            found = guess_language(prompt.text)
            count += 1
            if found not in ("", language):
                wrong.append(prompt.text)
            if len(prompt.text) >= 40:
                long, untold = long + 1, untold + (found == "")
    assert count > 1800
    assert len(wrong) <= count / 1000
    assert untold <= 0.02 * long


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("15% of $20.", "fifteen percent of twenty dollars."),
        ("$20, please", "twenty dollars, please"),
        ("£5, €7; 30%", "five pounds, seven euros; thirty percent"),
        ("(20%) of it", "(twenty percent) of it"),
    ],
)
def test_units_come_before_what_ends_a_sentence(written: str, said: str) -> None:
    assert normalise(written, "en") == said
