"""Numbers as they are read: digits in words, Korean counters, kanji, and the separators and symbols that stand around digits."""

from __future__ import annotations

import re
from functools import lru_cache

from nightdub.tasks.rows import Language

POINT = "\ue000"  # stands for a decimal point while punctuation is taken out
_DECIMAL_COMMA = frozenset({"es", "fr", "it", "pt", "de", "ca", "ru"})
_DIGITS = "零一二三四五六七八九"
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
_BEFORE = re.compile(r"([$€£¢])\s?(\d(?:[\d.,]*\d)?)((?:\s(?:thousand|million|billion|trillion)s?\b)?)")
_COMMA_GROUPS = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d\d)+,\d{3})(?![\d]|,\d)")
_POINT_GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:[. ]\d{3})+(?!\d|[.]\d)")
_MEXICAN_GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
_FRACTION = re.compile(r"(?<![\d.,])(\d+)[.,](\d+)(?!\d|[.,]\d)")
_POINT_FRACTION = re.compile(r"(?<![\d.,])(\d+)\.(\d+)(?!\d|[.,]\d)")
_SIGN = re.compile(r"(?:^|(?<=\s))[-−+](?=\d)")


def plain_numbers(text: str, code: Language) -> str:
    """Take separators out of numbers, mark decimal points with `POINT`, and write symbols as words."""
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


@lru_cache(maxsize=4096)
def spelled(digits: str, code: Language) -> str:
    """Return a number in words, without hyphens; long ones and those that begin with 0 digit by digit."""
    whole, _, part = digits.partition(".")
    if not re.fullmatch(r"\d+(?:\.\d+)?", digits):
        return digits
    if len(whole) > _LONGEST_READ or (not part and whole[0] == "0" and len(whole) > 1):
        return " ".join(spelled(digit, code) for digit in digits if digit != ".")
    if code == "zh":
        return _chinese(int(whole)) + ("点" + "".join(_DIGITS[int(digit)] for digit in part) if part else "")
    if code == "hi":
        from indic_numtowords import num2words as hindi  # num2words knows no Hindi

        after = ["दशमलव", *(hindi(int(digit), lang="hi") for digit in part)] if part else []
        return " ".join((hindi(int(whole), lang="hi"), *after))
    from num2words import num2words

    made: str = num2words(float(digits) if part else int(whole), lang=code)
    return made.casefold().replace("-", " ").replace(",", "")


def _chinese(number: int) -> str:
    """Return a number below ten million as Chinese reads it: 一千二百三十四, 一百零五, 十五."""
    if number >= 10_000:
        whole, rest = divmod(number, 10_000)
        return f"{_chinese(whole)}万{'零' if 0 < rest < 1000 else ''}{_chinese(rest) if rest else ''}"
    if number < 10:
        return _DIGITS[number]
    made, zero = "", False
    for value, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, value)
        if digit:
            made += ("零" if zero else "") + _DIGITS[digit] + sign
        zero = not digit if made else False
    return made[1:] if made.startswith("一十") else made


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


def korean_numbers(text: str) -> str:
    """Return text with its digits as Korean reads them, each counter a word of its own: 20분 as 이십 분, 3시 as 세 시, 12만 as 십이만."""
    return _KOREAN_NUMBER.sub(_korean_words, text)


def _korean_words(found: re.Match[str]) -> str:
    digits, scale, counter = found.group(1), found.group(2) or "", found.group(3) or ""
    value = int(digits) if digits.isdigit() else 100
    if scale:
        return f" {'' if digits == '1' else spelled(digits, 'ko')}{scale} {counter}"
    if counter and 0 < value < (13 if counter == "시" else 100):
        native = "스무" if value == 20 else _NATIVE_TENS[value // 10] + _NATIVE_ONES[value % 10]
        return f" {native} {counter}"
    return f" {spelled(digits, 'ko')} {counter}"
