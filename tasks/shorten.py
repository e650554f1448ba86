"""The same line in fewer words, by rule: for a line that does not fit, where nobody has written a shorter one.

Each variant goes on where the last one stopped, from phrases and contractions to courtesies (`shorten_rules.KINDS`). None loses a
number, a name, a negation or a term of the glossary: a rule that would is not applied to that line. The tables are data by language; a
language without one has no variants.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nightdub.tasks.duration import PACES, estimate
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language
from nightdub.tasks.shorten_rules import KINDS, NEGATIONS, PARENTHESES, REPEAT, RULES, START, Rule

GAIN = 0.03  # share of the length that a variant must save over the one before it

_EVERYWHERE = (
    Rule(REPEAT, r"\b(\w{2,})(?:, \1\b)+", r"\1"),  # without a comma it is grammar: "had had", "nous nous"
    Rule(PARENTHESES, r"\s*[(（][^()（）]*[)）]"),
    Rule(PARENTHESES, r"\s+[–—] [^–—.!?]+ [–—](?=\s)"),
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TIDY = ((r"\s{2,}", " "), (r"\s+([,.;:!?…])(?<! [!?…])", r"\1"), (r"^[,;:、，\s]+", ""), (r",(\s*[.!?…])", r"\1"), (r",\s*,", ","))


@dataclass(frozen=True, slots=True)
class Shorter:
    """A variant of a line, with the kinds of rules that made it."""

    text: str
    rules: tuple[str, ...]


def shorten(text: str, language: Language, keep: Sequence[str] = ()) -> list[Shorter]:
    """Return shorter variants of a line, each shorter than the one before, the mildest first; none where no rule applies.

    Args:
        text: The line.
        language: Its language.
        keep: Terms that stay as they are.
    """
    if language not in RULES or language not in PACES:
        return []
    found: list[Shorter] = []
    current, used, length = text, tuple[str, ...](), estimate(text, language)
    for kind in KINDS:
        made = _apply(current, _rules(language, kind), language, keep)
        if made == current:
            continue
        current, used = made, (*used, kind)
        if (shorter := estimate(current, language)) <= (1 - GAIN) * length:
            found.append(Shorter(current, used))
            length = shorter
    return found


@lru_cache(maxsize=256)
def _rules(language: Language, kind: str) -> tuple[tuple[re.Pattern[str], Rule], ...]:
    everywhere = _EVERYWHERE if LANGUAGES[language].spaces else _EVERYWHERE[1:2]
    return tuple((re.compile(rule.pattern, re.IGNORECASE), rule) for rule in (*RULES[language], *everywhere) if rule.kind == kind)


def _apply(text: str, rules: Sequence[tuple[re.Pattern[str], Rule]], language: Language, keep: Sequence[str]) -> str:
    for pattern, rule in rules:
        if rule.careful and re.search(NEGATIONS[language], text, re.IGNORECASE):
            continue
        made = _tidied(pattern.sub(rule.replacement, text), text)
        if made != text and _says_the_same(text, made, language, keep, names=rule.kind == PARENTHESES):
            text = made
    return text


def _says_the_same(before: str, after: str, language: Language, keep: Sequence[str], *, names: bool) -> bool:
    """Return whether numbers, negations and terms are all still there, and with `names` every capitalised word within a sentence."""
    if not any(letter.isalnum() for letter in after):
        return False
    held = [_NUMBER, re.compile(NEGATIONS[language], re.IGNORECASE)]
    counts = all(len(pattern.findall(before)) == len(pattern.findall(after)) for pattern in held)
    terms = all(before.casefold().count(term.casefold()) == after.casefold().count(term.casefold()) for term in keep if term)
    return counts and terms and not (names and Counter(_names(before)) - Counter(_names(after)))


def _names(text: str) -> Iterator[str]:
    return (match[0] for match in re.finditer(r"(?<=[^\W\d] |[,;(] )[A-ZÀ-ÞА-Я]\w+|(?<=\()[A-ZÀ-ÞА-Я]\w+", text))


def _tidied(text: str, before: str) -> str:
    """Return text without the commas and spaces that were left over, its sentences with capitals where they had them."""
    for pattern, replacement in _TIDY:
        text = re.sub(pattern, replacement, text)
    text = text.strip()
    first = next((letter for letter in before if letter.isalpha()), "")
    return re.sub(rf"{START}[^\W\d_]", lambda match: match[0].upper(), text) if first.isupper() else text
