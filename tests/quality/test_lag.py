"""Lags between sounds: delays, drifts and what has nothing in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from scipy.signal import lfilter

from nightdub.quality.metrics.lag import Course, find_course, spread

RATE = 48_000
LENGTH = 12

Sound = npt.NDArray[np.float64]


def programme(seed: int, seconds: int = LENGTH) -> Sound:
    """Return noise with the slope and the syllables of speech, shape (samples, 2)."""
    rng = np.random.default_rng(seed)
    swell = np.abs(np.sin(np.arange(seconds * RATE) / RATE * 2 * np.pi * 1.7)) ** 2
    mono = lfilter([1], [1, -0.95], rng.standard_normal(seconds * RATE)) * swell * 0.02
    return np.repeat(mono[:, None], 2, axis=1)


def late(sound: Sound, samples: int) -> Sound:
    """Return a sound of the same length, so many samples later."""
    moved = np.zeros_like(sound)
    if samples >= 0:
        moved[samples:] = sound[: len(sound) - samples]
    else:
        moved[:samples] = sound[-samples:]
    return moved


@pytest.fixture(scope="module")
def sound() -> Sound:
    return programme(1)


@pytest.fixture
def course(sound: Sound, tmp_path: Path) -> object:
    def course_of(other: Sound) -> Course | None:
        for name, samples in (("ours", sound), ("theirs", other)):
            soundfile.write(tmp_path / f"{name}.wav", samples, RATE, subtype="PCM_24")
        return find_course(tmp_path / "ours.wav", tmp_path / "theirs.wav", spread(LENGTH))

    return course_of


@pytest.mark.parametrize("samples", [0, 1, -1, 7, 480, -2880, 14_400, 48_000])
def test_a_delay_is_found_to_a_fraction_of_a_sample(samples: int, sound: Sound, course: object) -> None:
    found = course(late(sound, samples))  # type: ignore[operator]
    assert found.steady
    assert found.middle * RATE == pytest.approx(samples, abs=0.02)
    assert abs(found.slope) < 1e-6


@pytest.mark.parametrize("ppm", [1000, -1000, 100])
def test_a_drift_is_found_in_parts_per_million(ppm: int, sound: Sound, course: object) -> None:
    slowed = soxr.resample(sound, RATE, RATE * (1 + ppm * 1e-6))
    found = course(np.pad(slowed, ((0, max(0, len(sound) - len(slowed))), (0, 0)))[: len(sound)])  # type: ignore[operator]
    assert found.steady
    assert 1e6 * found.slope == pytest.approx(ppm, abs=10)
    assert found.at(0.0) == pytest.approx(0, abs=2e-4)


def test_noise_on_top_does_not_move_it(sound: Sound, course: object) -> None:
    noisy = late(sound, 960) + np.sqrt(np.square(sound).mean()) * np.random.default_rng(2).standard_normal(sound.shape)
    assert course(noisy).middle == pytest.approx(0.020, abs=5e-5)  # type: ignore[operator]


@pytest.mark.parametrize("other", [programme(99), np.zeros((LENGTH * RATE, 2))], ids=["another sound", "silence"])
def test_what_has_nothing_in_common_has_no_course(other: Sound, course: object) -> None:
    found = course(other)  # type: ignore[operator]
    assert found is None or not found.steady


def test_places_are_spread_from_the_first_to_the_last_second() -> None:
    assert spread(10, 4) == [0, 3, 6, 9]
    assert spread(0.9) == []


def test_a_sound_upside_down_is_found_where_that_is_asked_for(sound: Sound, tmp_path: Path) -> None:
    for name, samples in (("ours", sound), ("theirs", -late(sound, 480))):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE, subtype="PCM_24")
    found = find_course(tmp_path / "ours.wav", tmp_path / "theirs.wav", spread(LENGTH), upside_down=True)
    assert found
    assert found.steady
    assert found.middle * RATE == pytest.approx(480, abs=0.02)
