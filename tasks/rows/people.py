"""Who speaks: cast, voices, and what may be done with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightdub.tasks.rows.units import Hertz, Language, Seconds


@dataclass(frozen=True, slots=True)
class CastMember:
    """One character: the utterances it speaks are found by `speaker` in the script or by voice."""

    speaker: str
    voice: str = ""  # a synthesiser's voice or variant; empty = chosen by the speaker's pitch
    gender: str = ""  # "female", "male" or unknown
    consent: str = ""  # id of the record that allows cloning this voice; empty = none


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
    acoustics: dict[str, Hertz | list[Hertz]] = field(default_factory=dict)  # pitch and formants, as `Speaker` names them
    model: str = ""
    model_index: str = ""
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """A consent record as it stands for one title-language at one moment."""

    id: str
    speaker: str = ""  # the person
    refused: str = ""  # "expired", "withdrawn", "other-series", "other-title", "other-language"; empty = it holds
