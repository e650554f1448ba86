"""Names of a line and of its translation: words with a capital where none is due, between languages of the Latin script.

A name may be written otherwise in the other language ("London", "Londres"; "Germany", "Alemania"): it counts as lost only where nothing
like it is there and fewer other words with a capital than names are without one. German writes every noun so: as a source it is not
looked at.
"""

from __future__ import annotations

import re
import unicodedata

from nightdub.tasks.rows import Language

_LATIN = frozenset({"ca", "de", "en", "es", "fr", "it", "pt"})
_ALIKE = 0.6  # share of letters: "London" and "Londres" have 0.77
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_STARTS = re.compile(r"(?:^|[.!?…:;\"“”«»¿¡(\[–—]|\s-)\s*[-–—\"“«¿¡(\[']*$")
_CAPITALS = (
    "i i'm i'll i'd i've ok tv dvd cd pin id monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june july august september october november december mr mrs ms miss dr sir madam god lord english spanish french german italian "
    "portuguese catalan russian korean japanese chinese american british european christmas easter internet web"
)  # English words with a capital that other languages write small or otherwise
_NO_NAMES = frozenset(_CAPITALS.split())


def lost_names(source: str, text: str, language: Language, target: Language) -> list[str]:
    """Return the names of a line that its translation has in no form; none between languages that do not mark names alike."""
    if not {language, target} <= _LATIN or language == "de":
        return []
    names = _names(source)
    if not names:
        return []
    lost = [name for name in names if not any(_alike(name, word) for word in _WORD.findall(text))]
    others = sum(word[0].isupper() and not any(_alike(name, word) for name in names) for word in _inside(text))
    return lost[: max(0, len(lost) - others)] if target != "de" else lost


def _names(text: str) -> list[str]:
    """Return the words with a capital that do not begin a sentence; none of a line in capitals or of a title ("Gone With the Wind")."""
    words = _inside(text)
    capitals = [word for word in words if word[0].isupper()]
    if text.isupper() or (len(capitals) > 3 and 2 * len(capitals) > len(words)):
        return []
    return list(dict.fromkeys(word for word in capitals if word.casefold().replace("’", "'") not in _NO_NAMES and len(word) > 1))


def _inside(text: str) -> list[str]:
    """Return the words that do not begin a sentence, a quotation or a list."""
    return [match.group() for match in _WORD.finditer(text) if not _STARTS.search(text[: match.start()])]


def _alike(name: str, word: str) -> bool:
    from rapidfuzz.fuzz import ratio

    one, other = _bare(name), _bare(word)
    return one == other or one in other or ratio(one, other) >= 100 * _ALIKE


def _bare(word: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", word.casefold().removesuffix("'s").removesuffix("’s")) if char.isalpha())
