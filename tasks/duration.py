"""How long a line will take to speak, before it is spoken: letters, digits and pauses, at a language's own pace.

The figures are least-squares fits to espeak-ng 1.51 at 170 words a minute over 20 to 40 sentences of dialogue a language. Median
error on sentences that were not in the fit: 2.6 % (es) to 6.8 % (ko), 67 to 196 ms. Letters do better than syllables for most
spellings: es 2.6 % against 7.2 %, pt 3.2 % against 8.6 %, en 5.5 % against 7.2 %, but fr 6.2 % against 5.1 %. Hangul, Hanzi and
kana are syllables, and count as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from nightdub.infra.errors import ConfigError
from nightdub.tasks.rows import Language, Seconds

ENOUGH = 3  # lines from which a pace is learnt (VoiceStudio's figure too)
ROUNDED = 0.02  # step of a learnt factor

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a letter, a pause inside the line, the line's end and a digit take."""

    letter: Seconds
    pause: Seconds
    end: Seconds
    digit: Seconds


PACES: dict[Language, Pace] = {
    "ca": Pace(0.064, 0.25, 0.10, 0.30),
    "de": Pace(0.059, 0.23, 0.11, 0.52),
    "en": Pace(0.060, 0.33, 0.12, 0.35),
    "es": Pace(0.070, 0.31, 0.08, 0.41),
    "fr": Pace(0.050, 0.25, 0.09, 0.22),
    "hi": Pace(0.086, 0.10, 0.13, 0.28),
    "it": Pace(0.062, 0.30, 0.12, 0.37),
    "ja": Pace(0.118, 0.34, 0.00, 0.40),
    "ko": Pace(0.171, 0.32, 0.05, 0.40),
    "pt": Pace(0.068, 0.27, 0.10, 0.42),
    "ru": Pace(0.061, 0.34, 0.05, 0.36),
    "zh": Pace(0.351, 0.29, 0.05, 0.33),
}

_PAUSE = re.compile(r"[,;:.!?…。、，！？।—](?=\s*\w)(?<!\d[.,](?=\d))")
_DIGIT = re.compile(r"\d")
_GLIDES = "ゃゅょャュョ"  # one syllable with the kana before
_VOWEL_SIGNS = "ािीुूृेैोौॉंँ"  # of Devanagari: a syllable of their own, as its letters have


def estimate(text: str, language: Language) -> Seconds:
    """Return the seconds that the line takes at an engine's normal rate; 0 for a line with nothing to say.

    Raises:
        ConfigError: there is no pace for this language.
    """
    if language not in PACES:
        raise ConfigError(
            f"no pace for language {language!r}", where="duration", allowed=", ".join(PACES), fix="add a row to tasks/duration.py"
        )
    pace = PACES[language]
    letters, digits = count_letters(text), len(_DIGIT.findall(text))
    if not letters + digits:
        return 0.0
    return letters * pace.letter + digits * pace.digit + len(_PAUSE.findall(text)) * pace.pause + pace.end


@dataclass(frozen=True, slots=True)
class SpokenPace:
    """How much longer voices really take than `estimate` says, as factors; learnt from the lines of one title."""

    voices: Mapping[tuple[str, str], float]  # engine and voice -> factor
    engines: Mapping[str, float]

    def factor(self, engine: str, voice: str) -> float:
        """Return a voice's factor: its engine's where too few of its own lines are known, 1 where too few of any are."""
        return self.voices.get((engine, voice), self.engines.get(engine, 1.0))


def learn_pace(lines: Iterable[tuple[str, str, Seconds, Seconds]]) -> SpokenPace:
    """Return the pace of voices from lines that were spoken: engine, voice, estimate, and length at the engine's normal rate.

    Medians over `ENOUGH` lines or more, rounded to 0.02: a line that is spoken anew moves the others' estimates as little as it can.
    """
    ratios: dict[tuple[str, str], list[float]] = {}
    for engine, voice, expected, length in lines:
        if expected > 0 and length > 0:
            ratios.setdefault((engine, voice), []).append(length / expected)
    engines: dict[str, list[float]] = {}
    for (engine, _), found in ratios.items():
        engines.setdefault(engine, []).extend(found)
    return SpokenPace(_medians(ratios), _medians(engines))


def _medians(ratios: Mapping[Key, Sequence[float]]) -> dict[Key, float]:
    return {key: round(median(found) / ROUNDED) * ROUNDED for key, found in ratios.items() if len(found) >= ENOUGH}


def letters_within(time: Seconds, language: Language) -> int:
    """Return how many letters an engine says in this time at its normal rate; 0 where there is no pace for the language."""
    pace = PACES.get(language)
    return max(0, round((time - pace.end) / pace.letter)) if pace else 0


def count_letters(text: str) -> int:
    """Return how many letters of `text` are sounded apart: kana glides and vowel killers are not, long-vowel marks and vowel signs are."""
    return sum(_sounded(character) for character in unicodedata.normalize("NFC", text))


def _sounded(character: str) -> bool:
    if character in _GLIDES:
        return False
    return unicodedata.category(character).startswith("L") or character in _VOWEL_SIGNS
