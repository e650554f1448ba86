"""Loudness and true peak against the EBU's cases, pyloudnorm and ffmpeg."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest
import soundfile
from scipy.signal import lfilter

from nightdub.infra.errors import MediaError
from nightdub.tasks import loudness
from nightdub.tasks.loudness import ProgrammeMeter, dialogue_gated, integrated, k_weighting, true_peak

RATE = 48_000


def sine(parts: list[tuple[float, float]], frequency: float = 1000.0, phase: float = 0.0) -> npt.NDArray[np.float64]:
    """Return a stereo sine of (dBFS peak, seconds) parts, shape (frames, 2)."""
    level = np.concatenate([np.full(round(seconds * RATE), 10 ** (peak / 20)) for peak, seconds in parts])
    tone = level * np.sin(2 * np.pi * frequency * np.arange(level.size) / RATE + phase)
    return np.stack([tone, tone], axis=1)


def write(path: Path, sound: npt.NDArray[np.floating], rate: int = RATE) -> Path:
    soundfile.write(path, sound, rate, subtype="PCM_24")
    return path


def noise(rng: np.random.Generator, seconds: float, level: float = 0.05, channels: int = 2) -> npt.NDArray[np.float64]:
    """Return noise that swells and fades, coloured towards the low end."""
    white = rng.standard_normal((round(seconds * RATE), channels))
    swell = 0.1 + np.abs(np.sin(np.arange(len(white)) / RATE))[:, None]
    return level * swell * lfilter([1], [1, -0.8], white, axis=0)


def ffmpeg_says(path: Path) -> tuple[float, float]:
    """Return integrated loudness and true peak as ffmpeg's ebur128 filter prints them, to a tenth."""
    command = ["ffmpeg", "-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"I:\s+(\S+) LUFS", text)[-1]), float(re.findall(r"Peak:\s+(\S+) dBFS", text)[-1])


def test_filter_is_the_one_that_the_recommendation_prints() -> None:
    """ITU-R BS.1770-4, tables 1 and 2."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    assert k_weighting(RATE) == pytest.approx(np.array([shelf, high_pass]), abs=1e-6)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_integrated_loudness_of_the_ebu_cases(tmp_path: Path, parts: list[tuple[float, float]], expected: float) -> None:
    """EBU Tech 3341, table 1, cases 1 to 5: within 0.1 LU."""
    assert integrated(write(tmp_path / "case.wav", sine(parts))) == pytest.approx(expected, abs=0.1)


def test_agrees_with_pyloudnorm_and_ffmpeg_on_moving_sound(tmp_path: Path, rng: np.random.Generator) -> None:
    sound = noise(rng, 12)
    path = write(tmp_path / "noise.wav", sound)
    said = ffmpeg_says(path)
    assert integrated(path) == pytest.approx(pyloudnorm.Meter(RATE).integrated_loudness(sound), abs=0.05)
    assert integrated(path) == pytest.approx(said[0], abs=0.1)
    assert true_peak(path) == pytest.approx(said[1], abs=0.15)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_other_rates_measure_the_same(tmp_path: Path, rate: int) -> None:
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * np.arange(5 * rate) / rate)
    assert integrated(write(tmp_path / "tone.wav", np.stack([tone, tone], axis=1), rate)) == pytest.approx(-23, abs=0.1)


def test_blocks_do_not_show(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "noise.wav", noise(rng, 5.3))
    spans = [(0.2, 1.0), (0.9, 2.345), (2.4, 2.5), (4.0, 9.0)]
    whole = dialogue_gated(path, spans), true_peak(path)
    monkeypatch.setattr(loudness, "BLOCK", 37 * loudness.CELL)
    assert (dialogue_gated(path, spans), true_peak(path)) == pytest.approx(whole, abs=1e-4)


def test_gate_is_the_dialogue_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path / "steps.wav", sine([(-40, 3), (-23, 2), (-40, 3), (-29, 1), (-10, 2)]))
    assert dialogue_gated(path, [(3.1, 4.9)]) == pytest.approx(-23, abs=0.05)
    assert dialogue_gated(path, [(8.1, 8.9)]) == pytest.approx(-29, abs=0.05)
    both = 10 * np.log10((1.8 * 10**-2.3 + 0.8 * 10**-2.9) / 2.6)
    assert dialogue_gated(path, [(8.1, 8.9), (3.1, 4.9)]) == pytest.approx(both, abs=0.05)
    assert dialogue_gated(path, [(3.1, 4.5), (4.0, 4.9)]) == pytest.approx(-23, abs=0.05)


def test_mono_reads_three_decibels_under_two_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "mono.wav", sine([(-23, 5)])[:, 0])
    assert integrated(path) == pytest.approx(-26.01, abs=0.1)


@pytest.mark.parametrize(
    ("sound", "spans"),
    [(np.zeros((2 * RATE, 2)), [(0.0, 2.0)]), (sine([(-20, 0.39)]), [(0.0, 0.39)]), (sine([(-20, 2)]), [])],
    ids=["silence", "below 400 ms", "no dialogue"],
)
def test_nothing_to_measure_is_none(tmp_path: Path, sound: npt.NDArray[np.float64], spans: list[tuple[float, float]]) -> None:
    path = write(tmp_path / "little.wav", sound)
    assert dialogue_gated(path, spans) is None
    if spans:
        assert integrated(path) is None


def test_silence_has_no_peak(tmp_path: Path) -> None:
    assert true_peak(write(tmp_path / "silence.wav", np.zeros((RATE, 2)))) is None


@pytest.mark.parametrize(("divisor", "degrees"), [(4, 0), (4, 45), (6, 60), (8, 67.5)])
def test_true_peak_between_samples(tmp_path: Path, divisor: int, degrees: float) -> None:
    """EBU Tech 3341, table 1, cases 15 to 18: -6 dBTP within +0.2 and -0.4 dB, faded in and out."""
    tone = sine([(20 * np.log10(0.5), 1)], RATE / divisor, np.radians(degrees))
    tone *= np.minimum(1, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 2000)[:, None]
    peak = true_peak(write(tmp_path / "tone.wav", tone))
    assert peak is not None
    assert -6.4 <= peak <= -5.8


@pytest.mark.parametrize(("channel", "over"), [(0, 0.0), (2, 0.0), (4, 1.4922), (5, 1.4922)])
def test_channels_of_five_one_weigh_as_bs_1770_says(tmp_path: Path, channel: int, over: float) -> None:
    """One channel of a -23 dBFS sine reads -26.01 LUFS, a surround 10 log10(1.41) = 1.49 LU more, the LFE nothing."""
    sound = np.zeros((5 * RATE, 6))
    sound[:, channel] = sine([(-23, 5)])[:, 0]
    path = write(tmp_path / "five.wav", sound)
    alone = integrated(write(tmp_path / "mono.wav", sound[:, channel]))
    assert alone == pytest.approx(-26.01, abs=0.1)
    assert integrated(path) == pytest.approx(alone + over, abs=0.001)
    sound[:, 3] = 0.5
    assert integrated(write(tmp_path / "lfe.wav", sound)) == integrated(path)
    assert dialogue_gated(path, [(0.0, 5.0)]) == pytest.approx(integrated(path), abs=0.01)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_programme_measured_in_blocks_is_the_file_measured_whole(tmp_path: Path, rng: np.random.Generator, channels: int) -> None:
    sound = noise(rng, 7.3, channels=channels).astype(np.float32)
    meter, at = ProgrammeMeter(RATE, channels), 0
    for size in (1, 4799, 48_000, 100, 70_000, len(sound)):
        meter.feed(sound[at : at + size], at)
        at += size
    assert meter.loudness == pytest.approx(integrated(write(tmp_path / "noise.wav", sound)), abs=0.001)


def test_a_file_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    for measure in (integrated, true_peak):
        with pytest.raises(MediaError, match=r"text\.wav"):
            measure(tmp_path / "text.wav")
