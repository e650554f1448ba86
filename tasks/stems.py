"""Split a programme into dialogue and music-and-effects: by delivered stems where they fit, else by a separator.

Mono, stereo and 5.1 keep their channels. Everything streams: memory stays under 500 MB whatever the length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.infra.media.sniff import FLAC, OGG, WAV, sniff
from nightdub.tasks.loudness import Block, read_padded
from nightdub.tasks.protocols import Separator
from nightdub.tasks.rows import Decibel, Seconds
from nightdub.tasks.separated import separated
from nightdub.tasks.wav24 import Wav24

_CELL = 0.1  # seconds in which powers are compared
_FARTHEST = 0.04  # seconds: one frame at 25 frames/s that a delivered stem may be off
_LENGTHS = 1.0  # seconds by which a delivered stem may be longer or shorter
_UNITY = 0.05  # dB of fitted gain that count as none
_FITS = {"M&E": -15.0, "dialogue": -6.0}  # dB of residual in the best tenth: subtract it. M&E is alone in pauses, dialogue never is
_RELATED = -3.0  # dB of residual of an M&E that is the bed at least
_ADDS_UP = -12.0  # dB: what delivered dialogue and M&E together may differ from the mix; AAC alone leaves -17 to -23
_AUDIBLE = 1e-6  # power of a cell (-60 dBFS) below which nothing is compared
_SILENT = 1e-9  # power of a cell (-90 dBFS, the noise of 16 bits) below which there is nothing
SILENT = "the source's sound is silent throughout: no line can be heard in it"


@dataclass(frozen=True, slots=True)
class StemFacts:
    """How the stems were made and how far they can be trusted."""

    method: str  # of the bed: "delivered", "difference" (mix less dialogue) or "separated:<engine>"
    dialogue: str  # "delivered", "difference" (mix less M&E) or "separated:<engine>"
    leakage: Decibel | None  # estimate: speech left in the bed against the dialogue; None = bed and dialogue do not move together
    offset: Seconds = 0.0  # by which the delivered stem was moved
    gain: Decibel = 0.0  # put on the delivered stem
    residual: Decibel | None = None  # mix less delivered stem against it, in the tenth of cells that agree best; of both, less both
    warnings: tuple[str, ...] = ()

    @property
    def clean_bed(self) -> bool:
        """Return whether the bed holds no original speech, as far as what was delivered goes."""
        return not self.method.startswith("separated")

    @property
    def true_dialogue(self) -> bool:
        """Return whether the dialogue stem is the original's own, so that its room and place can be read from it."""
        return not self.dialogue.startswith("separated")


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

    @property
    def silent(self) -> bool:
        """Return whether there is no sound at all."""
        return bool(np.concatenate(self._rows, axis=1).max(initial=0.0) < _SILENT)

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


def split(
    mix_path: Path,
    out_dialogue: Path,
    out_me: Path,
    delivered_me: Path | None,
    separator: Separator,
    delivered_dialogue: Path | None = None,
) -> StemFacts:
    """Write dialogue and music-and-effects as 24-bit WAV of the mix's rate, channels and length; return how it was done.

    Dialogue and M&E that add up to the mix are used as they are. One of them alone is moved by at most one frame and subtracted for the
    other. Where speech never pauses long enough to check an M&E, it is the bed and the dialogue is separated; a stem of another kind,
    or one that does not occur in the mix, is not used. All of these are warned of, and so is a silent source.

    Raises:
        MediaError: the mix or a delivered stem cannot be decoded.
    """
    with ExitStack() as stack:
        mix = stack.enter_context(_opened(mix_path))
        stems, warnings = {}, []
        for kind, path in (("M&E", delivered_me), ("dialogue", delivered_dialogue)):
            if path is not None:
                stem = stack.enter_context(_delivered(path))
                if problem := _unlike(mix, stem):
                    warnings.append(f"delivered {kind} not used: {problem}")
                else:
                    stems[kind] = stem
        facts, powers = _made(mix, stems, out_dialogue, out_me, separator)
    warnings += [*facts.warnings, *([SILENT] if powers.silent else [])]
    return replace(facts, warnings=tuple(warnings))


def _made(
    mix: soundfile.SoundFile, stems: Mapping[str, soundfile.SoundFile], dialogue: Path, bed: Path, separator: Separator
) -> tuple[StemFacts, _Powers]:
    if not stems:
        return _separate(mix, dialogue, bed, separator)
    if len(stems) == 1:
        (kind,) = stems
        return _with_delivered(mix, kind, stems[kind], dialogue, bed, separator)
    apart = _apart(mix, stems["dialogue"], stems["M&E"])
    if apart <= _ADDS_UP:
        return StemFacts("delivered", "delivered", None, residual=apart), _write(mix, dialogue, bed, _as_they_are(mix, stems))
    facts, powers = _with_delivered(mix, "M&E", stems["M&E"], dialogue, bed, separator)
    what = f"delivered dialogue not used: with the M&E it leaves {apart:.1f} dB of the mix, allowed {_ADDS_UP:.0f}"
    return replace(facts, warnings=(what, *facts.warnings)), powers


