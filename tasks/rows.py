"""The rows that travel between steps: frozen values with units as types, one JSON line each.

Times are seconds from the start of the programme unless a field says otherwise. Ids derive from the parent's id and an index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

Seconds = float  # from the programme's start where a moment is meant
Hertz = float
Decibel = float
Language = str  # a key of `tasks.languages.LANGUAGES`: "en", "es", ...

Row = TypeVar("Row")


def write_rows(path: Path, rows: Iterable[object]) -> Path:
    """Write rows as JSON lines with sorted names, so that equal rows are equal bytes."""
    with path.open("wb") as stream:
        for row in rows:
            stream.write(msgspec.json.encode(row, order="sorted") + b"\n")
    return path


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Read JSON lines into rows of one type. Raises: msgspec.ValidationError where a line does not fit."""
    return msgspec.json.Decoder(kind).decode_lines(path.read_bytes())


# ---------------------------------------------------------------- catalogue


@dataclass(frozen=True, slots=True)
class CastMember:
    """One character: the utterances it speaks are found by `speaker` in the script or by voice."""

    speaker: str
    voice: str = ""  # a synthesiser's voice or variant; empty = chosen by the speaker's pitch
    gender: str = ""  # "female", "male" or unknown
    consent: str = ""  # id of the record that allows cloning this voice; empty = none


@dataclass(frozen=True, slots=True)
class Title:
    """One row of the catalogue. Paths are absolute; an empty one was not delivered."""

    id: str
    source: str
    language: Language
    targets: tuple[Language, ...]
    script: str = ""
    memory: str = ""  # translation memory
    glossary: str = ""
    references: str = ""  # human translations that the dub is measured against, never used to make it
    cast: str = ""
    music_and_effects: str = ""
    dialogue: str = ""  # delivered dialogue stem
    series: str = ""  # titles of one series share their characters' voices
    episode: str = ""  # within the series, as "s01e02"
    profile: str = "preview"
    priority: int = 0  # higher first
    row: int = 0  # line of the catalogue file, for messages


# ---------------------------------------------------------------- perception


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What was probed and believed of one media file."""

    container: str
    duration: Seconds
    size: int  # bytes
    video_codec: str = ""
    width: int = 0
    height: int = 0
    frame_rate: str = ""  # exact, as "25/1" or "30000/1001"
    frames: int = 0
    audio_codec: str = ""
    sample_rate: int = 0
    channels: int = 0
    audio_duration: Seconds = 0.0
    pixel_aspect: str = ""  # width:height of one pixel; empty = square


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech found by voice activity; never of zero length."""

    id: str
    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: Seconds
    end: Seconds
    estimated: bool = False  # True: spread over the line by length, not found in the sound


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of dialogue, the unit of parallel work."""

    id: str
    start: Seconds
    end: Seconds
    text: str
    speaker: str = ""
    words: tuple[Word, ...] = ()
    origin: str = ""  # "script" or "recognised"
    engine: str = ""  # what found the words in the sound; empty = script times taken as they are
    kind: str = ""  # empty = dialogue; "on-screen" = text seen in the picture; "sound" = described for the deaf. Only dialogue is spoken
    notes: str = ""  # of the dialogue list, for translators and directors


@dataclass(frozen=True, slots=True)
class Dropped:
    """A line that cleaning took out, and why: a row of the account's excused lines."""

    id: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Features:
    """Acoustic description of one segment (see `tasks.features` for definitions)."""

    segment: str
    pitch_median: Hertz = 0.0  # 0 = no voiced frame
    pitch_low: Hertz = 0.0  # 10th percentile of voiced frames
    pitch_high: Hertz = 0.0  # 90th percentile
    voiced_share: float = 0.0
    mfcc: tuple[float, ...] = ()  # means of 13 coefficients
    mfcc_deviation: tuple[float, ...] = ()
    formants: tuple[Hertz, ...] = ()  # medians of the first four
    wavelet_energy: tuple[float, ...] = ()  # db4, level 3: shares of A3, D3, D2, D1
    level: Decibel = 0.0  # RMS, dBFS


