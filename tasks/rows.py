"""The rows that travel between steps: frozen values with units as types, one JSON line each.

Times are seconds from the start of the programme unless a field says otherwise. Ids derive from the parent's id and an index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

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
    fields: str = ""  # order of an interlaced picture's fields as ffprobe names it, as "tt"; empty = whole frames
    kept_frames: int = 0  # of a dub: frames whose packets are the source's own
    not_kept: str = ""  # of a dub: why no packet of the source could be kept


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
    position: str = ""  # "top" where the script has it in the upper half of the picture


@dataclass(frozen=True, slots=True)
class Dropped:
    """A line that cleaning took out, and why: a row of the account's excused lines."""

    id: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class MatchedLine:
    """What became of one line of a delivered script; every line has one row."""

    segment: str
    verdict: str  # "aligned", "no-speech", "not-in-sound", "past-the-end"; "unmatched" where the script as a whole does not fit the sound
    delivered: Seconds  # start in the script
    moved: Seconds = 0.0  # by how much it was moved


@dataclass(frozen=True, slots=True)
class MatchedStretch:
    """Lines of a script that were moved alike: sound time = rate x script time + offset."""

    first: str  # line
    last: str
    offset: Seconds


@dataclass(frozen=True, slots=True)
class Unscripted:
    """A stretch of speech that no line of the script covers."""

    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class ScriptMatch:
    """How a delivered script fits the sound: one row for a title."""

    rate: float  # sound time / script time
    trusted: bool  # False: the script does not fit; its times stand as they were delivered
    fit: float  # share of the evidence that a perfect script would have, by voice activity
    listener: str = ""  # the recogniser whose words were compared; empty = none
    stretches: tuple[MatchedStretch, ...] = ()
    lines: tuple[MatchedLine, ...] = ()
    unscripted: tuple[Unscripted, ...] = ()
    speech: Seconds = 0.0  # speech in the programme, by voice activity


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
class Room:
    """How sound dies away."""

    decay: Seconds  # in which it falls by 60 dB
    level: Decibel  # energy of the reverberation against the direct sound's


@dataclass(frozen=True, slots=True)
class Acoustics:
    """Where and how one line of the original sounds (see `tasks.acoustics`); the dub is laid the same way."""

    segment: str
    level: Decibel = 0.0  # RMS of what is heard of it, dBFS; 0 = not known
    contour: tuple[Decibel, ...] = ()  # level of each of its parts in time against its own
    shares: tuple[float, ...] = ()  # of its power in each channel of the source; empty = centre
    decays: tuple[Room, ...] = ()  # ends of speech that were followed down into silence
    room: Room | None = None  # of its scene; None = dry, or not sure


@dataclass(frozen=True, slots=True)
class Speaker:
    """One voice of a title, summed over its segments."""

    id: str
    segments: tuple[str, ...]
    pitch_median: Hertz = 0.0
    pitch_low: Hertz = 0.0
    pitch_high: Hertz = 0.0
    formants: tuple[Hertz, ...] = ()
    voice: str = ""  # from the cast list; after casting, of the voice book before that
    gender: str = ""
    consent: str = ""  # id of the record that the cast list names; after casting, of the one that allows cloning: empty = none does
    named: bool = False  # by the script or the cast list; False = told apart by sound, and the name means nothing in another title
    refused: str = ""  # why the voice may not be cloned, after casting
    reference: str = ""  # digest of a clip of the speaker's own voice
    model: str = ""  # digest of the character's voice conversion model; where an engine is asked, its local file
    model_index: str = ""  # the same of the model's retrieval index
    notes: tuple[str, ...] = ()  # where cast list and voice book disagree


@dataclass(frozen=True, slots=True)
class VoiceClip:
    """The clip that shows a speaker's own voice best."""

    speaker: str
    sound: str = ""  # digest of the WAV; empty = no line of the speaker will do
    start: Seconds = 0.0
    end: Seconds = 0.0
    score: float = 0.0  # 0 to 1 (`tasks.voice_clips`)


@dataclass(frozen=True, slots=True)
class BookVoice:
    """What the voice book holds of a character: `VoiceEntry` of the ledger without who settled it."""

    character: str
    language: Language = "*"  # "*" = every language; "" = as first heard
    voice: str = ""
    gender: str = ""
    reference: str = ""
    acoustics: dict[str, Any] = field(default_factory=dict)  # pitch and formants, as `Speaker` names them
    model: str = ""
    model_index: str = ""
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """A consent record as it stands for one title-language at one moment."""

    id: str
    speaker: str = ""  # the person
    refused: str = ""  # "expired", "withdrawn", "other-series", "other-title", "other-language"; empty = it holds


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `first` up to, not including, `last`, without a cut between them."""

    id: str
    first: int
    last: int
    entry: str = ""  # how it begins: "dissolve" or "fade" (the cut lies in the middle of it); empty = a hard cut, or a part of a long shot


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face in one frame, in pixels of the source picture."""

    frame: int
    x: int
    y: int
    width: int
    height: int
    turn: float = 0.0  # 0 = frontal, 1 = profile: how far the tip of the nose has gone from the middle of the face's outline to its edge


@dataclass(frozen=True, slots=True)
class FaceSpan:
    """Frames `first` up to, not including, `last`, in which one face of a shot speaks."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """Who speaks in one shot: boxes at key frames of the face that does, or the reason why no mouth will be moved.

    Where people take turns each has a span; the boxes in a span, and two at its ends, are that person's.
    """

    shot: str
    boxes: tuple[FaceBox, ...] = ()
    skipped: str = ""  # "no-speech", "no-face", "too-small", "profile", "occluded", "unsteady", "off-screen"
    spans: tuple[FaceSpan, ...] = ()  # in order; empty = one face, the whole shot


# ---------------------------------------------------------------- generation


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


@dataclass(frozen=True, slots=True)
class ShotClip:
    """One row of a picture manifest: the encoded frames of one shot."""

    shot: str
    first: int
    last: int
    picture: str = ""  # digest of the encoded shot; empty = the source's own packets, for the reason in `skipped`
    frames: int = 0
    key: str = ""
    moved: int = 0  # frames in which a mouth was redrawn
    skipped: str = ""  # why the original frames stand: "no-face", "no-speech", ...
    failed: str = ""


@dataclass(frozen=True, slots=True)
class PicturePiece:
    """Frames `first` up to, not including, `last` of a dub's picture."""

    first: int
    last: int
    shot: str = ""  # the shot that they belong to; empty where they may be of several
    picture: str = ""  # digest of the encoded frames
    kept: bool = False  # they are the source's own packets
    within: int = 0  # frames of the piece that lie before `first`


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
