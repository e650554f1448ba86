"""Describing a clip calls no machine code that a compiler kept from another process.

librosa's YIN runs through a numba stencil with a kept compilation, which numba does not support: on some first runs what was kept is
wrong, and from then on every call ends the process, a whole night in it, with a segmentation fault.
"""

from __future__ import annotations

from typing import Any

import librosa
import librosa.core.pitch as compiled
import numpy as np
import pytest

from nightdub.tasks.features import describe


def test_describing_a_clip_does_not_reach_the_stencil(monkeypatch: pytest.MonkeyPatch) -> None:
    def stencil(*_: Any, **__: Any) -> None:
        raise AssertionError("the stencil was called")

    monkeypatch.setattr(compiled, "_pi_wrapper", stencil)
    clip = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    with pytest.raises(AssertionError, match="the stencil"):
        librosa.yin(clip, fmin=50, fmax=8000, sr=16_000)  # the trap is set
    assert describe(clip, 16_000, "a").pitch_median >= 0
