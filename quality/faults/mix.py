"""Faults of the whole programme, as a mix gone wrong leaves them: in the programme and in the film that carries it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import Fault, Plant, Planted, Where, long_lines, one_of
from nightdub.quality.faults.sound import RATE, Whole, rewrite, scaled, to_whole, with_programme

_BURST = 0.005  # seconds of sound between whose samples the peak lies


def of_programme(change: Callable[[Whole, Dub, float], Whole], detail: str = "") -> Plant:
    """Return a plant that changes the programme as a whole."""

    def planted(dub: Dub, severity: float, folder: Path, _seed: int) -> Planted:
        programme = rewrite(dub.files.programme, folder / "programme.wav", lambda whole: change(whole, dub, severity))
        return Planted(with_programme(dub, programme, folder), Where(detail=detail))

    return planted


def leaking(whole: Whole, dub: Dub, decibels: float) -> Whole:
    """Return the programme with the original's dialogue in it, against its own level there."""
    original = to_whole(_read(dub.files.original), whole)
    return scaled(whole.astype(np.float64) + original * 10 ** ((decibels + dub.gain) / 20), 1.0)


def gained(whole: Whole, _dub: Dub, decibels: float) -> Whole:
    """Return the programme at another level."""
    return scaled(whole, 10 ** (decibels / 20))


def without_bed(whole: Whole, dub: Dub, decibels: float) -> Whole:
    """Return the programme with everything but the dubbed lines lowered."""
    speech = to_whole(_read(dub.files.dialogue), whole)
    return scaled((whole.astype(np.float64) - speech) * 10 ** (decibels / 20) + speech, 1.0)


def _peak(dub: Dub, decibels: float, folder: Path, seed: int) -> Planted:
    """Put 5 ms of a tone at a quarter of the sample rate into a line: its samples lie 3 dB under its true peak."""
    place = one_of(long_lines(dub), seed, "no line of a second or more has a sound")
    first, size = round((place.start + place.end) / 2 * RATE), round(_BURST * RATE)
    tone = np.sin(np.pi / 2 * np.arange(size) + np.pi / 4) * np.hanning(size) * 10 ** (decibels / 20)

    def burst(whole: Whole) -> Whole:
        changed = whole.copy()
        changed[first : first + size] = to_whole(tone, whole[first : first + size])
        return changed

    programme = rewrite(dub.files.programme, folder / "programme.wav", burst)
    where = Where((place.segment,), first / RATE, first / RATE + _BURST)
    return Planted(with_programme(dub, programme, folder), where)


def _read(path: Path) -> npt.NDArray[np.float64]:
    samples, _ = soundfile.read(path, dtype="float64", always_2d=True)
    return np.asarray(samples)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "original-leak",
        "mix",
        "the original's dialogue is heard under the dub",
        "dB",
        (-40, -30, -15, -6),
        (-15, -6),
        of_programme(leaking),
    ),
    Fault("loudness", "mix", "the programme is too loud or too soft", "LU", (-4, -2.5, 2.5, 4), (-4, -2.5, 2.5, 4), of_programme(gained)),
    Fault("true-peak", "mix", "a peak between two samples of the programme", "dBTP", (-1.5, 0, 1.5), (-1.5, 0, 1.5), _peak),
    Fault("lost-bed", "mix", "music and effects are lowered", "dB", (-6, -20, -90), (-90,), of_programme(without_bed)),
)
