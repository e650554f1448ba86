from __future__ import annotations

import threading

import numpy as np
import pytest

from nightdub.infra.errors import EngineError
from nightdub.tasks.engines.espeak import VOICES, Espeak, choose_voice
from nightdub.tasks.protocols import Request, Spoken
from nightdub.tasks.rows import Speaker

HELLO = {"ja": "こんにちは", "ko": "안녕하세요", "zh": "你好", "hi": "नमस्ते", "ru": "Привет"}
LINES = [
    Request("Hola amigo, ¿qué tal estás?", "es"),
    Request("Good morning.", "en", 1.2),
    Request("Au revoir.", "fr", 0.9, Speaker("a", (), 210.0)),
]


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def bytes_of(lines: list[Spoken]) -> list[bytes]:
    return [line.sound.tobytes() for line in lines]


def test_a_line_is_the_same_whatever_was_spoken_before_and_in_whichever_thread(espeak: Espeak) -> None:
    first = espeak.speak(LINES)
    espeak.speak([Request("Something else altogether.", "en", 1.3)])
    assert bytes_of(espeak.speak(LINES[::-1])[::-1]) == bytes_of(first)
    heard: list[list[bytes]] = []
    threads = [threading.Thread(target=lambda: heard.append(bytes_of(Espeak().speak(LINES)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [bytes_of(first)] * 3
    assert [line.sounds for line in espeak.speak(LINES)] == [line.sounds for line in first]


@pytest.mark.parametrize("language", sorted(VOICES))
def test_every_language_is_spoken(espeak: Espeak, language: str) -> None:
    (line,) = espeak.speak([Request(HELLO.get(language, "Radio Milano"), language)])
    assert not line.failed
    assert (line.sample_rate, line.sound.dtype) == (22_050, np.float32)
    assert 0.2 < line.sound.size / line.sample_rate < 3.0
    assert 0.05 < np.max(np.abs(line.sound)) <= 1.0


def test_phonemes_lie_in_order_within_the_sound(espeak: Espeak) -> None:
    (line,) = espeak.speak(LINES[:1])
    assert "".join(sound.shape for sound in line.sounds).startswith("olaam")
    assert all(sound.end > sound.start for sound in line.sounds)
    assert all(later.start >= earlier.end for earlier, later in zip(line.sounds, line.sounds[1:], strict=False))
    assert line.sounds[-1].end <= line.sound.size / line.sample_rate
    vowel = next(sound for sound in line.sounds if sound.shape == "a")
    spoken = line.sound[int(vowel.start * 22_050) : int(vowel.end * 22_050)]
    assert np.sqrt(np.mean(spoken**2)) > np.sqrt(np.mean(line.sound**2)) / 2


def test_a_faster_rate_is_shorter(espeak: Espeak) -> None:
    sizes = [line.sound.size for line in espeak.speak([Request(LINES[0].text, "es", rate) for rate in (0.9, 1.0, 1.3)])]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[1] / sizes[2] == pytest.approx(1.3, abs=0.2)


@pytest.mark.parametrize("text", ["", "   ", "..."])
def test_nothing_to_say_fails(espeak: Espeak, text: str) -> None:
    spoken = espeak.speak([Request(text, "en"), LINES[1]])
    assert [bool(line.failed) for line in spoken] == [True, False]


@pytest.mark.parametrize(
    ("speaker", "voice"),
    [
        (None, "es-419"),
        (Speaker("a", ()), "es-419"),
        (Speaker("a", (), 120.0), "es-419+m7"),
        (Speaker("a", (), 92.0), "es-419+m4"),
        (Speaker("a", (), 215.0), "es-419+f3"),
        (Speaker("a", (), 120.0, gender="female"), "es-419+f4"),
        (Speaker("a", (), 215.0, gender="male"), "es-419+m7"),
        (Speaker("a", (), 215.0, voice="m2"), "es-419+m2"),
    ],
)
def test_the_voice_follows_the_cast_list_then_gender_then_pitch(speaker: Speaker | None, voice: str) -> None:
    assert choose_voice("es", speaker) == voice


def test_an_unknown_voice_or_language_fails_its_line_and_names_what_there_is(espeak: Espeak) -> None:
    with pytest.raises(EngineError, match="f1, f2"):
        choose_voice("es", Speaker("anna", (), voice="whisper"))
    spoken = espeak.speak([Request("Hola.", "es", speaker=Speaker("anna", (), voice="whisper")), Request("Hej.", "sv"), LINES[1]])
    assert [bool(line.failed) for line in spoken] == [True, True, False]


def test_the_identity_names_voices_and_rate() -> None:
    assert Espeak(180).identity() != Espeak().identity()
    assert Espeak().identity().version.startswith("1.")
