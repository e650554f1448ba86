"""Pictures compared: values worked out by hand, and scikit-image's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from nightdub.quality.metrics.pixels import changed_blocks, grey, is_black, judge_order, psnr, shrunk, ssim, without


def flat(level: int, height: int = 40, width: int = 64) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


def test_psnr_of_a_constant_difference() -> None:
    assert psnr(flat(100), flat(110)) == pytest.approx(20 * math.log10(25.5))  # mean squared error 100
    assert psnr(flat(0), flat(255)) == pytest.approx(0, abs=1e-12)
    assert psnr(flat(7), flat(7)) == math.inf


def test_psnr_looks_only_where_the_mask_says() -> None:
    other = flat(100)
    other[10:20, 10:30] = 0
    mask = without(other.shape, (10, 10, 30, 20))
    assert mask.sum() == 40 * 64 - 200
    assert psnr(flat(100), other, mask) == math.inf
    assert psnr(flat(100), other) == pytest.approx(10 * math.log10(255**2 * 40 * 64 / (200 * 100**2)))


@pytest.mark.parametrize("strength", [3.0, 12.0, 40.0])
def test_ssim_and_psnr_are_scikit_images(strength: float) -> None:
    picture = skimage.data.camera()[:256, :320]
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, strength, picture.shape), 0, 255).astype(np.uint8)
    theirs = structural_similarity(picture, noisy, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    assert ssim(picture, noisy) == pytest.approx(theirs, abs=1e-3)
    assert psnr(picture, noisy) == pytest.approx(peak_signal_noise_ratio(picture, noisy, data_range=255), abs=1e-6)


def test_ssim_of_two_flat_pictures_is_their_luminance_term() -> None:
    steady = (0.01 * 255) ** 2
    assert ssim(flat(100), flat(120)) == pytest.approx((2 * 100 * 120 + steady) / (100**2 + 120**2 + steady), abs=1e-5)
    assert ssim(flat(100), flat(100)) == pytest.approx(1)


def test_ssim_outside_a_mask_does_not_see_what_is_inside() -> None:
    picture = skimage.data.camera()[:200, :200]
    other = picture.copy()
    other[80:120, 80:120] = 0
    assert ssim(picture, other, without(picture.shape, (70, 70, 130, 130))) == pytest.approx(1)
    assert ssim(picture, other) < 0.99


def test_grey_weighs_as_bt601() -> None:
    frame = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)  # BGR
    assert grey(frame).tolist() == [[29, 150, 76, 255]]


def test_shrinking_averages_areas_and_never_grows() -> None:
    picture = np.tile(np.array([[0, 100], [100, 200]], np.uint8), (4, 8))
    assert (shrunk(picture, 8) == 100).all()
    assert shrunk(picture, 320) is picture


def test_black_is_98_percent_at_a_tenth() -> None:
    picture = flat(25, 100, 100)
    picture[:2] = 255
    assert is_black(picture)
    picture[2, 0] = 255
    assert not is_black(picture)
    assert not is_black(flat(26))


def test_changed_blocks_are_counted_above_the_noise() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 200, (160, 320)).astype(np.uint8)
    noisy = np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
    whole = without(picture.shape, None)
    assert changed_blocks(picture, noisy, whole) == 0
    noisy[16:32, 80:104] += 50  # 2 x 3 blocks
    assert changed_blocks(picture, noisy, whole) == 6
    assert changed_blocks(picture, noisy, without(picture.shape, (80, 16, 104, 32))) == 0


def running(frames: int = 12) -> np.ndarray:
    """Return a bright square that goes two pixels to the right with each frame."""
    film = np.full((frames, 40, 80), 60, np.uint8)
    for index, frame in enumerate(film):
        frame[10:26, 4 + 2 * index : 20 + 2 * index] = 180
    return film


def order(indices: list[int], noise: float = 0.0) -> tuple[tuple[int, ...], tuple[int, ...]]:
    film = running()
    dub = np.clip(film[indices] + np.random.default_rng(0).normal(0, noise, film.shape), 0, 255).astype(np.uint8)
    found = judge_order(film, dub, np.ones(film.shape, bool))
    return found.frozen, found.misplaced


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_the_order_of_frames(noise: float) -> None:
    assert order(list(range(12)), noise) == ((), ())
    assert order([0, 1, 2, 3, 5, 6, 7, 8, 8, 9, 10, 11], noise) == ((), (4, 5, 6, 7))  # 4 dropped, 8 doubled: back in step at 8
    assert order([0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11], noise) == ((), (2, 3))


def test_frozen_frames_stand_where_the_original_goes_on() -> None:
    assert order([0, 1, 2, 3, 3, 3, 6, 7, 8, 9, 10, 11]) == ((4, 5), (4, 5))


def test_where_nothing_moves_nothing_is_told() -> None:
    still = np.full((6, 40, 80), 90, np.uint8)
    found = judge_order(still, still, np.ones(still.shape, bool))
    assert found.frozen == found.misplaced == ()


def test_what_a_mask_leaves_out_is_not_judged() -> None:
    film = running()
    masks = np.ones(film.shape, bool)
    masks[:, 8:28] = False
    assert judge_order(film, film[[0] * 12], masks).misplaced == ()
