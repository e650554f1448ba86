"""Where a subtitle's text may be broken, and where it should be: after punctuation, before conjunctions, in balanced lines."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language

# Words that begin a clause or phrase: a line may well start with them. Words that lean on the next one: no line should end with them.
_STARTERS: dict[Language, str] = {
    "ca": "i o però perquè que si quan amb de per en a on com",
    "de": "und oder aber denn weil dass ob wenn als mit von für in auf zu aus bei nach wo wie",
    "en": "and or but because that if when while with of for in on at to from by as who which where than into after before until",
    "es": "y e o u pero porque que si cuando mientras con de del por para en a al como donde quien sin desde hasta",
    "fr": "et ou mais car parce que qui si quand avec de du des pour par dans en à au aux comme où sans sur",
    "hi": "और या लेकिन क्योंकि कि अगर जब",
    "it": "e o ma perché che se quando mentre con di del della per in a al come dove chi senza da su",
    "pt": "e ou mas porque que se quando enquanto com de do da por para em no na a ao como onde quem sem até",
    "ru": "и или но потому что если когда с со из для в во на по от до как где чтобы",
}
_LEANING: dict[Language, str] = {
    "ca": "el la els les un una l' d' al del de en per amb i o no molt",
    "de": "der die das den dem des ein eine einen einem einer und oder zu in im am mit von nicht sehr",
    "en": "a an the this that my your his her its our their and or of to in on at for with by from after before until is are was very",
    "es": "el la los las un una unos unas lo al del de en por para con y o mi tu su no muy se me te le nos que",
    "fr": "le la les un une des du de en au aux à par pour avec et ou mon ton son ma ta sa ne se me te je tu il elle on très",
    "hi": "एक यह वह और बहुत",
    "it": "il lo la i gli le un uno una di del della in al per con e o mio tuo suo non molto si mi ti",
    "pt": "o a os as um uma de do da em no na ao por para com e ou meu teu seu não muito se me te",
    "ru": "и или в во на с со к ко о об из от до по за не ни очень",
}
_SENTENCE, _CLAUSE = ".!?…。！？", ",;:、，；：—–"
_CLOSING, _OPENING = "、。，．・：；？！)）」』】〉》’”…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ", "(（「『【〈《‘“"
_PARTICLES = "はがをに"
_CLOSING_MARKS = ".!?…,;:»”)"  # French writes a space before some of them
_SPACE = re.compile(r"[^\S\u00a0\u202f]+")  # every space but those that must not break
_WORDLIKE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,'’%-]*|.", re.DOTALL)


def width(text: str, language: Language) -> float:
    """Return how long a text is, as the language counts it: where lines are counted in full characters, a Latin one is half."""
    if language not in {"ja", "ko", "zh"}:
        return float(len(text))
    return sum(1.0 if unicodedata.east_asian_width(letter) in "WFA" else 0.5 for letter in text)


def breaks(text: str, language: Language) -> list[int]:
    """Return every place at which `text` may be broken (the next line begins there), without the spaces around it."""
    if LANGUAGES[language].spaces:
        places = [match.end() for match in _SPACE.finditer(text) if match.start() > 0 and match.end() < len(text)]
        return [place for place in places if text[place] not in _CLOSING_MARKS]
    ends = [match.end() for match in _WORDLIKE.finditer(text)][:-1]
    return [end for end in ends if text[end] not in _CLOSING and text[end - 1] not in _OPENING]


def cost(text: str, place: int, language: Language) -> float:
    """Return how badly a break reads, in characters of imbalance that it is worth avoiding; below 0 = a good place."""
    before, after = text[:place].rstrip(), text[place:].lstrip()
    if before[-1] in _SENTENCE:
        return -20.0
    if before[-1] in _CLAUSE:
        return -12.0
    if not LANGUAGES[language].spaces:
        return _script_cost(before[-1], after[0])
    last, first = before.split()[-1].lower(), after.split()[0].lower()
    if last in _words(_LEANING.get(language, "")):
        return 16.0
    return -6.0 if first in _words(_STARTERS.get(language, "")) else 0.0


def split_at(text: str, place: int) -> tuple[str, str]:
    """Return both sides of a break, without the space between."""
    return text[:place].rstrip(), text[place:].lstrip()


def break_lines(text: str, language: Language, lines: int) -> tuple[str, ...] | None:
    """Return a text in at most `lines` lines that fit the language's length, the best way; None where there is none."""
    limit = LANGUAGES[language].line_length
    if width(text, language) <= limit:
        return (text,)
    if lines < 2:
        return None
    best: tuple[float, tuple[str, ...]] | None = None
    for place in breaks(text, language):
        above, below = split_at(text, place)
        rest = break_lines(below, language, lines - 1) if width(above, language) <= limit else None
        if rest:
            badness = cost(text, place, language) + abs(width(above, language) - width(below, language) / (lines - 1))
            best = min(best, (badness, (above, *rest))) if best else (badness, (above, *rest))
    return best[1] if best else None


def halves(text: str, language: Language) -> tuple[str, str] | None:
    """Return a text in two parts for two cues, preferring ends of sentences to balance; None where it cannot be parted."""
    places = breaks(text, language)
    if not places:
        return None
    middle = width(text, language) / 2

    def badness(place: int) -> float:
        return 2 * cost(text, place, language) + abs(width(text[:place], language) - middle)

    return split_at(text, min(places, key=badness))


def one_line(text: str) -> str:
    """Return a text with every run of spaces and line ends as one space; no-break spaces stay."""
    return _SPACE.sub(" ", text).strip()


def _script_cost(last: str, first: str) -> float:
    """Return the cost between two unspaced letters: Japanese words end in hiragana and begin in kanji or katakana."""
    if not _is_hiragana(last):
        return 8.0 if _is_hiragana(first) else 6.0
    if not _is_hiragana(first):
        return -4.0
    return -1.0 if last in _PARTICLES else 6.0


def _is_hiragana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u309f"


@lru_cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
