"""Split a programme into dialogue and music-and-effects: by a delivered M&E stem where it fits, else by a separator.

Everything streams: a separator gets 20 s with 3 s of context on each side, so memory stays under 500 MB whatever the length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.tasks.loudness import Block, read_padded
from nightdub.tasks.protocols import Separator
from nightdub.tasks.rows import Decibel, Seconds

_PIECE, _CONTEXT, _BLEND = 20.0, 3.0, 0.25  # seconds: what a separator gets, what it hears around it, half of each cross-fade
_CELL = 0.1  # seconds in which powers are compared
_FARTHEST = 0.04  # seconds: one frame at 25 frames/s that a delivered stem may be off
_LENGTHS = 1.0  # seconds by which a delivered stem may be longer or shorter
_UNITY = 0.05  # dB of fitted gain that count as none
_FITS, _RELATED = -15.0, -3.0  # dB of residual against M&E in its best tenth: subtract it; use it as the bed at least
_AUDIBLE = 1e-6  # power of a cell (-60 dBFS) below which nothing is compared


@dataclass(frozen=True, slots=True)
class StemFacts:
    """How the stems were made and how far they can be trusted."""

    method: str  # of the bed: "delivered" or "separated:<engine>"
    dialogue: str  # "difference" (mix less M&E) or "separated:<engine>"
    leakage: Decibel | None  # estimate: speech left in the bed against the dialogue; None = bed and dialogue do not move together
    offset: Seconds = 0.0  # by which the delivered stem was moved
    gain: Decibel = 0.0  # put on the delivered stem
    residual: Decibel | None = None  # mix less M&E against M&E, in the tenth of 100 ms cells that agree best
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fit:
    """Where a delivered stem lies in the mix: mix(n) = gain * stem(n - lag) where nobody speaks."""

    lag: int
    gain: float
    residual: Decibel | None  # None: the stem is silent


class _Powers:
    """Powers of two stems in cells of 100 ms, gathered as they are written."""

    def __init__(self, rate: int) -> None:
        self._cell, self._rows = round(_CELL * rate), [np.zeros((2, 0))]

    def add(self, dialogue: Block, bed: Block) -> None:
        whole = len(bed) // self._cell * self._cell
        self._rows.append(np.stack([np.square(x[:whole]).mean(axis=1).reshape(-1, self._cell).mean(axis=1) for x in (dialogue, bed)]))

    def leakage(self) -> Decibel | None:
        """Return how much the bed rises when there is speech, against that speech, in dB.

        The loudest third of dialogue cells is set against the quietest: an estimate that takes music to be no louder under speech.
        """
        dialogue, bed = np.concatenate(self._rows, axis=1)
        if dialogue.size < 30 or dialogue.max() < _AUDIBLE:
            return None
        order = np.argsort(dialogue, kind="stable")
        quiet, loud = order[: len(order) // 3], order[-(len(order) // 3) :]
        rise = float(bed[loud].mean() - bed[quiet].mean())
        spoken = float(dialogue[loud].mean() - dialogue[quiet].mean())
        return 10 * math.log10(rise / spoken) if 0 < rise < spoken else None


def split(mix_path: Path, out_dialogue: Path, out_me: Path, delivered_me: Path | None, separator: Separator) -> StemFacts:
    """Write dialogue and music-and-effects as WAV of the mix's rate, channels, length and depth; return how it was done.

    A delivered M&E stem is moved by at most one frame and subtracted. Where speech never pauses long enough to check it, it is the
    bed and the dialogue is separated; where it is of another kind or does not occur in the mix, it is not used. Both are warned of.

    Raises:
        MediaError: the mix or the delivered stem cannot be decoded.
    """
    with _opened(mix_path) as mix:
        if delivered_me is None:
            return _separate(mix, out_dialogue, out_me, separator)
        with _opened(delivered_me) as stem:
            if problem := _unlike(mix, stem):
                return replace(_separate(mix, out_dialogue, out_me, separator), warnings=(f"delivered M&E not used: {problem}",))
            return _with_delivered(mix, stem, out_dialogue, out_me, separator)


def _with_delivered(mix: soundfile.SoundFile, stem: soundfile.SoundFile, dialogue: Path, bed: Path, separator: Separator) -> StemFacts:
    fit = _fit(mix, stem)
    found = "it is silent" if fit.residual is None else f"{fit.residual:.1f} dB of other sound even where it fits best"
    if fit.residual is None or fit.residual > _RELATED:
        return replace(_separate(mix, dialogue, bed, separator), residual=fit.residual, warnings=(f"delivered M&E not used: {found}",))
    _write(mix, dialogue, bed, _subtracted(mix, stem, fit))
    facts = StemFacts("delivered", "difference", None, fit.lag / mix.samplerate, 20 * math.log10(fit.gain), fit.residual)
    if fit.residual <= _FITS:
        return facts
    _write(mix, dialogue, None, _separated(mix, separator))
    name = f"separated:{separator.identity().name}"
    return replace(facts, dialogue=name, warnings=(f"dialogue was separated: delivered M&E leaves {found}",))


def _separate(mix: soundfile.SoundFile, dialogue: Path, bed: Path, separator: Separator) -> StemFacts:
    name = f"separated:{separator.identity().name}"
    return StemFacts(name, name, _write(mix, dialogue, bed, _separated(mix, separator)).leakage())


def _write(mix: soundfile.SoundFile, dialogue: Path, bed: Path | None, blocks: Iterator[tuple[Block, Block]]) -> _Powers:
    """Write blocks of dialogue and bed to their files, the bed only where it is wanted."""
    powers, kind = _Powers(mix.samplerate), {"samplerate": mix.samplerate, "channels": mix.channels, "subtype": mix.subtype}
    with soundfile.SoundFile(dialogue, "w", format="WAV", **kind) as speech:
        rest = None if bed is None else soundfile.SoundFile(bed, "w", format="WAV", **kind)
        try:
            for spoken, other in blocks:
                speech.write(spoken)
                powers.add(spoken, other)
                if rest is not None:
                    rest.write(other)
        finally:
            if rest is not None:
                rest.close()
    return powers


# ---------------------------------------------------------------- delivered


def _unlike(mix: soundfile.SoundFile, stem: soundfile.SoundFile) -> str:
    """Return why a stem cannot belong to the mix, or nothing."""
    if (stem.samplerate, stem.channels) != (mix.samplerate, mix.channels):
        return f"{stem.samplerate} Hz, {stem.channels} channels against {mix.samplerate} Hz, {mix.channels} channels"
    apart = abs(stem.frames - mix.frames) / mix.samplerate
    return f"{apart:.2f} s longer or shorter than the mix" if apart > _LENGTHS else ""


def _fit(mix: soundfile.SoundFile, stem: soundfile.SoundFile) -> _Fit:
    """Find a stem in the mix: the lag over the whole programme, gain and residual in the tenth of cells that agree best."""
    lag = _lag(mix, stem)
    both, delivered, heard = _agreement(mix, stem, lag)
    audible = np.flatnonzero(delivered > _AUDIBLE)
    if audible.size == 0:
        return _Fit(lag, 1.0, None)
    alike = both[audible] ** 2 / (delivered[audible] * np.maximum(heard[audible], _AUDIBLE * _AUDIBLE))
    best = audible[np.argsort(-alike, kind="stable")[: max(1, audible.size // 10)]]
    gain = float(both[best].sum() / delivered[best].sum())
    if gain <= 0:
        return _Fit(lag, 1.0, math.inf)
    gain = 1.0 if abs(20 * math.log10(gain)) < _UNITY else gain
    fitted = gain**2 * delivered[best].sum()
    residual = float((heard[best].sum() - 2 * gain * both[best].sum() + fitted) / fitted)
    return _Fit(lag, gain, 10 * math.log10(max(residual, 1e-12)))


def _lag(mix: soundfile.SoundFile, stem: soundfile.SoundFile) -> int:
    """Return the lag of highest cross-correlation within one frame, in samples; positive = the stem has to come later."""
    size, farthest = 1 << 17, round(_FARTHEST * int(mix.samplerate))
    together = np.zeros(size + 1, np.complex128)
    for start in range(0, mix.frames, size):
        heard = read_padded(mix, start, start + size).mean(axis=1)
        delivered = read_padded(stem, start, start + size).mean(axis=1)
        together += np.fft.rfft(heard, 2 * size) * np.fft.rfft(delivered, 2 * size).conj()
    lags = np.fft.irfft(together)
    near = np.concatenate([lags[-farthest:], lags[: farthest + 1]])
    return int(near.argmax()) - farthest


def _agreement(mix: soundfile.SoundFile, stem: soundfile.SoundFile, lag: int) -> npt.NDArray[np.float64]:
    """Return mix times stem, stem squared and mix squared, each as the mean of every 100 ms cell, shape (3, cells)."""
    cell, rows = round(_CELL * mix.samplerate), [np.zeros((3, 0))]
    for start in range(0, mix.frames - cell + 1, 100 * cell):
        stop = min(start + 100 * cell, mix.frames // cell * cell)
        heard, delivered = read_padded(mix, start, stop), read_padded(stem, start - lag, stop - lag)
        products = (heard * delivered, np.square(delivered), np.square(heard))
        rows.append(np.stack([product.mean(axis=1, dtype=np.float64).reshape(-1, cell).mean(axis=1) for product in products]))
    return np.concatenate(rows, axis=1)


def _subtracted(mix: soundfile.SoundFile, stem: soundfile.SoundFile, fit: _Fit) -> Iterator[tuple[Block, Block]]:
    size = 10 * mix.samplerate
    for start in range(0, mix.frames, size):
        stop = min(start + size, mix.frames)
        bed = read_padded(stem, start - fit.lag, stop - fit.lag) * np.float32(fit.gain)
        yield read_padded(mix, start, stop) - bed, bed


# ---------------------------------------------------------------- separated


def _separated(mix: soundfile.SoundFile, separator: Separator) -> Iterator[tuple[Block, Block]]:
    """Yield dialogue and bed piece by piece, each faded into the next."""
    rate = mix.samplerate
    piece, context, blend = round(_PIECE * rate), round(_CONTEXT * rate), round(_BLEND * rate)
    rising = (np.arange(2 * blend, dtype=np.float32)[:, None] + 0.5) / (2 * blend)
    tail: npt.NDArray[np.float32] | None = None
    for start in range(0, mix.frames, piece):
        stop = min(start + piece, mix.frames)
        stems = _piece(read_padded(mix, start - context, stop + context), rate, separator)
        stems = stems[:, context - blend : stems.shape[1] - context + blend]
        if tail is not None:
            stems[:, : 2 * blend] = stems[:, : 2 * blend] * rising + tail * (1 - rising)
        last = stop == mix.frames
        tail = stems[:, -2 * blend :].copy()
        done = stems[:, blend if start == 0 else 0 : stems.shape[1] - blend if last else stems.shape[1] - 2 * blend]
        yield done[0], done[1]


def _piece(block: Block, rate: int, separator: Separator) -> npt.NDArray[np.float32]:
    """Return both stems of one piece, shape (2, frames, channels). Raises: MediaError where the engine changed the shape."""
    dialogue, bed = separator.separate(np.ascontiguousarray(block.T), rate)
    if dialogue.shape != block.T.shape or bed.shape != block.T.shape:
        raise MediaError(f"stems of shape {dialogue.shape} and {bed.shape}", where=separator.identity().name, allowed=f"{block.T.shape}")
    return np.stack([dialogue.T, bed.T]).astype(np.float32)


def _opened(path: Path) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(path), allowed="WAV, FLAC or OGG", fix="extract the sound with ffmpeg first") from error
