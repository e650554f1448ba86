"""Whether two words are one word in two forms: by their Snowball stem and, in Korean, by the particles that follow.

A stemmer also takes off what makes another word ("universal", "university"); such pairs differ by more than an ending on both sides.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from nightdub.tasks.rows import Language

_STEMMERS: dict[Language, str] = {
    "ca": "catalan",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "it": "italian",
    "pt": "portuguese",
    "ru": "russian",
}
_ENDING = 4  # letters of the longest ending: "hablo", "hablamos"
_SHORT = 3  # letters of a word that has no stem of its own
_PARTICLES = re.compile(
    "(?:들|님)?(?:이라고|이라는|라고|라는|이랑|에서|에게|한테|께서|으로|부터|까지|처럼|보다|마다|조차|마저|이나|이다|입니다|이에요|예요|이야|"
    "은|는|이|가|을|를|의|에|께|와|과|도|만|로|랑|나|야|아|요|서)*"
)
_ROMANCE = ("ca", "es", "fr", "it", "pt")
_PLURALS: dict[Language, dict[str, str]] = {"pt": {"ões": "ão", "ães": "ão", "ns": "m"}, "es": {"ces": "z"}}  # that the stemmers leave


def same_word(one: str, other: str, language: Language) -> bool:
    """Return whether two words are forms of one, whatever their case; words of up to three letters only where they are the same."""
    one, other = _folded(one), _folded(other)
    if one == other:
        return True
    if language == "ko":
        return other.startswith(one) and _PARTICLES.fullmatch(other, len(one)) is not None
    if language not in _STEMMERS or min(len(one), len(other)) <= _SHORT:
        return _is_plural(one, other, language)
    one, other = _plain(one, language), _plain(other, language)
    return _same_stem(stem(one, language), stem(other, language), language) and _differ_by_an_ending(one, other)


@lru_cache(maxsize=200_000)
def stem(word: str, language: Language) -> str:
    """Return the stem of a word in lower case without accents."""
    from snowballstemmer import stemmer

    made: str = stemmer(_STEMMERS[language]).stemWord(word)
    return made


def first_letters(word: str, language: Language) -> str:
    """Return what two forms of one word share for certain: the first letters without accents."""
    return _plain(_folded(word), language)[: 1 if language == "ko" else 2]


def words_of(text: str) -> list[tuple[int, int]]:
    """Return where each word of a text starts and ends; an apostrophe parts words, as in "l'agent"."""
    return [match.span() for match in re.finditer(r"[\w\u0900-\u097f]+", text)]


def _is_plural(one: str, other: str, language: Language) -> bool:
    """Return whether one of two short words is the other with an s: "car", "cars"."""
    short, long = sorted((one, other), key=len)
    return language in ("en", "es", "fr", "pt", "ca") and len(short) >= 2 and long in (short + "s", short + "es")


def _same_stem(one: str, other: str, language: Language) -> bool:
    """Return whether two stems are the same; in Romance languages but for a last letter, which is taken off some forms: "line", "lin"."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return language in _ROMANCE and len(long) == len(short) + 1 and long.startswith(short)


def _differ_by_an_ending(one: str, other: str) -> bool:
    shared = _shared(one, other)
    left, right = sorted((len(one) - shared, len(other) - shared))
    return left <= 1 and right <= _ENDING


def _shared(one: str, other: str) -> int:
    """Return how many first letters two words have in common."""
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))


@lru_cache(maxsize=200_000)
def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


@lru_cache(maxsize=200_000)
def _plain(word: str, language: Language) -> str:
    """Return a word without accents, which come and go between forms ("sesión", "sesiones"); in other scripts marks are letters."""
    for ending, one in _PLURALS.get(language, {}).items():
        if word.endswith(ending):
            word = word.removesuffix(ending) + one
    if not "a" <= word[:1] < "\u0250":
        return word
    return "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))
