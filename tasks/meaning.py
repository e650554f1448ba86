"""What must not differ between a line and a similar one whose translation it takes: numbers, number words, and yes or no."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from nightdub.tasks.rows import Language

NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")

_NEGATIONS: dict[Language, re.Pattern[str]] = {
    code: re.compile(pattern, re.IGNORECASE)
    for code, pattern in {
        "en": r"\b(?:no|not|never|none|nothing|nobody|nowhere|cannot|without|neither|nor)\b|n['’]t\b",
        "es": r"\b(?:no|nunca|jamás|nada|nadie|ni|ningun\w*|ningún|sin|tampoco)\b",
        "fr": r"\b(?:ne|pas|jamais|rien|aucune?|personne|sans|non|ni)\b|\bn['’]",
        "it": r"\b(?:non|no|mai|niente|nulla|nessun\w*|senza|né|neanche)\b",
        "pt": r"\b(?:não|nunca|jamais|nada|ninguém|nem|nenhum\w*|sem)\b",
        "de": r"\b(?:nicht|kein\w*|nie|niemals|nichts|niemand|ohne|nein|weder|noch)\b",
        "ca": r"\b(?:no|mai|res|ningú|cap|sense|ni|tampoc)\b",
        "ru": r"\b(?:не|нет|ни|никогда|ничего|никто|нельзя|без)\b",
        "hi": r"(?:नहीं|मत|बिना)",
        "ko": r"않|못|없|아니|안\s|말(?:아|고|라)",
        "ja": r"ない|なかった|なく|ません|ぬ",
        "zh": r"[不没沒无無未别勿]",
    }.items()
}  # a line with one more of these than another may say the opposite
_CHARACTERS = re.compile("[〇零一二三四五六七八九十百千万萬億亿兆]")
_KOREAN = re.compile("하나|둘|셋|넷|다섯|여섯|일곱|여덟|아홉|열|스물|서른|마흔|쉰")
_READ = (*range(21), *range(30, 100, 10), 100, 1000, 1_000_000)
_ORDINALS = ("en", "es", "fr", "it", "pt", "de", "ru")  # of num2words


def same_sense(one: str, other: str, language: Language) -> bool:
    """Return whether neither of two similar lines denies what the other says, nor names another number in words."""
    pattern = _NEGATIONS[language]
    return len(pattern.findall(one)) == len(pattern.findall(other)) and _number_words(one, language) == _number_words(other, language)


def with_numbers_of(line: str, similar: str, translation: str) -> str:
    """Return the translation of a similar line with the numbers of this one, "" where that is not certain.

    It is where both lines have as many numbers, and each one that differs is written in plain digits and stands once in the similar line
    and once in its translation.
    """
    wanted, there = NUMBER.findall(line), NUMBER.findall(similar)
    if len(wanted) != len(there):
        return ""
    changed = {_digits(old): new for old, new in zip(there, wanted, strict=True) if _digits(old) != _digits(new)}
    before, made = (Counter(map(_digits, NUMBER.findall(text))) for text in (similar, translation))
    if any(not new.isdigit() or before[old] != 1 or made[old] != 1 for old, new in changed.items()):
        return ""
    return NUMBER.sub(lambda found: changed.get(_digits(found.group()), found.group()), translation)


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _number_words(text: str, language: Language) -> Counter[str]:
    if language in ("ja", "zh"):
        return Counter(_CHARACTERS.findall(text))
    if language == "ko":
        return Counter(_KOREAN.findall(text))
    return Counter(word for word in re.findall(r"[^\W\d_]+", text.casefold()) if word in number_words(language))


@lru_cache(maxsize=16)
def number_words(language: Language) -> frozenset[str]:
    """Return the words of which a language makes its numbers, by num2words; none where it does not know the language."""
    from num2words import CONVERTER_CLASSES, num2words

    if language not in CONVERTER_CLASSES:
        return frozenset()
    said = [num2words(number, lang=language) for number in _READ]
    if language in _ORDINALS:
        said += [num2words(number, lang=language, to="ordinal") for number in _READ[1:]]
    return frozenset(word for text in said for word in re.findall(r"[^\W\d_]{2,}", text.casefold())) - {"and", "y", "et", "e", "und", "i"}
