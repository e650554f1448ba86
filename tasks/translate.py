"""Lines into another language: what a person or the memory says first, then the glossary around an engine; all taken from is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nightdub.tasks.duration import estimate
from nightdub.tasks.glossary import NO_GLOSSARY, Found, Glossary, keeps_term
from nightdub.tasks.memory import NO_MEMORY, Match, Memory, normalise
from nightdub.tasks.protocols import LineContext, Translated, Translator
from nightdub.tasks.rows import Language, Segment, Translation

PERSON, MEMORY, NEARLY, GLOSSARY, KEPT = "person", "memory", "memory-fuzzy", "glossary", "do-not-translate"  # origins that are no engine
BY_PEOPLE = (PERSON, MEMORY, GLOSSARY, KEPT)  # origins of a line that a person wrote for this very text


@dataclass(frozen=True, slots=True)
class Hint:
    """All that people say of one line: its text, its translation in the memory, the terms in it. Part of the line's key."""

    person: str = ""
    memory: Match = field(default_factory=lambda: Match(""))
    terms: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """What people delivered for one title-language."""

    memory: Memory = NO_MEMORY
    glossary: Glossary = NO_GLOSSARY
    texts: Mapping[str, str] = field(default_factory=dict)  # segment -> text that a person wrote for it
    nearly: float = 1.0  # likeness from which a similar line of the memory is taken


def find_hint(line: Segment, source: Language, target: Language, delivered: Delivered) -> Hint:
    """Return what people say of a line, so that an edited table changes only the lines that it speaks of.

    A similar line of the memory is left out where it breaks a term of the glossary.
    """
    terms = delivered.glossary.find(line.text, source, target)
    if person := delivered.texts.get(line.id, ""):
        return Hint(person, terms=terms)
    known = delivered.memory.search(line.text, source, target, delivered.nearly)
    if known is None or (known.score < 1 and not all(keeps_term(known.text, place.term, target) for place in terms)):
        return Hint(terms=terms)
    return Hint(memory=known if known.score < 1 else replace(known, source=""), terms=terms)


def translate_lines(
    lines: Sequence[Segment], source: Language, target: Language, translator: Translator, delivered: Delivered | None = None
) -> list[Translation]:
    """Return one translation for each line, in order; see `translate_hinted`."""
    hints = [find_hint(line, source, target, delivered or Delivered()) for line in lines]
    return translate_hinted(lines, hints, source, target, translator)


def translate_hinted(
    lines: Sequence[Segment],
    hints: Sequence[Hint],
    source: Language,
    target: Language,
    translator: Translator,
    contexts: Sequence[LineContext] = (),
) -> list[Translation]:
    """Return one translation for each line, in order: a person's, the memory's, the glossary's, else the engine's.

    Args:
        lines: The lines; only text and time are read.
        hints: What people say of each.
        source: Language of the lines.
        target: Language of the translations.
        translator: Asked for what people say nothing of.
        contexts: One for each line, where the translator reads them; such a translator is told the terms, instead of having them protected.

    A line that nothing could translate has `failed` and no text. Raises: what the engine raises when it cannot work at all.
    """
    ready = [_without_engine(line, hint) for line, hint in zip(lines, hints, strict=True)]
    waiting = [index for index, done in enumerate(ready) if done is None]
    asked = [(lines[index], hints[index]) for index in waiting]
    if contexts:
        made = iter(_in_context(asked, [contexts[index] for index in waiting], source, target, translator))
    else:
        made = iter(_by_engine(asked, source, target, translator))
    return [_noted(done or next(made), line, hint, target) for done, line, hint in zip(ready, lines, hints, strict=True)]


def _without_engine(line: Segment, hint: Hint) -> Translation | None:
    if hint.person:
        return Translation(line.id, hint.person, PERSON)
    if (known := hint.memory).text:
        notes = (f"memory-line:{known.source}",) if known.score < 1 else ()
        return Translation(line.id, known.text, MEMORY if known.score == 1 else NEARLY, notes=notes, score=known.score)
    if len(hint.terms) == 1 and normalise(line.text) == normalise(line.text[hint.terms[0].start : hint.terms[0].end]):
        text = _fill(line.text, hint.terms, [place.term.target for place in hint.terms])
        keep = hint.terms[0].term.keep
        return Translation(line.id, text if keep else _with_capital(text, line.text), KEPT if keep else GLOSSARY)
    return None


