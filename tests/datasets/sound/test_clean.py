"""The standard form: against closed forms, and what files and sounds must not do to it."""

from __future__ import annotations

import io
import warnings

import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from nightdub.datasets.rows import RATE, SourceClip
from nightdub.datasets.sound import clean
from nightdub.datasets.sound.clean import Cleaning, decode, to_standard
from nightdub.infra.errors import ConfigError, MediaError
from nightdub.tasks.loudness import k_weighting

CLIP = SourceClip("a/1", "/corpus/1.wav", "one", "en")
RAW = SourceClip("a/2", "/corpus/2.pcm", "two", "ko", raw_rate=16_000)
AS_IT_IS = Cleaning(trim_below=200, most_gain=0, ceiling=0)
Array = npt.NDArray[np.float32]


def sine(hertz: float, seconds: float, rate: int, peak: float = 0.5) -> Array:
    return (peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def silence(seconds: float, rate: int) -> Array:
    return np.zeros(round(seconds * rate), np.float32)


def speechlike(seconds: float, rate: int, peak: float = 0.3) -> Array:
    """Return a voice of harmonics from 120 Hz to 5 kHz that swells and fades four times a second."""
    time = np.arange(round(seconds * rate)) / rate
    voice = np.sum([np.sin(2 * np.pi * 120 * number * time + number**2) / number for number in range(1, 42)], axis=0)
    return (peak / 2 * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * time)) * voice).astype(np.float32)


def file(sound: Array, rate: int, kind: str = "WAV", subtype: str | None = None) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, sound.T, rate, format=kind, subtype=subtype)
    return out.getvalue()


