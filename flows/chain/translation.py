"""Translation: every line with what people say of it, and with its scene where the translator reads that. Once for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nightdub.flows.chain.parts import cause_of, made_rows, param, param_of, plain
from nightdub.infra.build import Inputs, Step
from nightdub.infra.ledger import ApprovedLine, Correction
from nightdub.infra.work import Bench, Done, Item, Result
from nightdub.quality.source_notes import source_notes
from nightdub.tasks.engines import find_engine
from nightdub.tasks.glossary import NO_GLOSSARY, keeps_term, read_glossary
from nightdub.tasks.memory import Memory, read_memory
from nightdub.tasks.profile import TranslationFigures
from nightdub.tasks.protocols import LineContext
from nightdub.tasks.rows import Language, Segment, Translation, write_rows
from nightdub.tasks.scenes import line_contexts
from nightdub.tasks.translate import Delivered, Hint, find_hint, translate_hinted


def _split(inputs: Inputs) -> list[Item]:
    """One item a line, with what people say of it: an edited table changes only the lines that it speaks of.

    Only where an engine of the chain reads them do the lines around it go with it, so that an edited neighbour is no new line for others.
    """
    source, target = inputs.params["source"], inputs.params["target"]
    figures, delivered = param(inputs, "translation", TranslationFigures), people_say(inputs)
    lines = inputs.rows("cast.segments", Segment)
    contexts = line_contexts(lines, target, figures) if inputs.params["reads_context"] else {}
    return [
        Item(
            line.id,
            {
                "text": line.text,
                "slot": round(line.end - line.start, 3),
                "hint": plain(find_hint(line, source, target, delivered)),
                "context": plain(contexts.get(line.id)),
            },
            cost=0.3,
        )
        for line in lines
    ]


def people_say(inputs: Inputs) -> Delivered:
    """Return what people say of this title-language: approved lines count before the memory that came with the title."""
    approved = inputs.rows("in.approved", ApprovedLine) if inputs.has("in.approved") else []
    memory = Memory([{row.source_language: row.source, row.target_language: row.target} for row in approved])
    if inputs.has("in.memory"):
        memory = memory.joined(read_memory(inputs.path("in.memory")))
    return Delivered(
        memory,
        read_glossary(inputs.path("in.glossary")) if inputs.has("in.glossary") else NO_GLOSSARY,
        {row.segment: row.text for row in inputs.rows("cast.corrections", Correction)},
        param(inputs, "translation", TranslationFigures).nearly,
    )


def _translate(items: Sequence[Item], bench: Bench) -> list[Done]:
    source, target = bench.params["source"], bench.params["target"]
    lines = [Segment(item.id, 0.0, item.payload["slot"], item.payload["text"]) for item in items]
    hints = [param_of(item, "hint", Hint) for item in items]
    reads = bench.params["reads_context"] and find_engine("translate", bench.engine_name).reads_context
    contexts = [param_of(item, "context", LineContext) for item in items] if reads else ()
    made = translate_hinted(lines, hints, source, target, bench.engine, contexts)
    made = [_checked(line, hint, source, target) for line, hint in zip(made, hints, strict=True)]
    return [Done(row=plain(replace(line, segment="")), failed=line.failed) for line in made]


def _checked(line: Translation, hint: Hint, source: Language, target: Language) -> Translation:
    """Return a line with what it does not carry over from its source, and without the variants that carry over less than it does."""

    def lost(text: str) -> set[str]:
        terms = {place.term.source for place in hint.terms if not keeps_term(text, place.term, target)}
        return terms | set(source_notes(replace(line, text=text), hint.terms, source, target))

    variants = tuple(text for text in line.variants if lost(text) <= lost(line.text))
    return replace(line, variants=variants, notes=(*line.notes, *source_notes(line, hint.terms, source, target)))


def join_lines(_inputs: Inputs, results: Sequence[Result], folder: Path) -> dict[str, Path]:
    """One row for each text; one that could not be translated has its cause."""
    lines = [
        replace(row or Translation("", "", result.engine, failed=cause_of(result)), segment=result.id)
        for row, result in zip(made_rows(results, Translation), results, strict=True)
    ]
    return {"lines": write_rows(folder / "translations.jsonl", lines)}


TRANSLATE = Step(
    "translate",
    2,
    "language",
    ("cast.segments", "in.memory?", "in.glossary?", "in.approved?", "cast.corrections"),
    _split,
    _translate,
    join_lines,
    "translate",
    ("source", "target", "translation", "reads_context"),
)
