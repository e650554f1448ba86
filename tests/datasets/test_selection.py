"""Gaussian data selection: its figures against closed forms, its report, and what it refuses to do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal.windows import hann

from nightdub.datasets.rows import SourceClip
from nightdub.datasets.selection import (
    BANDS,
    FLOOR,
    Numbers,
    band_edges,
    bhattacharyya,
    homogeneity,
    log_mel,
    segment_statistics,
    select,
)
from nightdub.infra.errors import ConfigError, MediaError


def clips(*labels: tuple[str, str, str]) -> list[SourceClip]:
    return [SourceClip(f"c{index}", "", "", language, speaker, emotion) for index, (speaker, emotion, language) in enumerate(labels)]


def drawn(count: int, seed: int = 0) -> tuple[Numbers, Numbers]:
    """Return speech-like statistics: one falling pattern, each with its own deviation."""
    draw = np.random.default_rng(seed)
    slope = np.linspace(-6, -14, BANDS) + 2 * np.sin(np.arange(BANDS) / 5)
    return slope + draw.normal(0, 0.5, (count, BANDS)), 3 + np.cos(np.arange(BANDS) / 7) + draw.uniform(0, 0.5, (count, BANDS))


# ---------------------------------------------------------------- the spectrogram


def test_a_sine_stands_in_the_band_that_holds_its_frequency_at_its_power() -> None:
    edges = band_edges()
    for band in (5, 20, 40, 63):
        hertz = round(edges[band + 1] / 40) * 40  # on a bin of the transform: nothing leaks but into the two beside it
        mel = log_mel(np.sin(2 * np.pi * hertz * np.arange(48_000) / 48_000).astype(np.float32), 48_000)
        assert mel.shape == (BANDS, 98)  # 1 + (48,000 - 1,200) / 480, nothing padded
        loudest = int(mel.mean(axis=1).argmax())
        assert edges[loudest] < hertz < edges[loudest + 2]
        assert mel[loudest].std() < 1e-3


def test_a_frame_is_the_mel_power_of_1200_samples_under_a_periodic_hann_window() -> None:
    librosa = pytest.importorskip("librosa")
    sound = np.random.default_rng(1).normal(0, 0.1, 4_800).astype(np.float32)
    stft = librosa.stft(sound.astype(np.float64), n_fft=1200, hop_length=480, window=hann(1200, sym=False), center=False)
    power = np.abs(stft) ** 2 / 300**2  # the window sums to 600, so that a full-scale sine is 300 high in one bin: its power is 1
    filters = librosa.filters.mel(sr=48_000, n_fft=1200, n_mels=64, norm=None)
    assert np.allclose(log_mel(sound, 48_000), np.log(np.maximum(filters @ power, FLOOR)), atol=1e-4)


def test_statistics_are_means_and_variances_over_time_of_each_stretch() -> None:
    sound = np.random.default_rng(2).normal(0, 0.1, 22_050).astype(np.float32)
    mel = log_mel(sound, 22_050).astype(np.float64)
    means, variances = segment_statistics(sound, 22_050)
    assert means.shape == variances.shape == (1, BANDS)
    assert np.allclose(means[0], mel.mean(axis=1))
    assert np.allclose(variances[0], mel.var(axis=1))
    assert segment_statistics(sound, 22_050, stretch=0.25)[0].shape == (4, BANDS)
    assert np.allclose(segment_statistics(sound, 22_050, stretch=0.5)[0].mean(axis=0), means[0], atol=0.05)


def test_silence_and_the_shortest_sounds_have_statistics_and_no_number_is_no_sound() -> None:
    for length in (0, 1, 100):
        means, variances = segment_statistics(np.zeros(length, np.float32), 22_050)
        assert np.allclose(means, np.log(FLOOR))
        assert not variances.any()
    with pytest.raises(MediaError, match="not finite"):
        log_mel(np.array([0.0, np.nan], np.float32), 48_000)


# ---------------------------------------------------------------- likeness


def test_homogeneity_is_the_mean_correlation_with_every_other_segment() -> None:
    means, variances = drawn(12)
    expected = [
        np.mean([(np.corrcoef(means[i], means[j])[0, 1] + np.corrcoef(variances[i], variances[j])[0, 1]) / 2 for j in range(12) if j != i])
        for i in range(12)
    ]
    assert np.allclose(homogeneity(means, variances), expected)


def test_homogeneity_is_within_a_class_and_a_segment_alone_has_nothing_against_it() -> None:
    means, variances = drawn(7)
    classes = ["a", "b", "a", "b", "a", "b", "c"]
    found = homogeneity(means, variances, classes)
    assert np.allclose(found[::2][:3], homogeneity(means[[0, 2, 4]], variances[[0, 2, 4]]))
    assert found[6] == 1
    with pytest.raises(ConfigError, match="2 classes of 7"):
        homogeneity(means, variances, ["a", "b"])


def test_silence_correlates_with_nothing() -> None:
    means, variances = drawn(6)
    means[3], variances[3] = np.log(FLOOR), 0
    found = homogeneity(means, variances)
    assert found[3] == 0
    assert found.argmin() == 3


def test_bhattacharyya_is_the_closed_form_between_two_gaussians() -> None:
    means, variances = np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[2.0, 1.0], [0.5, 4.0]])
    gap = (1 - 3) ** 2 / 1.25 / 8 + np.log(1.25 / np.sqrt(2 * 0.5)) / 2
    assert np.allclose(bhattacharyya(means, variances), [(gap + np.log(2.5 / 2) / 2) / 2] * 2)
    assert bhattacharyya(means[:1], variances[:1]) == [0]


@pytest.mark.parametrize("sign", [1, -1], ids=["correlation", "distance"])
def test_noise_and_music_among_speech_are_what_is_left_out(sign: int) -> None:
    means, variances = drawn(40)
    odd = [3, 17, 30]
    means[3], variances[3] = -8, 0.3  # white noise: flat, but for a trace
    means[3] += np.random.default_rng(3).normal(0, 0.01, BANDS)
    means[17], variances[17] = means[17][::-1], 0.01
    means[30], variances[30] = np.log(FLOOR), 0
    scores = homogeneity(means, variances) if sign > 0 else -bhattacharyya(means, variances)
    found = select(clips(*[("s", "sad", "en")] * 40), scores, quota=3 / 40)
    assert list(found.dropped) == sorted(f"c{index}" for index in odd)


# ---------------------------------------------------------------- what is dropped


def test_a_threshold_drops_what_is_below_it_and_the_report_counts_by_speaker_emotion_and_language() -> None:
    rows = clips(("ann", "sad", "en"), ("ann", "sad", "en"), ("ann", "happy", "es"), ("bob", "happy", "es"), ("bob", "sad", "en"))
    found = select(rows, [0.9, 0.1, 0.5, 0.5, 0.8], threshold=0.5)
    assert found.kept == ("c0", "c2", "c3", "c4")
    assert found.dropped == {"c1": "scores 0.100, below 0.5"}
    assert found.counts == {
        "speaker": {"ann": (1, 3), "bob": (0, 2)},
        "emotion": {"happy": (0, 2), "sad": (1, 3)},
        "language": {"en": (1, 3), "es": (0, 2)},
    }
    assert "by speaker: ann 1/3, bob 0/2" in found.as_text()
    assert [(row.id, row.code) for row in found.excused()] == [("c1", "not-selected")]


def test_a_rare_voice_is_not_emptied_and_what_was_kept_back_for_it_is_said() -> None:
    rows = clips(*[("ann", "sad", "en")] * 8, ("bob", "sad", "en"), ("bob", "sad", "en"))
    found = select(rows, [0.9] * 8 + [0.1, 0.2], quota=0.2)
    assert list(found.dropped) == ["c8"]
    assert found.spared == {"c9": "scores 0.200; speaker bob has lost 1 of 2"}
    assert "spared c9: scores 0.200; speaker bob has lost 1 of 2" in found.as_text()
    assert select(rows, [0.9] * 8 + [0.1, 0.2], quota=0.2, at_most=0.0).dropped == {}


def test_equal_scores_go_by_id_whatever_the_order_of_the_rows() -> None:
    rows = clips(*[("ann", "sad", "en")] * 6)
    assert list(select(rows, [0.5] * 6, quota=0.34).dropped) == ["c0", "c1"]
    assert select(rows[::-1], [0.5] * 6, quota=0.34) == select(rows, [0.5] * 6, quota=0.34)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["sad", "happy", ""]), st.sampled_from(["en", "es"]), st.floats(-1, 1)),
        max_size=40,
    ),
    st.floats(0, 0.99),
    st.floats(0, 0.99),
)
def test_every_clip_is_kept_or_dropped_and_no_group_is_emptied(
    labels: list[tuple[str, str, str, float]], quota: float, at_most: float
) -> None:
    rows = clips(*[label[:3] for label in labels])
    found = select(rows, [label[3] for label in labels], quota=quota, at_most=at_most)
    assert sorted([*found.kept, *found.dropped]) == sorted(row.id for row in rows)
    assert set(found.spared) <= set(found.kept)
    assert len(found.dropped) + len(found.spared) <= quota * len(rows) + 1e-6
    for group in ("speaker", "emotion", "language"):
        left = {getattr(row, group) for row in rows if row.id in found.kept}
        assert left >= {getattr(row, group) for row in rows} - {""}


@pytest.mark.parametrize(
    ("scores", "figures", "why"),
    [
        ([1, 2], {}, "both or neither"),
        ([1, 2], {"quota": 0.1, "threshold": 0.1}, "both or neither"),
        ([1, 2], {"quota": 1.0}, "shares"),
        ([1, 2], {"quota": 0.1, "at_most": 1.0}, "shares"),
        ([1, 2], {"threshold": float("nan")}, "a number"),
        ([1, float("nan")], {"quota": 0.1}, "2 clips with 1 scores"),
        ([1], {"quota": 0.1}, "2 clips with 1 scores"),
    ],
)
def test_what_cannot_be_decided_is_refused(scores: list[float], figures: dict[str, float], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        select(clips(("a", "sad", "en"), ("a", "sad", "en")), scores, **figures)


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="an id twice"):
        select(clips(("a", "sad", "en")) * 2, [1, 2], quota=0.1)
