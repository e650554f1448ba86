"""Speak with espeak-ng: sound, and the phonemes in time that mouths are drawn from.

The library is not safe among threads and keeps state between lines, so it runs in a process of its own (`host/espeak_host.py`), in
which each line is spoken by a fresh copy: about 10 ms a line, and equal bytes for equal lines.
"""

from __future__ import annotations

import base64
import sys
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.host_process import HostProcess
from nightdub.tasks.protocols import Identity, Request, Spoken
from nightdub.tasks.rows import Hertz, Language, Speaker, SpokenSound

HOST = Path(__file__).parent / "host" / "espeak_host.py"
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


class Espeak:
    """Speak each line at the asked rate, with a variant near the speaker's own pitch. `normal_rate` is in words a minute."""

    def __init__(self, normal_rate: int = NORMAL_RATE) -> None:
        self.normal_rate = normal_rate
        self._host: HostProcess | None = None
        self._version = ""

    def identity(self) -> Identity:
        """Return the library's version, and the figures that shape the sound. Raises: MachineLacks."""
        self._running()
        return Identity("espeak-ng", self._version, settings={"normal_rate": self.normal_rate, "voices": VOICES, "variants": FEMALE | MALE})

    def speak(self, requests: Sequence[Request]) -> list[Spoken]:
        """Return each line as float32 mono with its phonemes; a line that yields no sound says why in `failed`.

        Raises:
            MachineLacks: the library is not installed.
            EngineCrashed: the host process died; the next call starts a new one.
        """
        return [self._line(request) for request in requests]

    def close(self) -> None:
        """End the host process."""
        if self._host:
            self._host.close()
            self._host = None

    def _line(self, request: Request) -> Spoken:
        try:
            voice = choose_voice(request.language, request.speaker)
        except EngineError as error:
            return Spoken(np.zeros(0, np.float32), 0, failed=str(error))
        speed = min(max(round(self.normal_rate * request.rate), SLOWEST), FASTEST)
        spoken = _spoken(self._running().ask({"text": request.text, "voice": voice, "speed": speed}), request.text)
        return replace(spoken, voice=voice)

    def _running(self) -> HostProcess:
        if self._host is None or self._host.ended:
            self.close()
            host = self._host = HostProcess([sys.executable, "-I", str(HOST)], "engine espeak-ng", {})
            weakref.finalize(self, host.close)
            answer = host.answer()
            if "version" not in answer:
                self.close()
                raise MachineLacks(str(answer.get("why")), where="engine espeak-ng", fix="apt-get install libespeak-ng1 espeak-ng-data")
            self._version = answer["version"]
        return self._host


def _spoken(answer: dict[str, Any], text: str) -> Spoken:
    if "why" in answer:
        return Spoken(np.zeros(0, np.float32), 0, failed=str(answer["why"]))
    sound = np.frombuffer(base64.b64decode(answer["sound"]), "<i2").astype(np.float32) / np.float32(32768)
    return Spoken(
        sound, answer["rate"], _in_time(answer["marks"], sound.size, answer["rate"]), "" if np.any(sound) else f"no sound for {text!r}"
    )


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


def _in_time(marks: Sequence[tuple[str, int]], samples: int, rate: int) -> tuple[SpokenSound, ...]:
    """Return the phonemes with their times; each ends where the next one starts, and pauses have no name."""
    ends = [start for _, start in marks[1:]] + [samples]
    return tuple(
        SpokenSound(name, start / rate, end / rate) for (name, start), end in zip(marks, ends, strict=True) if name and end > start
    )
