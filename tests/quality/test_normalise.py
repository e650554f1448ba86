"""Texts that sound alike compare as equal, and no script is harmed on the way."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.quality.metrics.normalise import characters, comparable

SCRIPTS = [("한국어 음성 합성", "ko"), ("がぎぐ パピプ", "ja"), ("हिन्दी भाषा", "hi"), ("你好 世界", "zh"), ("l'été où", "fr")]


@pytest.mark.parametrize(("text", "language"), SCRIPTS)
def test_no_script_loses_a_mark(text: str, language: str) -> None:
    """openai-whisper's plain normaliser makes 23 jamo of the Korean and unvoiced kana of the Japanese, and drops Hindi vowels."""
    assert comparable(text, language) == text
    assert comparable(unicodedata.normalize("NFD", text), language) == text


@given(st.text(max_size=60), st.sampled_from(["", "en", "ko", "ja", "zh", "es", "fr", "hi", "it", "pt", "de"]))
def test_what_comes_out_is_nfc_with_single_spaces(text: str, language: str) -> None:
    made = comparable(text, language)
    assert unicodedata.is_normalized("NFC", made)
    assert made == " ".join(made.split())


@pytest.mark.parametrize(
    ("text", "language", "want"),
    [
        ("Don’t  stop", "", "don't stop"),
        ("'Tis rock 'n' roll", "", "tis rock n roll"),
        ("ＡＢＣ　１２３！", "", "abc 123"),
        ("ﾊﾟﾋﾟﾌﾟ", "ja", "パピプ"),
        ("क\u200dष", "hi", "कष"),
        ("你好，世界", "zh", "你好 世界"),
        ("Straße", "de", "strasse"),
        ("१२", "hi", "12"),
    ],
)
def test_width_punctuation_joiners_and_apostrophes(text: str, language: str, want: str) -> None:
    assert comparable(text, language) == want


@pytest.mark.parametrize(
    ("text", "language", "want"),
    [
        ("3,000 and 2.5", "", "3000 and 2.5"),
        ("1,00,000", "hi", "100000"),
        ("10:30, 1.2.3", "", "10 30 1 2 3"),
        ("1.234,56", "es", "mil doscientos treinta y cuatro punto cinco seis"),
        ("3.000 pesos", "es", "tres mil pesos"),
        ("3,000 pesos", "es", "tres mil pesos"),  # Mexico
        ("3 000 €", "fr", "trois mille euros"),
        ("3\u202f000\xa0€", "fr", "trois mille euros"),
        ("el 0171", "es", "el cero uno siete uno"),
        ("10km", "de", "zehn km"),
        ("50 %", "de", "fünfzig prozent"),
        ("3,000円", "ja", "3000円"),
        ("３，０００円と三千円と3千円", "ja", "3000円と3000円と3000円"),
        ("二〇二六年 两百零五", "zh", "2026年 205"),
        ("一万二千三百四十五", "ja", "12345"),
        ("50%", "zh", "100分之50"),  # 百 is a number in 百分之 too: on both sides alike
    ],
)
def test_numbers_lose_their_separators_and_take_one_form(text: str, language: str, want: str) -> None:
    assert comparable(text, language) == want


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("3,000원", "삼천 원"),
        ("저는 보통 20분 정도 낮잠을 잡니다.", "저는 보통 이십 분 정도 낮잠을 잡니다."),  # KSS, both columns of one row
        ("3시에 2명", "세 시에 두 명"),
        ("15시 20살", "십오 시 스무 살"),
        ("12만 원", "십이만 원"),
        ("3개월", "삼 개월"),
    ],
)
def test_korean_digits_are_read(digits: str, words: str) -> None:
    assert comparable(digits, "ko") == comparable(words, "ko") == words.rstrip(".")


ENGLISH = """two=2|thirty one=31|five twenty four=524|nineteen ninety nine=1999|twenty nineteen=2019|two point five million=2500000
four point two billions=4200000000s|200 thousand=200000|200 thousand dollars=$200000|$20 million=$20000000|€52.4 million=€52400000
two double o eight=2008|three thousand twenty nine=3029|forty three thousand two hundred sixty=43260|three billion=3000000000
forty three thousand two hundred and sixty=43260|nineteen fifties=1950s|thirty first=31st|millions=1000000s
thirty three thousand and three hundred and thirty third=33333rd|july third twenty twenty=july 3rd 2020
august twenty sixth twenty twenty one=august 26th 2021|3 point 2=3.2|3 point 14=3.14|fourteen point 4=14.4
two point two five dollars=$2.25|two hundred million dollars=$200000000|$20.1 million=$20100000|ninety percent=90%
seventy six per cent=76%|double oh seven=007|double zero seven=007|nine one one=911|nine double one=911|one triple oh one=10001
two thousandth=2000th|thirty two thousandth=32000th|minus 500=-500|positive twenty thousand=+20000|two dollars and seventy cents=$2.70
3 cents=¢3|$0.36=¢36|three euros and sixty five cents=€3.65|three and a half million=3500000|forty eight and a half dollars=$48.5
b747=b 747|10 th=10th|mobilisation=mobilization|cancelation=cancellation|Let's=let us|he's like=he is like
she's been like=she has been like|10km=10 km|10mm=10 mm|RC232=rc 232
Mr. Park visited Assoc. Prof. Kim Jr.=mister park visited associate professor kim junior"""


@pytest.mark.parametrize("case", ENGLISH.replace("\n", "|").split("|"))
def test_english_counts_as_the_same_what_whisper_counts_as_the_same(case: str) -> None:
    """The published input and output of openai-whisper's tests/test_normalizer.py compare as equal."""
    said, written = case.split("=")
    assert comparable(said, "en") == comparable(written, "en")


@pytest.mark.parametrize(("one", "other"), [("3 14", "3.14"), ("twenty one", "twenty two"), ("John's", "Johns"), ("one oh one", "1001")])
def test_english_keeps_apart_what_is_not_the_same(one: str, other: str) -> None:
    assert comparable(one, "en") != comparable(other, "en")


def test_a_readers_characters_are_counted() -> None:
    assert characters("की बात", "hi") == ["की", " ", "बा", "त"]
    assert characters("가 나", "ko") == ["가", " ", "나"]
    assert characters("你好 世界", "zh") == ["你", "好", "世", "界"]
