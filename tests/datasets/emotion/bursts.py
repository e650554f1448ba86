"""A task in which one place of the spectrogram decides, so that it is known where an explanation must point."""

from __future__ import annotations

import numpy as np

from nightdub.datasets.selection import BANDS, Spectrogram

LABELS = ("angry", "sad")
FRAMES = 96
HIGH, LONG = 10, 20  # bands and frames of a burst
BAND = {"angry": 12, "sad": 44}  # where the deciding burst starts


def example(label: str, seed: int) -> tuple[Spectrogram, tuple[slice, slice]]:
    """Return noise with one burst whose height decides, at a time that does not, and a decoy that every label has."""
    draw = np.random.default_rng(seed)
    made = draw.normal(-12.0, 1.0, (BANDS, FRAMES)).astype(np.float32)
    first = int(draw.integers(4, FRAMES - LONG - 4))
    place = slice(BAND[label], BAND[label] + HIGH), slice(first, first + LONG)
    made[place] += 5
    decoy = int(draw.integers(0, FRAMES - LONG))
    made[28:36, decoy : decoy + LONG] += 5
    return made, place
