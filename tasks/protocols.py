"""What each verb expects of an engine: at most five methods, one result per input, in order.

Sound is float32 mono in [-1, 1], shape (samples,), unless said otherwise. An engine that cannot serve one input returns a result
that says so (`failed`), and never shortens the list; it raises only when it cannot work at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nightdub.tasks.rows import FaceBox, FaceTrack, Language, Seconds, Speaker, SpokenSound, Word

Sound = npt.NDArray[np.float32]
Frames = npt.NDArray[np.uint8]  # (frames, height, width, 3), BGR


@dataclass(frozen=True, slots=True)
class Identity:
    """All that makes an engine's output what it is; part of every key.

    `weights` is the digest of the model file or the model's revision; empty where the engine has none.
    """

    name: str
    version: str
    weights: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """What every engine has."""

    def identity(self) -> Identity:
        """Return name, version, weights and settings, without loading weights."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser or aligner found in one clip; word times are relative to the clip's start."""

    text: str
    words: tuple[Word, ...] = ()
    failed: str = ""
    score: float | None = None  # of an alignment: mean log likelihood of a frame against the model's best sound; None = the engine has none


@dataclass(frozen=True, slots=True)
class LineContext:
    """What surrounds a line, for translators that read it (`EngineSpec.reads_context`)."""

    before: tuple[str, ...] = ()  # lines of the same scene, as "speaker: text" where the speaker is known
    after: tuple[str, ...] = ()
    speaker: str = ""
    notes: str = ""  # of the dialogue list
    slot: Seconds = 0.0  # time that the line may take
    letters: int = 0  # that are spoken in this time at a normal rate; 0 = unknown
    terms: tuple[tuple[str, str], ...] = ()  # as the line has them, with what stands for each


@dataclass(frozen=True, slots=True)
class Translated:
    text: str
    notes: tuple[str, ...] = ()
    failed: str = ""
    variants: tuple[str, ...] = ()  # other acceptable texts, each shorter than the one before


@dataclass(frozen=True, slots=True)
class Request:
    """One line to be spoken."""

    text: str
    language: Language
    rate: float = 1.0  # 1 = the engine's normal rate, 1.2 = a fifth faster
    speaker: Speaker | None = None  # pitch and formants of the original voice, for the choice of a voice
    reference: Sound | None = None  # a clip of the voice to speak with, at `reference_rate`
    reference_rate: int = 0


@dataclass(frozen=True, slots=True)
class Spoken:
    sound: Sound
    sample_rate: int
    sounds: tuple[SpokenSound, ...] = ()  # phonemes in time where the engine knows them
    failed: str = ""
    voice: str = ""  # the engine's name of the voice
    cloned: bool = False  # True: in the voice of the request's reference clip


@dataclass(frozen=True, slots=True)
class Converted:
    sound: Sound
    failed: str = ""
    cloned: bool = False  # True: in the voice that the speaker's own model was made from


@dataclass(frozen=True, slots=True)
class Animated:
    frames: Frames
    moved: int  # frames that were redrawn
    skipped: str = ""


class VoiceActivityDetector(Engine, Protocol):
    def speech(self, sound: Sound) -> list[tuple[Seconds, Seconds]]:
        """Return start and end of each stretch of speech in 16 kHz sound, ordered, none empty."""
        ...


class Recogniser(Engine, Protocol):
    def recognise(self, clips: Sequence[Sound], language: Language) -> list[Heard]:
        """Return the words of each 16 kHz clip."""
        ...


class Aligner(Engine, Protocol):
    def align(self, clips: Sequence[Sound], texts: Sequence[str], language: Language) -> list[Heard]:
        """Return the given words with their times in each 16 kHz clip."""
        ...


class Separator(Engine, Protocol):
    def separate(self, mix: npt.NDArray[np.float32], sample_rate: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Split a mix of shape (channels, samples) into dialogue and music-and-effects of the same shape."""
        ...


class Translator(Engine, Protocol):
    def translate(self, lines: Sequence[str], source: Language, target: Language, contexts: Sequence[LineContext] = ()) -> list[Translated]:
        """Return each line in the target language; `contexts` is empty, or has one for each line."""
        ...


class Synthesiser(Engine, Protocol):
    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        """Return the sound of each line."""
        ...


class VoiceConverter(Engine, Protocol):
    def convert(self, clips: Sequence[Sound], sample_rate: int, speakers: Sequence[Speaker]) -> list[Converted]:
        """Move each clip towards its speaker's voice; sample rate and number of samples stay."""
        ...


class FaceDetector(Engine, Protocol):
    def faces(self, frames: Frames, first: int) -> list[FaceBox]:
        """Return the faces found in these frames, numbered from `first`."""
        ...


class LipSync(Engine, Protocol):
    def animate(
        self, frames: Frames, frame_rate: float, face: FaceTrack, speech: Sound, sample_rate: int, sounds: Sequence[SpokenSound]
    ) -> Animated:
        """Redraw the mouth of one shot; `speech` and `sounds` start with the shot; as many frames come back as went in."""
        ...