def _with_delivered(
    mix: soundfile.SoundFile, kind: str, stem: soundfile.SoundFile, dialogue: Path, bed: Path, separator: Separator
) -> tuple[StemFacts, _Powers]:
    """Use one delivered stem: subtract it, or take it as the bed beside a separated dialogue, or leave it."""
    fit = _fit(mix, stem)
    found = "it is silent" if fit.residual is None else f"{fit.residual:.1f} dB of other sound even where it fits best"
    if fit.residual is None or fit.residual > (_RELATED if kind == "M&E" else _FITS[kind]):
        facts, powers = _separate(mix, dialogue, bed, separator)
        return replace(facts, residual=fit.residual, warnings=(f"delivered {kind} not used: {found}",)), powers
    made = {"M&E": ("delivered", "difference"), "dialogue": ("difference", "delivered")}[kind]
    facts = StemFacts(*made, None, fit.lag / mix.samplerate, 20 * math.log10(fit.gain), fit.residual)
    powers = _write(mix, dialogue, bed, _subtracted(mix, stem, fit, stem_is_bed=kind == "M&E"))
    if fit.residual <= _FITS[kind]:
        return facts, powers
    _write(mix, dialogue, None, separated(mix, separator))
    name = f"separated:{separator.identity().name}"
    return replace(facts, dialogue=name, warnings=(f"dialogue was separated: delivered M&E leaves {found}",)), powers


def _separate(mix: soundfile.SoundFile, dialogue: Path, bed: Path, separator: Separator) -> tuple[StemFacts, _Powers]:
    name = f"separated:{separator.identity().name}"
    powers = _write(mix, dialogue, bed, separated(mix, separator))
    return StemFacts(name, name, powers.leakage()), powers


def _write(mix: soundfile.SoundFile, dialogue: Path, bed: Path | None, blocks: Iterator[tuple[Block, Block]]) -> _Powers:
    """Write blocks of dialogue and bed to their files, the bed only where it is wanted."""
    powers, kind = _Powers(mix.samplerate), (mix.samplerate, mix.channels, mix.frames)
    with ExitStack() as stack:
        speech = stack.enter_context(Wav24(dialogue, *kind))
        rest = None if bed is None else stack.enter_context(Wav24(bed, *kind))
        for spoken, other in blocks:
            speech.write(spoken)
            powers.add(spoken, other)
            if rest is not None:
                rest.write(other)
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


def _subtracted(mix: soundfile.SoundFile, stem: soundfile.SoundFile, fit: _Fit, *, stem_is_bed: bool) -> Iterator[tuple[Block, Block]]:
    size = 10 * mix.samplerate
    for start in range(0, mix.frames, size):
        stop = min(start + size, mix.frames)
        known = read_padded(stem, start - fit.lag, stop - fit.lag) * np.float32(fit.gain)
        other = read_padded(mix, start, stop) - known
        yield (other, known) if stem_is_bed else (known, other)


def _as_they_are(mix: soundfile.SoundFile, stems: Mapping[str, soundfile.SoundFile]) -> Iterator[tuple[Block, Block]]:
    size = 10 * mix.samplerate
    for start in range(0, mix.frames, size):
        stop = min(start + size, mix.frames)
        yield read_padded(stems["dialogue"], start, stop), read_padded(stems["M&E"], start, stop)


def _apart(mix: soundfile.SoundFile, dialogue: soundfile.SoundFile, bed: soundfile.SoundFile) -> Decibel:
    """Return the power of the mix less both stems against the mix, in dB; 0 for a silent mix."""
    size, left, whole = 10 * mix.samplerate, 0.0, 0.0
    for start in range(0, mix.frames, size):
        heard, *stems = (read_padded(file, start, min(start + size, mix.frames)) for file in (mix, dialogue, bed))
        whole += float(np.square(heard, dtype=np.float64).sum())
        left += float(np.square(heard - stems[0] - stems[1], dtype=np.float64).sum())
    return 10 * math.log10(max(left / whole, 1e-12)) if whole > 0 else 0.0


def _delivered(path: Path) -> soundfile.SoundFile:
    """Open a stem that somebody delivered: of all that libsndfile reads, only what intake knows. Raises: MediaError."""
    if (family := sniff(path)) not in (WAV, FLAC, OGG):
        raise MediaError(f"a stem in {family.name}", where=str(path), allowed="WAV, FLAC or OGG", fix="extract the sound with ffmpeg first")
    return _opened(path)


def _opened(path: Path) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(path), allowed="WAV, FLAC or OGG", fix="extract the sound with ffmpeg first") from error
