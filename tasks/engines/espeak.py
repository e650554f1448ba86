"""Speak with espeak-ng, through its shared library: sound, and the phonemes in time that mouths are drawn from.

The library keeps state between lines (measured with 1.51: the same line differs in length by up to 9 samples from call to call), and
is not safe among threads. So each line gets a freshly loaded copy, under one lock: about 8 ms a line, and equal bytes for equal lines.
"""

from __future__ import annotations

import _ctypes
import ctypes
import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.protocols import Identity, Request, Sound, Spoken
from nightdub.tasks.rows import Hertz, Language, Speaker, SpokenSound

LIBRARY = "libespeak-ng.so.1"
NORMAL_RATE = 170  # words a minute
SLOWEST, FASTEST = 80, 450  # words a minute that the synthesiser takes as they are (espeak-ng's speak_lib.h)

VOICES: dict[Language, str] = {
    "ca": "ca", "de": "de", "en": "en-us", "es": "es-419", "fr": "fr", "hi": "hi",
    "it": "it", "ja": "ja", "ko": "ko", "pt": "pt-br", "ru": "ru", "zh": "cmn",
}  # fmt: skip

# Median pitch of espeak-ng 1.51's variants: `dio` over one Spanish sentence each.
FEMALE: dict[str, Hertz] = {"f1": 178.0, "f2": 192.0, "f3": 206.0, "f4": 177.0, "f5": 203.0}
MALE: dict[str, Hertz] = {"m1": 93.0, "m2": 99.0, "m3": 104.0, "m4": 92.0, "m5": 101.0, "m6": 100.8, "m7": 105.5}
BETWEEN: Hertz = 137.0  # in the middle, by ratio, of the highest male and the lowest female variant

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_PARAMETER_RATE = 1
_UTF8 = 1
_POSITION_CHARACTER = 1
_LIST_TERMINATED, _PHONEME = 0, 7
_SEED = 1  # of the C library's `rand`, which shapes the breath of some variants

_alone = threading.Lock()


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


# text, size, position, position type, end position, flags, identifier, user data
_SYNTH_ARGUMENTS = (
    ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
)  # fmt: skip
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Mark(NamedTuple):
    """A phoneme's name and the sample that it starts at; pauses have no name."""

    name: str
    sample: int


class Espeak:
    """Speak each line at the asked rate, with a variant near the speaker's own pitch. `normal_rate` is in words a minute."""

    def __init__(self, normal_rate: int = NORMAL_RATE) -> None:
        self.normal_rate = normal_rate
        with _alone, _library() as library:
            library.espeak_Info.restype = ctypes.c_char_p
            self._version = library.espeak_Info(None).decode()

    def identity(self) -> Identity:
        """Return the library's version, and the figures that shape the sound."""
        return Identity("espeak-ng", self._version, settings={"normal_rate": self.normal_rate, "voices": VOICES, "variants": FEMALE | MALE})

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        """Return each line as float32 mono with its phonemes; a line that yields no sound says why in `failed`."""
        return [self._line(request) for request in requests]

    def _line(self, request: Request) -> Spoken:
        try:
            voice = choose_voice(request.language, request.speaker)
        except EngineError as error:
            return Spoken(np.zeros(0, np.float32), 0, failed=str(error))
        speed = min(max(round(self.normal_rate * request.rate), SLOWEST), FASTEST)
        with _alone:
            sound, rate, marks = _synthesise(request.text, voice, speed)
        failed = "" if np.any(sound) else f"no sound for {request.text!r}"
        return Spoken(sound, rate, _in_time(marks, sound.size, rate), failed)


def choose_voice(language: Language, speaker: Speaker | None) -> str:
    """Return the language's voice with a variant: the one that the cast list names, else the speaker's gender's nearest in pitch.

    Raises:
        EngineError: there is no voice for the language, or no variant of the name in the cast list.
    """
    if language not in VOICES:
        raise EngineError(
            f"no voice for language {language!r}", where="engine espeak-ng", allowed=", ".join(VOICES), fix="choose another engine"
        )
    variant = _variant(speaker) if speaker else ""
    return f"{VOICES[language]}+{variant}" if variant else VOICES[language]


