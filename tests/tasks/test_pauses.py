from __future__ import annotations

import numpy as np
import pytest

from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.pauses import find_silences, match_pauses, put_in, shift_sounds
from nightdub.tasks.protocols import Request
from nightdub.tasks.rows import Pause, Segment, SpokenSound, Word

RATE = 16_000


def voice(*stretches: tuple[float, float], length: float) -> np.ndarray:
    """Return a tone that sounds in the given stretches."""
    time = np.arange(round(length * RATE)) / RATE
    heard = np.any([(time >= start) & (time < end) for start, end in stretches], axis=0)
    return (0.5 * np.sin(2 * np.pi * 200 * time) * heard).astype(np.float32)


def original(*words: tuple[float, float], estimated: bool = False) -> Segment:
    said = tuple(Word(f"w{index}", start, end, estimated) for index, (start, end) in enumerate(words))
    return Segment("s", words[0][0], words[-1][1], "text", words=said)


def test_silences_lie_inside_the_sound_and_last_long_enough() -> None:
    sound = voice((0.2, 0.8), (1.1, 1.5), (1.58, 2.0), length=2.4)
    (found,) = find_silences(sound, RATE)
    assert (found.at, found.length) == (pytest.approx(0.8, abs=0.011), pytest.approx(0.3, abs=0.021))


def test_a_sound_without_pauses_has_none() -> None:
    assert find_silences(voice((0.0, 1.0), length=1.0), RATE) == ()
    assert find_silences(np.zeros(RATE, np.float32), RATE) == ()
    assert find_silences(np.zeros(0, np.float32), RATE) == ()


def test_a_real_engines_comma_is_a_silence() -> None:
    (spoken,) = Espeak().speak([Request("Buenos días, señora García.", "es")])
    (found,) = find_silences(spoken.sound, spoken.sample_rate)
    assert 0.3 < found.at < 1.0


def test_a_pause_of_the_original_goes_where_the_dub_pauses_too() -> None:
    """The original speaks 1 s, pauses 0.6 s, and speaks 1 s; the dub is silent for 0.2 s after 0.9 of its 1.8 s of speech."""
    line = original((10.0, 10.5), (10.55, 11.0), (11.6, 12.6))
    (found,) = match_pauses(line, [Pause(0.9, 0.2)], 2.0)
    assert (found.at, found.length) == (1.0, pytest.approx(0.4))


def test_pauses_that_lie_elsewhere_are_longer_already_or_are_guessed_get_nothing() -> None:
    line = original((10.0, 11.0), (11.6, 12.6))
    assert match_pauses(line, [Pause(0.2, 0.2)], 2.0) == ()
    assert match_pauses(line, [Pause(0.7, 0.6)], 2.0) == ()
    assert match_pauses(line, [], 2.0) == ()
    assert match_pauses(original((10.0, 11.0), (11.6, 12.6), estimated=True), [Pause(0.9, 0.2)], 2.0) == ()


def test_pauses_keep_their_order() -> None:
    line = original((0.0, 1.0), (1.5, 2.5), (3.0, 4.0))
    found = match_pauses(line, [Pause(0.9, 0.15), Pause(2.0, 0.15)], 3.2)
    assert [pause.at for pause in found] == [pytest.approx(0.975), pytest.approx(2.075)]
    assert all(pause.length == pytest.approx(0.35) for pause in found)


def test_silence_that_is_put_in_has_its_length_and_soft_edges() -> None:
    sound = np.ones(48_000, np.float32)
    made = put_in(sound, [(12_000, 4_800), (36_000, 2_400)])
    assert made.size == 48_000 + 7_200
    assert not made[12_000:16_800].any()
    assert made[11_999] == made[16_800] == 0.0
    assert made[11_700] == 1.0
    assert made[0] == made[-1] == 1.0


def test_phonemes_after_a_pause_come_later() -> None:
    sounds = [SpokenSound("a", 0.0, 0.4), SpokenSound("b", 0.5, 0.9)]
    assert list(shift_sounds(sounds, [Pause(0.45, 0.3)])) == [sounds[0], SpokenSound("b", 0.8, 1.2)]
