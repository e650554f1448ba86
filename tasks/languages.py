"""The languages that the catalogue may name, with what the field calls them."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows import Language


@dataclass(frozen=True, slots=True)
class LanguageFacts:
    """Names of one language; what its subtitles ask for stands in `tasks.subtitle_rules`.

    `iso639_2` is the three-letter code of MP4 and Matroska tracks. `spaces` is False where words are not spaced.
    """

    name: str
    iso639_2: str
    spaces: bool = True


LANGUAGES: dict[Language, LanguageFacts] = {
    "ca": LanguageFacts("Catalan", "cat"),
    "de": LanguageFacts("German", "deu"),
    "en": LanguageFacts("English", "eng"),
    "es": LanguageFacts("Spanish", "spa"),
    "fr": LanguageFacts("French", "fra"),
    "hi": LanguageFacts("Hindi", "hin"),
    "it": LanguageFacts("Italian", "ita"),
    "ja": LanguageFacts("Japanese", "jpn", spaces=False),
    "ko": LanguageFacts("Korean", "kor"),
    "pt": LanguageFacts("Portuguese", "por"),
    "ru": LanguageFacts("Russian", "rus"),
    "zh": LanguageFacts("Chinese", "zho", spaces=False),
}
