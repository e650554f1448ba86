"""What is said of each line, and how fast: the whole title is planned on estimates before anything is spoken, and again on real lengths.

A line that fits keeps its text. One that does not takes, of its shorter texts (the memory's and the engine's in their order of length,
then those by rule), the one that costs the title least; then the engine is asked for the rate that the plan leaves it. What a person
wrote is never reworded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nightdub.tasks.duration import SpokenPace, estimate, learn_pace
from nightdub.tasks.plan_dp import TOLERANCE
from nightdub.tasks.profile import FitFigures
from nightdub.tasks.rows import Clip, Language, Placement, Segment, Translation
from nightdub.tasks.shorten import GAIN, shorten
from nightdub.tasks.surroundings import Surroundings
from nightdub.tasks.timing import SLOWEST, Choice, choose, plan
from nightdub.tasks.translate import PERSON

OTHER_WORDS, FEWER_WORDS = 0.15, 0.5  # price of another text than the first, and of each share of the length that it saves
AGAIN = 0.02  # price of having the same words spoken faster
RATE_STEP = 0.05  # rates are rounded up to it: a line beside an edited one is hardly ever asked for another rate
TOO_FAST = 1e-3  # of a stretch


@dataclass(frozen=True, slots=True)
class Wording:
    """One text of a line, with notes on where it is from."""

    text: str
    notes: tuple[str, ...] = ()


def wordings(line: Translation, language: Language, keep: Sequence[str] = ()) -> list[Wording]:
    """Return the texts that a line may be said with: its own, then shorter ones, each shorter than the one before."""
    own = Wording(line.text)
    if line.origin == PERSON:
        return [own]
    given = [Wording(text, ("other-wording",)) for text in line.variants]
    ruled = [Wording(made.text, (f"shortened:{'+'.join(made.rules)}",)) for made in shorten(line.text, language, keep)]
    found, length = [own], estimate(line.text, language)
    for wording in sorted((*given, *ruled), key=lambda wording: -estimate(wording.text, language)):
        if 0 < (shorter := estimate(wording.text, language)) <= (1 - GAIN) * length:
            found.append(wording)
            length = shorter
    return found


def choose_wordings(
    segments: Sequence[Segment],
    lines: Sequence[Translation],
    language: Language,
    figures: FitFigures,
    around: Surroundings,
    terms: Mapping[str, Sequence[str]],
    pinned: Mapping[str, Placement] | None = None,
) -> list[Translation]:
    """Return the lines with the text that is to be spoken and the rate to ask for, planned on estimates.

    Args:
        segments: The dialogue in the order of its starts.
        lines: Its translations; one that failed stays as it is.
        language: Their language.
        figures: Limits; without `shorten` every line keeps its text.
        around: The programme around the lines.
        terms: Segment -> terms that its text has to keep.
        pinned: Segment -> where a person has put it: its text stays.
    """
    fixed = pinned or {}
    texts = {line.segment: _texts(line, language, figures, terms, fixed) for line in lines if line.text and not line.failed}
    choices = {name: [_unspoken(text, own[0], language, figures) for text in own] for name, own in texts.items()}
    planned = {placement.segment: (placement, option) for placement, option in choose(segments, choices, figures, around, pinned=fixed)}
    return [_planned(line, texts, planned, language, figures) for line in lines]


def reconsider(
    segments: Sequence[Segment],
    lines: Sequence[Translation],
    clips: Sequence[Clip],
    language: Language,
    figures: FitFigures,
    around: Surroundings,
    terms: Mapping[str, Sequence[str]],
    pinned: Mapping[str, Placement] | None = None,
) -> list[Translation]:
    """Return the lines that are to be spoken again, faster or with fewer words: those that do not fit now that their length is known.

    Neighbours may make room for them. A voice's pace is what it showed in this title. Arguments as `choose_wordings`; `clips` are the
    lines as they were spoken.
    """
    fixed, spoken = pinned or {}, {clip.segment: clip for clip in clips if clip.sound}
    told = {line.segment: line for line in lines if line.segment in spoken}
    pace = learn_pace((clip.engine, clip.voice, told[name].estimate, clip.duration * clip.rate) for name, clip in spoken.items())
    asked = _tight(segments, spoken, figures, around, fixed) - set(fixed)
    texts = {name: _texts(told[name], language, figures, terms, fixed) for name in asked}
    choices = {name: _spoken(clip, texts.get(name, ()), language, figures, pace) for name, clip in spoken.items()}
    return [
        _worded(told[placement.segment], texts[placement.segment][option - 1], placement, language, figures)
        for placement, option in choose(segments, choices, figures, around, pinned=fixed)
        if option
    ]


def _texts(
    line: Translation, language: Language, figures: FitFigures, terms: Mapping[str, Sequence[str]], fixed: Mapping[str, Placement]
) -> list[Wording]:
    if figures.shorten and line.segment not in fixed:
        return wordings(line, language, terms.get(line.segment, ()))
    return [Wording(line.text)]


def _tight(
    segments: Sequence[Segment], spoken: Mapping[str, Clip], figures: FitFigures, around: Surroundings, fixed: Mapping[str, Placement]
) -> set[str]:
    """Return the lines that need a hard stretch or lie further than a tenth of their slot outside it, and their neighbours."""
    placements = plan(segments, {name: clip.duration for name, clip in spoken.items()}, figures, around, pinned=fixed)
    fast = figures.stretch_normal + TOO_FAST
    tight = [index for index, place in enumerate(placements) if place.held or place.stretch > fast or not _within(place)]
    return {placements[near].segment for index in tight for near in (index - 1, index, index + 1) if 0 <= near < len(placements)}


def _within(place: Placement) -> bool:
    room = TOLERANCE * (place.slot_end - place.slot_start)
    return place.borrowed_before <= room and place.borrowed_after <= room


def _unspoken(wording: Wording, own: Wording, language: Language, figures: FitFigures, factor: float = 1.0, price: float = 0.0) -> Choice:
    """Return a text as it would be spoken: any rate may still be asked for, and what it does not reach is stretched."""
    length = estimate(wording.text, language)
    saved = 1 - length / max(estimate(own.text, language), 1e-9)
    other = OTHER_WORDS + FEWER_WORDS * saved if wording.text != own.text else 0.0
    return Choice(
        length * factor,
        price + other,
        slowest=figures.rate_slowest,
        normal=figures.rate_fastest,
        hard=figures.rate_fastest * figures.stretch_normal,
    )


def _spoken(clip: Clip, texts: Sequence[Wording], language: Language, figures: FitFigures, pace: SpokenPace) -> list[Choice]:
    """Return a line as it was spoken, then what else could be asked for, all by their length at the engine's normal rate."""
    normal, rate, factor = clip.duration * clip.rate, clip.rate, pace.factor(clip.engine, clip.voice)
    as_is = Choice(normal, slowest=SLOWEST * rate, normal=figures.stretch_normal * rate, hard=figures.stretch_hard * rate)
    fastest = max(rate, figures.rate_fastest)
    faster = Choice(normal, AGAIN, slowest=rate, normal=fastest, hard=fastest * figures.stretch_normal)
    others = [_unspoken(wording, texts[0], language, figures, factor, AGAIN) for wording in texts[1:]]
    return [as_is, faster, *others] if texts else [as_is]


def _planned(
    line: Translation,
    texts: Mapping[str, Sequence[Wording]],
    planned: Mapping[str, tuple[Placement, int]],
    language: Language,
    figures: FitFigures,
) -> Translation:
    if line.segment not in planned:
        return line
    placement, option = planned[line.segment]
    return _worded(line, texts[line.segment][option], placement, language, figures)


def _worded(line: Translation, wording: Wording, placement: Placement, language: Language, figures: FitFigures) -> Translation:
    """Return a line with its text, and with the rate at which it fills the time that is planned for it."""
    steps = math.ceil(placement.stretch / RATE_STEP - TOO_FAST) * RATE_STEP
    rate = round(min(max(steps, figures.rate_slowest), figures.rate_fastest), 2)
    notes = (*line.notes, *wording.notes)
    return replace(line, text=wording.text, notes=notes, rate=rate, estimate=estimate(wording.text, language))
