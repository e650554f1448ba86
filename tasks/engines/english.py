"""Written English as a pronouncing dictionary knows it: numbers spelled out, signs read, and a rough sound for unknown words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# fmt: off
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"))
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
_SIGNS = {"&": "and", "%": "percent", "+": "plus", "@": "at", "=": "equals", "#": "number"}
_MONEY = {"$": "dollars", "£": "pounds", "€": "euros"}
_PIECE = re.compile(r"([$£€])?(\d+(?:,\d{3})*(?:\.\d+)?)(st|nd|rd|th)?|([a-z']+)|([&%+@=#])")

# Letter groups and their usual sounds (ARPAbet without stress), longest first. Rough on purpose: forced alignment only needs about
# the right number and kind of sounds, since the words around it hold the place.
# fmt: off
_SOUNDS = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "igh": "AY", "tch": "CH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F",
    "wh": "W", "gh": "G", "ck": "K", "ng": "NG", "qu": "K W", "kn": "N", "wr": "R", "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW",
    "ow": "OW", "oi": "OY", "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ie": "IY", "ei": "EY", "ey": "IY",
    "oa": "OW", "ue": "UW", "ew": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "ur": "ER", "or": "AO R", "ce": "S", "ci": "S IH",
    "cy": "S IY", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "OW", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W",
    "x": "K S", "y": "IY", "z": "Z",
}
# fmt: on
_LONGEST = max(map(len, _SOUNDS))


def spoken(token: str, known: Callable[[str], bool]) -> list[str]:
    """Return the lower-case words that a written token is read as: "28.8" as "twenty eight point eight", "---" as nothing.

    `known` tells whether the dictionary has a word; a token in capitals that it does not have is read letter by letter.
    """
    words: list[str] = []
    for money, number, suffix, word, sign in _PIECE.findall(_plain(token)):
        if number:
            words += _ordinal(number) if suffix else read_number(number)
            words += [_MONEY[money]] if money else []
        elif sign:
            words.append(_SIGNS[sign])
        elif word := word if known(word) else word.strip("'"):
            words += list(word) if token.isupper() and not known(word) and word.isalpha() else [word]
    return words


def read_number(digits: str) -> list[str]:
    """Return a number as it is usually read aloud: years in pairs, leading zeros and very long numbers digit by digit."""
    whole, _, fraction = digits.replace(",", "").partition(".")
    point = ["point", *(_ONES[int(digit)] for digit in fraction)] if fraction else []
    if len(whole) > 12 or (len(whole) > 1 and whole[0] == "0"):
        return [_ONES[int(digit)] for digit in whole] + point
    value = int(whole)
    if "," not in digits and not point and 1100 <= value <= 2099 and not 2000 <= value <= 2009:
        return _below_hundred(value // 100) + (_year_end(value % 100))
    return _cardinal(value) + point


def rough_sounds(word: str) -> str:
    """Return ARPAbet sounds for a word by letter rules: good enough to find the word in time, never to speak it."""
    if word.endswith("'s"):
        return f"{rough_sounds(word[:-2])} Z"
    letters = re.sub(r"([^aeo])\1", r"\1", re.sub(r"[^a-z]", "", word))
    letters = letters[:-1] if len(letters) > 3 and letters.endswith("e") and letters[-2] not in "aeiou" else letters
    sounds: list[str] = []
    while letters:
        size = next(size for size in range(_LONGEST, 0, -1) if letters[:size] in _SOUNDS)
        sounds.append(_SOUNDS[letters[:size]])
        letters = letters[size:]
    return " ".join(sounds)


def _plain(token: str) -> str:
    """Return the token in lower case without accents, with straight apostrophes."""
    letters = unicodedata.normalize("NFKD", token.replace("\u2019", "'").lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _cardinal(value: int) -> list[str]:
    if value < 100:
        return _below_hundred(value)
    if value < 1000:
        return [_ONES[value // 100], "hundred", *(_below_hundred(value % 100) if value % 100 else [])]
    scale, name = next((scale, name) for scale, name in _SCALES if value >= scale)
    rest = value % scale
    return [*_cardinal(value // scale), name, *(_cardinal(rest) if rest else [])]


def _below_hundred(value: int) -> list[str]:
    if value < 20:
        return [_ONES[value]]
    return [_TENS[value // 10], *([_ONES[value % 10]] if value % 10 else [])]


def _year_end(value: int) -> list[str]:
    if value == 0:
        return ["hundred"]
    return ["oh", _ONES[value]] if value < 10 else _below_hundred(value)


def _ordinal(number: str) -> list[str]:
    *front, last = _cardinal(int(number.replace(",", "").partition(".")[0]))
    if last.endswith("y"):
        return [*front, f"{last[:-1]}ieth"]
    return [*front, _ORDINALS.get(last, f"{last}th")]
