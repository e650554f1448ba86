"""Whether every placed line sounds in the mix, in its place: the dialogue stem against the placements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from nightdub.infra.errors import MediaError
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Decibel, Measurement, Placement, Seconds, Worst

_NO_LINE = "no line was placed"

FACTS: dict[str, MetricFact] = {
    "mix.silent_lines": MetricFact(
        "lines",
        0,
        inf,
        "placed lines in whose place the dialogue stem sounds for less than a fifth of the time",
        "own definition, frames of 10 ms at -60 dBFS or more",
        _NO_LINE,
    ),
    "mix.stray_speech": MetricFact(
        "s",
        0,
        inf,
        "time in which the dialogue stem sounds and no line has its place",
        "own definition, frames of 10 ms at -60 dBFS or more",
        _NO_LINE,
    ),
}

FRAME: Seconds = 0.01
HEARD: Decibel = -60.0  # RMS of a frame, full scale = 0 dB
SHARE = 0.2  # of a line's place
_BLOCK = 1000  # frames read at a time


def mix_measurements(dialogue: Path, placements: Sequence[Placement], tails: Mapping[str, Seconds] | None = None) -> list[Measurement]:
    """Return how many placed lines the dialogue stem does not hold, and how long it sounds where none lies.

    `dialogue` is a WAV or FLAC on the programme's time; `tails` says how long the room of a line's place sounds on after it. Memory is
    one byte for each 10 ms. Raises: MediaError.
    """
    if not placements:
        return [Measurement(metric, None, fact.unit, not_measured=_NO_LINE) for metric, fact in FACTS.items()]
    heard = _heard(dialogue)
    shares = {place.segment: float(np.mean(heard[_frames(place)])) if heard[_frames(place)].size else 0.0 for place in placements}
    silent = sorted((name for name, share in shares.items() if share < SHARE), key=lambda name: (shares[name], name))
    worst = tuple(Worst(name, round(100 * shares[name], 1), "% of its place sounds") for name in silent[:WORST])
    stray = heard.copy()
    for place in placements:
        stray[_frames(replace(place, end=place.end + (tails or {}).get(place.segment, 0.0)))] = False
    return [
        Measurement("mix.silent_lines", float(len(silent)), "lines", len(placements), "nightdub", worst=worst),
        Measurement("mix.stray_speech", FRAME * float(stray.sum()), "s", len(heard), "nightdub", worst=_moments(stray)),
    ]


def _frames(place: Placement) -> slice:
    """Return the frames that a line lies in, those that it only touches included."""
    return slice(int(place.start / FRAME), int(np.ceil(place.end / FRAME)))


def _moments(stray: npt.NDArray[np.bool_]) -> tuple[Worst, ...]:
    """Name the longest stretches by their time."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], stray.astype(np.int8), [0]])))
    runs = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda run: (run[0] - run[1], run[0]))
    return tuple(Worst(f"{FRAME * first:.1f} s", round(FRAME * float(last - first), 2)) for first, last in runs[:WORST])


def _heard(dialogue: Path) -> npt.NDArray[np.bool_]:
    try:
        with soundfile.SoundFile(dialogue) as file:
            size = round(FRAME * file.samplerate)
            found = [_loud(block, size) for block in file.blocks(_BLOCK * size, dtype="float32", always_2d=True)]
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(str(error), where=str(dialogue), allowed="WAV or FLAC", fix="mix the programme again") from error
    return np.concatenate(found) if found else np.zeros(0, bool)


def _loud(block: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.bool_]:
    """Return whether each frame sounds: by the power of one channel, or by half of the power of all."""
    powers = np.square(block[: len(block) // size * size], dtype=np.float64).sum(axis=1) / min(block.shape[1], 2)
    return np.asarray(powers.reshape(-1, size).mean(axis=1) >= 10 ** (HEARD / 10))
