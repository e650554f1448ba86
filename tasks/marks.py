"""What a script marks that nobody speaks, text in the picture and sounds, in another language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nightdub.tasks.formats.line import ON_SCREEN, SOUND
from nightdub.tasks.protocols import Translator
from nightdub.tasks.rows import Language, Segment, Translation
from nightdub.tasks.sound_events import known_sound
from nightdub.tasks.subtitle_rules import RULES
from nightdub.tasks.translate import Hint, translate_hinted

HOUSE = "house"  # origin: our table of common sounds
_NOTE = "♪"
_AROUND = re.compile(r"[\[\]［］【】()（）*♪♫♬]+")


def plain_text(mark: Segment) -> str:
    """Return a mark's text to translate: a sound is freed of the brackets, stars and notes around it."""
    if mark.kind != SOUND:
        return mark.text
    return ", ".join(part for found in _AROUND.split(mark.text) if (part := found.strip()))


def translate_marks(
    marks: Sequence[Segment], hints: Sequence[Hint], source: Language, target: Language, translator: Translator
) -> list[Translation]:
    """Return each mark as it is shown in the target language: in a person's words, the table's of sounds, else the engine's.

    Text that stands in capitals in the picture stays so and is given no full stop; a sound gets the brackets of the language, or notes
    where it is sung. What could not be translated has `failed` and no text.
    """
    ready = [_without_words(mark, hint, source, target) for mark, hint in zip(marks, hints, strict=True)]
    left = [index for index, done in enumerate(ready) if done is None]
    plain = [replace(marks[index], text=plain_text(marks[index])) for index in left]
    made = iter(translate_hinted(plain, [hints[index] for index in left], source, target, translator))
    rows = [done or next(made) for done in ready]
    return [replace(row, source=mark.text, text=_shown(row.text, mark, target)) for row, mark in zip(rows, marks, strict=True)]


def _without_words(mark: Segment, hint: Hint, source: Language, target: Language) -> Translation | None:
    """Return what needs no translator: a common sound, unless a person says it otherwise, and music without words."""
    text = plain_text(mark)
    if mark.kind != SOUND or hint.person or hint.memory.text:
        return None
    if not text:
        return Translation(mark.id, _NOTE, HOUSE)
    known = known_sound(text, source, target)
    return Translation(mark.id, known, HOUSE) if known else None


def _shown(text: str, mark: Segment, target: Language) -> str:
    if not text or text == _NOTE:
        return text
    if text.count(".") == 1 and not mark.text.rstrip().endswith((".", "…")):
        text = text.removesuffix(".")  # engines end a sentence that nobody began
    if mark.kind == ON_SCREEN:
        return text.upper() if mark.text.isupper() else text
    if any(note in mark.text for note in "♪♫♬"):
        return f"{_NOTE} {text} {_NOTE}"
    return text.join(RULES[target].sound)
