"""What each language asks of its subtitles, as data: room in a line, reading speeds, dashes, labels and brackets.

Source: Netflix timed text style guides, general requirements and the guide of each language; docs/subtitles.md says which page has what.
Catalan has no guide of its own and takes the Spanish one's figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nightdub.tasks.rows import Language

Pair = tuple[str, str]
SQUARE, WIDE_SQUARE, ROUND, WIDE_ROUND = ("[", "]"), ("［", "］"), ("(", ")"), ("（", "）")
BRACKETS: tuple[Pair, ...] = (SQUARE, WIDE_SQUARE, ROUND, WIDE_ROUND)


@dataclass(frozen=True, slots=True)
class SubtitleRules:
    """The rules of one language. Speeds are characters a second, for adults and for children."""

    line_length: int = 42  # characters
    speed: tuple[float, float] = (17.0, 13.0)
    sdh_speed: tuple[float, float] = (20.0, 17.0)  # subtitles for the deaf and hard of hearing
    full_width: bool = False  # counted in full characters, a half-width one as half
    marks_count: bool = False  # a vowel sign counts as a character, as in the figures of the guide
    chains: bool = True  # a small gap between two cues is closed
    dash: str = "-"  # before each of two speakers in one cue
    label: Pair = SQUARE  # around a speaker's name
    sound: Pair = SQUARE  # around a sound


RULES: dict[Language, SubtitleRules] = {
    "ca": SubtitleRules(dash="- "),
    "de": SubtitleRules(),
    "en": SubtitleRules(speed=(20.0, 17.0)),
    "es": SubtitleRules(dash="- "),
    "fr": SubtitleRules(dash="- "),
    "hi": SubtitleRules(speed=(22.0, 18.0), sdh_speed=(25.0, 20.0), marks_count=True),
    "it": SubtitleRules(dash="- "),
    "ja": SubtitleRules(13, (4.0, 4.0), (7.0, 7.0), full_width=True, chains=False, label=WIDE_ROUND, sound=WIDE_SQUARE),
    "ko": SubtitleRules(16, (12.0, 9.0), (14.0, 11.0), full_width=True, dash="- ", label=ROUND),
    "pt": SubtitleRules(),
    "ru": SubtitleRules(39, dash="- "),
    "zh": SubtitleRules(16, (9.0, 7.0), (11.0, 9.0), full_width=True),
}

# Who speaks where the script names nobody.
VOICES: Mapping[Language, Mapping[str, str]] = {
    "ca": {"female": "dona", "male": "home", "": "veu"},
    "de": {"female": "Frau", "male": "Mann", "": "Stimme"},
    "en": {"female": "woman", "male": "man", "": "voice"},
    "es": {"female": "mujer", "male": "hombre", "": "voz"},
    "fr": {"female": "femme", "male": "homme", "": "voix"},
    "hi": {"female": "महिला", "male": "पुरुष", "": "आवाज़"},
    "it": {"female": "donna", "male": "uomo", "": "voce"},
    "ja": {"female": "女性", "male": "男性", "": "声"},
    "ko": {"female": "여자", "male": "남자", "": "목소리"},
    "pt": {"female": "mulher", "male": "homem", "": "voz"},
    "ru": {"female": "женщина", "male": "мужчина", "": "голос"},
    "zh": {"female": "女人", "male": "男人", "": "声音"},
}


def reading_speed(language: Language, audience: str, *, sdh: bool = False) -> float:
    """Return the characters a second that an audience reads: "adults" or "children"."""
    rules = RULES[language]
    return (rules.sdh_speed if sdh else rules.speed)[audience == "children"]
