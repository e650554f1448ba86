from __future__ import annotations

import pytest

from nightdub.tasks.engines.english import read_number, rough_sounds, spoken

KNOWN = {"don't", "'cause", "three", "d", "waldo"}


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("28.8", "twenty eight point eight"),
        ("1984,", "nineteen eighty four"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2005", "two thousand five"),
        ("1,984", "one thousand nine hundred eighty four"),
        ("1,000,012", "one million twelve"),
        ("007", "zero zero seven"),
        ("0", "zero"),
        ("3rd", "third"),
        ("20th", "twentieth"),
        ("112th", "one hundred twelfth"),
        ("$5.", "five dollars"),
        ("50%", "fifty percent"),
        ("&", "and"),
        ("Café", "cafe"),
        ("Inter-Asterisk", "inter asterisk"),
        ("IAX", "i a x"),
        ("3D", "three d"),
        ("don\u2019t", "don't"),
        ("'Cause", "'cause"),
        ("'quoted'", "quoted"),
        ("—", ""),
        ("...", ""),
        ("한국어", ""),
    ],
)
def test_a_token_is_read_as_it_is_said(token: str, words: str) -> None:
    assert spoken(token, KNOWN.__contains__) == words.split()


def test_a_number_too_long_to_say_is_read_digit_by_digit() -> None:
    assert read_number("1" * 13) == ["one"] * 13


@pytest.mark.parametrize(
    ("word", "sounds"),
    [("nightdub", "N AY T D AH B"), ("waldo's", "W AE L D OW Z"), ("kitten", "K IH T EH N"), ("zone", "Z OW N"), ("xyzzy", "K S IY Z IY")],
)
def test_an_unknown_word_gets_sounds_by_its_letters(word: str, sounds: str) -> None:
    assert rough_sounds(word) == sounds
