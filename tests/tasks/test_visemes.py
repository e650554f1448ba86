# ruff: noqa: SIM905 - the letters of the phonetic alphabet are meant
from __future__ import annotations

import numpy as np
import pytest

from nightdub.tasks.blendshapes import WEIGHTS
from nightdub.tasks.engines.espeak import Espeak
from nightdub.tasks.protocols import Request
from nightdub.tasks.rows import SpokenSound
from nightdub.tasks.visemes import is_pause, mouth_curves, shapes_of, unknown_names

RATE, FPS = 16_000, 25.0
LOUD = np.full(RATE * 4, 0.2, np.float32)

# Every phoneme that espeak-ng 1.51 named for pangrams and tricky words of these languages: its own names, and IPA.
ESPEAK = """
0 3 ? @ @2 @L A: A@ D E I I# I2 N O: OI S T U@ V Z a a# aI aU b d dZ e@ eI f g h i i: i@3 j k l m n n- oU p r s t t# tS u: v w z
** ; B Q R2 l^ n^ x ss ts2 w2 & &~ O o~ y S; Z; A Y: W C R pF p: ts e: o: y: E~ H J# b# c# d. g# n. p# r. s. t. t.# ju m; tS; u#
L dZ; kh p- ph q q- s- tS;- N\\ _j p\\ r` s\\ t_s t_s\\ @r i. ong ts. ts.h u@ yE A: @-
""".split()
IPA = """
aɪ aʊ dʒ eɪ iː n̩ oʊ tʃ uː æ ð ŋ ɐ ɑː ɑːɹ ɔɪ ɔː əl ɚ ɛ ɛɹ ɡ ɪ ɹ ɾ ʃ ʊɹ ʌ ʒ ʔ θ ᵻ eə əʊ ɒ ɣ ɲ ʎ β õ ɐ̃ tɕ ɕ ʑ eː oː pf yː ç øː œ ɔø
ɜ aː bʰ cʰ ɖ ɛ̃ ɟʰ ɳ ʂ ʈʰ ʋ mʲ tʃʲ ɭ ɵ ʲ dʑ ɫ ɯ e̞ o̞ ä ɯᵝ ɴ ɸ ɽ ai ər yɛ onɡ kh ɑ̃ ɔ̃ ɥ ʁ
""".split()


def spoken(*names: str, start: float = 0.0, each: float = 0.2) -> list[SpokenSound]:
    return [SpokenSound(name, start + index * each, start + (index + 1) * each) for index, name in enumerate(names)]


@pytest.mark.parametrize("name", ESPEAK + IPA)
def test_every_phoneme_of_the_engine_has_a_shape(name: str) -> None:
    assert shapes_of(name)
    assert not is_pause(name)


SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog. She measured the church's vision with joy; think, young oil boy. Here, poor, air.",
    "es": "El veloz murciélago hindú comía feliz cardillo y kiwi. La cigüeña tocaba el saxofón. Llave, perro, pero, agua, ciudad, cayó.",
    "fr": "Portez ce vieux whisky au juge blond qui fume. Voix ambiguë d'un cœur qui préfère les jattes de kiwis. Montagne, huit, brun.",
    "it": "Quel vituperabile xenofobo zelante assaggia il whisky ed esclama: alleluja! Gnocchi, famiglia, sciopero, zucchero, mezzo.",
    "de": "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Schöne Mädchen, ich auch, Pfeffer, Garage, Chance, Euro, fünf.",
    "ko": "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. 빨리 뛰어라, 까치가 짹짹 울었다. 의사, 왜, 귀, 예, 쉬, 쌀.",
    "ja": "いろはにほへと ちりぬるを わかよたれそ つねならむ。しゃしん、ちょっと、ぎゅうにゅう、びょういん、ふじさん、ざっし、パーティー。",
    "zh": "我能吞下玻璃而不伤身体。女儿去学校,绿色的雨衣,二十四,知道,吃饭,日本,资料,词典,熊猫,军队,远,云,光,翁,岸,谁,走,黑。",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_every_sound_that_espeak_names_has_a_shape_and_weights(language: str) -> None:
    (spoken,) = Espeak().speak([Request(SENTENCES[language], language)])
    assert len({sound.shape for sound in spoken.sounds}) > 15
    assert unknown_names(spoken.sounds) == {}
    visemes = {shape.viseme for sound in spoken.sounds for shape in shapes_of(sound.shape)}
    assert {"pp", "aa"} < visemes <= set(WEIGHTS)


