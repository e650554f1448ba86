"""Two pictures compared, pixel by pixel: PSNR, SSIM, blackness, and where and when they differ. Grey uint8, full range, throughout."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightdub.tasks.rows import Decibel

Grey = npt.NDArray[np.uint8]  # (height, width), 0..255
Mask = npt.NDArray[np.bool_]  # (height, width), True = this pixel counts
Film = npt.NDArray[np.uint8]  # (frames, height, width), 0..255
Real = npt.NDArray[np.float32]

PEAK = 255.0
CAP: Decibel = 60.0  # of one frame's PSNR, as in libvmaf: a few wrong bits would weigh as much as a good film
SMALL = 320  # pixels of width at which blocks are compared
TINY = 160  # pixels of width at which frames are told from their neighbours

_BLOCK = 8  # pixels of a small picture's blocks
_CHANGED = 8.0  # mean levels by which a block differs, well above what coding at crf 20 to 30 leaves (1 to 4)
_USUAL = 4.0  # times the 90th percentile of the blocks of its frame: where coding is coarse, more is needed
_DARK, _DARK_SHARE = 0.1, 0.98  # a black frame: this share of pixels at or below this share of white (ffmpeg's blackdetect)


def grey(frame: npt.NDArray[np.uint8]) -> Grey:
    """Return a BGR frame's luma by BT.601's weights, 0..255."""
    import cv2

    cv2.setNumThreads(1)  # the fan-out owns the cores
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def shrunk(picture: Grey, width: int) -> Grey:
    """Return a picture of this width, or itself where it is smaller, by area averages."""
    import cv2

    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def psnr(one: Grey, other: Grey, mask: Mask | None = None) -> Decibel:
    """Return 10 log10(255^2 / mean squared error) over the pixels of `mask`; infinite where they are equal."""
    import cv2

    where = None if mask is None else mask.view(np.uint8)
    count = one.size if mask is None else int(np.count_nonzero(mask))
    error = cv2.norm(one, other, cv2.NORM_L2SQR, where) / count if count else 0.0
    return 10 * math.log10(PEAK**2 / error) if error > 0 else math.inf


def ssim(one: Grey, other: Grey, mask: Mask | None = None) -> float:
    """Return the mean structural similarity, -1..1 (Wang et al. 2004: Gaussian of 11 pixels and sigma 1.5, data range 255).

    Pictures are shrunk first so that the shorter side has about 256 pixels, as the authors advise. Five pixels of border are left out.
    """
    import cv2

    factor = max(1, round(min(one.shape) / 256))
    size = (one.shape[1] // factor, one.shape[0] // factor)
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) for picture in (one, other)]
    inner = (slice(5, -5), slice(5, -5))
    values = _similarity(small[0], small[1])[inner]
    if mask is None:
        return float(values.mean())
    kept = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)[inner].astype(bool)
    return float(values[kept].mean()) if kept.any() else float(values.mean())


def _similarity(one: Real, other: Real) -> Real:
    """Return the map of structural similarity of two pictures."""
    import cv2

    def blurred(picture: Real) -> Real:
        return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float32)

    steady, contrast = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    mean, other_mean = blurred(one), blurred(other)
    both, squares = mean * other_mean, mean * mean + other_mean * other_mean
    spread = blurred(one * one + other * other) - squares
    shared = blurred(one * other) - both
    return np.asarray((2 * both + steady) * (2 * shared + contrast) / ((squares + steady) * (spread + contrast)), np.float32)


def without(shape: tuple[int, ...], region: tuple[float, float, float, float] | None, scale: float = 1.0) -> Mask:
    """Return a mask of all pixels but a region (left, top, right, bottom, times `scale`, grown to whole pixels)."""
    mask = np.ones(shape, bool)
    if region:
        left, top, right, bottom = (max(0.0, side * scale) for side in region)
        mask[math.floor(top) : math.ceil(bottom), math.floor(left) : math.ceil(right)] = False
    return mask


def is_black(picture: Grey) -> bool:
    """Return whether 98 % of the pixels have at most a tenth of full white."""
    return float(np.mean(picture <= _DARK * PEAK)) >= _DARK_SHARE


def changed_blocks(one: Grey, other: Grey, mask: Mask) -> int:
    """Return how many blocks of 8 x 8 pixels differ by more than coding explains; only blocks that lie wholly in `mask` are looked at."""
    difference = _blocks(np.abs(one.astype(np.int16) - other).astype(np.float32))[_blocks(mask.astype(np.float32)) == 1]
    if not difference.size:
        return 0
    return int(np.count_nonzero(difference > max(_CHANGED, _USUAL * float(np.percentile(difference, 90)))))


def _blocks(picture: Real) -> Real:
    """Return the means of blocks; rows and columns that fill none are left out."""
    down, across = (max(1, side // _BLOCK) for side in picture.shape)
    whole = picture[: down * _BLOCK, : across * _BLOCK]
    return np.asarray(whole.reshape(down, whole.shape[0] // down, across, whole.shape[1] // across).mean(axis=(1, 3)), np.float32)


# ---------------------------------------------------------------- frames against their neighbours

_REACH = 3  # frames to each side in which a misplaced frame is looked for
_MOVES = 3.0  # levels, root mean square over the block that moves most: less is told apart by nobody
_STILL = 0.25  # of the source's step: a dub that moves less stands still
_SURE = 0.5  # of the squared distance between two source frames, by which a dub's frame must be nearer to the other


@dataclass(frozen=True, slots=True)
class Order:
    """What is wrong with the order of a shot's frames, as frame numbers of the shot. Every frozen frame is a misplaced one too."""

    frozen: tuple[int, ...]  # as good as equal to the one before, where the source moves
    misplaced: tuple[int, ...]  # more like another frame of the source than like its own


def judge_order(source: Film, dub: Film, masks: npt.NDArray[np.bool_]) -> Order:
    """Return frozen and misplaced frames of one shot from tiny pictures and masks, each (frames, height, width).

    A mask leaves out what was redrawn on purpose. Where the source does not move nothing can be told, and nothing is said.
    """
    frames = len(source)
    frozen, misplaced = [], []
    for place in range(frames):
        mask = masks[place].astype(np.float32)
        others = [other for other in range(max(0, place - _REACH), min(frames, place + _REACH + 1)) if other != place]
        if any(_nearer(dub[place], source[place], source[other], mask) for other in others):
            misplaced.append(place)
            if place and _stands(source[place - 1 : place + 1], dub[place - 1 : place + 1], mask * masks[place - 1]):
                frozen.append(place)
    return Order(tuple(frozen), tuple(misplaced))


def _stands(source: Film, dub: Film, mask: Real) -> bool:
    """Return whether the dub's two frames are as good as one where the source's two differ."""
    step, kept = (float(((pair[1].astype(np.float32) - pair[0]) ** 2 * mask).sum()) for pair in (source, dub))
    return kept <= _STILL**2 * step


def _nearer(frame: Grey, own: Grey, other: Grey, mask: Real) -> bool:
    """Return whether a frame of the dub is clearly nearer to another frame of the source than to its own."""
    apart = (own.astype(np.float32) - other) * mask
    if _blocks(apart * apart).max() < _MOVES**2:
        return False
    off = frame.astype(np.float32) - other
    distance = float((apart * apart).sum())
    gain = distance - 2 * float((apart * off).sum())  # |frame - own|^2 - |frame - other|^2, rid of the coding noise that both have
    return gain > _SURE * distance
