"""Does every line of a speaker have the same voice? Each line is held against its speaker's other lines; a title is its own reference.

Measured with up to 12 lines of one voice and one of another, counted where the foreign line reads beyond all natural ones. espeak-ng's
variants: man for woman always found by each of the three; near variants of one sex by pitch in half the cases, by timbre and
Resemblyzer hardly ever. Recorded prompts of three people: Resemblyzer always, timbre in a quarter, pitch (their medians are close)
in a fourteenth. So pitch and timbre prove a foreign voice, never that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nightdub.quality.metrics.fact import WORST
from nightdub.quality.metrics.voice import FACTS, cosine, identity_engine, semitones
from nightdub.tasks.rows import Hertz, Measurement, Worst

FEWEST = 4  # lines of a speaker
POOLED = 8  # lines that the spread within speakers is taken from
NARROWEST = 0.5  # of a coefficient: less spread than this is taken as this


class VoiceScore(Protocol):
    """What is needed of a line's score."""

    @property
    def segment(self) -> str: ...
    @property
    def speaker(self) -> str: ...
    @property
    def pitch(self) -> Hertz | None: ...
    @property
    def timbre(self) -> tuple[float, ...]: ...
    @property
    def voice(self) -> tuple[float, ...]: ...


Matrix = npt.NDArray[np.float64]


def speaker_measurements(scores: Sequence[VoiceScore]) -> list[Measurement]:
    """Return the rows of `speech.pitch_outlier`, `speech.timbre_distance` and `speech.consistency`.

    Only lines with half a second of voice count, and speakers with four such lines; lines of unknown speakers are left out.
    """
    lines = [score for score in scores if score.speaker and score.timbre and score.pitch]
    groups: dict[str, list[VoiceScore]] = {}
    for line in lines:
        groups.setdefault(line.speaker, []).append(line)
    kept = [group for group in groups.values() if len(group) >= FEWEST]
    heard = [group for group in ([line for line in group if line.voice] for group in kept) if len(group) >= FEWEST]
    engine, weights = identity_engine()
    alike = _row("speech.consistency", heard, _consistency, highest=False, engine=engine, weights=weights)
    return [
        _row("speech.pitch_outlier", kept, _pitches, highest=True),
        _row("speech.timbre_distance", kept, _timbres(kept), highest=True)
        if sum(map(len, kept)) >= POOLED
        else _few("speech.timbre_distance"),
        alike if engine else _few("speech.consistency", "resemblyzer is not installed: make engines-neural"),
    ]


def _row(
    metric: str,
    groups: Sequence[Sequence[VoiceScore]],
    measure: Callable[[Sequence[VoiceScore]], list[float]],
    *,
    highest: bool,
    engine: str = "nightdub",
    weights: str = "",
) -> Measurement:
    found = [(value, line.segment, line.speaker) for group in groups for value, line in zip(measure(group), group, strict=True)]
    if not found:
        return _few(metric)
    found.sort(key=lambda row: (-row[0] if highest else row[0], row[1]))
    worst = tuple(Worst(segment, round(value, 2), f"speaker {speaker}") for value, segment, speaker in found[:WORST])
    return Measurement(metric, found[0][0], FACTS[metric].unit, len(found), engine, worst=worst, weights=weights)


def _few(metric: str, why: str = "") -> Measurement:
    none = "" if why else f"no speaker with {FEWEST} lines of half a second of voice"
    return Measurement(metric, None, FACTS[metric].unit, not_measured=why, not_applicable=none)


def _pitches(group: Sequence[VoiceScore]) -> list[float]:
    """Return each line's distance, in semitones, from the median pitch of the others."""
    pitches = np.array([line.pitch for line in group], np.float64)
    return [abs(semitones(pitch, float(np.median(np.delete(pitches, index))))) for index, pitch in enumerate(pitches)]


def _timbres(groups: Sequence[Sequence[VoiceScore]]) -> Callable[[Sequence[VoiceScore]], list[float]]:
    """Return the measure of timbre: root mean square, over coefficients, of the distance from the others' mean.

    Each coefficient is divided by its spread within speakers (1.4826 times the median absolute deviation, over all lines), so that
    a foreign line does not widen its own yardstick.
    """
    centred = [values - np.median(values, axis=0) for values in map(_timbre, groups)]
    spread = np.maximum(1.4826 * np.median(np.abs(np.concatenate(centred)), axis=0), NARROWEST) if centred else np.ones(1)

    def measure(group: Sequence[VoiceScore]) -> list[float]:
        values = _timbre(group) / spread
        others = (values.sum(axis=0) - values) / (len(values) - 1)
        return [float(distance) for distance in np.sqrt(np.square(values - others).mean(axis=1))]

    return measure


def _timbre(group: Sequence[VoiceScore]) -> Matrix:
    return np.array([line.timbre for line in group], np.float64)


def _consistency(group: Sequence[VoiceScore]) -> list[float]:
    """Return each line's cosine, in percent, with the mean of the others' voices."""
    voices = np.array([line.voice for line in group], np.float64)
    return [cosine(tuple(one), tuple(voices.sum(axis=0) - one)) for one in voices]
