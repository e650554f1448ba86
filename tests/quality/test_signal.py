"""Faults of a waveform against answers in closed form, and real speech in which there are none."""

from __future__ import annotations

import numpy as np
import pytest

from nightdub.quality.metrics import signal
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Request, Sound

RATE = 16_000


def sine(frequency: float, seconds: float = 2.0, peak: float = 0.5, rate: int = RATE) -> Sound:
    return (peak * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float = 2.0, power: float = 0.01, rate: int = RATE, seed: int = 1) -> Sound:
    return (np.sqrt(power) * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def bursts(seconds: float = 4.0) -> Sound:
    """Return a sine of 440 Hz that is on for a fifth of a second and off for a fifth."""
    return sine(440, seconds) * ((np.arange(round(seconds * RATE)) // round(0.2 * RATE)) % 2 == 0).astype(np.float32)


@pytest.mark.parametrize("peak", [1.0, 0.2])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_sine_clipped_at_half_its_height_lies_two_thirds_of_the_time_on_its_tops(peak: float, rate: int) -> None:
    """|sin| exceeds 1/2 in 1 - 2 asin(1/2) / pi = 2/3 of the time, whatever the gain after the clipping."""
    clipped = np.clip(sine(440, peak=peak, rate=rate), -peak / 2, peak / 2)
    assert signal.clipped_share(clipped, rate) == pytest.approx(200 / 3, abs=2)
    assert signal.clipped_share(sine(440, peak=peak, rate=rate), rate) == 0


def test_sound_at_the_floor_is_not_judged_for_clipping() -> None:
    assert signal.clipped_share(np.full(RATE, 0.001, np.float32), RATE) is None


def test_the_offset_is_the_mean() -> None:
    assert signal.offset_share(sine(100) - np.float32(0.0125)) == pytest.approx(1.25, abs=1e-3)
    assert signal.offset_share(np.zeros(0, np.float32)) == 0


@pytest.mark.parametrize(("frequency", "mains"), [(50, 50), (60, 60), (150, 50), (180, 60)])
def test_hum_in_white_noise_stands_as_high_as_the_periodogram_says(frequency: float, mains: int) -> None:
    """Tone a^2 N^2 / 16 over the median ln 2 * s^2 * 3 N / 8 of a Hann window's noise bins; s^2 is the noise left at 1 kHz."""
    amplitude, power, seconds = 0.01, 1e-4, 4.0
    found = signal.hum(noise(seconds, power) + sine(frequency, seconds, amplitude), RATE)
    want = 10 * np.log10(amplitude**2 * seconds * 1000 / (6 * np.log(2) * power / 16))
    assert found
    assert found[0] == pytest.approx(want, abs=2)
    assert found[1] == mains


def test_noise_without_hum_and_lines_too_short_for_one() -> None:
    found = signal.hum(noise(4.0), RATE)
    assert found
    assert found[0] < 19
    assert signal.hum(noise(0.9), RATE) is None


@pytest.mark.parametrize("ratio", [5, 10, 20, 30])
def test_the_noise_ratio_of_bursts_in_white_noise(ratio: float) -> None:
    found = signal.noise_ratio(bursts() + noise(4.0, 0.125 / 10 ** (ratio / 10)), RATE)
    assert found == pytest.approx(ratio, abs=1)


def test_digital_silence_is_no_recording_of_noise_and_too_little_sound_is_not_judged() -> None:
    padded = np.concatenate([np.zeros(RATE, np.float32), bursts() + noise(4.0, 0.00125), np.zeros(RATE, np.float32)])
    assert signal.noise_ratio(padded, RATE) == pytest.approx(20, abs=1)
    assert signal.noise_ratio(noise(0.3), RATE) is None
    assert signal.noise_ratio(np.zeros(RATE, np.float32), RATE) is None


@pytest.mark.parametrize("corner", [3400, 4000, 8000])
def test_the_bandwidth_of_noise_without_its_upper_half(corner: float) -> None:
    spectrum = np.fft.rfft(noise(2.0, rate=48_000))
    spectrum[round(corner * 2) :] = 0
    narrow = np.fft.irfft(spectrum).astype(np.float32)
    assert signal.bandwidth(narrow, 48_000) == pytest.approx(corner, abs=250)
    assert signal.bandwidth(noise(2.0, rate=48_000), 48_000) == pytest.approx(24_000, abs=250)
    assert signal.bandwidth(narrow[:1000], 48_000) is None


@pytest.mark.parametrize(("length", "copies"), [(0.3, 1), (0.6, 1), (0.2, 3)])
def test_a_stretch_that_comes_again_is_as_long_as_it_was_made(length: float, copies: int) -> None:
    """A stretch of d seconds followed by n copies repeats for n * d seconds."""
    sound = noise(3.0)
    piece = sound[RATE : RATE + round(length * RATE)]
    planted = np.concatenate([sound[:RATE], *[piece] * (copies + 1), sound[2 * RATE :]])
    assert signal.repeated(planted, RATE) == pytest.approx(length * copies, abs=0.051)
    assert signal.repeated(sound, RATE) == 0


def test_a_gap_is_as_long_as_its_zeros_and_a_pause_is_none() -> None:
    sound = noise()
    torn = sound.copy()
    torn[RATE : RATE + 320] = 0
    level = signal.active_level(signal.frame_levels(sound, RATE))
    assert level is not None
    assert signal.longest_gap(torn, RATE, level) == pytest.approx(0.02)
    faded = np.concatenate([sound * np.linspace(1, 0, len(sound)) ** 2, np.zeros(3200), sound]).astype(np.float32)
    assert signal.longest_gap(faded, RATE, level) == 0
    assert signal.longest_gap(sound, RATE, level) == 0


def test_a_cut_tail_is_as_loud_as_the_line_and_a_faded_one_is_not() -> None:
    sound, silence = noise(), np.zeros(3200, np.float32)
    level = signal.active_level(signal.frame_levels(sound, RATE))
    assert level is not None
    assert signal.tail_level(np.concatenate([sound, silence]), RATE, level) == pytest.approx(0, abs=2)
    faded = sound * np.minimum(1, np.arange(len(sound))[::-1] / 1600).astype(np.float32)
    assert signal.tail_level(np.concatenate([faded, silence]), RATE, level) < -30


def test_level_silence_and_share_of_silence() -> None:
    levels = signal.frame_levels(np.concatenate([sine(1000, 1.0, 0.1), np.zeros(RATE, np.float32)]), RATE)
    assert signal.active_level(levels) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.1)
    assert signal.silence_share(levels) == pytest.approx(50, abs=1.5)
    assert not signal.is_silent(levels)
    faint = signal.frame_levels(sine(1000, 1.0, 1e-4), RATE)
    assert signal.is_silent(faint)
    assert signal.active_level(faint) is None
    assert signal.silence_share(faint) == 100


def test_synthetic_speech_has_none_of_these_faults() -> None:
    requests = [
        Request("Please open the door and turn off the lights before you leave.", "en"),
        Request("No, no, no! I told you never to come back here.", "en"),
        Request("El tren llega a las ocho de la mañana.", "es"),
        Request("Bonjour, je m'appelle Marie et j'habite à Paris.", "fr"),
        Request("오늘 날씨가 아주 좋네요.", "ko"),
    ]
    for spoken in Espeak().speak(requests):
        rate, sound = spoken.sample_rate, spoken.sound
        levels = signal.frame_levels(sound, rate)
        level, ratio, width, mains = (
            signal.active_level(levels), signal.noise_ratio(sound, rate), signal.bandwidth(sound, rate), signal.hum(sound, rate)
        )  # fmt: skip
        assert level is not None
        assert ratio is not None
        assert width is not None
        assert mains is not None
        assert signal.clipped_share(sound, rate) == 0
        assert signal.offset_share(sound) < 0.5
        assert mains[0] < 19
        assert ratio > 15
        assert width > 8000
        assert signal.repeated(sound, rate) == 0
        assert signal.longest_gap(sound, rate, level) == 0
        assert not signal.is_silent(levels)
