"""Pictures: the same numbers give the same bytes, what is drawn is where it belongs, and no label breaks one."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from nightdub.datasets import plots
from nightdub.datasets.composition import count
from nightdub.datasets.rows import RATE, Measured, Sample

ROW = Sample("a", "clips/a.wav", "text", "en", "s", "calm", "train", 2.0, "0" * 64, "1" * 64)
MEASURED = Measured(2.0, 48_000.0, 1, 0.0, 0.0, loudness=-23.0, snr=30.0)


def rows() -> list[Sample]:
    labels = ("$\\frac{$", "한국어", "<b>", "", "x" * 200, "a\nb")
    splits = ("train", "validation", "test")
    return [
        replace(ROW, id=str(n), speaker=labels[n % 6] + str(n // 6 or ""), split=splits[n % 3], seconds=1 + n / 9, measured=MEASURED)
        for n in range(90)
    ]


def test_the_same_numbers_give_the_same_bytes_and_labels_break_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a letter that the font lacks, a formula that cannot be read
        first = plots.pictures(count(rows()), tmp_path / "1")
        second = plots.pictures(count(reversed(rows())), tmp_path / "2")
    assert (
        [*first]
        == [*second]
        == [
            "How long the clips are, by split.",
            "Hours by language, speaker and emotion.",
            "Signal-to-noise ratio, loudness of the clips, by split.",
        ]
    )
    for caption, path in first.items():
        assert path.read_bytes() == second[caption].read_bytes()
        assert cv2.imread(str(path)).shape[1] == 900
        assert b"matplotlib" not in path.read_bytes()


def test_an_empty_dataset_has_pictures_that_say_so(tmp_path: Path) -> None:
    assert [path.exists() for path in plots.pictures(count([]), tmp_path).values()] == [True, True]


def test_every_value_is_in_one_bin() -> None:
    found = {step: step % 7 + 1 for step in range(-350, 900, 3)}
    edges = plots._edges(min(found), max(found))
    assert len(edges) <= plots.BINS + 1
    assert plots._binned(found, edges).sum() == sum(found.values())


@pytest.mark.parametrize("hertz", [1000.0, 4000.0])
def test_a_sine_at_full_scale_is_at_0_db_in_its_bin(hertz: float) -> None:
    power = plots._power(np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE))
    middle = power[len(power) // 2]
    assert abs(np.argmax(middle) * RATE / plots.FRAME - hertz) <= RATE / plots.FRAME
    assert -1.5 < middle.max() <= 0.1  # scalloping: a Hann window loses 1.4 dB between two bins
    assert len(power) == 1 + RATE // plots.HOP


@pytest.mark.parametrize(("samples", "voiced"), [(RATE, True), (RATE, False), (0, False), (10, True)])
def test_a_spectrogram_is_drawn_of_any_clip(samples: int, voiced: bool, tmp_path: Path) -> None:
    sound = 0.5 * np.sin(2 * np.pi * 220 * np.arange(samples) / RATE).astype(np.float32)
    f0 = np.full(1 + samples // plots.HOP, 220.0 if voiced else 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = plots.spectrogram(sound, RATE, f0, tmp_path / "1.png")
        other = plots.spectrogram(sound, RATE, f0, tmp_path / "2.png")
    assert one.read_bytes() == other.read_bytes()
    assert cv2.imread(str(one)).shape[1] == 900
