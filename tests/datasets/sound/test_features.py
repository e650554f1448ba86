"""Conformance: features of sounds whose answer is known beforehand, and those of the libraries that they are compared with."""

from __future__ import annotations

import os
import runpy
import sys
import time
import types
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from nightdub.datasets.rows import RATE
from nightdub.datasets.sound.features import ALL, FACTS, FRAME, USUAL, extract, read_features, write_features
from nightdub.datasets.sound.pitch import HOP, differences, pyin, yin
from nightdub.infra.errors import ConfigError, MediaError

Array = npt.NDArray[np.float32]
TIME = np.arange(RATE) / RATE
HERE = ("f0_yin", "f0_pyin")


def sine(hertz: float, peak: float = 0.5) -> Array:
    return (peak * np.sin(2 * np.pi * hertz * TIME)).astype(np.float32)


def voice(hertz: npt.ArrayLike, seconds: float = 1.0) -> Array:
    """Return harmonics up to 5 kHz of a pitch that may move."""
    size = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, size)) / RATE
    highest = int(5000 / np.max(hertz))
    return (0.1 * np.sum([np.sin(number * phase + number**2) / number for number in range(1, highest + 1)], axis=0)).astype(np.float32)


def noise(seed: int = 1, size: int = RATE) -> Array:
    return (0.1 * np.random.default_rng(seed).standard_normal(size)).astype(np.float32)


def cents(found: Array, hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.abs(1200 * np.log2(found / np.asarray(hertz)))


def middle(track: Array) -> Array:
    """Leave out the frames that reach over the sound's ends."""
    return track[6:-6]


# ---------------------------------------------------------------- spectra


@pytest.mark.parametrize("sound", [noise(), voice(180.0), np.concatenate([voice(120.0, 0.3), np.zeros(9000, np.float32)])])
def test_mfcc_are_librosas(sound: Array) -> None:
    import librosa

    theirs = librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=13, n_fft=1024, hop_length=256, n_mels=80).T
    found = extract(sound, RATE, ("mfcc",))["mfcc"]
    assert found.shape == theirs.shape
    np.testing.assert_allclose(found, theirs, atol=0.01)


def test_log_mel_is_librosas() -> None:
    import librosa

    theirs = librosa.feature.melspectrogram(y=noise(), sr=RATE, n_fft=1024, hop_length=256, n_mels=80)
    np.testing.assert_allclose(extract(noise(), RATE, ("log_mel",))["log_mel"], 10 * np.log10(theirs.T), atol=0.001)


@pytest.mark.parametrize("hertz", [300.0, 1000.0, 4000.0, 9000.0])
def test_a_tone_is_loudest_in_its_mel_band(hertz: float) -> None:
    import librosa

    centres = librosa.mel_frequencies(82, fmin=0, fmax=RATE / 2)[1:-1]
    found = middle(extract(sine(hertz), RATE, ("log_mel",))["log_mel"])
    assert {int(np.abs(centres - hertz).argmin())} == set(found.argmax(axis=1).tolist())


def test_energy_is_the_level_of_its_frame() -> None:
    found = extract(np.concatenate([sine(500), np.zeros(RATE, np.float32)]), RATE, ("energy",))["energy"]
    assert middle(found[:86]) == pytest.approx(20 * np.log10(0.5 / 2**0.5), abs=0.1)
    assert (found[100:] == -120).all()


# ---------------------------------------------------------------- pitch


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("hertz", [66.0, 98.7, 131.3, 220.0, 333.3, 440.0, 495.0])
def test_pitch_of_tones_and_voices_is_found_within_cents(hertz: float, name: str) -> None:
    for sound in (sine(hertz), voice(hertz)):
        found = middle(extract(sound, RATE, (name,))[name])
        assert (found > 0).mean() > 0.95
        assert cents(found[found > 0], hertz).max() < (2 if name == "f0_yin" else 7)  # pYIN has steps of 10 cents


@pytest.mark.parametrize("name", HERE)
def test_pitch_follows_a_glide(name: str) -> None:
    course = np.linspace(100, 300, RATE)
    found = middle(extract(voice(course), RATE, (name,))[name])
    centres = np.minimum(HOP * np.arange(6, 6 + len(found)), RATE - 1)
    assert cents(found, course[centres]).max() < 20


def test_noise_silence_and_a_faint_hum_are_not_voiced() -> None:
    assert (extract(noise(), RATE, ("f0_yin",))["f0_yin"] > 0).mean() < 0.05
    assert (middle(extract(noise(), RATE, ("f0_pyin",))["f0_pyin"]) > 0).mean() < 0.3
    hum = np.concatenate([voice(200.0), 0.001 * voice(100.0)])
    found = extract(hum, RATE, ("f0_yin", "voicing"))
    assert (found["f0_yin"][:80] > 0).all()
    assert (found["f0_yin"][95:] == 0).all()
    assert (found["voicing"][95:-6] > 0.95).all()  # the hum is periodic: it is its level that tells


