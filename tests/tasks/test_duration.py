from __future__ import annotations

from statistics import median

import pytest

from nightdub.infra.errors import ConfigError
from nightdub.tasks.duration import PACES, count_letters, estimate
from nightdub.tasks.engines.espeak import VOICES, Espeak
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.protocols import Request

# Announcements and talk that the figures were not fitted to.
UNSEEN = {
    "en": (
        "All circuits are busy now.",
        "The conference is now unmuted.",
        "Bring the boat back before the tide turns.",
        "She laughed, then she cried.",
        "Nothing in this valley grows without rain.",
        "I saw him at the market on Friday.",
    ),
    "es": (
        "Todas las líneas están ocupadas.",
        "La puerta del sótano no se abre nunca.",
        "Ella rió, y luego lloró.",
        "Lo vi en el mercado el viernes pasado.",
        "Nada crece en este valle sin lluvia.",
        "Trae la barca antes de que suba la marea.",
    ),
    "fr": (
        "Toutes les lignes sont occupées.",
        "La porte de la cave ne s'ouvre jamais.",
        "Elle a ri, puis elle a pleuré.",
        "Je l'ai vu au marché vendredi.",
        "Rien ne pousse dans cette vallée sans pluie.",
        "Ramène la barque avant la marée.",
    ),
}


@pytest.mark.parametrize("language", sorted(UNSEEN))
def test_the_estimate_is_within_a_tenth_of_what_the_engine_speaks(language: str) -> None:
    spoken = Espeak().speak([Request(text, language) for text in UNSEEN[language]])
    errors = [
        abs(estimate(text, language) * line.sample_rate / line.sound.size - 1) for text, line in zip(UNSEEN[language], spoken, strict=True)
    ]
    assert median(errors) < 0.10


def test_every_language_has_a_pace_and_a_voice() -> None:
    assert set(PACES) == set(VOICES) == set(LANGUAGES)


def test_longer_text_pauses_and_numbers_take_longer() -> None:
    assert estimate("Hello there", "en") < estimate("Hello, there", "en") < estimate("Hello, there, 42", "en")
    assert estimate("3.5", "en") == pytest.approx(estimate("35", "en"))


@pytest.mark.parametrize("text", ["", "  ", "...", "— !"])
def test_nothing_to_say_takes_no_time(text: str) -> None:
    assert estimate(text, "es") == 0.0


def test_glides_and_vowel_signs_count_by_sound() -> None:
    assert count_letters("きょう") == 2
    assert count_letters("안녕") == 2
    assert count_letters("नहीं") == 4  # one vowel sign, one nasal sign


def test_a_language_without_a_pace_is_named() -> None:
    with pytest.raises(ConfigError, match="xx"):
        estimate("hello", "xx")
