"""Dialogue and bed of a mix, piece by piece from a separator: 20 s with 3 s of context on each side, each faded into the next.

Mono and stereo go to the separator whole. Of 5.1 only the channels that carry the dialogue do: the centre, as mono, or left and right
where the centre is empty. The other channels are bed, sample for sample.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.tasks.loudness import Block, read_padded
from nightdub.tasks.protocols import Separator

FIVE_ONE = 6  # channels: L R C LFE Ls Rs
_PIECE, _CONTEXT, _BLEND = 20.0, 3.0, 0.25  # seconds: what a separator gets, what it hears around it, half of each cross-fade
_EMPTY = 1e-3  # of the power of left and right, under which a centre counts as empty


def separated(mix: soundfile.SoundFile, separator: Separator) -> Iterator[tuple[Block, Block]]:
    """Yield dialogue and bed, shape (frames, channels); their sum is the mix where the separator's is.

    Raises: MediaError where the separator changed the shape.
    """
    rate, carriers = mix.samplerate, _carriers(mix)
    piece, context, blend = round(_PIECE * rate), round(_CONTEXT * rate), round(_BLEND * rate)
    rising = (np.arange(2 * blend, dtype=np.float32)[:, None] + 0.5) / (2 * blend)
    tail: npt.NDArray[np.float32] | None = None
    for start in range(0, mix.frames, piece):
        stop = min(start + piece, mix.frames)
        stems = _piece(read_padded(mix, start - context, stop + context), rate, separator, carriers)
        stems = stems[:, context - blend : stems.shape[1] - context + blend]
        if tail is not None:
            stems[:, : 2 * blend] = stems[:, : 2 * blend] * rising + tail * (1 - rising)
        last = stop == mix.frames
        tail = stems[:, -2 * blend :].copy()
        done = stems[:, blend if start == 0 else 0 : stems.shape[1] - blend if last else stems.shape[1] - 2 * blend]
        yield done[0], done[1]


def _carriers(mix: soundfile.SoundFile) -> list[int]:
    """Return the channels that a separator hears."""
    if mix.channels != FIVE_ONE:
        return list(range(mix.channels))
    powers = np.zeros(mix.channels)
    for start in range(0, mix.frames, 10 * mix.samplerate):
        block = read_padded(mix, start, min(start + 10 * mix.samplerate, mix.frames))
        powers += np.square(block, dtype=np.float64).sum(axis=0)
    return [0, 1] if powers[2] < _EMPTY * powers[:2].sum() else [2]


def _piece(block: Block, rate: int, separator: Separator, carriers: list[int]) -> npt.NDArray[np.float32]:
    """Return both stems of one piece, shape (2, frames, channels)."""
    heard = np.ascontiguousarray(block.T[carriers])
    dialogue, bed = separator.separate(heard, rate)
    if dialogue.shape != heard.shape or bed.shape != heard.shape:
        raise MediaError(f"stems of shape {dialogue.shape} and {bed.shape}", where=separator.identity().name, allowed=f"{heard.shape}")
    stems = np.stack([np.zeros_like(block), block])
    stems[0][:, carriers], stems[1][:, carriers] = dialogue.T, bed.T
    return stems