def test_voicing_is_the_share_of_what_comes_again() -> None:
    tone = sine(200)
    for share in (0.9, 0.5):
        mixed = tone + noise() * np.float32(np.sqrt(np.mean(tone**2) * (1 / share - 1)) / 0.1)
        assert middle(extract(mixed, RATE, ("voicing",))["voicing"]).mean() == pytest.approx(share, abs=0.05)


def test_the_difference_function_is_that_of_the_paper() -> None:
    sound = noise(3, 4000)
    found = differences(sound)
    frame = 7
    start = frame * HOP - 576
    for lag in (1, 44, 200, 340):
        window, later = sound[start : start + 1024].astype(float), sound[start + lag : start + lag + 1024].astype(float)
        sums = [np.sum((sound[start : start + 1024].astype(float) - sound[start + j : start + j + 1024]) ** 2) for j in range(1, lag + 1)]
        assert found.products[frame, lag] == pytest.approx(np.sum(window * later), abs=1e-3)
        assert found.normalised[frame, lag] == pytest.approx(sums[-1] * lag / np.sum(sums), rel=1e-4)


@pytest.mark.slow
def test_pyin_is_librosas(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its two stencils in numpy: the compiled ones can end the process (docs/decisions, our own YIN)."""
    import librosa

    def parabolas(x: npt.NDArray[np.float64], *, axis: int = -2) -> npt.NDArray[np.float64]:
        assert axis == -2
        shift = np.zeros_like(x)
        bend, slope = x[2:] + x[:-2] - 2 * x[1:-1], (x[2:] - x[:-2]) / 2
        np.divide(-slope, bend, out=shift[1:-1], where=np.abs(slope) < np.abs(bend))
        return shift

    def troughs(x: npt.NDArray[np.float64], *, axis: int = 0) -> npt.NDArray[np.bool_]:
        assert (x.ndim, axis) == (1, 0)
        inner = (x[1:-1] < x[:-2]) & (x[1:-1] <= x[2:])
        return np.concatenate([[False], inner, [x[-1] < x[-2]]])

    monkeypatch.setattr("librosa.core.pitch._parabolic_interpolation", parabolas)
    monkeypatch.setattr("librosa.util.localmin", troughs)
    course = np.concatenate([np.full(9000, 110.0), np.linspace(110, 240, 12_000), np.full(9000, 240.0)])
    sound = voice(course, course.size / RATE) + 0.02 * noise(2, course.size)
    sound[13_000:15_000] = 0.1 * noise(4, 2000)
    theirs, voiced, _ = librosa.pyin(sound, fmin=65, fmax=500, sr=RATE, frame_length=2048, hop_length=256)
    found = extract(sound, RATE, ("f0_pyin",))["f0_pyin"]
    assert ((found > 0) == voiced).mean() > 0.93
    both = (found > 0) & voiced
    assert np.median(cents(found[both], theirs[both])) <= 10
    assert (cents(found[both], theirs[both]) > 50).mean() < 0.02


def test_long_sound_is_worked_on_in_parts_that_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = voice(np.linspace(90, 300, RATE))
    whole, spectrum = yin(differences(sound)), extract(sound, RATE, ("log_mel",))["log_mel"]
    monkeypatch.setattr("nightdub.datasets.sound.pitch._BATCH", 17)
    monkeypatch.setattr("nightdub.datasets.sound.features._BATCH", 17)
    np.testing.assert_allclose(yin(differences(sound)).pitch, whole.pitch, rtol=1e-5)
    np.testing.assert_allclose(extract(sound, RATE, ("log_mel",))["log_mel"], spectrum, atol=1e-4)
    assert pyin(differences(sound)).pitch.shape == whole.pitch.shape


@pytest.mark.slow
def test_crepe_finds_the_pitch_of_voices() -> None:
    pytest.importorskip("torch")
    found = extract(voice(np.repeat([131.3, 220.0], RATE // 2)), RATE, ("f0_crepe",))["f0_crepe"]
    assert np.median(cents(found[6:36], 131.3)) < 20
    assert np.median(cents(found[50:80], 220.0)) < 20
    assert (extract(noise(), RATE, ("f0_crepe",))["f0_crepe"] > 0).mean() < 0.2


def test_the_network_is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's own class, loaded without the package around it."""
    torch = pytest.importorskip("torch")
    from nightdub.datasets.sound import crepe

    here = Path(str(distribution("torchcrepe").locate_file("torchcrepe/model.py")))
    monkeypatch.setitem(sys.modules, "torchcrepe", types.SimpleNamespace(PITCH_BINS=360))
    published = runpy.run_path(str(here))["Crepe"]("tiny")
    published.load_state_dict(crepe._weights())
    frames = np.stack([noise(number, 1024) for number in range(3)])
    centred = frames - frames.mean(axis=1, keepdims=True)
    with torch.inference_mode():
        theirs = published.eval()(torch.from_numpy(centred / centred.std(axis=1, ddof=1, keepdims=True))).numpy()
    np.testing.assert_allclose(crepe._run(frames, crepe._weights()), theirs, atol=1e-6)


# ---------------------------------------------------------------- formants and wavelets


@pytest.mark.parametrize("formants", [[500, 1500, 2500, 3500], [300, 2300, 3000, 3800], [700, 1100, 2500, 3400]])
def test_the_formants_of_a_known_all_pole_filter_are_found(formants: list[float]) -> None:
    from scipy.signal import lfilter

    pulses = np.zeros(RATE)
    pulses[::220] = 1.0  # 100 Hz
    poles = np.array(
        [np.exp(-np.pi * width / RATE + 2j * np.pi * hertz / RATE) for hertz, width in zip(formants, (60, 80, 100, 120), strict=True)]
    )
    sound = lfilter([1.0], np.poly(np.concatenate([poles, poles.conj()])).real, pulses)
    found = middle(extract((0.5 * sound / np.abs(sound).max()).astype(np.float32), RATE, ("formants",))["formants"])
    assert np.median(found, axis=0) == pytest.approx(formants, abs=50)  # half the distance of two harmonics, to which a formant is drawn
    assert (np.diff(found[(found > 0).all(axis=1)], axis=1) > 0).all()


@pytest.mark.parametrize("size", [1, 7, 100, 22_051])
def test_wavelet_powers_sum_to_the_clips(size: int) -> None:
    sound = noise(5, size)
    found = extract(sound, RATE, ("wavelet",))["wavelet"]
    assert found.sum() == pytest.approx(float(np.mean(sound.astype(np.float64) ** 2)), rel=1e-4)


@pytest.mark.parametrize(("hertz", "band"), [(400, 0), (2000, 1), (4000, 2), (8500, 3)])
def test_a_tone_lies_in_its_wavelet_band(hertz: float, band: int) -> None:
    found = extract(sine(hertz), RATE, ("wavelet",))["wavelet"]
    assert found[band] > 0.85 * found.sum()


# ---------------------------------------------------------------- shapes, refusals, files


@pytest.mark.parametrize(
    "sound", [np.zeros(0), np.zeros(1), np.full(1, 0.5), np.zeros(RATE // 20), np.full(RATE // 20, 0.3), noise(6, 300)]
)
def test_every_clip_has_every_feature(sound: Array) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = extract(sound.astype(np.float32), RATE, USUAL)
    frames = 1 + sound.size // HOP
    sizes = {"frames": frames}
    for name in USUAL:
        shape = tuple(sizes.get(part) or int(part) for part in FACTS[name].shape.strip("()").replace(" ", "").split(",") if part)
        assert found[name].shape == shape, name
        assert found[name].dtype == np.float32
        assert np.isfinite(found[name]).all()
        if not sound.any() and name not in ("log_mel", "mfcc", "energy"):
            assert not found[name].any()


def test_sound_of_another_rate_has_the_same_frames() -> None:
    slow = (0.5 * np.sin(2 * np.pi * 220 * np.arange(8000) / 8000)).astype(np.float32)
    found = extract(slow, 8000, ("f0_yin", "log_mel"))
    assert len(found["log_mel"]) == len(found["f0_yin"]) == 1 + RATE // HOP
    assert cents(middle(found["f0_yin"]), 220).max() < 2


def test_only_what_is_wanted_is_made_and_unknown_names_are_refused() -> None:
    assert list(extract(noise(), RATE, ("energy", "mfcc"))) == ["mfcc", "energy"]
    assert set(ALL) - set(USUAL) == {"f0_pyin", "f0_crepe"}
    with pytest.raises(ConfigError, match="mfc"):
        extract(noise(), RATE, ("mfc",))
    with pytest.raises(MediaError, match="finite"):
        extract(np.array([0.0, np.nan], np.float32), RATE)


def test_equal_features_are_equal_bytes_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = extract(voice(150.0, 0.2), RATE)
    first = write_features(tmp_path / "a.npz", found).read_bytes()
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setenv("TZ", "Asia/Seoul")
    assert write_features(tmp_path / "b.npz", dict(reversed(found.items()))).read_bytes() == first
    back = read_features(tmp_path / "a.npz")
    assert set(back) == set(USUAL)
    for name, values in found.items():
        np.testing.assert_array_equal(back[name], values)


@pytest.mark.parametrize("kind", ["absent", "empty", "text", "half", "pickle", "array"])
def test_what_are_no_features_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    if kind == "pickle":
        np.savez(path, bad=np.array([os.system], dtype=object))
    elif kind == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind != "absent":
        whole = write_features(path, {"energy": noise()}).read_bytes()
        path.write_bytes({"empty": b"", "text": b"no features", "half": whole[: len(whole) // 2]}[kind])
    with pytest.raises(MediaError):
        read_features(path)


def test_frames_are_as_the_facts_say() -> None:
    assert (FRAME, HOP) == (1024, 256)
    assert all(fact.shape and fact.unit and fact.source for fact in FACTS.values())
