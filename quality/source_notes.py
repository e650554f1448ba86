"""What a translated line does not carry over from its source, as notes on the line; the gate counts the same in `fidelity`."""

from __future__ import annotations

from collections.abc import Sequence

from nightdub.quality.metrics.fidelity import is_untranslated
from nightdub.quality.metrics.names import lost_names
from nightdub.quality.metrics.numbers import lost_numbers
from nightdub.quality.metrics.units import changed_units
from nightdub.tasks.glossary import Found
from nightdub.tasks.rows import Language, Translation

UNTRANSLATED, NUMBER, UNIT, NAME = "untranslated-line", "number-changed", "unit-changed", "name-lost"


def source_notes(line: Translation, terms: Sequence[Found], source: Language, target: Language) -> tuple[str, ...]:
    """Return a note for each number, unit and name that a line lost or changed, and one where it stands in the source language.

    A failed line has none. `terms` are the glossary's in the source line: what stays by agreement is no loss.
    """
    if line.failed or not line.source.strip() or not line.text.strip():
        return ()
    kept = [place for place in terms if place.term.keep]
    found = [(NUMBER, value) for value in lost_numbers(line.source, line.text, source, target)]
    found += [(UNIT, unit) for unit in changed_units(line.source, line.text, source, target)]
    found += [(NAME, name) for name in lost_names(line.source, line.text, source, target)]
    notes = [f"{kind}:{value}" for kind, value in found]
    return tuple(notes + ([UNTRANSLATED] if is_untranslated(line, kept, source, target) else []))
