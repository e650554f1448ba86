"""Text made comparable: one form for what sounds alike, without harming any script.

| written | compared as |
|---|---|
| full-width, half-width, ligatures (NFKC, so NFC in and NFC out) | the plain letters; Hindi vowel signs and voiced kana stay |
| case, punctuation, symbols, joiners | case folded; spaces; nothing |
| apostrophes inside a word | kept, as ' |
| `3,000원`, `3.000 €`, `3 000`, `1,00,000` | digits without the separators of the language; `2,5` as 2.5 |
| digits and number words | en, ja, zh: digits; es, fr, it, pt, de, ca, ru, ko: words; others: as they stand |
| contractions, titles, British spelling | English: written out, American |
| %, $, €, £, & | the word of the language, after the number |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from nightdub.quality.metrics.english import spoken_form
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.numerals import KANJI_NUMBER, POINT, kanji_digits, korean_numbers, plain_numbers, spelled
from nightdub.tasks.rows import Language

UNSPACED = frozenset({"th", "lo", "km", "my"} | {code for code, facts in LANGUAGES.items() if not facts.spaces})

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`＇", "'"))
_SPELLED = frozenset({"es", "fr", "it", "pt", "de", "ca", "ru"})  # digits become words, by num2words
_NUMERIC = re.compile(r"[\d&]")
_GROUP_SPACES = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_LATIN_EDGE = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=(?!(?:st|nd|rd|th|s)\b)[^\W\d_])")


class _Kept(dict[int, str]):
    """What becomes of each character: letters, marks and digits stay, joiners vanish, all else is a space."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kind = unicodedata.category(char)
        if kind == "Nd":
            made = str(unicodedata.digit(char))
        elif kind[0] in "LMN" or char == "'":
            made = char
        else:
            made = "" if kind == "Cf" and code != 0x200B else "." if char == POINT else " "
        self[code] = made
        return made


_KEPT = _Kept()
_KEPT_DIGITS = {code: str(unicodedata.digit(chr(code))) for code in range(0x660, 0x1000) if unicodedata.category(chr(code)) == "Nd"}


def comparable(text: str, language: Language = "") -> str:
    """Return text as it is compared: words with single spaces between them, in NFC, case-folded, without punctuation.

    With a language, what is written one way and said another takes one form (see the table above). Marks are never removed: that would
    turn Korean into jamo, Japanese voiced kana into unvoiced ones, and drop Hindi vowels.
    """
    code = language.split("-")[0].lower()
    plain = _folded(text, code)
    words: Sequence[str] = plain.translate(_KEPT).split()
    if "'" in plain:
        words = [word.strip("'") for word in words if word.strip("'")]
    return " ".join(_by_language(words, code))


def numerals(text: str, language: Language) -> str:
    """Return text in lower case with numbers as plain digits, without the separators of the language; `POINT` before a fraction."""
    return _folded(text, language.split("-")[0].lower()).translate(_KEPT_DIGITS)


def characters(text: str, language: Language = "") -> list[str]:
    """Return the characters of a comparable text as a reader counts them (UAX 29 clusters); spaces too, where the language writes them."""
    if language.split("-")[0].lower() in UNSPACED:
        text = text.replace(" ", "")
    if text.isascii() or not any(unicodedata.combining(char) or unicodedata.category(char)[0] == "M" for char in text):
        return list(text)
    import regex

    found: list[str] = regex.findall(r"\X", text)
    return found


def _folded(text: str, code: Language) -> str:
    plain = text.translate(_APOSTROPHES)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", _GROUP_SPACES.sub("", plain))
    plain = plain.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    return plain_numbers(plain, code) if _NUMERIC.search(plain) else plain


def _by_language(words: Sequence[str], code: Language) -> Sequence[str]:
    if code == "en":
        return spoken_form(_split_units(words))
    if code in _SPELLED:
        return [part for word in _split_units(words) for part in (spelled(word, code).split() if word[0].isdigit() else [word])]
    if code in {"ja", "zh"}:
        return KANJI_NUMBER.sub(lambda found: kanji_digits(found.group()), " ".join(words)).split()
    if code == "ko":
        return korean_numbers(" ".join(words)).split()
    return words


def _split_units(words: Sequence[str]) -> Sequence[str]:
    """Part letters from digits, as in "10km" and "b747"; "10th" stays."""
    if not _NUMERIC.search(" ".join(words)):
        return words
    return [part for word in words for part in (_LATIN_EDGE.sub(" ", word).split() if _NUMERIC.search(word) else [word])]
