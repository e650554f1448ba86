"""Where a subtitle's text may be broken, and where it should be: after punctuation, before conjunctions, in balanced lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language
from nightdub.tasks.subtitle_rules import BRACKETS, RULES, SubtitleRules

# Words that begin a clause or phrase: a line may well start with them. Words that lean on the next one: no line should end with them.
_STARTERS: dict[Language, str] = {
    "ca": "i o però perquè que si quan amb de per en a on com",
    "de": "und oder aber denn weil dass ob wenn als mit von für in auf zu aus bei nach wo wie",
    "en": "and or but because that if when while with of for in on at to from by as who which where than into after before until",
    "es": "y e o u pero porque que si cuando mientras con de del por para en a al como donde quien sin desde hasta",
    "fr": "et ou mais car parce que qui si quand avec de du des pour par dans en à au aux comme où sans sur",
    "hi": "और या लेकिन क्योंकि कि अगर जब",
    "it": "e o ma perché che se quando mentre con di del della per in a al come dove chi senza da su",
    "ko": "그리고 그러나 하지만 그런데 그래서 그러면 또는 및",
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
    "ko": "이 그 저 한 두 세 네 안 못 더 잘 내 네 제 및",
    "pt": "o a os as um uma de do da em no na ao por para com e ou meu teu seu não muito se me te",
    "ru": "и или в во на с со к ко о об из от до по за не ни очень",
}
_SENTENCE, _CLAUSE = ".!?…。！？", ",;:、，；：—–]］"
_CLOSING, _OPENING = "、。，．・：；？！)）」』】〉》’”…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ", "(（「『【〈《‘“"
_PARTICLES = "はがをに"
# Chinese words that begin a clause, that lean on the word after them, and that lean on the one before.
_CHINESE = ("但是", "可是", "不过", "因为", "所以", "如果", "而且", "或者", "还是", "虽然", "然后", "那么", "为了", "并且", "以及", "要是")
_CHINESE_LEANING = "很不没别把被在从向对给和与跟最更太再又也都就才还只我你他她它这那一每第"
_CHINESE_ENCLITICS = "的了着过吗呢吧啊呀们得地么嘛里上下中"
_CLOSING_MARKS = ".!?…,;:»”)"  # French writes a space before some of them
_SPACE = re.compile(r"[^\S\u00a0\u202f]+")  # every space but those that must not break
_WORDLIKE = regex.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.,'’%-]*)(?!\p{M}|\u200d)|\X")
_CLUSTER = regex.compile(r"\X")  # what a reader takes for one character (UAX 29)
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3]")


@lru_cache(maxsize=1 << 14)
def width(text: str, language: Language) -> float:
    """Return how long a text is, as the language counts it: an emoji or a letter with its accents is one, invisible marks are nothing.

    Where lines are counted in full characters, a half-width one is half.
    """
    rules = RULES[language]
    if text.isascii():
        return len(text) / 2 if rules.full_width else float(len(text))
    return sum(_width(cluster, rules) for cluster in _CLUSTER.findall(text))


def _width(cluster: str, rules: SubtitleRules) -> float:
    visible = sum(unicodedata.category(letter) not in {"Cf", "Cc", "Zl", "Zp"} for letter in cluster)
    if not visible or (not rules.full_width and _EMOJI.search(cluster)):
        return float(bool(visible))
    if rules.full_width:
        return 1.0 if _EMOJI.search(cluster) or unicodedata.east_asian_width(cluster[0]) in "WFA" else 0.5
    return float(visible) if rules.marks_count else 1.0


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
    if _inside(before):
        return 24.0
    if before[-1] in _SENTENCE:
        return -20.0
    if before[-1] in _CLAUSE:
        return -12.0
    if not LANGUAGES[language].spaces:
        return _chinese_cost(before[-1], after) if language == "zh" else _script_cost(before[-1], after[0])
    return _word_cost(before.split()[-1], after.split()[0], language)


def _word_cost(last: str, first: str, language: Language) -> float:
    if last.lower() in _words(_LEANING.get(language, "")):
        return 16.0
    if last.isdigit() or (_is_name(last) and _is_name(first) and language != "de"):  # German writes every noun so
        return 10.0
    return -6.0 if first.lower() in _words(_STARTERS.get(language, "")) else 0.0


def _inside(before: str) -> bool:
    """Return whether a bracket, or a stretch of one direction, is still open: a speaker's label, a quotation in Hebrew."""
    return any(before.count(opened) > before.count(closed) for opened, closed in BRACKETS) or bool(_left_open(before))


def _is_name(word: str) -> bool:
    return len(word) > 1 and word[0].isupper() and word[1:].islower()


def split_at(text: str, place: int) -> tuple[str, str]:
    """Return both sides of a break, without the space between."""
    return text[:place].rstrip(), text[place:].lstrip()


def break_lines(text: str, language: Language, lines: int) -> tuple[str, ...] | None:
    """Return a text in at most `lines` lines that fit the language's length, the best way; None where there is none."""
    limit = RULES[language].line_length
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


# ---------------------------------------------------------------- directions

_CLOSERS = dict.fromkeys("\u2066\u2067\u2068", "\u2069") | dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c")  # UAX 9
_LRM = "\u200e"


def rows_alone(lines: Sequence[str]) -> tuple[str, ...]:
    """Return lines that each stand for itself, as players lay them out: every line is a paragraph of its own direction.

    A stretch of one direction that a break cut in two is closed and opened again. A line of both directions that begins right to left
    gets a left-to-right mark, since all languages of the catalogue are written so; one that is wholly right to left stays.
    """
    rows, opened = [], ""
    for line in lines:
        text, opened = opened + line, _left_open(opened + line)
        rows.append(_directed(text + "".join(_CLOSERS[mark] for mark in reversed(opened))))
    return tuple(rows)


def _left_open(text: str) -> str:
    opened = ""
    for letter in text:
        if letter in _CLOSERS:
            opened += letter
        elif opened and letter == _CLOSERS[opened[-1]]:
            opened = opened[:-1]
    return opened


def _directed(line: str) -> str:
    if line.isascii() or line.startswith(_LRM):
        return line
    strong = [direction for letter in line if (direction := unicodedata.bidirectional(letter)) in {"L", "R", "AL"} and letter != _LRM]
    return _LRM + line if strong and strong[0] != "L" and "L" in strong else line


# ---------------------------------------------------------------- scripts without spaces


def _script_cost(last: str, first: str) -> float:
    """Return the cost between two unspaced letters: Japanese words end in hiragana and begin in kanji or katakana."""
    if not _is_hiragana(last):
        return 8.0 if _is_hiragana(first) else 6.0
    if not _is_hiragana(first):
        return -4.0
    return -1.0 if last in _PARTICLES else 6.0


def _chinese_cost(last: str, after: str) -> float:
    """Return the cost between two Chinese letters; words are not parted in writing, so that only some of them are known."""
    if after.startswith(_CHINESE):
        return -6.0
    return 14.0 if last in _CHINESE_LEANING or after[0] in _CHINESE_ENCLITICS else 6.0


def _is_hiragana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u309f"


@lru_cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
