from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nightdub.infra.errors import MediaError
from nightdub.tasks.sound import read_mono, read_sound, resample, to_mono, write_sound


def noise(*shape: int) -> np.ndarray:
    return (np.random.default_rng(1).integers(-32768, 32768, shape) / 32768).astype(np.float32)


@pytest.mark.parametrize("shape", [(1000,), (2, 1000), (6, 10)])
def test_sixteen_bit_sound_comes_back_exactly(tmp_path: Path, shape: tuple[int, ...]) -> None:
    samples = noise(*shape)
    back, rate = read_sound(write_sound(tmp_path / "a.wav", samples, 48_000))
    assert rate == 48_000
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, samples)


def test_a_stretch_is_cut_to_the_sample_and_ends_with_the_file(tmp_path: Path) -> None:
    samples = noise(2, 16_000)
    path = write_sound(tmp_path / "a.wav", samples, 16_000)
    np.testing.assert_array_equal(read_sound(path, 0.25, 0.5)[0], samples[:, 4000:8000])
    np.testing.assert_array_equal(read_sound(path, 0.75, 9.0)[0], samples[:, 12_000:])
    assert read_sound(path, 2.0, 3.0)[0].shape == (2, 0)
    assert read_mono(path, 2.0).shape == (0,)


def test_the_same_samples_are_the_same_bytes_under_any_name(tmp_path: Path) -> None:
    samples = noise(500)
    first, second = (write_sound(tmp_path / name, samples, 22_050).read_bytes() for name in ("a.wav", "no-suffix"))
    assert first == second
    assert len(first) == 44 + 2 * 500


def test_loud_samples_are_clipped_and_broken_ones_refused(tmp_path: Path) -> None:
    back, _ = read_sound(write_sound(tmp_path / "a.wav", np.array([2.0, -2.0]), 8000))
    np.testing.assert_allclose(back, [32767 / 32768, -1.0])
    with pytest.raises(MediaError, match="finite"):
        write_sound(tmp_path / "b.wav", np.array([0.0, np.nan]), 8000)


@pytest.mark.parametrize("content", [None, b"", b"not a sound"])
def test_what_is_no_sound_names_its_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.wav"):
        read_sound(path)


def test_resampling_keeps_a_tone_and_its_channels() -> None:
    time = np.arange(48_000) / 48_000
    tone = np.stack([np.sin(2 * np.pi * 1000 * time), np.zeros(48_000)])
    slow = resample(tone, 48_000, 16_000)
    assert slow.shape == (2, 16_000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(slow[0, 1000:-1000], expected[1000:-1000], atol=1e-3)
    np.testing.assert_array_equal(slow[1], 0)


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    samples = noise(2, 800)
    np.testing.assert_allclose(to_mono(samples), samples.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(read_mono(write_sound(tmp_path / "a.wav", samples, 16_000)), samples.mean(axis=0), atol=1e-7)