def _noted(done: Translation, line: Segment, hint: Hint, target: Language) -> Translation:
    """Return the line with its source, its times, and a note on the glossary where it speaks of the line."""
    missed = [place.term.source for place in hint.terms if not keeps_term(done.text, place.term, target)]
    notes = [f"glossary-not-applied:{term}" for term in missed] or (["glossary"] if hint.terms else [])
    return replace(
        done,
        source=line.text,
        estimate=estimate(done.text, target),
        slot=line.end - line.start,
        notes=done.notes if done.failed else (*done.notes, *dict.fromkeys(notes)),
    )


# ---------------------------------------------------------------- engines

Asked = Sequence[tuple[Segment, Hint]]


def _by_engine(asked: Asked, source: Language, target: Language, translator: Translator) -> Iterator[Translation]:
    """Translate with terms protected that stand as the glossary has them, the others by the engine's own words.

    Where the engine mangled a term's place, translate once more without.
    """
    if not asked:
        return
    terms = [_protectable(line, hint.terms) for line, hint in asked]
    first = translator.translate([_protected(line.text, found) for (line, _), found in zip(asked, terms, strict=True)], source, target)
    restored = [_restored(done, found, line) for done, (line, _), found in zip(first, asked, terms, strict=True)]
    plain = [line.text for done, (line, _) in zip(restored, asked, strict=True) if done is None]
    again = iter(translator.translate(plain, source, target) if plain else [])
    for (line, _), done in zip(asked, restored, strict=True):
        yield _row(line, translator, done or next(again))


def _in_context(
    asked: Asked, contexts: Sequence[LineContext], source: Language, target: Language, translator: Translator
) -> Iterator[Translation]:
    if not asked:
        return
    told = [
        replace(context, terms=tuple((line.text[place.start : place.end], place.term.target) for place in hint.terms))
        for context, (line, hint) in zip(contexts, asked, strict=True)
    ]
    made = translator.translate([line.text for line, _ in asked], source, target, told)
    for (line, _), done in zip(asked, made, strict=True):
        yield _row(line, translator, done)


def _row(line: Segment, translator: Translator, done: Translated) -> Translation:
    text, engine = done.text.strip(), translator.identity().name
    if done.failed or not normalise(text):
        return Translation(line.id, "", engine, notes=done.notes, failed=done.failed or f"{engine} returned nothing for {line.text!r}")
    return Translation(line.id, text, engine, notes=done.notes, variants=done.variants)


# ---------------------------------------------------------------- terms


def _protectable(line: Segment, terms: Sequence[Found]) -> list[Found]:
    """Return the terms that stay, and those in the form that the glossary has: what stands for it would not fit another one."""
    return [place for place in terms if place.term.keep or normalise(line.text[place.start : place.end]) == normalise(place.term.source)]


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


def _restored(done: Translated, terms: Sequence[Found], line: Segment) -> Translated | None:
    """Put the terms back, or return None where one of their places is not there exactly once; a variant without one is none."""
    text = done.text if done.failed else _put_back(done.text, terms, line)
    if text is None:
        return None
    variants = [made for variant in done.variants if (made := _put_back(variant, terms, line)) is not None]
    words = {f"untranslated-word:{_placeholder(index)}" for index in range(len(terms))}
    return replace(done, text=text, notes=tuple(note for note in done.notes if note not in words), variants=tuple(variants))


def _put_back(text: str, terms: Sequence[Found], line: Segment) -> str | None:
    for index, place in enumerate(terms):
        if text.count(word := _placeholder(index)) != 1:
            return None
        text = text.replace(word, place.term.target)
    kept_first = any(place.term.keep and text.startswith(place.term.target) for place in terms)
    return text if kept_first or not terms else _with_capital(text, line.text)


def _with_capital(text: str, source: str) -> str:
    """Return a text that begins with a capital where its source does: a term of the glossary may stand first now."""
    return text[:1].upper() + text[1:] if source[:1].isupper() else text
