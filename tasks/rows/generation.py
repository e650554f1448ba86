"""What a dub is made of: texts, sounds, places, cues."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows.units import Seconds


@dataclass(frozen=True, slots=True)
class Translation:
    """One line in the target language, with where it came from."""

    segment: str
    text: str
    origin: str  # "person", "memory", "memory-fuzzy", "glossary", "do-not-translate", or the engine's name
    source: str = ""  # the source line
    estimate: Seconds = 0.0  # spoken length expected at the voice's normal rate
    slot: Seconds = 0.0  # time the original line takes
    notes: tuple[str, ...] = ()  # "glossary", "glossary-not-applied:...", "untranslated-word:...", "number-changed:..."
    failed: str = ""  # cause: the line has no text in this language
    variants: tuple[str, ...] = ()  # other acceptable texts, for a line that has to be shorter
    rate: float = 1.0  # speaking rate to ask an engine for, 1 = its normal rate
    score: float = 0.0  # likeness of the memory's source line, 0 to 1; 1 = the same


@dataclass(frozen=True, slots=True)
class SpokenSound:
    """A word or mouth shape in time, relative to the start of the clip."""

    shape: str  # an IPA-like phoneme as the engine names it
    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence inside a line: where it begins, from the start of the clip, and how long it is."""

    at: Seconds
    length: Seconds


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of a segment manifest: the sound of one line, or why there is none."""

    segment: str
    key: str = ""  # of the item that made it
    sound: str = ""  # digest of the WAV
    duration: Seconds = 0.0
    engine: str = ""
    rate: float = 1.0  # speaking rate asked of the engine, 1 = its normal rate
    sounds: tuple[SpokenSound, ...] = ()
    text: str = ""  # what was spoken
    pauses: tuple[Pause, ...] = ()  # silences inside the sound
    voice: str = ""  # the engine's name of the voice that spoke
    cloned: str = ""  # digest of the clip or model of a person's voice that it was made with; empty = a neutral voice
    consent: str = ""  # id of the record that allowed it
    neutral: str = ""  # why a neutral voice speaks: "no-consent", "expired", ..., "no-clip", "NAME does not clone"
    tail: Seconds = 0.0  # of `duration` comes this much more: the room that it was laid into
    skipped: str = ""  # reason code: excused
    failed: str = ""  # cause: counts against the title
    locked: bool = False  # a person settled the line: it is taken over as it was
    tried: tuple[str, ...] = ()  # engines that were asked before, each with what was wrong: "name: cause"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one line lies in the dub, and every millisecond that was bent to lay it there."""

    segment: str
    start: Seconds
    end: Seconds
    slot_start: Seconds
    slot_end: Seconds
    stretch: float = 1.0  # spoken length / played length; above 1 = played faster
    borrowed_before: Seconds = 0.0  # silence used before the slot
    borrowed_after: Seconds = 0.0
    cut: Seconds = 0.0  # speech lost at the end
    overlap: Seconds = 0.0  # with the line before
    held: str = ""  # why a person must look at it
    pauses: tuple[Pause, ...] = ()  # silence put into the line, `at` in the sound as spoken, before it is stretched


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle on screen, lines already broken."""

    index: int
    start: Seconds
    end: Seconds
    lines: tuple[str, ...]
    segments: tuple[str, ...] = ()
    speaker: str = ""  # where the reader is told who speaks
    kind: str = ""  # as a segment's
    position: str = ""  # "top" where the bottom of the picture is taken; empty = bottom