def levels(sound: Array, rate: int = RATE) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return frequencies, and the peak of a sine at each in dBFS, of the middle of a sound (Blackman-Harris: side lobes at -92 dB)."""
    from scipy.signal import get_window

    middle = sound[len(sound) // 4 : -len(sound) // 4].astype(np.float64)
    window = get_window("blackmanharris", len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window)) / window.sum() * 2
    return np.fft.rfftfreq(len(middle), 1 / rate), 20 * np.log10(spectrum + 1e-12)


# ---------------------------------------------------------------- decoding


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("RF64", "PCM_16"), ("FLAC", "PCM_24")])
def test_lossless_files_come_back_to_the_bit(kind: str, subtype: str, channels: int) -> None:
    whole = np.random.default_rng(1).integers(-32768, 32767, (channels, 3000)).astype(np.float32) / np.float32(32768)
    sound = whole[0] if channels == 1 else whole
    samples, rate = decode(file(sound, 44_100, kind, subtype), CLIP)
    assert rate == 44_100
    np.testing.assert_array_equal(samples, sound)


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_files_come_back_as_long_and_in_place(kind: str, subtype: str) -> None:
    sound = sine(440, 1.0, RATE)
    samples, rate = decode(file(sound, RATE, kind, subtype), CLIP)
    assert (samples.shape, rate) == (sound.shape, RATE)
    assert np.corrcoef(samples, sound)[0, 1] > 0.99


def test_headerless_recordings_are_16_bit_and_half_a_sample_at_the_end_is_left_out() -> None:
    values = np.array([0, 1, -32768, 32767], "<i2")
    for data in (values.tobytes(), values.tobytes() + b"\x07"):
        samples, rate = decode(data, RAW)
        np.testing.assert_array_equal(samples, values / np.float32(32768))
        assert rate == 16_000
    assert decode(b"", RAW)[0].size == 0


def test_a_stream_whose_header_was_written_first_is_whole() -> None:
    data = bytearray(file(sine(440, 0.1, RATE), RATE, subtype="PCM_16"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    assert decode(bytes(data), CLIP)[0].size == round(0.1 * RATE)


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_a_recording_that_is_cut_off_is_refused(kind: str, subtype: str) -> None:
    data = file(speechlike(2.0, RATE), RATE, kind, subtype)
    with pytest.raises(MediaError):
        decode(data[: len(data) * 2 // 3], CLIP)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not a sound at all" * 100, b"\x00" * 4000, b"\xff\xfb" + b"\x12" * 3000])
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError) as caught:
        decode(data, CLIP)
    assert caught.value.where == CLIP.id


def test_formats_that_no_corpus_has_are_refused() -> None:
    with pytest.raises(MediaError, match="AIFF"):
        decode(file(sine(440, 0.1, RATE), RATE, "AIFF"), CLIP)


def test_a_header_that_claims_hours_takes_no_memory_for_them() -> None:
    data = bytearray(file(sine(440, 0.1, RATE), RATE, "FLAC"))
    data[21] |= 0x0F  # total samples: 36 bits, from the middle of this byte on
    data[22:26] = b"\xff\xff\xff\xff"
    with pytest.raises(MediaError):
        decode(bytes(data), CLIP)


def test_a_rate_that_no_recording_has_is_refused() -> None:
    with pytest.raises(MediaError, match="100 Hz"):
        decode(file(sine(4, 1, 100), 100), CLIP)
    with pytest.raises(MediaError, match="100 Hz"):
        decode(b"\0\0", SourceClip("a", "/a", "a", "ko", raw_rate=100))


def test_a_recording_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean, "LONGEST", 0.5)
    with pytest.raises(MediaError, match="too long"):
        decode(file(sine(440, 0.6, RATE), RATE), CLIP)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_refused(bad: float) -> None:
    sound = sine(440, 0.2, RATE)
    sound[100] = bad
    with pytest.raises(MediaError, match="finite"):
        decode(file(sound, RATE, "WAV", "FLOAT"), CLIP)
    with pytest.raises(MediaError, match="finite"):
        to_standard(sound, RATE, 0.0, None, Cleaning())


# ---------------------------------------------------------------- resampling


@pytest.mark.parametrize("quality", ["HQ", "VHQ"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_the_passband_is_flat_within_a_hundredth_of_a_decibel(rate: int, quality: str) -> None:
    figures = Cleaning(quality, trim_below=200, most_gain=0, ceiling=0)
    half = min(rate, RATE) / 2
    for hertz in (100.0, 1000.0, 0.5 * half, 0.9 * half):
        made = to_standard(sine(hertz, 1.0, rate), rate, 0.0, None, figures).samples
        assert made.size == RATE
        middle = made[RATE // 4 : -RATE // 4].astype(np.float64)
        time = np.arange(RATE // 4, RATE // 4 + middle.size) / RATE
        waves = np.stack([np.sin(2 * np.pi * hertz * time), np.cos(2 * np.pi * hertz * time)])
        parts = np.linalg.lstsq(waves.T, middle, rcond=None)[0]
        assert 20 * np.log10(np.hypot(*parts) / 0.5) == pytest.approx(0.0, abs=0.01)
        assert np.abs(np.arctan2(parts[1], parts[0])) < 0.01  # in place: no delay


@pytest.mark.parametrize("hertz", [12_500, 15_000, 20_000])
def test_what_lies_above_half_the_rate_does_not_come_back_as_an_alias(hertz: float) -> None:
    made = to_standard(sine(hertz, 1.0, 48_000), 48_000, 0.0, None, Cleaning(trim_below=200, most_gain=0, silent_below=-300)).samples
    assert levels(made)[1].max() < -100


def test_a_chirp_over_the_whole_band_leaves_nothing_above_its_own_course() -> None:
    seconds, rate = 2.0, 48_000
    time = np.arange(round(seconds * rate)) / rate
    chirp = (0.5 * np.sin(2 * np.pi * (12_000 * time**2 / seconds - 0))).astype(np.float32)  # 0 to 24 kHz
    made = to_standard(chirp, rate, 0.0, None, AS_IT_IS).samples
    beyond = made[round(RATE * seconds * 11_700 / 24_000) :]  # the chirp has passed half the new rate by then
    assert 20 * np.log10(np.abs(beyond).max() / 0.5) < -90
    assert np.abs(made[RATE // 4 : RATE // 2]).max() == pytest.approx(0.5, abs=0.001)


def test_sound_that_is_in_the_standard_form_stays_as_it_is() -> None:
    sound = speechlike(1.0, RATE)
    np.testing.assert_array_equal(to_standard(sound, RATE, 0.0, None, AS_IT_IS).samples, sound)


# ---------------------------------------------------------------- channels and stretches


def test_six_channels_are_folded_and_the_bass_effects_left_out() -> None:
    whole = np.zeros((6, 8000), np.float32)
    whole[2] = sine(500, 1.0, 8000)  # the centre
    whole[3] = sine(50, 1.0, 8000, 0.9)  # LFE
    made = to_standard(whole, 8000, 0.0, None, AS_IT_IS)
    assert made.measured.channels == 6
    assert made.measured.rate == 8000
    hertz, found = levels(made.samples)
    assert found[np.abs(hertz - 500) < 5].max() == pytest.approx(20 * np.log10(0.5 * 0.5**0.5), abs=0.1)
    assert found[hertz < 100].max() < -80


def test_a_stretch_is_what_lies_between_its_ends() -> None:
    ramp = (np.arange(4 * RATE) / (4 * RATE)).astype(np.float32)
    part = to_standard(ramp, RATE, 1.0, 2.5, AS_IT_IS)
    np.testing.assert_array_equal(part.samples, ramp[RATE : round(2.5 * RATE)])
    assert to_standard(ramp, RATE, 3.5, 9.0, AS_IT_IS).measured.seconds == pytest.approx(0.5)
    for start, end in ((5.0, None), (2.0, 2.0), (2.0, 1.0)):
        assert to_standard(ramp, RATE, start, end, AS_IT_IS).samples.size == 0


# ---------------------------------------------------------------- silence


@pytest.mark.parametrize("offset", [0.0, 0.05])
@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_silence_around_is_left_out_but_for_the_padding(rate: int, offset: float) -> None:
    sound = np.concatenate([silence(0.5, rate), sine(300, 1.0, rate), silence(0.7, rate)]) + np.float32(offset)
    made = to_standard(sound, rate, 0.0, None, Cleaning(padding=0.1)).measured
    assert made.trimmed_start == pytest.approx(0.4, abs=0.011)
    assert made.trimmed_end == pytest.approx(0.6, abs=0.011)
    assert made.seconds == pytest.approx(1.2, abs=0.022)


def test_a_click_is_no_speech_and_a_pause_is_not_cut_out() -> None:
    sound = np.concatenate([sine(300, 0.5, RATE, 0.003), silence(2.0, RATE), sine(300, 0.5, RATE, 0.003), silence(1.0, RATE)])
    assert to_standard(sound, RATE, 0.0, None, Cleaning(padding=0.1)).measured.seconds == pytest.approx(3.1, abs=0.02)
    sound[-100:-80] = 1.0  # its 10 ms are louder than any other: it ends the clip, but does not make all else silence
    assert to_standard(sound, RATE, 0.0, None, Cleaning(padding=0.1)).measured.seconds == pytest.approx(4.0, abs=0.02)


@pytest.mark.parametrize(("below", "kept"), [(35, 1.1), (45, 2.1)])
def test_what_counts_as_silence_is_told_in_decibels_under_the_loud_frames(below: float, kept: float) -> None:
    faint = sine(300, 1.0, RATE, 0.5 * 10 ** (-40 / 20))
    made = to_standard(
        np.concatenate([faint, sine(300, 1.0, RATE), silence(1.0, RATE)]), RATE, 0.0, None, Cleaning(trim_below=below, padding=0.05)
    )
    assert made.measured.seconds == pytest.approx(kept, abs=0.021 if below == 35 else 0.06)


def test_a_short_word_in_long_silence_is_found() -> None:
    sound = np.concatenate([silence(5.0, RATE), sine(300, 0.08, RATE), silence(5.0, RATE)])
    assert to_standard(sound, RATE, 0.0, None, Cleaning(padding=0.05)).measured.seconds == pytest.approx(0.18, abs=0.022)


@pytest.mark.parametrize(
    "sound", [np.zeros(0), np.zeros(1), np.ones(1), np.zeros(RATE), np.full(RATE, 0.3), np.full(RATE, 1e-6), np.zeros((6, 9))]
)
def test_of_silence_nothing_is_left_and_nothing_is_divided_by_it(sound: npt.NDArray[np.float64]) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        made = to_standard(sound.astype(np.float32), RATE, 0.0, None, Cleaning())
    assert made.samples.shape == (0,)
    told = made.measured
    assert (told.seconds, told.loudness, told.gain, told.peak, told.trimmed_end) == (0.0, None, 0.0, -120.0, 0.0)
    assert told.trimmed_start == pytest.approx(sound.shape[-1] / RATE, abs=1e-6)


@given(st.integers(1, 6000), st.floats(0, 0.2), st.sampled_from([8000, 16_000, 22_050, 44_100]), st.floats(10, 60))
def test_what_is_left_and_what_is_left_out_are_the_whole(size: int, padding: float, rate: int, below: float) -> None:
    rng = np.random.default_rng(size)
    sound = (rng.standard_normal(size) * np.exp(rng.uniform(-9, 0)) * np.hanning(size)).astype(np.float32)
    made = to_standard(sound, rate, 0.0, None, Cleaning(trim_below=below, padding=padding))
    told = made.measured
    assert told.trimmed_start + told.seconds + told.trimmed_end == pytest.approx(size / rate, abs=1 / RATE)
    assert made.samples.dtype == np.float32
    assert np.abs(made.samples).max(initial=0.0) <= 10 ** (-1 / 20) + 1e-4


# ---------------------------------------------------------------- loudness


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
@pytest.mark.parametrize("peak", [0.02, 0.2])
def test_the_loudness_is_that_of_bs1770_before_and_the_target_after(rate: int, peak: float) -> None:
    sound = speechlike(3.0, rate, peak)
    made = to_standard(sound, rate, 0.0, None, Cleaning(trim_below=200))
    assert made.measured.loudness == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(sound.astype(np.float64)), abs=0.2)
    after = pyloudnorm.Meter(RATE).integrated_loudness(made.samples.astype(np.float64))
    gain = min(20.0, -23.0 - (made.measured.loudness or 0.0))
    assert made.measured.gain == pytest.approx(gain, abs=0.001)
    assert after == pytest.approx((made.measured.loudness or 0.0) + gain, abs=0.2)


def test_a_short_clip_has_no_loudness_and_is_levelled_by_what_is_heard_in_it() -> None:
    sound = np.concatenate([silence(0.05, RATE), sine(997, 0.2, RATE, 0.02), silence(0.05, RATE)])
    made = to_standard(sound, RATE, 0.0, None, Cleaning(trim_below=30))
    assert made.measured.loudness is None
    from scipy.signal import sosfilt

    heard = sosfilt(k_weighting(RATE), made.samples)[round(0.07 * RATE) : round(0.23 * RATE)]
    assert -0.691 + 10 * np.log10(np.mean(heard**2)) == pytest.approx(-23.0, abs=0.3)


def test_gain_is_bounded_and_the_ceiling_goes_before_everything() -> None:
    faint = to_standard(sine(997, 1.0, RATE, 0.001), RATE, 0.0, None, Cleaning(most_gain=12)).measured
    assert faint.gain == 12
    spiky = speechlike(1.0, RATE, 0.01)
    spiky[5000] = 0.5
    made = to_standard(spiky, RATE, 0.0, None, Cleaning(ceiling=-3, most_gain=40))
    assert made.measured.peak == pytest.approx(-3.0, abs=0.001)
    assert np.abs(made.samples).max() == pytest.approx(10 ** (-3 / 20), rel=1e-4)
    over = to_standard(sine(997, 1.0, RATE, 30_000.0), RATE, 0.0, None, Cleaning(most_gain=0))  # floats that were written as integers
    assert over.measured.peak == pytest.approx(-1.0, abs=0.001)


@pytest.mark.parametrize(
    "figures", [{"quality": "MQ"}, {"trim_below": 0}, {"padding": -0.1}, {"most_gain": -1}, {"ceiling": 1}, {"trim_below": float("nan")}]
)
def test_figures_that_cannot_be_are_refused(figures: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Cleaning(**figures)  # type: ignore[arg-type]
