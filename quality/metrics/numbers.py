"""Numbers of a line and of its translation, in digits or in words."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from nightdub.quality.metrics.normalise import comparable, numerals
from nightdub.tasks.numerals import KANJI_NUMBER, POINT, kanji_digits, spelled
from nightdub.tasks.rows import Language

Values = frozenset[str]  # what one number may stand for: 3 and 3000000 for "3 million"

_NUMBER = re.compile(rf"\d+(?:{POINT}\d+)?")
_ENGLISH = re.compile(r"(\d+(?:\.\d+)?)(?:st|nd|rd|th|s)?")
_SMALLEST = 13  # English number words below it are often no numbers: "one of us", "wait a second"
_SCALES: dict[Language, tuple[tuple[int, str], ...]] = {
    "en": ((1000, "thousand"), (10**6, "million"), (10**9, "billion")),
    "es": ((10**9, "mil mill"), (1000, "mil"), (10**6, "mill")),
    "fr": ((10**9, "milliard"), (10**6, "million"), (1000, "mille")),
    "it": ((10**9, "miliard"), (10**6, "milion"), (1000, "mila")),
    "pt": ((10**9, "bilh"), (10**6, "milh"), (1000, "mil")),
    "de": ((10**9, "milliard"), (10**6, "million"), (1000, "tausend")),
    "ca": ((10**9, "mil mili"), (10**6, "mili"), (1000, "mil")),
    "ko": ((1000, "천"), (10**4, "만"), (10**6, "백만"), (10**7, "천만"), (10**8, "억")),
}
_ROUND = frozenset(str(10**power) for power in (2, 3, 6, 9, 12))  # "a million thanks"
_READ = frozenset({"es", "fr", "it", "pt", "de", "ca", "ru", "ko"})  # languages in which digits are read aloud to look for them
_ONE = re.compile(r"\b(?:uno?|una|une|um|uma|ein\w*|primer\w*|premi\w*|prim[oa])\b")
_CLOCK = re.compile(r"\d\s*[:h]|\b[ap]\.?\s?m\b|o'clock|heure|hora|\bore\b|\bora\b|uhr|시|時|点", re.IGNORECASE)
_LONG = 4  # letters
_NATIVE = ("하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉", "열")


def lost_numbers(source: str, text: str, language: Language, target: Language) -> list[str]:
    """Return the numbers that one of two lines has and the other has not, in digits.

    A number is there when the other line has it in digits, in words, or multiplied out ("3 million" and "3000000"). Number words are
    looked for in English, from 13 up; in other languages they prove a number and raise none. Hours may change by twelve.
    """
    lost = [_shortest(values) for values in _numbers(source, language) if not _there(values, text, target)]
    added = [_shortest(values) for values in _numbers(text, target) if not _there(values, source, language)]
    if len(lost) == len(added) and _CLOCK.search(source + " " + text) and _hours(lost) == _hours(added):
        return []
    return sorted({*lost, *added})


def _shortest(values: Values) -> str:
    """Return a number as it is written, not multiplied out."""
    return min(values, key=lambda value: (len(value), value))


def _hours(numbers: list[str]) -> list[int]:
    return sorted(int(number) % 12 if number.isdigit() and int(number) <= 24 else -1 for number in numbers)


def _numbers(text: str, language: Language) -> list[Values]:
    """Return what each number of a line may stand for."""
    found = _written(text, language)
    if language == "en":
        known = frozenset().union(*found)
        words = [word for word in comparable(text, "en").split() if _NUMBER.fullmatch(word) and word not in known | _ROUND]
        found += [frozenset({word}) for word in words if int(word) >= _SMALLEST]
    return found


def _written(text: str, language: Language) -> list[Values]:
    """Return the numbers that stand in digits."""
    plain = numerals(text, language)
    found = []
    for match in _NUMBER.finditer(plain):
        value = match.group().replace(POINT, ".")
        after = plain[match.end() :].lstrip()
        values = {_plain(Decimal(value))}
        values |= {_plain(Decimal(value) * factor) for factor, word in _SCALES.get(language, ()) if after.startswith(word)}
        if language in ("ja", "zh") and (run := KANJI_NUMBER.match(plain, match.start())):
            values.add(_plain(Decimal(kanji_digits(run.group()))))
        found.append(frozenset(values))
    return found


def _spoken(text: str, language: Language) -> list[str]:
    """Return the numbers of a line in digits and in words, for languages whose words can be turned into digits."""
    return [_plain(Decimal(match[1])) for word in comparable(text, language).split() if (match := _ENGLISH.fullmatch(word))]


def _there(values: Values, text: str, language: Language) -> bool:
    if any(values & other for other in _written(text, language)):
        return True
    if language == "en":
        return bool(values & set(_spoken(text, "en")))
    if language in ("ja", "zh"):
        return any(_plain(Decimal(kanji_digits(run))) in values for run in KANJI_NUMBER.findall(numerals(text, language)))
    return language in _READ and any(_read(value, text, language) for value in values)


def _read(value: str, text: str, language: Language) -> bool:
    """Return whether a line has a number in words, as a cardinal or an ordinal."""
    plain = comparable(text, language)
    if language == "ko":
        close = plain.replace(" ", "")
        counted = comparable(f"{value}명", "ko").split()[0]
        native = _NATIVE[int(value) - 1] if value.isdigit() and 1 <= int(value) <= len(_NATIVE) else counted
        return any(word in close for word in (spelled(value, "ko").replace(" ", ""), counted, native))
    if value == "1" and _ONE.search(plain):
        return True
    bare = f" {_bare(plain)}"
    return any(f" {_bare(words)}" in bare for words in (_ending_off(spelled(value, language)), _ordinal(value, language)) if words)


@lru_cache(maxsize=4096)
def _ordinal(value: str, language: Language) -> str:
    """Return an ordinal without its last letter, which is its gender; "" where there is none."""
    from num2words import num2words

    if not value.isdigit():
        return ""
    made: str = num2words(int(value), lang=language, to="ordinal")
    return made.casefold().replace("-", " ")[:-1]


def _ending_off(words: str) -> str:
    """Return number words without a last letter that may change: "quatre vingts", "veintiuno"."""
    return words[:-1] if len(words.rsplit(maxsplit=1)[-1]) > _LONG else words


def _bare(text: str) -> str:
    """Return text without accents, which number words are often written without."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def _plain(value: Decimal) -> str:
    return f"{value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize():f}"
