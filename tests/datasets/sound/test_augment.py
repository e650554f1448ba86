"""Other versions of a clip: each change against its closed form, and the same sound wherever it is made."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightdub.datasets.rows import RATE
from nightdub.datasets.sound import effects
from nightdub.datasets.sound.augment import NUMBERS, VOICED, Variant, apply, parse_variant, variants_of
from nightdub.datasets.sound.features import extract
from nightdub.infra.errors import ConfigError, MediaError

Array = npt.NDArray[np.float32]
EVERY = (
    "tempo=1.1",
    "pitch=-2",
    "speed=0.9",
    "noise=15",
    "noise=15:pink",
    "noise=10:babble",
    "low_shelf=200:-6",
    "high_shelf=4000:4",
    "formant=1.1",
    "room=0.2",
    "codec=mp3:32",
    "codec=ogg",
    "codec=g711",
    "codec=gsm",
    "clip=0.3",
    "gain=-6",
)


def sine(hertz: float, seconds: float = 1.0, peak: float = 0.3) -> Array:
    return (peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def voice(hertz: float, seconds: float = 1.0, formants: tuple[float, ...] = (500, 1500, 2500, 3500)) -> Array:
    """Return pulses through resonators: a vowel."""
    from scipy.signal import lfilter

    pulses = np.zeros(round(seconds * RATE))
    pulses[np.round(np.arange(0, pulses.size, RATE / hertz)).astype(int)[:-1]] = 1.0
    poles = np.array([np.exp(-np.pi * 90 / RATE + 2j * np.pi * formant / RATE) for formant in formants])
    made = lfilter([1.0], np.poly(np.concatenate([poles, poles.conj()])).real, pulses)
    return (0.5 * made / np.abs(made).max()).astype(np.float32)


def changed(sound: Array, spelling: str, clip: str = "a/1", rate: int = RATE) -> Array:
    return apply(sound, rate, parse_variant(spelling), clip)


def pitch_of(sound: Array) -> float:
    found = extract(sound, RATE, ("f0_yin",))["f0_yin"][6:-6]
    return float(np.median(found[found > 0]))


def decibel(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def power(sound: Array) -> float:
    return float(np.mean(sound.astype(np.float64) ** 2))


# ---------------------------------------------------------------- spelling


@pytest.mark.parametrize("spelling", [*EVERY, "tempo=1.1+noise=20:pink+codec=gsm"])
def test_a_variant_has_one_spelling(spelling: str) -> None:
    full = {"noise=15": "noise=15:white"}.get(spelling, spelling)
    assert str(parse_variant(spelling)) == full
    assert parse_variant(full) == parse_variant(f" {spelling} ".replace("=", " = ").replace("1.1", "1.10"))


@pytest.mark.parametrize(
    "spelling",
    [
        *("", "tempo", "tempo=", "tempo=0", "tempo=fast", "tempo=nan", "tempo=inf", "tempo=1_1", "tempo=1:2", "echo=1", "noise=15:brown"),
        *(
            "noise=15:",
            "noise=:pink",
            "codec=",
            "codec=flac",
            "codec=gsm:1",
            "codec=mp3",
            "codec=mp3:999",
            "gain=1e9",
            "gain=6+",
            "+gain=6",
        ),
        *("low_shelf=100", "room=99", "clip=0", "+".join(["gain=1"] * 9)),
    ],
)
def test_what_is_no_variant_is_refused_with_what_is_allowed(spelling: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_variant(spelling)
    assert caught.value.allowed


def test_the_refusal_of_a_name_names_all_of_them() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_variant("echo=1")
    assert all(f"{name}=" in caught.value.allowed for name in (*NUMBERS, "codec"))
    assert all(word in caught.value.allowed for word in ("mp3", "ogg", "g711", "gsm", "white", "pink", "babble", "0.5..2"))


@given(st.text(max_size=30))
def test_any_text_is_a_variant_or_refused(text: str) -> None:
    try:
        made = parse_variant(text)
    except ConfigError:
        return
    assert parse_variant(str(made)) == made


# ---------------------------------------------------------------- drawing


RECIPES = ["tempo=0.9..1.1", "pitch=-2..2+noise=10..30:pink", "codec=gsm", "gain=-3"]


def test_forty_variants_of_a_clip_are_different_and_the_first_ones_stay() -> None:
    many = [str(variant) for variant in variants_of("a/1", RECIPES, 40)]
    assert len(set(many)) == 40
    assert [str(variant) for variant in variants_of("a/1", RECIPES, 5)] == many[:5]
    assert [str(variant) for variant in variants_of("a/2", RECIPES, 40)] != many
    assert many.count("codec=gsm") == 1
    assert str(variants_of("a/1", ["codec=mp3:16..160"], 1)[0]).split(":")[1].isdigit()
    tempos = [variant.changes[0].numbers[0] for variant in map(parse_variant, many) if variant.changes[0].name == "tempo"]
    assert len(tempos) > 10
    assert all(0.9 <= tempo <= 1.1 for tempo in tempos)


@pytest.mark.parametrize(
    ("recipes", "count"), [(["codec=gsm", "gain=-3"], 3), ([], 1), (["gain=0..0.01"], 5), (["tempo=0.9..9"], 1), (["what=1..2"], 1)]
)
def test_too_few_recipes_and_wrong_ones_are_refused(recipes: list[str], count: int) -> None:
    with pytest.raises(ConfigError):
        variants_of("a/1", recipes, count)
    assert variants_of("a/1", RECIPES, 0) == []


# ---------------------------------------------------------------- time and pitch


@pytest.mark.parametrize("factor", [0.8, 1.1, 1.5])
def test_tempo_changes_the_length_and_not_the_pitch(factor: float) -> None:
    made = changed(voice(150), f"tempo={factor}")
    assert made.size == round(RATE / factor)
    assert 1200 * np.log2(pitch_of(made) / 150) == pytest.approx(0, abs=10)


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.25])
def test_speed_changes_length_and_pitch_together(factor: float) -> None:
    made = changed(sine(200), f"speed={factor}")
    assert made.size == round(RATE / factor)
    assert 1200 * np.log2(pitch_of(made) / (200 * factor)) == pytest.approx(0, abs=2)


@pytest.mark.parametrize("semitones", [-4, 3])
def test_pitch_moves_by_semitones_and_the_length_stays(semitones: int) -> None:
    made = changed(voice(150), f"pitch={semitones}")
    assert made.size == RATE
    assert 1200 * np.log2(pitch_of(made) / 150) == pytest.approx(100 * semitones, abs=15)


def test_formants_move_and_the_pitch_stays() -> None:
    sound = voice(110)
    made = changed(sound, "formant=1.15")
    before, after = (extract(one, RATE, ("formants",))["formants"][10:-10] for one in (sound, made))
    assert np.median(after, axis=0)[:3] / np.median(before, axis=0)[:3] == pytest.approx(1.15, rel=0.05)
    assert 1200 * np.log2(pitch_of(made) / 110) == pytest.approx(0, abs=15)
    assert made.size == sound.size
    assert decibel(power(made) / power(sound)) == pytest.approx(0, abs=0.01)


# ---------------------------------------------------------------- noise, filters, levels


@pytest.mark.parametrize("snr", [-5, 10, 30])
@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
def test_noise_lies_as_far_under_the_sound_as_it_says(kind: str, snr: int) -> None:
    sound = 0.2 * voice(120)
    added = changed(sound, f"noise={snr}:{kind}") - sound
    assert decibel(power(sound) / power(added)) == pytest.approx(snr, abs=0.1)


def test_white_noise_is_flat_and_pink_noise_falls_by_three_decibels_an_octave() -> None:
    rng = np.random.default_rng(1)
    for kind, fall in (("white", 0.0), ("pink", -3.01)):
        sound = np.ones(8 * RATE, np.float32)
        spectrum = np.abs(np.fft.rfft(effects.noise(sound, 0, kind, rng) - sound)) ** 2
        edges = np.array([125, 250, 500, 1000, 2000, 4000, 8000]) * 8
        octaves = [decibel(float(np.mean(spectrum[low:high]))) for low, high in pairwise(edges)]
        assert np.diff(octaves) == pytest.approx(fall, abs=0.5)


@pytest.mark.parametrize("gain", [-12, -6, 4])
@pytest.mark.parametrize("name", ["low_shelf", "high_shelf"])
def test_a_shelf_has_its_gain_at_its_end_half_of_it_at_its_corner_and_none_beyond(name: str, gain: int) -> None:
    impulse = np.zeros(RATE, np.float32)
    impulse[0] = 0.5
    response = 20 * np.log10(np.abs(np.fft.rfft(changed(impulse, f"{name}=1000:{gain}"))) / 0.5)  # 1 Hz a bin
    ends = (response[0], response[-1]) if name == "low_shelf" else (response[-1], response[0])
    assert ends == pytest.approx((gain, 0), abs=0.01)
    assert response[1000] == pytest.approx(gain / 2, abs=0.01)


def test_a_shelf_above_the_sounds_band_is_refused() -> None:
    with pytest.raises(ConfigError):
        changed(sine(100), "low_shelf=5000:3", rate=8000)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
def test_the_flat_tops_of_a_clipped_sine_are_as_many_as_geometry_says(share: float) -> None:
    made = changed(sine(101), f"clip={share}")
    assert np.abs(made).max() == pytest.approx(0.3 * share, rel=1e-4)
    flat = np.mean(np.abs(made) >= np.abs(made).max() * 0.9999)
    assert flat == pytest.approx(1 - 2 / np.pi * np.arcsin(share), abs=0.01)


def test_gain_is_in_decibels_and_what_passes_full_scale_is_brought_down_as_a_whole() -> None:
    assert changed(sine(100), "gain=-6") == pytest.approx(sine(100) * 10 ** (-6 / 20), abs=1e-6)
    made = changed(sine(100), "gain=20")
    assert np.abs(made).max() == 1.0
    assert np.corrcoef(made, sine(100))[0, 1] == pytest.approx(1.0)


# ---------------------------------------------------------------- rooms and codecs


@pytest.mark.parametrize("decay", [0.15, 0.3, 0.5])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_room_decays_as_long_as_it_says(decay: float, seed: int) -> None:
    response = effects.room_response(RATE, decay, np.random.default_rng(seed))
    assert effects.reverberation(response, RATE) == pytest.approx(decay, rel=0.2)
    assert np.abs(response).argmax() == 0  # the direct sound: nothing comes late


def test_schroeders_integral_reads_a_decay_off_a_known_response() -> None:
    time = np.arange(RATE) / RATE
    response = np.random.default_rng(1).standard_normal(RATE) * 10 ** (-3 * time / 0.4)
    assert effects.reverberation(response, RATE) == pytest.approx(0.4, rel=0.03)


def test_a_room_leaves_length_and_loudness_and_adds_a_tail() -> None:
    sound = np.concatenate([voice(150, 0.5), np.zeros(RATE // 2, np.float32)])
    made = changed(sound, "room=0.4")
    assert made.size == sound.size
    assert decibel(power(made) / power(sound)) == pytest.approx(0, abs=0.01)
    assert power(made[RATE // 2 + 1000 : RATE // 2 + 3000]) > 1e-3 * power(made)


@pytest.mark.parametrize(
    ("codec", "alike"),
    [("mp3:16", 0.9), ("mp3:32", 0.97), ("mp3:64", 0.99), ("mp3:160", 0.999), ("ogg", 0.97), ("g711", 0.95), ("gsm", 0.8)],
)
def test_a_codec_leaves_length_place_and_level(codec: str, alike: float) -> None:
    from scipy.signal import correlate

    sound = np.concatenate([np.zeros(3000, np.float32), voice(150, 0.8), np.zeros(3001, np.float32)])
    made = changed(sound, f"codec={codec}")
    assert made.size == sound.size
    assert abs(int(correlate(made, sound).argmax()) - sound.size + 1) <= 1
    assert np.corrcoef(made, sound)[0, 1] > alike
    assert not np.array_equal(made, sound)
    assert decibel(power(made) / power(sound)) == pytest.approx(
        0, abs=0.1 if codec in ("mp3:64", "mp3:160") else 1.0
    )  # fine ones to a tenth


@pytest.mark.parametrize("codec", ["g711", "gsm"])
def test_a_telephone_has_nothing_above_four_kilohertz(codec: str) -> None:
    made = changed(0.3 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32), f"codec={codec}")
    spectrum = np.abs(np.fft.rfft(made)) ** 2
    assert spectrum[4100:].sum() < 1e-3 * spectrum.sum()


def test_a_bit_rate_that_the_sounds_rate_cannot_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="160"):
        changed(sine(100), "codec=mp3:160", rate=8000)


# ---------------------------------------------------------------- any sound, and the same each time


@pytest.mark.parametrize("spelling", EVERY)
def test_odd_sounds_come_through_or_are_refused(spelling: str) -> None:
    for odd in (np.zeros(0), np.zeros(1), np.full(1, 0.3), np.zeros(RATE // 20), sine(150, 0.05), sine(150, 0.11)):
        sound = odd.astype(np.float32)
        if sound.size == 1 and spelling.partition("=")[0] in VOICED:
            with pytest.raises(MediaError, match=r"0\.05 s"):
                changed(sound, spelling)
            continue
        made = changed(sound, spelling)
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        assert sound.any() or not made.any() or spelling.startswith("codec")  # silence stays silence
    with pytest.raises(MediaError, match="finite"):
        changed(np.array([0.0, np.nan], np.float32), spelling)


@pytest.mark.parametrize("spelling", ["noise=15", "noise=15:pink", "noise=10:babble", "room=0.2"])
def test_what_is_drawn_hangs_on_the_clip_and_on_nothing_else(spelling: str) -> None:
    sound = voice(150, 0.3)
    first = changed(sound, spelling)
    np.random.seed(0)  # noqa: NPY002 - the common generator is not ours
    changed(sound, spelling, "a/2")
    np.testing.assert_array_equal(changed(sound, spelling), first)
    assert not np.array_equal(changed(sound, spelling, "a/2"), first)


def test_two_noises_in_one_chain_are_two_noises() -> None:
    sound = voice(150, 0.5)
    once, twice = changed(sound, "noise=20"), changed(sound, "noise=20+noise=20")
    assert decibel(power(twice - sound) / power(once - sound)) == pytest.approx(3.0, abs=0.3)


def test_a_chain_is_made_in_its_order() -> None:
    sound = sine(100)
    assert np.abs(changed(sound, "clip=0.3+gain=-6")).max() == pytest.approx(0.09 * 10 ** (-6 / 20), rel=1e-3)
    assert changed(sound, "speed=0.9+tempo=1.1").size == round(round(RATE / 0.9) / 1.1)
    assert isinstance(parse_variant("clip=0.3+gain=-6"), Variant)
