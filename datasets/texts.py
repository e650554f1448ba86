"""The text of a training row: one spelling of quotes, dashes and spaces, digits as words; how fast it is spoken; its language.

No mark is ever removed from a letter: that would drop Hindi vowels, voiced kana and Korean vowels. Case and punctuation stay: a voice
is trained on them. Years from 1100 to 2099 after an English "in", "since" and the like are read as years; all other digits as
cardinal numbers, by `tasks.numerals`; ordinals in English alone (1st). Abbreviations stay as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from nightdub.infra.errors import ConfigError
from nightdub.tasks.duration import count_letters
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.numerals import POINT, korean_numbers, plain_numbers, spelled
from nightdub.tasks.rows import Language, Seconds

SURE = 8.0  # natural logarithm of how much likelier the first language is than the second; docs/splits.md has what was measured
_SIGNS = str.maketrans(
    dict.fromkeys("‘’‚‛ʼ`´", "'")
    | dict.fromkeys("“”„‟«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"…": "...", "\u00ad": "", "\u200b": " ", "\u2060": "", "\ufeff": ""}
)
_FULL_WIDTH = re.compile(r"[\uff04-\uff06\uff0b\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")  # letters, digits and signs
_DIGIT = re.compile(r"\d")
_GROUPS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_NUMBER = re.compile(rf"\d+(?:{POINT}\d+)?")
_ORDINAL = re.compile(r"\b(\d{1,6})(?:st|nd|rd|th)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(in|since|by|of|from|until|year|to)\s+((?:1[1-9]|20)\d\d)(?![\d.,:%$-]*\d|\s?[%$€£])\b", re.IGNORECASE)
_BETWEEN = re.compile(r"(?<=\d)[:/-](?=\d)")  # 10:30, 1/2, 3-4
_BEFORE_SIGN = re.compile(r"\s+([.,;:!?।)\]]|\.\.\.)")
_SPOKEN_TWICE = re.compile(r"\(([^()]*)\)\s*/\s*\(([^()]*)\)")  # KsponSpeech: (as it is spelled)/(as it is said)
_NOISES = re.compile(r"(?<!\w)[blonu]/")  # breath, laughter, another voice, noise, not understood
_SAID = re.compile(r"(?<=[가-힣])[/+*]+|[+*]")  # fillers, words broken off, words that are not sure
_WORD = re.compile(r"[^\W\d_]")
_SCRIPTS: tuple[tuple[re.Pattern[str], tuple[Language, ...]], ...] = (
    (re.compile(r"[\u3040-\u30ff]"), ("ja",)),
    (re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]"), ("ko",)),
    (re.compile(r"[\u0900-\u097f]"), ("hi",)),
    (re.compile(r"[\u0400-\u04ff]"), ("ru",)),
    (re.compile(r"[\u4e00-\u9fff]"), ("zh", "ja")),
)


class _Kept(dict[int, str]):
    """What becomes of each character of a sentence: letters, marks and digits stay, apostrophes vanish, all else is a space."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = made = char if unicodedata.category(char)[0] in "LMN" else "" if char in "'’" else " "
        return made


class _Sounded(dict[int, str]):
    """What becomes of each character where the sounded ones are counted: `count_letters`, looked up once for each."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = made = char if count_letters(char) or _DIGIT.match(char) else ""
        return made


_KEPT, _SOUNDED = _Kept(), _Sounded()


def normalise(text: str, language: Language) -> str:
    """Return the text that a training row has; applied twice it changes nothing more.

    Raises: ConfigError for a language that is not in `LANGUAGES`.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"no language {language!r}", where="texts", allowed=", ".join(LANGUAGES), fix="add it to tasks/languages.py")
    plain = _GROUPS.sub("", unicodedata.normalize("NFC", text))
    plain = _FULL_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found.group()), plain)
    if language == "ko":
        plain = _SAID.sub("", _NOISES.sub(" ", _SPOKEN_TWICE.sub(r"\2", plain)))
    plain = plain.translate(_SIGNS)
    if _DIGIT.search(plain):
        plain = _read(_digits(plain), language)
    made = _BEFORE_SIGN.sub(r"\1", " ".join(plain.split()))
    return unicodedata.normalize("NFC", made)


def sentence(text: str) -> str:
    """Return what two texts have in common that say the same words: letters and digits alone, case-folded, with single spaces."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(folded.translate(_KEPT).split())


def spoken_characters(text: str) -> int:
    """Return how many letters and digits of a text are sounded."""
    return len(unicodedata.normalize("NFC", text).translate(_SOUNDED))


def rate(text: str, seconds: Seconds) -> float:
    """Return the sounded characters a second; 0 for a clip without length."""
    return spoken_characters(text) / seconds if seconds > 0 else 0.0


def guess_language(text: str, candidates: Collection[Language] = tuple(LANGUAGES)) -> Language:
    """Return the language of a text; empty where it cannot be told.

    Kana, Hangul, Devanagari and Cyrillic tell it by themselves, also where it is none of the candidates; Han is Chinese where that is a
    candidate. Among the candidates in Latin letters words decide (py3langid, after langid.py, Lui and Baldwin 2012), where one is
    `SURE`ly likelier than all others.
    """
    letters = len(_WORD.findall(text))
    for script, languages in _SCRIPTS:
        if len(script.findall(text)) * 2 > letters or (languages == ("ja",) and script.search(text)):
            return next((code for code in languages if code in candidates), languages[0])
    latin = sorted(set(candidates) & {"ca", "de", "en", "es", "fr", "it", "pt"})
    if not letters or not latin or len(latin) < 2:
        return ""
    ranked = [(code, float(score)) for code, score in _identifier().rank(text) if code in latin]
    return ranked[0][0] if ranked[0][1] - ranked[1][1] >= SURE else ""


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def _digits(text: str) -> str:
    """Return text with the digits of all scripts as 0 to 9."""
    return "".join(str(unicodedata.digit(char)) if unicodedata.category(char) == "Nd" else char for char in text)


def _read(text: str, language: Language) -> str:
    """Return text with its digits as words."""
    if language == "en":
        text = _YEAR.sub(lambda found: f"{found[1]} {_year(found[2])}", text)
        text = _ORDINAL.sub(lambda found: _ordinal(found[1]), text)
    if language == "zh":
        text = re.sub(r"(?<!\d)\d{4}(?=年)", lambda found: "".join(spelled(digit, "zh") for digit in found.group()), text)
    plain = plain_numbers(_BETWEEN.sub(" ", text), language)
    if language == "ko":
        return _korean(plain)
    gap = " " if LANGUAGES[language].spaces else ""
    return _NUMBER.sub(lambda found: _apart(plain, found, spelled(found.group().replace(POINT, "."), language), gap), plain)


def _apart(text: str, found: re.Match[str], words: str, gap: str) -> str:
    """Return a number's words with a space where it stood against a letter: 10km, B747."""
    before = gap if found.start() and _WORD.match(text[found.start() - 1]) else ""
    after = gap if found.end() < len(text) and _WORD.match(text[found.end()]) else ""
    return f"{before}{words if gap else words.replace(' ', '')}{after}"


def _korean(text: str) -> str:
    made = korean_numbers(text.replace(POINT, "."))
    return re.sub(r"\s+(?=[은는이가을를의에도로만와과] |[.,!?])", "", made)


def _year(digits: str) -> str:
    from num2words import num2words

    return str(num2words(int(digits), to="year")).replace("-", " ")


def _ordinal(digits: str) -> str:
    from num2words import num2words

    return str(num2words(int(digits), to="ordinal")).replace("-", " ").replace(",", "")
