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
from functools import lru_cache

from nightdub.quality.metrics.english import spoken_form
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language

UNSPACED = frozenset({"th", "lo", "km", "my"} | {code for code, facts in LANGUAGES.items() if not facts.spaces})

POINT = "\ue000"  # stands for a decimal point while punctuation is taken out
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`＇", "'"))
_DECIMAL_COMMA = frozenset({"es", "fr", "it", "pt", "de", "ca", "ru"})
_SPELLED = frozenset({"es", "fr", "it", "pt", "de", "ca", "ru"})  # digits become words, by num2words
_LONGEST_READ = 6  # digits: longer ones, and those that begin with 0, are read one by one
_SYMBOLS: dict[Language, dict[str, str]] = {
    "en": {"%": "percent", "$": "dollars", "€": "euros", "£": "pounds", "¢": "cents", "&": "and"},
    "es": {"%": "por ciento", "$": "dólares", "€": "euros", "£": "libras", "&": "y"},
    "fr": {"%": "pour cent", "$": "dollars", "€": "euros", "£": "livres", "&": "et"},
    "it": {"%": "per cento", "$": "dollari", "€": "euro", "£": "sterline", "&": "e"},
    "pt": {"%": "por cento", "$": "dólares", "€": "euros", "£": "libras", "&": "e"},
    "de": {"%": "prozent", "$": "dollar", "€": "euro", "£": "pfund", "&": "und"},
    "ca": {"%": "per cent", "$": "dòlars", "€": "euros", "£": "lliures", "&": "i"},
    "hi": {"%": "प्रतिशत", "$": "डॉलर", "€": "यूरो"},
    "ko": {"%": "퍼센트", "$": "달러", "€": "유로"},
    "ja": {"%": "パーセント", "$": "ドル", "€": "ユーロ"},
    "zh": {"$": "美元", "€": "欧元"},
}
_NUMERIC = re.compile(r"[\d&]")
_BEFORE = re.compile(r"([$€£¢])\s?(\d[\d.,]*)((?:\s(?:thousand|million|billion|trillion)s?\b)?)")
_GROUP_SPACES = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_COMMA_GROUPS = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d\d)+,\d{3})(?![\d]|,\d)")
_POINT_GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:[. ]\d{3})+(?!\d|[.]\d)")
_MEXICAN_GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
_FRACTION = re.compile(r"(?<![\d.,])(\d+)[.,](\d+)(?!\d|[.,]\d)")
_POINT_FRACTION = re.compile(r"(?<![\d.,])(\d+)\.(\d+)(?!\d|[.,]\d)")
_LATIN_EDGE = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=(?!(?:st|nd|rd|th|s)\b)[^\W\d_])")
_SIGN = re.compile(r"(?:^|(?<=\s))[-−+](?=\d)")


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
    return _plain_numbers(plain, code) if _NUMERIC.search(plain) else plain


def _plain_numbers(text: str, code: Language) -> str:
    """Take separators out of numbers, mark decimal points, and write symbols as words."""
    symbols = _SYMBOLS.get(code, {})
    if code == "zh":
        text = re.sub(r"(\d[\d.,]*)\s?%", r"百分之\1", text)
    text = _BEFORE.sub(r"\2\3 \1", text)
    for symbol, word in symbols.items():
        text = text.replace(symbol, f" {word} ")
    if code == "en":
        text = _SIGN.sub(lambda found: "plus " if found.group() == "+" else "minus ", text)
    if code in _DECIMAL_COMMA:
        text = _POINT_GROUPS.sub(lambda found: re.sub(r"[. ]", "", found.group()), text)
        if code == "es":  # Mexico writes 3,000
            text = _MEXICAN_GROUPS.sub(lambda found: found.group().replace(",", ""), text)
        return _FRACTION.sub(rf"\1{POINT}\2", text)
    text = _COMMA_GROUPS.sub(lambda found: found.group().replace(",", ""), text)
    return _POINT_FRACTION.sub(rf"\1{POINT}\2", text)


def _by_language(words: Sequence[str], code: Language) -> Sequence[str]:
    if code == "en":
        return spoken_form(_split_units(words))
    if code in _SPELLED:
        return [part for word in _split_units(words) for part in (spelled(word, code).split() if word[0].isdigit() else [word])]
    if code in {"ja", "zh"}:
        return KANJI_NUMBER.sub(lambda found: kanji_digits(found.group()), " ".join(words)).split()
    if code == "ko":
        return _KOREAN_NUMBER.sub(_korean_words, " ".join(words)).split()
    return words


def _split_units(words: Sequence[str]) -> Sequence[str]:
    """Part letters from digits, as in "10km" and "b747"; "10th" stays."""
    if not _NUMERIC.search(" ".join(words)):
        return words
    return [part for word in words for part in (_LATIN_EDGE.sub(" ", word).split() if _NUMERIC.search(word) else [word])]


@lru_cache(maxsize=4096)
def spelled(digits: str, code: Language) -> str:
    """Return a number in words, without hyphens; long ones and those that begin with 0 digit by digit."""
    from num2words import num2words

    whole, _, part = digits.partition(".")
    if not re.fullmatch(r"\d+(?:\.\d+)?", digits):
        return digits
    if len(whole) > _LONGEST_READ or (not part and whole[0] == "0" and len(whole) > 1):
        return " ".join(spelled(digit, code) for digit in digits if digit != ".")
    made: str = num2words(float(digits) if part else int(whole), lang=code)
    return made.casefold().replace("-", " ")


# ---------------------------------------------------------------- Japanese, Chinese, Korean

_KANJI = {
    char: value for value, chars in enumerate(["〇零", "一壱", "二两兩弐", "三参", "四", "五", "六", "七", "八", "九"]) for char in chars
}
_TIMES = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "億": 10**8, "亿": 10**8, "兆": 10**12}
KANJI_NUMBER = re.compile(f"[0-9{''.join((*_KANJI, *_TIMES, *_MYRIADS))}]+")


def kanji_digits(written: str) -> str:
    """Return a number in kanji, digits or both as digits: 三千 and 3千 as 3000, 二〇二六 as 2026."""
    text = "".join(str(_KANJI.get(char, char)) for char in written)
    if text.isdigit():
        return text
    total, below, digits = 0, 0, ""
    for char in text:
        if char.isdigit():
            digits += char
        elif char in _TIMES:
            below, digits = below + int(digits or 1) * _TIMES[char], ""
        else:
            total, below, digits = total + (below + int(digits or not below)) * _MYRIADS[char], 0, ""
    return str(total + below + int(digits or 0))


_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_NATIVE = "시간|시(?!즌)|살|명(?!령)|개(?!월)|마리|권|잔|달(?!러)|사람|가지|송이|켤레|그루"  # counted with native numbers; hours up to 12
_KOREAN_NUMBER = re.compile(rf"(\d+(?:\.\d+)?)([백천]?[만억조]|[백천])? ?({_NATIVE})?")


def _korean_words(found: re.Match[str]) -> str:
    """Return digits as Korean reads them, the counter a word of its own: 20분 as 이십 분, 3시 as 세 시, 12만 as 십이만."""
    digits, scale, counter = found.group(1), found.group(2) or "", found.group(3) or ""
    value = int(digits) if digits.isdigit() else 100
    if scale:
        return f" {'' if digits == '1' else spelled(digits, 'ko')}{scale} {counter}"
    if counter and 0 < value < (13 if counter == "시" else 100):
        native = "스무" if value == 20 else _NATIVE_TENS[value // 10] + _NATIVE_ONES[value % 10]
        return f" {native} {counter}"
    return f" {spelled(digits, 'ko')} {counter}"
