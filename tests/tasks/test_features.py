"""Conformance: features of sounds whose answer is known beforehand."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from nightdub.tasks.features import SILENCE, coefficients, describe, level, predict, track_pitch, wavelet_shares
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Features

RATE = 16_000
TIME = np.arange(2 * RATE) / RATE


def sine(hertz: float, peak: float = 0.5) -> Sound:
    return (peak * np.sin(2 * np.pi * hertz * TIME)).astype(np.float32)


def vowel(pitch: int, formants: list[float], bandwidths: list[float]) -> Sound:
    """Return a pulse train through a cascade of resonators: a vowel whose formants are known."""
    sound = np.zeros(2 * RATE)
    sound[:: RATE // pitch] = 1.0
    for hertz, width in zip(formants, bandwidths, strict=True):
        radius = np.exp(-np.pi * width / RATE)
        first, second = 2 * radius * np.cos(2 * np.pi * hertz / RATE), -(radius**2)
        for index in range(len(sound)):
            sound[index] += first * sound[index - 1] * (index > 0) + second * sound[index - 2] * (index > 1)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.mark.parametrize("hertz", [75, 110, 220, 330, 450])
def test_the_pitch_of_a_sine_is_found_within_a_hundredth(hertz: float) -> None:
    features = describe(sine(hertz), RATE, "s")
    assert features.pitch_median == pytest.approx(hertz, rel=0.01)
    assert features.voiced_share > 0.95
    assert features.pitch_low <= features.pitch_median <= features.pitch_high


def test_pitch_percentiles_follow_a_glide() -> None:
    glide = (0.5 * np.sin(2 * np.pi * np.cumsum(np.linspace(100, 200, len(TIME))) / RATE)).astype(np.float32)
    features = describe(glide, RATE, "s")
    found = (features.pitch_low, features.pitch_median, features.pitch_high)
    assert found == pytest.approx((110, 150, 190), rel=0.02)


def test_noise_and_whistles_are_no_voice(rng: np.random.Generator) -> None:
    noise = describe((0.1 * rng.standard_normal(2 * RATE)).astype(np.float32), RATE, "s")
    whistle = describe(sine(2000), RATE, "s")
    assert (noise.voiced_share, noise.pitch_median, noise.formants) == (0.0, 0.0, ())
    assert (whistle.voiced_share, whistle.pitch_median) == (0.0, 0.0)


def test_a_faint_hum_beside_speech_is_not_voiced() -> None:
    half = len(TIME) // 2
    sound = np.concatenate([sine(200)[:half], sine(100, 0.001)[:half]])
    pitch, voiced = track_pitch(sound, RATE)
    assert voiced[: half // 512 - 2].all()
    assert not voiced[half // 512 + 3 :].any()
    assert pitch.shape == voiced.shape


@pytest.mark.parametrize("formants", [[500, 1500, 2500, 3500], [300, 2300, 3000, 3800], [700, 1100, 2500, 3400]])
def test_the_formants_of_a_known_filter_are_found(formants: list[float]) -> None:
    found = describe(vowel(100, formants, [60, 80, 100, 120]), RATE, "s").formants
    assert found == pytest.approx(formants, abs=50)  # half the distance of two harmonics, to which a formant is drawn


def test_linear_prediction_recovers_the_poles_of_an_all_pole_filter() -> None:
    response = np.zeros(800)
    response[0] = 1.0
    poles = np.array([0.97 * np.exp(0.2j), 0.95 * np.exp(0.9j), 0.9 * np.exp(2j)])
    weights = -np.poly(np.concatenate([poles, poles.conj()])).real[1:]
    for index in range(1, len(response)):
        past = response[max(0, index - 6) : index][::-1]
        response[index] = past @ weights[: len(past)]
    (found,) = predict(response[None, :])
    for pole in poles:
        assert np.abs(found - pole).min() < 1e-3


def test_white_noise_spreads_over_the_bands_by_their_width(rng: np.random.Generator) -> None:
    shares = wavelet_shares(rng.standard_normal(200_000).astype(np.float32))
    assert shares == pytest.approx((1 / 8, 1 / 8, 1 / 4, 1 / 2), abs=0.01)


@pytest.mark.parametrize(("hertz", "band"), [(400, 0), (1500, 1), (3000, 2), (6500, 3)])
def test_a_tone_lies_in_its_band(hertz: float, band: int) -> None:
    shares = wavelet_shares(sine(hertz))
    assert sum(shares) == pytest.approx(1.0)
    assert np.argmax(shares) == band


def test_mfcc_has_thirteen_rows_and_only_the_first_hears_loudness() -> None:
    loud, quiet = coefficients(vowel(100, [500], [80]), RATE), coefficients(vowel(100, [500], [80]) / 2, RATE)
    assert loud.shape == (13, 1 + 2 * RATE // 512)
    assert np.abs(loud[1:] - quiet[1:]).max() < 1.0
    assert (loud[0] - quiet[0]).mean() == pytest.approx(20 * np.log10(2) * np.sqrt(128), rel=0.02)  # orthonormal DCT over 128 bands


def test_level_is_rms_below_full_scale() -> None:
    assert level(sine(440, 1.0)) == pytest.approx(-3.01, abs=0.01)
    assert level(np.zeros(0, np.float32)) == level(np.zeros(10, np.float32)) == SILENCE


@pytest.mark.parametrize("length", [0, 1, 399, 2047])
def test_short_and_silent_clips_are_described_in_finite_numbers(length: int) -> None:
    for sound in (np.zeros(length, np.float32), sine(200)[:length]):
        features = describe(sound, RATE, "s")
        assert len(features.mfcc) == len(features.mfcc_deviation) == 13
        assert msgspec.json.decode(msgspec.json.encode(features), type=Features) == features


def test_a_real_voice_has_a_womans_pitch_and_four_formants(prompt: Callable[[str], tuple[Sound, str]]) -> None:
    features = describe(prompt("agent-pass")[0], RATE, "s")
    assert 160 < features.pitch_median < 240
    assert features.voiced_share > 0.5
    assert len(features.formants) == 4
    assert 250 < features.formants[0] < 900 < features.formants[1] < features.formants[2] < features.formants[3]
