from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import film, lavfi

from nightdub.infra.digests import digest_file
from nightdub.tasks.audio import extract, programme_samples, speech_copy
from nightdub.tasks.probe import probe_source
from nightdub.tasks.rows import MediaFacts


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001"])
def test_the_programme_is_as_long_as_the_picture_to_the_sample(rate: str, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", rate=rate, seconds=2)
    facts = probe_source(source)
    info = soundfile.info(extract(source, tmp_path / "mix.wav", facts))
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (
        round(facts.frames * 48_000 / Fraction(rate)),
        48_000,
        2,
        "PCM_16",
    )


def test_a_film_of_two_hours_drifts_by_less_than_a_sample() -> None:
    facts = MediaFacts("MP4/QuickTime", 7200, 1, frames=172_628, frame_rate="24000/1001")
    assert abs(programme_samples(facts) / 48_000 - 172_628 * 1001 / 24_000) < 1 / 48_000


def test_a_shorter_sound_is_padded_with_silence(tmp_path: Path) -> None:
    source = lavfi(
        tmp_path / "film.mkv", "-c:v", "libx264", "-c:a", "pcm_s16le", video="testsrc2=s=64x64:r=25:d=2", audio="sine=440:r=48000:d=1"
    )
    sound, _ = soundfile.read(extract(source, tmp_path / "mix.wav", probe_source(source)))
    assert len(sound) == 96_000
    assert np.abs(sound[:48_000]).max() > 0.1
    assert not sound[48_000:].any()


def test_extracting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", seconds=1)
    facts = probe_source(source)
    assert digest_file(extract(source, tmp_path / "a.wav", facts)) == digest_file(extract(source, tmp_path / "b.wav", facts))


def test_the_speech_copy_is_the_mean_of_the_channels_at_16_khz(tmp_path: Path) -> None:
    time = np.arange(48_000) / 48_000
    left, right = 0.5 * np.sin(2 * np.pi * 300 * time), 0.1 * np.sin(2 * np.pi * 700 * time)
    soundfile.write(tmp_path / "mix.wav", np.stack([left, right], axis=1), 48_000, subtype="PCM_16")
    sound, rate = soundfile.read(speech_copy(tmp_path / "mix.wav", tmp_path / "speech.wav"))
    assert (sound.shape, rate) == ((16_000,), 16_000)
    assert np.abs(sound - ((left + right) / 2)[::3])[100:-100].max() < 0.002
