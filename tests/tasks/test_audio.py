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
from nightdub.tasks.sound import read_mono


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001"])
def test_the_programme_is_as_long_as_the_picture_to_the_sample(rate: str, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", rate=rate, seconds=2)
    facts = probe_source(source)
    info = soundfile.info(extract(source, tmp_path / "mix.wav", facts))
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (
        round(facts.frames * 48_000 / Fraction(rate)),
        48_000,
        1,
        "PCM_24",
    )


def test_a_film_of_two_hours_drifts_by_less_than_a_sample() -> None:
    facts = MediaFacts("MP4/QuickTime", 7200, 1, frames=172_628, frame_rate="24000/1001")
    assert abs(programme_samples(facts) / 48_000 - 172_628 * 1001 / 24_000) < 1 / 48_000


def tones(folder: Path, layout: str, count: int) -> Path:
    """Write a film whose channels hold tones of 300, 400, 500 ... Hz, losslessly."""
    sound = "|".join(f"0.1*sin({2 * np.pi * (300 + 100 * channel)}*t)" for channel in range(count))
    coding = ("-c:v", "libx264", "-c:a", "pcm_s24le")
    source = f"aevalsrc='{sound}':c={layout}:s=48000:d=1"
    return lavfi(folder / "film.mkv", *coding, video="testsrc2=s=64x64:r=25:d=1", audio=source)


def levels(path: Path, count: int) -> np.ndarray:
    """Return the amplitude of each tone against 0.1 in each channel, shape (channels, tones)."""
    sound = np.atleast_2d(soundfile.read(path, always_2d=True)[0].T)
    spectrum = np.abs(np.fft.rfft(sound, axis=1)) / sound.shape[1] * 2 / 0.1
    return np.asarray(spectrum[:, [300 + 100 * tone for tone in range(count)]])


@pytest.mark.parametrize(("layout", "count"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("5.1(side)", 6)])
def test_mono_stereo_and_five_one_stay_what_they_are(layout: str, count: int, tmp_path: Path) -> None:
    source = tones(tmp_path, layout, count)
    out = extract(source, tmp_path / "mix.wav", probe_source(source))
    assert levels(out, count) == pytest.approx(np.eye(count), abs=1e-3)


HALF = 10 ** (-3.0103 / 20)


@pytest.mark.parametrize(
    ("layout", "count", "folded"),
    [
        ("5.0", 5, [(0, 0, 1), (1, 1, 1), (2, 2, 1), (4, 3, 1), (5, 4, 1)]),
        ("6.1", 7, [(0, 0, 1), (1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, HALF), (5, 4, HALF), (4, 5, 1), (5, 6, 1)]),
        ("7.1", 8, [(0, 0, 1), (1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, HALF), (5, 5, HALF), (4, 6, HALF), (5, 7, HALF)]),
    ],
)
def test_other_surround_becomes_five_one(layout: str, count: int, folded: list[tuple[int, int, float]], tmp_path: Path) -> None:
    """L R C LFE Ls Rs from L R C Ls Rs, from L R C LFE Cs Ls Rs, and from L R C LFE Lb Rb Ls Rs."""
    wanted = np.zeros((6, count))
    for channel, tone, gain in folded:
        wanted[channel, tone] = gain
    source = tones(tmp_path, layout, count)
    assert levels(extract(source, tmp_path / "mix.wav", probe_source(source)), count) == pytest.approx(wanted, abs=1e-3)


def test_layouts_without_a_centre_become_stereo(tmp_path: Path) -> None:
    source = tones(tmp_path, "quad", 4)
    assert soundfile.info(extract(source, tmp_path / "mix.wav", probe_source(source))).channels == 2


def test_speech_models_hear_five_one_as_the_stereo_that_it_folds_to(tmp_path: Path) -> None:
    """(L + R) / 2 of the ITU's fold: L, R at 1/2, C at 0.707, the surrounds at 0.354, no LFE; read from the file the same."""
    source = tones(tmp_path, "5.1", 6)
    mix = extract(source, tmp_path / "mix.wav", probe_source(source))
    wanted = [[0.5, 0.5, HALF, 0, HALF / 2, HALF / 2]]
    assert levels(speech_copy(mix, tmp_path / "speech.wav"), 6) == pytest.approx(np.array(wanted), abs=2e-3)
    heard = read_mono(mix, rate=48_000)
    soundfile.write(tmp_path / "heard.wav", heard, 48_000, subtype="FLOAT")
    assert levels(tmp_path / "heard.wav", 6) == pytest.approx(np.array(wanted), abs=1e-3)


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