@dataclass(frozen=True, slots=True)
class Speaker:
    """One voice of a title, summed over its segments."""

    id: str
    segments: tuple[str, ...]
    pitch_median: Hertz = 0.0
    pitch_low: Hertz = 0.0
    pitch_high: Hertz = 0.0
    formants: tuple[Hertz, ...] = ()
    voice: str = ""  # from the cast list
    gender: str = ""
    consent: str = ""  # from the cast list; without it no engine is given a clip of the voice


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `first` up to, not including, `last`, without a cut between them."""

    id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face in one frame, in pixels of the source picture."""

    frame: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """The faces of one shot: boxes at key frames, or the reason why no mouth will be moved."""

    shot: str
    boxes: tuple[FaceBox, ...] = ()
    skipped: str = ""  # "no-face", "too-small", "unsteady"


# ---------------------------------------------------------------- generation


@dataclass(frozen=True, slots=True)
class Translation:
    """One line in the target language, with where it came from."""

    segment: str
    text: str
    origin: str  # "memory", "glossary", "do-not-translate", or the engine's name
    source: str = ""  # the source line
    estimate: Seconds = 0.0  # spoken length expected at the voice's normal rate
    slot: Seconds = 0.0  # time the original line takes
    notes: tuple[str, ...] = ()  # "glossary", "glossary-not-applied:...", "untranslated-word:...", "number-changed:..."
    failed: str = ""  # cause: the line has no text in this language
    variants: tuple[str, ...] = ()  # other acceptable texts, for a line that has to be shorter
    score: float = 0.0  # likeness of the memory's source line, 0 to 1; 1 = the same


@dataclass(frozen=True, slots=True)
class SpokenSound:
    """A word or mouth shape in time, relative to the start of the clip."""

    shape: str  # an IPA-like phoneme as the engine names it
    start: Seconds
    end: Seconds


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
    voice: str = ""  # the engine's name of the voice that spoke
    skipped: str = ""  # reason code: excused
    failed: str = ""  # cause: counts against the title
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


@dataclass(frozen=True, slots=True)
class ShotClip:
    """One row of a picture manifest: the encoded frames of one shot."""

    shot: str
    first: int
    last: int
    picture: str = ""  # digest of the encoded shot
    frames: int = 0
    key: str = ""
    moved: int = 0  # frames in which a mouth was redrawn
    skipped: str = ""  # why the original frames stand: "no-face", "no-speech", ...
    failed: str = ""


# ---------------------------------------------------------------- verification


@dataclass(frozen=True, slots=True)
class Worst:
    """A segment that a measurement names as among its worst."""

    segment: str
    value: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured number, or the reason why it was not measured (`value` is None then)."""

    metric: str
    value: float | None
    unit: str = ""
    n: int = 0  # samples behind the value
    engine: str = ""  # name and version of what measured it
    stand_in: bool = False  # measured by something that stands in for the real measure
    not_measured: str = ""
    not_applicable: str = ""  # why there is nothing that could be measured, as far as is known for certain
    worst: tuple[Worst, ...] = ()
    detail: str = ""
    interval: tuple[float, float] | None = None  # 95 % confidence interval of the value; None = a count or a fact, or not estimated
    weights: str = ""  # sha256 of the model file that measured it; empty = no model
    inputs: dict[str, str] = field(default_factory=dict)  # what was measured: name -> digest, filled in by the measuring step


@dataclass(frozen=True, slots=True)
class Account:
    """Segments in = spoken + excused + failed; `balanced` says whether it adds up."""

    segments: int
    spoken: int
    excused: int
    failed: int
    reasons: dict[str, int] = field(default_factory=dict)  # reason or cause -> lines
    double: tuple[str, ...] = ()  # lines with more rows than one, and rows of no known line

    @property
    def balanced(self) -> bool:
        """Return whether every line is accounted for exactly once."""
        return self.segments == self.spoken + self.excused + self.failed and not self.double
