"""One finished title-language as the measures see it: the rows of its steps, and the files that they made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from nightdub.tasks.glossary import Glossary
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import (
    Clip,
    Cue,
    Dropped,
    FaceTrack,
    Language,
    MediaFacts,
    Permission,
    Placement,
    ScriptMatch,
    Seconds,
    Segment,
    Shot,
    ShotClip,
    Speaker,
    Translation,
)


@dataclass(frozen=True, slots=True)
class Files:
    """Local files of one dub; sound is WAV at 48 kHz, as the mix works on it."""

    source: Path  # the film as delivered
    film: Path  # the dubbed film as it would go out
    original: Path  # dialogue of the original
    bed: Path  # music and effects
    programme: Path  # the dub's mix, before it was encoded
    dialogue: Path  # the dubbed lines on the programme's time, as they lie in the mix
    subtitles: Mapping[str, Path]  # "srt", "vtt", "ttml" of the dub; "forced.srt" and the like of the other sets
    clips: Mapping[str, Path] = field(default_factory=dict)  # segment -> the line's own sound
    voices: Mapping[str, Path] = field(default_factory=dict)  # speaker -> a clip of that speaker's own voice


@dataclass(frozen=True, slots=True)
class Dub:
    """Everything that is measured of one title-language. `None` and empty mean that the thing was not there to measure."""

    title: str
    source: Language
    target: Language
    files: Files
    segments: Sequence[Segment]
    speakers: Sequence[Speaker]
    dropped: Sequence[Dropped]
    translations: Sequence[Translation]
    clips: Sequence[Clip]
    placements: Sequence[Placement]
    cues: Sequence[Cue]
    shots: Sequence[Shot]
    tracks: Sequence[FaceTrack]
    shot_clips: Sequence[ShotClip]
    source_facts: MediaFacts
    facts: MediaFacts  # of the film as it was packed
    subtitles: SubtitleFigures
    gain: float = 0.0  # dB that the whole mix was raised by
    tails: Mapping[str, Seconds] = field(default_factory=dict)  # segment -> how long its room sounds on after it
    original_channels: int = 2  # of the original's track in the film
    bed_delivered: bool = False  # from delivered stems, not separated
    stem_warnings: Sequence[str] = ()
    refused: Sequence[str] = ()  # engines of the profile that may not be used commercially
    commercial: bool = True  # measures whose licence forbids commercial use are left out
    glossary: Glossary | None = None
    references: Mapping[str, str] = field(default_factory=dict)  # segment -> human translation
    recognised: Sequence[Segment] | None = None  # what a recogniser heard in the original; None = none was asked
    heard: Mapping[str, str] | None = None  # segment -> what a recogniser heard in the dub
    listener: str = ""  # the recogniser that heard the dub
    consents: Sequence[Permission] = ()  # the consent records that the title's characters name, as they stood
    script: ScriptMatch | None = None  # how the delivered script fits the sound; None = none was delivered
    marks: Sequence[Segment] = ()  # text in the picture and sounds that the script marks
    mark_lines: Sequence[Translation] = ()  # the same in the target language
    whole_lines: Sequence[Translation] = ()  # the translation before it was shortened for the voice
    lost: Sequence[str] = ()  # lines that were corrected by a person, and that the script no longer has
    stand_ins: Sequence[str] = ()  # recognisers that stand in for one good enough to judge by

    @property
    def frame_rate(self) -> Fraction:
        """Return the frames a second of the original picture."""
        return Fraction(self.source_facts.frame_rate)

    @property
    def spans(self) -> list[tuple[Seconds, Seconds]]:
        """Return where dubbed lines lie."""
        return [(place.start, place.end) for place in self.placements if place.end > place.start]