def test_a_short_vowel_leans_towards_its_neighbours() -> None:
    long, short = (mouth_curves(spoken("m", "a", "m", each=each), LOUD, RATE, 30, FPS).openness.max() for each in (0.4, 0.06))
    assert 0.2 < short < 0.8 < long


def test_lips_close_for_bilabials_and_open_for_low_vowels() -> None:
    assert all(shapes_of(name)[0].openness == 0 for name in "pbm")
    assert shapes_of("a")[0].openness > shapes_of("e")[0].openness > shapes_of("i")[0].openness > shapes_of("f")[0].openness


def test_rounded_and_spread_vowels_differ_in_width() -> None:
    assert shapes_of("u")[0].width < shapes_of("o")[0].width < shapes_of("a")[0].width < shapes_of("i")[0].width


def test_both_spellings_of_a_sound_look_alike() -> None:
    pairs = [("aI", "aɪ"), ("tS", "tʃ"), ("oU", "oʊ"), ("@", "ə"), ("T", "θ"), ("N", "ŋ")]
    assert all(shapes_of(one) == shapes_of(other) for one, other in pairs)


def test_diphthong_runs_through_two_shapes() -> None:
    assert len(shapes_of("aʊ")) == 2


@pytest.mark.parametrize("name", ["", "_", "_:", "_!", "_|", "(en)", " "])
def test_pauses_are_rest(name: str) -> None:
    assert is_pause(name)
    assert shapes_of(name)[0].openness < 0.1


def test_unknown_names_are_counted_and_half_open() -> None:
    sounds = spoken("a", "ʘ", "ʘ", "7", "漢")
    assert unknown_names(sounds) == {"ʘ": 2, "漢": 1}
    curves = mouth_curves(spoken("ʘ"), LOUD, RATE, 5, FPS)
    assert curves.openness[2] == pytest.approx(0.3, abs=0.01)


def test_curves_reach_closure_between_vowels_and_follow_the_sounds() -> None:
    curves = mouth_curves(spoken("a", "m", "a"), LOUD, RATE, 15, FPS)
    assert len(curves.openness) == len(curves.width) == len(curves.activity) == 15
    assert curves.openness[7] == 0
    assert curves.openness[2] > 0.9
    assert curves.openness[12] > 0.9


def test_a_closure_shorter_than_a_frame_is_not_lost() -> None:
    sounds = [SpokenSound("a", 0.0, 0.30), SpokenSound("p", 0.30, 0.32), SpokenSound("a", 0.32, 0.6)]
    assert mouth_curves(sounds, LOUD, RATE, 15, FPS).openness[7] == 0


def test_sounds_behind_the_teeth_leave_the_lips_to_their_neighbours() -> None:
    curves = mouth_curves(spoken("a", "k", "a"), LOUD, RATE, 15, FPS)
    assert curves.openness[2:13].min() > 0.9


def test_quiet_speech_opens_less() -> None:
    quiet = LOUD.copy()
    quiet[: RATE // 2] *= 0.1
    curves = mouth_curves(spoken("a", "a", "a", "a", "a"), quiet, RATE, 25, FPS)
    assert curves.openness[5] < 0.8 < curves.openness[20]


def test_activity_covers_speech_and_short_pauses_and_ends_after_it() -> None:
    sounds = [SpokenSound("a", 1.0, 1.4), SpokenSound("_", 1.4, 1.6), SpokenSound("e", 1.6, 2.0), SpokenSound("_:", 2.0, 3.0)]
    activity = mouth_curves(sounds, LOUD, RATE, 100, FPS).activity
    assert (activity[25:50] == 1).all()
    assert not activity[:22].any()
    assert not activity[53:].any()
    assert 0 < activity[51] < 1


def test_without_sounds_loudness_alone_opens_the_mouth() -> None:
    speech = np.zeros(RATE * 2, np.float32)
    speech[RATE // 2 : RATE] = 0.3
    curves = mouth_curves([], speech, RATE, 50, FPS)
    assert curves.activity[18] == 1
    assert curves.openness[18] > 0.7
    assert not curves.activity[35:].any()


def test_silence_and_empty_sound_move_nothing() -> None:
    for speech in (np.zeros(RATE, np.float32), np.zeros(0, np.float32)):
        assert not mouth_curves([], speech, RATE, 25, FPS).activity.any()


def test_only_pauses_move_nothing() -> None:
    assert not mouth_curves(spoken("_", "_:"), LOUD, RATE, 25, FPS).activity.any()
