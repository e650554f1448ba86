"""What is wrong with one line's sound, on sounds whose faults are known because they were made with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nightdub.datasets.prompts import recorded_prompts
from nightdub.infra.media.raw import g722_to_wav
from nightdub.quality.line_rules import broken_rules
from nightdub.quality.metrics.line import line_measurements
from nightdub.quality.policy import read_policy
from nightdub.tasks.duration import estimate
from nightdub.tasks.sound import Samples, read_mono

RATE = 16_000
RULES = read_policy("preview").line_rules


def voice(seconds: float, peak: float = 0.5, pitch: float = 120.0) -> Samples:
    """Return a buzz with the harmonics of a voice that fades over its last 50 ms."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 10))
    fade = np.clip((seconds - t) / 0.05, 0, 1)
    return (peak * buzz / np.abs(buzz).max() * fade).astype(np.float32)


def noise(seconds: float, peak: float = 0.3) -> Samples:
    sound = np.random.default_rng(7).uniform(-peak, peak, round(seconds * RATE))
    return np.concatenate([sound, np.zeros(RATE // 100)]).astype(np.float32)


def values(sound: Samples, expected: float = 0.0) -> dict[str, float | None]:
    return {row.metric: row.value for row in line_measurements(sound, RATE, expected)}


def test_a_whole_line_breaks_no_rule() -> None:
    assert broken_rules(voice(2.0), RATE, 2.0, RULES) == ()


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (np.concatenate([voice(0.7), np.zeros(RATE * 13 // 10, np.float32)]), "line.silence is 65 %, allowed <= 60"),
        (np.clip(voice(2.0, peak=4.0), -1, 1), "line.clipped"),
        (noise(2.0), "line.voiced is 0 %, allowed >= 25"),
        (voice(2.0)[: RATE * 3 // 2], "line.tail"),
        (voice(0.5), "line.length is 0.5 ratio, allowed >= 0.6"),
        (voice(7.0), "line.length is 2.6667 ratio, allowed <= 2.5"),
    ],
    ids=["silence", "clipped", "noise", "cut off", "too short", "too long"],
)
def test_each_fault_breaks_its_own_rule_and_says_the_numbers(sound: Samples, says: str) -> None:
    broken = broken_rules(sound, RATE, 2.0, RULES)
    assert len(broken) == 1
    assert says in broken[0]


def test_silence_is_the_share_of_frames_below_sixty_decibels() -> None:
    loud, soft = np.full(RATE, 0.5, np.float32), np.full(RATE, 0.0009, np.float32)  # 0.001 = -60 dBFS
    assert values(np.concatenate([loud, soft]))["line.silence"] == 50.0
    assert values(np.concatenate([loud, soft * 2]))["line.silence"] == 0.0


def test_clipped_is_the_share_of_samples_at_full_scale() -> None:
    sound = np.full(1000, 0.5, np.float32)
    sound[:10] = -1.0
    assert values(sound)["line.clipped"] == 1.0


def test_the_tail_is_the_level_of_the_last_five_milliseconds() -> None:
    sound = np.full(RATE, 0.5, np.float32)
    sound[-RATE * 5 // 1000 :] = 0.05
    assert values(sound)["line.tail"] == pytest.approx(-20.0)


@pytest.mark.parametrize("pitch", [70.0, 120.0, 440.0])
def test_a_period_of_any_voice_is_found(pitch: float) -> None:
    assert values(voice(1.0, pitch=pitch))["line.voiced"] == 100.0


def test_half_a_second_of_hissing_may_be_a_word() -> None:
    short, long = (values(noise(seconds))["line.voiced"] for seconds in (0.4, 0.8))
    assert (short, long) == (None, 0.0)


def test_length_counts_a_second_on_both_sides() -> None:
    assert values(voice(2.0), expected=0.5)["line.length"] == 2.0
    assert values(voice(2.0), expected=0.0)["line.length"] is None


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_next_to_nothing_is_measured_without_an_error(samples: int) -> None:
    found = values(np.full(samples, 0.5, np.float32), expected=1.0)
    assert found["line.silence"] == (None if samples == 0 else 0.0)
    assert found["line.voiced"] is None


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_any_sample_rate_will_do(rate: int) -> None:
    t = np.arange(rate) / rate
    found = {row.metric: row.value for row in line_measurements((0.5 * np.sin(2 * np.pi * 200 * t)).astype(np.float32), rate)}
    assert found["line.voiced"] == 100.0
    assert found["line.silence"] == 0.0


@pytest.mark.parametrize("language", ["en", "es", "fr", "it"])
def test_no_rule_is_broken_by_people(language: str, tmp_path: Path) -> None:
    for prompt in list(recorded_prompts(language).values())[::40]:
        g722_to_wav(prompt.path, tmp_path / "line.wav")
        expected = estimate(prompt.text, language)
        assert broken_rules(read_mono(tmp_path / "line.wav"), RATE, expected, RULES) == (), prompt.text