def _variant(speaker: Speaker) -> str:
    if speaker.voice and speaker.voice not in FEMALE | MALE:
        raise EngineError(f"no voice {speaker.voice!r}", where=speaker.id, allowed=", ".join(FEMALE | MALE), fix="correct the cast list")
    if speaker.voice or not (speaker.gender or speaker.pitch_median):
        return speaker.voice
    female = speaker.gender == "female" or (speaker.gender != "male" and speaker.pitch_median >= BETWEEN)
    variants = FEMALE if female else MALE
    wanted = speaker.pitch_median or float(np.median(list(variants.values())))
    return min(variants, key=lambda name: abs(np.log(variants[name] / wanted)))


@contextmanager
def _library() -> Iterator[Any]:
    """Load a copy of the library that has never spoken, and unload it.

    Raises:
        MachineLacks: the library is not installed.
        EngineError: something else in this process holds the library, so that its state could not be forgotten.
    """
    if _is_loaded():
        raise EngineError(
            f"{LIBRARY} is already in this process", where="engine espeak-ng", fix="run what else uses it in a process of its own"
        )
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise MachineLacks(str(error), where="engine espeak-ng", fix="apt-get install libespeak-ng1 espeak-ng-data") from error
    try:
        yield library
    finally:
        _ctypes.dlclose(library._handle)


def _is_loaded() -> bool:
    try:
        _ctypes.dlclose(ctypes.CDLL(LIBRARY, mode=os.RTLD_NOLOAD | os.RTLD_NOW)._handle)
    except OSError:
        return False
    return True


def _synthesise(text: str, voice: str, speed: int) -> tuple[Sound, int, list[_Mark]]:
    blocks: list[Sound] = []
    marks: list[_Mark] = []
    receive = _Callback(lambda wave, count, events: _receive(wave, count, events, blocks, marks))
    with _library() as library:
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT)
        if rate <= 0:
            raise MachineLacks("espeak-ng cannot read its voices", where="engine espeak-ng", fix="apt-get install espeak-ng-data")
        try:
            _say(library, receive, text, voice, speed)
        finally:
            library.espeak_Terminate()
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), rate, marks


def _say(library: Any, receive: Any, text: str, voice: str, speed: int) -> None:
    ctypes.CDLL(None).srand(_SEED)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise MachineLacks(f"no voice {voice!r}", where="engine espeak-ng", fix="apt-get install espeak-ng-data")
    library.espeak_SetSynthCallback(receive)
    library.espeak_SetParameter(_PARAMETER_RATE, speed, 0)
    data = text.encode() + b"\0"
    library.espeak_Synth.argtypes = _SYNTH_ARGUMENTS
    if library.espeak_Synth(data, len(data), 0, _POSITION_CHARACTER, 0, _UTF8, None, None) != 0:
        raise EngineError(f"espeak-ng refused {text!r}", where="engine espeak-ng", fix="look at the line")


def _receive(wave: Any, count: int, events: Any, blocks: list[Sound], marks: list[_Mark]) -> int:
    if count > 0 and wave:
        blocks.append(np.ctypeslib.as_array(wave, (count,)).astype(np.float32) / np.float32(32768))
    for index in itertools.count():
        event = events[index]
        if event.type == _LIST_TERMINATED:
            break
        if event.type == _PHONEME:
            marks.append(_Mark(event.id.string.decode(errors="ignore"), event.sample))
    return 0


def _in_time(marks: Sequence[_Mark], samples: int, rate: int) -> tuple[SpokenSound, ...]:
    """Return the phonemes with their times; each ends where the next one starts."""
    ends = [mark.sample for mark in marks[1:]] + [samples]
    return tuple(
        SpokenSound(mark.name, mark.sample / rate, end / rate)
        for mark, end in zip(marks, ends, strict=True)
        if mark.name and end > mark.sample
    )
