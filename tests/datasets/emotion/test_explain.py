"""An explanation points at what decides, where it is known what does, and says the same thing twice."""

from __future__ import annotations

import json
from pathlib import Path

import bursts
import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from nightdub.datasets.emotion.explain import BETWEEN, explain, extract, half_of, stretches
from nightdub.datasets.emotion.maps import MAPS
from nightdub.datasets.emotion.network import untrained
from nightdub.datasets.emotion.trained import Trained
from nightdub.datasets.selection import BANDS, band_edges

SHARE = bursts.HIGH * bursts.LONG / (BANDS * bursts.FRAMES)  # of the spectrogram that decides: what a map of no meaning has there


@pytest.mark.parametrize("name", MAPS)
def test_the_mass_of_a_map_lies_where_the_label_is_decided_and_not_so_for_random_weights(name: str, trained: Trained) -> None:
    pytest.importorskip("lime")
    shares: dict[str, list[float]] = {"trained": [], "random": []}
    for index, label in enumerate(bursts.LABELS):
        heard, place = bursts.example(label, 900 + index)
        for who, network in (("trained", trained), ("random", untrained(trained.labels, seed=index))):
            drawn = MAPS[name](network, heard, label)
            assert drawn.shape == heard.shape
            assert drawn.min() >= 0
            shares[who].append(float(drawn[place].sum() / max(drawn.sum(), 1e-9)))
            if who == "trained":
                best = np.unravel_index(drawn.argmax(), drawn.shape)
                assert place[0].start - 4 <= best[0] < place[0].stop + 4
                assert place[1].start - 10 <= best[1] < place[1].stop + 10
    assert np.mean(shares["trained"]) > 6 * SHARE
    assert np.mean(shares["random"]) < 3 * SHARE


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_the_same_every_time(name: str, trained: Trained) -> None:
    pytest.importorskip("lime")
    heard, _ = bursts.example("sad", 77)
    assert np.array_equal(MAPS[name](trained, heard[:, :40], "sad"), MAPS[name](trained, heard[:, :40], "sad"))


@pytest.mark.parametrize("frames", [1, 5, 33])
@pytest.mark.parametrize("name", ["grad-cam", "occlusion"])
def test_the_shortest_clips_have_maps(name: str, frames: int, trained: Trained) -> None:
    heard = np.random.default_rng(0).normal(-12, 1, (BANDS, frames)).astype(np.float32)
    assert MAPS[name](trained, heard, "sad").shape == heard.shape


def test_stretches_are_where_the_map_is_high_joined_and_inside_the_clip() -> None:
    drawn = np.zeros((BANDS, 100))
    drawn[10, 0:5] = 1  # at the edge
    drawn[10, 50] = drawn[40, 52] = 0.9  # joined
    drawn[10, 80] = 0.4  # too low
    # 0.05 s around the middles of frames 0 to 4, and 50 to 52
    assert np.allclose(stretches(drawn, 1.0), ((0.0, 0.1025), (0.4625, 0.5825)), atol=0.001)
    assert np.allclose(stretches(drawn, 0.5), ((0.0, 0.1025), (0.4625, 0.5)), atol=0.001)
    assert stretches(np.zeros((BANDS, 100)), 1.0) == ()


def test_the_extract_holds_the_stretches_faded_with_silence_between() -> None:
    sound = np.ones(1000, np.float32)
    made = extract(sound, 1000, ((0.1, 0.2), (0.5, 0.8)))
    gap = round(BETWEEN * 1000)
    assert len(made) == 100 + gap + 300
    assert not made[100 : 100 + gap].any()
    assert made[0] == made[99] == 0
    assert (made[10:90] == 1).all()
    assert (sound == 1).all()
    assert extract(sound, 1000, ()).size == 0


def test_the_bands_of_a_map_are_in_hertz() -> None:
    drawn, edges = np.zeros((BANDS, 10)), band_edges()
    drawn[20:24] = 1
    low, high = half_of(drawn) or (0, 0)
    assert edges[20] - 1 <= low < high <= edges[25] + 1
    assert half_of(np.zeros((BANDS, 10))) is None


@pytest.mark.slow
def test_a_clip_is_explained_with_pictures_sounds_and_times(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("lime")
    rate = 22_050
    sound = np.random.default_rng(0).normal(0, 0.003, rate).astype(np.float32)
    sound[8_000:12_000] += 0.2 * np.sin(2 * np.pi * 900 * np.arange(4_000) / rate).astype(np.float32)
    found = explain(sound, rate, untrained(trained.labels), tmp_path / "one")
    again = explain(sound, rate, untrained(trained.labels), tmp_path / "two")
    assert found == again
    written = json.loads((tmp_path / "one/explanation.json").read_text())
    assert written["label"] == found.label
    assert "learned nothing" in written["stand_in"]
    assert [row["map"] for row in written["attended"]] == list(MAPS)
    assert any(row.stretches for row in found.attended)
    for row in found.attended:
        assert imread(tmp_path / "one" / row.picture).shape[:2] == (450, 900)
        assert (tmp_path / "one" / row.picture).read_bytes() == (tmp_path / "two" / row.picture).read_bytes()
        assert bool(row.sound) == bool(row.stretches)
        if row.sound:
            heard = sum(end - start for start, end in row.stretches) + BETWEEN * (len(row.stretches) - 1)
            assert soundfile.info(tmp_path / "one" / row.sound).duration == pytest.approx(heard, abs=0.01)
            assert all(0 <= start < end <= 1.0 for start, end in row.stretches)
