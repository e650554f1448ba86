"""Stereo from 5.1 by the coefficients of ITU-R BS.775-4 (centre and surrounds at -3 dB, LFE left out), at the profile's loudness and peak.

Folding keeps the loudness of a voice in the centre: one channel of power p becomes two of p/2. What lies elsewhere may add up, so that
the fold is measured, rendered once more where it misses the loudness, and limited by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from nightdub.infra.media.sound import LEFT, RIGHT
from nightdub.tasks.limiter import CONTEXT, limiting_gains, ride
from nightdub.tasks.loudness import BLOCK, CELL, Stretch, highest_peak, read_padded
from nightdub.tasks.render import RATE, meter
from nightdub.tasks.rows import Decibel
from nightdub.tasks.wav24 import Wav24

_FOLD = np.array([LEFT, RIGHT], np.float32).T


@dataclass(frozen=True, slots=True)
class Folded:
    """What was measured of a stereo fold."""

    loudness: Decibel | None
    peak: float  # linear


def fold(programme: Path, out: Path, gating: str, spoken: tuple[Stretch, ...], ceiling: float, gain: Decibel) -> Folded:
    """Write the stereo of a 5.1 programme, 48 kHz and 24 bits, with a gain, its true peak held under `ceiling` (linear)."""
    around, gauge, peak = (CONTEXT + 1) * CELL, meter(gating, spoken, 2), 0.0
    matrix = _FOLD * np.float32(10 ** (gain / 20))
    with soundfile.SoundFile(programme) as file, Wav24(out, RATE, 2, file.frames) as written:
        for start in range(0, file.frames, BLOCK):
            frames = min(BLOCK, file.frames - start)
            block = read_padded(file, start - around, start + -(-frames // CELL) * CELL + around) @ matrix
            gains, block = limiting_gains(block, ceiling), block[CONTEXT * CELL : -CONTEXT * CELL]
            if gains is not None:
                ride(block, gains)
            peak = highest_peak(block, peak)
            gauge.feed(block[CELL : CELL + frames], start)
            written.write(block[CELL : CELL + frames])
    return Folded(gauge.loudness, peak)


def decibel(peak: float) -> Decibel | None:
    """Return a linear peak in dB; None for silence."""
    return 20 * math.log10(peak) if peak > 0 else None
