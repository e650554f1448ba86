"""Where a line lies among the channels: the original's shares of power as gains, which keep the power whatever the place."""

from __future__ import annotations

import math
from collections.abc import Sequence

CENTRE = {2: (0.5, 0.5), 6: (0.0, 0.0, 1.0, 0.0, 0.0, 0.0)}  # channels -> shares of power: L R, or L R C LFE Ls Rs


def gains(shares: Sequence[float], channels: int) -> tuple[float, ...]:
    """Return the gain of a mono line in each channel; their squares sum to 2, so that stereo's centre has a gain of 1.

    Shares of another number of channels than the programme's say nothing; the line then lies in the centre.
    """
    kept = shares if len(shares) == channels and sum(shares) > 0 else CENTRE[channels]
    return tuple(math.sqrt(2 * share / sum(kept)) for share in kept)
