"""English words that are said one way and written another: numbers, money, contractions, titles, British spellings.

Which texts count as the same follows the published cases of openai-whisper's English normaliser; the rules are our own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
          "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_ONES = {name: value for value, name in enumerate(_UNITS[:9], 1)}
_TEENS = {name: value for value, name in enumerate(_UNITS[9:], 10)}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SMALL = _ONES | _TEENS | _TENS
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15}
_ZEROS = frozenset({"zero", "oh", "o"})
_TIMES = {"double": 2, "triple": 3}
_HALF = ("and", "a", "half")
_SIGNS = {"minus": "minus", "negative": "minus", "plus": "plus", "positive": "plus"}
_ORDINALS = {"first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight", "ninth": "nine", "twelfth": "twelve"}
_ENDED = {
    **{
        word: (base, "st" if base == "one" else "nd" if base == "two" else "rd" if base == "three" else "th")
        for word, base in _ORDINALS.items()
    },
    **{name + "th": (name, "th") for name in (*_ONES, *_TEENS, "hundred", *_SCALES)},
    **{name[:-1] + "ieth": (name, "th") for name in _TENS},
    **{name[:-1] + "ies": (name, "s") for name in _TENS},
    **{name + "s": (name, "s") for name in ("hundred", *_SCALES)},
}  # word -> the number in it and what it ends in
_ENDINGS = frozenset({"st", "nd", "rd", "th"})
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_MONEY = {"dollar": "dollars", "euro": "euros", "pound": "pounds", "cent": "cents"}

_WHOLE = {
    "won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not", "let's": "let us", "ain't": "aint",
    "y'all": "you all", "wanna": "want to", "gotta": "got to", "gonna": "going to", "ma'am": "madam", "okay": "ok",
    "mr": "mister", "mrs": "missus", "dr": "doctor", "prof": "professor", "capt": "captain", "lt": "lieutenant", "jr": "junior",
    "sr": "senior", "assoc": "associate", "asst": "assistant", "hon": "honorable", "rev": "reverend", "sen": "senator", "gov": "governor",
}  # fmt: skip
_SHORT = {"n't": "not", "'re": "are", "'ll": "will", "'ve": "have", "'m": "am", "'d": "would"}
_PER_CENT = re.compile(r"\bper cent\b")
_IS = frozenset({"he", "she", "it", "that", "this", "there", "here", "what", "who", "where", "when", "how", "everything", "everybody"})
_IS_OR_HAS = "'s"
_DONE = (["been"], ["gone"], ["got"])  # after one of `_IS`, 's before these is "has"
_BRITISH = {
    "centre": "center", "theatre": "theater", "metre": "meter", "metres": "meters", "litre": "liter", "litres": "liters", "fibre": "fiber",
    "grey": "gray", "defence": "defense", "offence": "offense", "licence": "license", "travelled": "traveled", "travelling": "traveling",
    "cancelled": "canceled", "cancelling": "canceling", "cancelation": "cancellation", "programme": "program", "programmes": "programs",
    "tyre": "tire", "tyres": "tires", "pyjamas": "pajamas", "aluminium": "aluminum", "catalogue": "catalog", "dialogue": "dialog",
    "jewellery": "jewelry", "mum": "mom", "mould": "mold", "sceptical": "skeptical", "fulfil": "fulfill", "enrol": "enroll",
}  # fmt: skip
_OUR = re.compile(
    r"^((?:dis|un)?(?:arm|behavi|cand|clam|col|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|parl|rum|sav|splend|val))our"
)
_ISE = re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|es|er|ers|ing|ation|ations)$)")  # "promise" too: on both sides alike


def spoken_form(words: Sequence[str]) -> list[str]:
    """Return lower-case words with contractions and titles written out, in American spelling, with numbers in digits."""
    plain: list[str] = []
    for place, word in enumerate(words):
        parts = _written_out(word)
        if parts[-1] == _IS_OR_HAS:
            parts = (parts[0], "has" if words[place + 1 : place + 2] in _DONE else "is")
        plain += parts
    if "cent" in plain:
        plain = _PER_CENT.sub("percent", " ".join(plain)).split()
    if _NUMBERS.isdisjoint(plain) and not any(word[0].isdigit() for word in plain):
        return plain
    return _money(_numbers(plain))


@lru_cache(maxsize=1 << 16)
def _written_out(word: str) -> tuple[str, ...]:
    """Return what one word is written out as; "'s" that is no possessive stays for the words around it to tell."""
    if word in _WHOLE:
        return tuple(_WHOLE[word].split())
    if "'" in word:
        cut = -3 if word.endswith("n't") else word.rindex("'")
        if word[cut:] in _SHORT and word[:cut]:
            return (*_written_out(word[:cut]), _SHORT[word[cut:]])
        if word[cut:] == _IS_OR_HAS and word[:cut] in _IS:
            return (word[:cut], _IS_OR_HAS)
    if "our" in word:
        word = _OUR.sub(r"\1or", word)
    return (_ISE.sub("iz", word) if "is" in word else _BRITISH.get(word, word),)


# ---------------------------------------------------------------- numbers


@dataclass(slots=True)
class _Reader:
    """Words, and how far they were read; `ending` is what the last number word ended in, as "th"."""

    words: Sequence[str]
    at: int = 0
    ending: str = ""

    def peek(self, ahead: int = 0) -> str:
        """Return a coming word without its ending, "" past the last."""
        word = self.words[self.at + ahead] if self.at + ahead < len(self.words) else ""
        return _ENDED[word][0] if word in _ENDED else word

    def take(self) -> str:
        word = self.words[self.at]
        self.at += 1
        base, self.ending = _ENDED.get(word, (word, ""))
        return base


def _numbers(words: Sequence[str]) -> list[str]:
    reader, out = _Reader(words), []
    while reader.at < len(words):
        if reader.peek() in _SIGNS and (reader.peek(1) in _NUMBERS or reader.peek(1)[:1].isdigit()):
            out.append(_SIGNS[reader.take()])
        out.append(_number(reader) or words[reader.at - 1])
    return out


def _number(reader: _Reader) -> str:
    """Read a number phrase and return it in digits; where none begins here, read one word and return ""."""
    reader.ending = ""
    if _DIGITS.fullmatch(reader.peek()):
        digits = reader.take()
        return _cardinal(reader, digits) + (reader.take() if reader.peek() in _ENDINGS else "")
    parts: list[str] = []
    while not reader.ending and (part := _part(reader, begun=bool(parts))):
        parts.append(part)
        if _multiplied(reader):
            break
    if not parts and reader.peek() not in _SCALES and reader.peek() != "hundred":
        reader.take()
        return ""
    if parts and (reader.ending or not _multiplied(reader)):
        return "".join(parts) + reader.ending
    before = "".join(parts[:-1])
    number = _cardinal(reader, parts[-1] if parts else "1")
    return f"{before} {number}" if before else number


def _part(reader: _Reader, *, begun: bool) -> str:
    """Read what is said in one breath: a number below a hundred, a nought, a doubled digit; "" where there is none."""
    word, following = reader.peek(), reader.peek(1)
    if word in _TIMES and (following in _ZEROS or following in _ONES):
        reader.take()
        return str(_ONES.get(reader.take(), 0)) * _TIMES[word]
    if word == "zero" or (word in _ZEROS and begun and (following in _SMALL or following in _ZEROS)):
        reader.take()
        return "0"
    return str(_below_hundred(reader)) if word in _SMALL else ""


def _below_hundred(reader: _Reader) -> int:
    value = _SMALL[reader.take()]
    if value >= 20 and not reader.ending and reader.peek() in _ONES:
        value += _ONES[reader.take()]
    return value


def _multiplied(reader: _Reader) -> bool:
    """Return whether "hundred", "thousand", "point" or "and a half" comes next."""
    coming = (reader.peek(), reader.peek(1), reader.peek(2))
    return coming[0] == "hundred" or coming[0] in _SCALES or coming == _HALF or (coming[0] == "point" and _is_fraction(coming[1]))


def _is_fraction(word: str) -> bool:
    return word.isdigit() or word in _SMALL or word in _ZEROS


def _cardinal(reader: _Reader, head: str) -> str:
    """Read on after a number: multipliers, a fraction, and what is added after a multiplier. Returns the whole in digits."""
    total, current, start, added = Decimal(0), Decimal(head), reader.at, False
    while not reader.ending:
        word = reader.peek()
        if added and word == "and" and reader.peek(1) in _SMALL:
            reader.take()
        elif added and word in _SMALL:
            current, added = current + _below_hundred(reader), False
        elif not _multiplied(reader):
            break
        elif word == "and":
            reader.at += len(_HALF)
            current += Decimal("0.5")
        elif word == "point":
            reader.take()
            current += Decimal("0." + _fraction(reader))
        else:
            factor = _SCALES.get(reader.take(), 100)
            total, current = (total, current * 100) if factor == 100 else (total + max(current, Decimal(1)) * factor, Decimal(0))
            added = True
    if reader.at == start:
        return head
    value = total + current
    return f"{value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize():f}{reader.ending}"


def _fraction(reader: _Reader) -> str:
    if reader.peek().isdigit():
        return reader.take()
    digits = ""
    while part := _part(reader, begun=True):
        digits += part
    return digits


def _money(words: Sequence[str]) -> list[str]:
    """Write amounts one way: "2.70 dollars" as "2 dollars and 70 cents", "1 dollar" as "1 dollars"."""
    out: list[str] = []
    for word in words:
        unit = _MONEY.get(word, word)
        if unit not in _MONEY.values() or not out or not _DIGITS.fullmatch(out[-1]):
            out.append(word)
            continue
        whole, _, part = out.pop().partition(".")
        if len(part) != 2 or unit == "cents":
            out += [f"{whole}.{part}" if part else whole, unit]
        else:
            out += [*([whole, unit, "and"] if int(whole) else []), str(int(part)), "cents"]
    return out


_NUMBERS = frozenset(_SMALL.keys() | _SCALES.keys() | _ENDED.keys() | _TIMES.keys() | {"zero", "hundred"})
