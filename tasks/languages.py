"""The languages that the catalogue may name, with what the field calls them."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows import Language


@dataclass(frozen=True, slots=True)
class LanguageFacts:
    """Names and figures of one language.

    `iso639_2` is the three-letter code of MP4 and Matroska tracks. `line_length` is characters a subtitle line, `reading_speed`
    characters a second for adults (Netflix timed text style guides). `spaces` is False where words are not spaced.
    """

    name: str
    iso639_2: str
    line_length: int = 42
    reading_speed: float = 17.0
    spaces: bool = True


LANGUAGES: dict[Language, LanguageFacts] = {
    "ca": LanguageFacts("Catalan", "cat"),
    "de": LanguageFacts("German", "deu"),
    "en": LanguageFacts("English", "eng", reading_speed=20.0),
    "es": LanguageFacts("Spanish", "spa"),
    "fr": LanguageFacts("French", "fra"),
    "hi": LanguageFacts("Hindi", "hin", reading_speed=22.0),
    "it": LanguageFacts("Italian", "ita"),
    "ja": LanguageFacts("Japanese", "jpn", line_length=13, reading_speed=4.0, spaces=False),
    "ko": LanguageFacts("Korean", "kor", line_length=16, reading_speed=12.0),
    "pt": LanguageFacts("Portuguese", "por"),
    "ru": LanguageFacts("Russian", "rus", line_length=39),
    "zh": LanguageFacts("Chinese", "zho", line_length=16, reading_speed=9.0, spaces=False),
}
