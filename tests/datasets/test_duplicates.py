"""Fingerprints and near-duplicates: a copy is found with any gain, rate and shift, and nothing else is."""

from __future__ import annotations

import io
import math
import random

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from nightdub.datasets.duplicates import FEWEST, NEAR, exact, find, repeated_texts
from nightdub.datasets.fingerprint import fingerprint, unpack, words_of
from nightdub.datasets.rows import Sample
from nightdub.infra.errors import ConfigError
from nightdub.tasks.sound import Samples, resample

RATE = 22_050


def voice(seed: int, seconds: float = 3.0) -> Samples:
    """Return made-up speech: a buzz through resonances that wander, with pauses."""
    rng = np.random.default_rng(seed)
    moments = np.arange(round(seconds * RATE)) / RATE
    knots = np.linspace(0, seconds, max(3, round(seconds * 8)))
    pitch = np.interp(moments, knots, rng.uniform(90, 240, len(knots)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tracks = [np.interp(moments, knots, rng.uniform(low, high, len(knots))) for low, high in ((300, 900), (900, 2200), (2200, 3200))]
    made = np.zeros(len(moments))
    for order in range(1, 30):
        away = [np.exp(-(((order * pitch - track) / 220) ** 2)) for track in tracks]
        made += (0.02 + sum(away)) * np.sin(order * phase) * (order * pitch < 4000)
    loud = np.interp(moments, knots, rng.choice([0.0, 0.4, 1.0], len(knots), p=[0.15, 0.25, 0.6]))
    return (0.05 * made * loud).astype(np.float32)


def differ(one: npt.NDArray[np.uint16], other: npt.NDArray[np.uint16]) -> float:
    """Return the least share of bits that differ, over shifts of up to three words."""
    least = 1.0
    for shift in range(-3, 4):
        left, right = one[max(0, shift) :], other[max(0, -shift) :]
        length = min(len(left), len(right))
        left, right = left[:length], right[:length]
        both = (left != 0) & (right != 0)
        least = min(least, float(np.bitwise_count(left[both] ^ right[both]).sum() / (16 * both.sum())))
    return least


def noisy(sound: Samples, ratio: float) -> Samples:
    noise = np.random.default_rng(5).normal(size=len(sound)) * math.sqrt(float((sound**2).mean()) / 10 ** (ratio / 10))
    return (sound + noise).astype(np.float32)


def coded(sound: Samples) -> tuple[Samples, int]:
    stream = io.BytesIO()
    soundfile.write(stream, sound, RATE, format="MP3")
    stream.seek(0)
    heard, rate = soundfile.read(stream, dtype="float32")
    return heard, rate


CHANGES = {
    "gain": lambda sound: (sound * 0.1, RATE),
    "8 kHz": lambda sound: (resample(sound, RATE, 8000), 8000),
    "16 kHz": lambda sound: (resample(sound, RATE, 16000), 16000),
    "48 kHz": lambda sound: (resample(sound, RATE, 48000), 48000),
    "50 ms later": lambda sound: (np.pad(sound, (round(0.05 * RATE), 0)), RATE),
    "16 ms later, between two words": lambda sound: (np.pad(sound, (round(0.016 * RATE), 0)), RATE),
    "50 ms cut off": lambda sound: (sound[round(0.05 * RATE) :], RATE),
    "noise at 30 dB": lambda sound: (noisy(sound, 30), RATE),
    "MP3": coded,
    "gain, 16 kHz, 50 ms and noise": lambda sound: (resample(noisy(np.pad(sound * 0.3, (1102, 0)), 30), RATE, 16000), 16000),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_differs_in_fewer_bits_than_a_duplicate_may(change: object) -> None:
    for seed in range(3):
        sound = voice(seed)
        assert differ(words_of(sound, RATE), words_of(*change(sound))) < NEAR  # type: ignore[operator]


def test_other_speech_differs_in_more() -> None:
    codes = [words_of(voice(seed), RATE) for seed in range(8)]
    assert min(differ(one, other) for index, one in enumerate(codes) for other in codes[:index]) > NEAR + 0.05


def test_ten_seconds_take_less_than_a_kilobyte_and_come_back() -> None:
    sound = np.concatenate([voice(seed, 2.5) for seed in range(4)])
    text = fingerprint(sound, RATE)
    assert len(text) <= 1000
    assert text.isascii()
    assert np.array_equal(unpack(text), words_of(sound, RATE))
    assert fingerprint(sound.copy(), RATE) == text


@pytest.mark.parametrize("sound", [np.zeros(RATE, np.float32), np.zeros(0, np.float32), np.full(RATE, 1e-6, np.float32)])
def test_nothing_heard_has_no_code(sound: Samples) -> None:
    assert fingerprint(sound, RATE) == ""


@pytest.mark.parametrize("length", [1, 10, 700])
def test_the_shortest_clip_has_a_code_too_short_to_compare(length: int) -> None:
    sound = voice(1)[:length] + np.float32(0.01)
    assert 0 < len(unpack(fingerprint(sound, RATE))) < FEWEST
    assert find([row("a", sound), row("b", sound)]) == []


def test_low_rates_and_broken_codes_are_refused() -> None:
    with pytest.raises(ConfigError, match="4000 Hz"):
        fingerprint(voice(1), 4000)
    for broken in ("@@@@", "AAA=A", "AAAA"[:3]):
        with pytest.raises(ConfigError, match="no fingerprint"):
            unpack(broken)


Row = tuple[str, str, float]


def row(name: str, sound: Samples, rate: int = RATE) -> Row:
    return name, fingerprint(sound, rate), len(sound) / rate


@pytest.fixture(scope="module")
def clips() -> dict[str, Samples]:
    return {f"clip-{seed:02}": voice(seed, 1.5 + seed % 4 * 0.5) for seed in range(24)}


@pytest.fixture(scope="module")
def rows(clips: dict[str, Samples]) -> list[Row]:
    return [row(name, sound) for name, sound in clips.items()]


def test_different_clips_are_no_duplicates(rows: list[Row]) -> None:
    assert find(rows) == []


@pytest.mark.parametrize("change", ["gain", "8 kHz", "50 ms later", "noise at 30 dB", "MP3", "gain, 16 kHz, 50 ms and noise"])
def test_every_copy_is_found_and_the_lowest_id_is_kept(clips: dict[str, Samples], rows: list[Row], change: str) -> None:
    copies = [row(f"copy-of-{name}", *CHANGES[change](sound)) for name, sound in clips.items()]
    found = find([*rows, *copies])
    assert [(kept, other) for kept, other, _ in found] == [(name, f"copy-of-{name}") for name in clips]
    assert all(0.81 <= like <= 1 for _, _, like in found)


def test_the_order_of_the_rows_makes_no_difference(clips: dict[str, Samples], rows: list[Row]) -> None:
    many = [*rows, *(row(f"a-{name}", sound * 0.5) for name, sound in clips.items())]
    found = find(many)
    random.Random(3).shuffle(many)
    assert find(many) == found
    assert len(found) == len(clips)


def test_many_copies_of_one_clip_all_name_the_same(clips: dict[str, Samples]) -> None:
    sound = clips["clip-03"]
    found = find([row(f"{number:02}", np.pad(sound, (number * 160, 0)) * (1 + number)) for number in range(20)])
    assert [(kept, other) for kept, other, _ in found] == [("00", f"{number:02}") for number in range(1, 20)]


def test_a_stretch_is_the_duplicate_of_the_clip_it_lies_in_even_with_the_lower_id(clips: dict[str, Samples], rows: list[Row]) -> None:
    long = np.concatenate([clips["clip-01"], clips["clip-02"], clips["clip-03"]])
    stretch = long[RATE : RATE + 2 * RATE]
    found = find([row("b-long", long), row("a-stretch", stretch), *rows[4:]])
    assert [(kept, other) for kept, other, _ in found] == [("b-long", "a-stretch")]


def test_clips_that_only_begin_alike_are_no_duplicates(clips: dict[str, Samples]) -> None:
    one, other, third = clips["clip-01"], clips["clip-02"], clips["clip-03"]
    assert find([row("a", np.concatenate([one, other])), row("b", np.concatenate([one, third]))]) == []


def test_clips_whose_ends_overlap_are_no_duplicates(clips: dict[str, Samples]) -> None:
    one, other, third = clips["clip-01"], clips["clip-02"], clips["clip-03"]
    assert find([row("a", np.concatenate([one, other])), row("b", np.concatenate([other, third]))]) == []


def test_what_is_kept_is_no_duplicate_itself(clips: dict[str, Samples]) -> None:
    long = np.concatenate([clips["clip-01"], clips["clip-02"]])
    rows = [row("a", long), row("b", long * 0.5), row("c", clips["clip-01"]), row("d", clips["clip-01"] * 0.3), row("e", clips["clip-02"])]
    found = find(rows)
    assert [(kept, other) for kept, other, _ in found] == [("a", "b"), ("a", "c"), ("a", "d"), ("a", "e")]


def test_stretches_of_one_recording_that_overlap_in_every_way_keep_some_that_are_no_duplicates() -> None:
    whole, rng = voice(40, 8.0), random.Random(4)
    cuts = sorted((rng.uniform(0, 4), rng.uniform(1, 4)) for _ in range(150))
    rows = [row(f"{number:03}", whole[round(start * RATE) : round((start + length) * RATE)]) for number, (start, length) in enumerate(cuts)]
    found = find(rows)
    others = [other for _, other, _ in found]
    assert len(others) == len(set(others)) > 75
    assert not {kept for kept, _, _ in found} & set(others)
    rng.shuffle(rows)
    assert find(rows) == found


def test_silence_is_the_duplicate_of_nothing() -> None:
    assert find([("a", "", 1.0), ("b", "", 1.0)]) == []
    assert find([]) == []


def test_exact_duplicates_by_digest() -> None:
    assert exact([("c", "1"), ("a", "1"), ("b", "2"), ("d", "2"), ("e", ""), ("f", "")]) == [("a", "c", 1.0), ("b", "d", 1.0)]


def test_texts_beyond_the_most_are_named_for_each_speaker() -> None:
    def said(name: str, speaker: str, text: str) -> Sample:
        return Sample(name, f"{name}.wav", text, "en", speaker, "", "train", 1.0, name, name)

    rows = [
        said("c", "x", "good day!"),
        said("a", "x", "Good day"),
        said("b", "x", "good, day"),
        said("d", "y", "Good day"),
        said("e", "x", "Bye"),
    ]
    assert repeated_texts(rows, 1) == ["b", "c"]
    assert repeated_texts(rows, 2) == ["c"]
    assert repeated_texts(rows, 3) == []
