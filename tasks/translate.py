"""Lines into another language: translation memory first, then the glossary around an engine; every liberty taken is noted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nightdub.tasks.duration import estimate
from nightdub.tasks.glossary import NO_GLOSSARY, Found, Glossary
from nightdub.tasks.memory import NO_MEMORY, Memory, normalise
from nightdub.tasks.protocols import Translated, Translator
from nightdub.tasks.rows import Language, Segment, Translation

MEMORY, GLOSSARY, KEPT = "memory", "glossary", "do-not-translate"  # origins that are no engine

_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")


@dataclass(frozen=True, slots=True)
class Hint:
    """All that delivered material says of one line: its translation, or the terms in it. Part of the line's key."""

    memory: str = ""
    terms: tuple[Found, ...] = ()


def find_hint(text: str, source: Language, target: Language, memory: Memory = NO_MEMORY, glossary: Glossary = NO_GLOSSARY) -> Hint:
    """Return what memory and glossary say of a line, so that an edited table changes only the lines that it speaks of."""
    known = memory.find(text, source, target)
    return Hint(known) if known else Hint(terms=glossary.find(text, source, target))


def translate_lines(
    lines: Sequence[Segment],
    source: Language,
    target: Language,
    translator: Translator,
    *,
    memory: Memory = NO_MEMORY,
    glossary: Glossary = NO_GLOSSARY,
) -> list[Translation]:
    """Return one translation for each line, in order; see `translate_hinted`."""
    hints = [find_hint(line.text, source, target, memory, glossary) for line in lines]
    return translate_hinted(lines, hints, source, target, translator)


def translate_hinted(
    lines: Sequence[Segment], hints: Sequence[Hint], source: Language, target: Language, translator: Translator
) -> list[Translation]:
    """Return one translation for each line, in order: from memory, else as a whole from the glossary, else from the engine.

    A line that nothing could translate has `failed` and no text. Raises: what the engine raises when it cannot work at all.
    """
    ready = [_without_engine(line, hint) for line, hint in zip(lines, hints, strict=True)]
    waiting = [(line, hint) for line, hint, done in zip(lines, hints, ready, strict=True) if done is None]
    made = iter(_by_engine(waiting, source, target, translator))
    return [_timed(done or next(made), line, target) for done, line in zip(ready, lines, strict=True)]


def changed_numbers(source: str, target: str) -> list[str]:
    """Return the numbers written in digits in one of two texts and not in the other, as a note each; separators do not count."""
    before, after = (Counter(re.sub(r"\D", "", number) for number in _NUMBER.findall(text)) for text in (source, target))
    return [f"number-changed:{number}" for number in sorted((before - after) + (after - before))]


def _without_engine(line: Segment, hint: Hint) -> Translation | None:
    if hint.memory:
        return Translation(line.id, hint.memory, MEMORY)
    if len(hint.terms) == 1 and normalise(line.text) == normalise(line.text[hint.terms[0].start : hint.terms[0].end]):
        text = _fill(line.text, hint.terms, [place.term.target for place in hint.terms])
        return Translation(line.id, text, KEPT if hint.terms[0].term.keep else GLOSSARY, notes=("glossary",))
    return None


def _by_engine(
    waiting: Sequence[tuple[Segment, Hint]], source: Language, target: Language, translator: Translator
) -> Iterator[Translation]:
    """Translate with terms protected; where the engine mangled a term's place, translate once more without."""
    if not waiting:
        return
    name = translator.identity().name
    first = translator.translate([_protected(line.text, hint.terms) for line, hint in waiting], source, target)
    unmarked = [_restored(done, hint.terms) for done, (_, hint) in zip(first, waiting, strict=True)]
    plain = [line.text for done, (line, _) in zip(unmarked, waiting, strict=True) if done is None]
    again = iter(translator.translate(plain, source, target) if plain else [])
    for (line, hint), done in zip(waiting, unmarked, strict=True):
        yield _checked(line, name, done or _unapplied(next(again), hint.terms))


def _checked(line: Segment, engine: str, done: Translated) -> Translation:
    text = done.text.strip()
    if done.failed or not normalise(text):
        return Translation(line.id, "", engine, notes=done.notes, failed=done.failed or f"{engine} returned nothing for {line.text!r}")
    return Translation(line.id, text, engine, notes=(*done.notes, *changed_numbers(line.text, text)))


def _timed(done: Translation, line: Segment, target: Language) -> Translation:
    return replace(done, source=line.text, estimate=estimate(done.text, target), slot=line.end - line.start)


# ---------------------------------------------------------------- terms


def _protected(text: str, terms: Sequence[Found]) -> str:
    """Put a word that no dictionary has in each term's place."""
    return _fill(text, terms, [_placeholder(index) for index in range(len(terms))])


def _fill(text: str, terms: Sequence[Found], words: Sequence[str]) -> str:
    for place, word in reversed(list(zip(terms, words, strict=True))):
        text = text[: place.start] + word + text[place.end :]
    return text


def _placeholder(index: int) -> str:
    """Return a name of capital and small letters alone: engines leave such a word as it is, digits they would split."""
    return "Xq" + "".join("bdfghjklmp"[int(digit)] for digit in str(index)) + "v"


def _restored(done: Translated, terms: Sequence[Found]) -> Translated | None:
    """Put the terms back, or return None where one of their places is not there exactly once."""
    text, notes = done.text, done.notes
    for index, place in enumerate(terms):
        word = _placeholder(index)
        if not done.failed and text.count(word) != 1:
            return None
        text = text.replace(word, place.term.target)
        notes = tuple(note for note in notes if note != f"untranslated-word:{word}")
    return Translated(text, (*notes, "glossary") if terms else notes, done.failed)


def _unapplied(done: Translated, terms: Sequence[Found]) -> Translated:
    return replace(done, notes=(*done.notes, *(f"glossary-not-applied:{place.term.source}" for place in terms)))
