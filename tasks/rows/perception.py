"""What is heard of the original: lines, words, sounds."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows.units import Decibel, Hertz, Seconds


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
