"""Towards a speaker's own voice: how far to move pitch and formants, and the check of what a converter made of a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import Converted, Sound, VoiceConverter
from nightdub.tasks.rows import Features, Hertz, Speaker
from nightdub.tasks.speak import SILENT

LOWEST_PITCH: Hertz = 50.0
HIGHEST_PITCH: Hertz = 500.0  # a speaking voice's limits, as in `tasks.features`
NARROWEST, WIDEST = 0.5, 1.5  # change of pitch range, as a factor on the logarithm; from 2 on, lines of one voice fall apart by 3 semitones
BEYOND = 2 ** (4 / 12)  # as far outside of a speaker's 10th to 90th percentile as a line may go: a tracker's slip is spread as well
WARP_DOWN, WARP_UP = 0.85, 1.2  # change of a formant; one voice after another lay within 0.94-1.18 where it was tried
LOUDEST = 0.99  # peak of a converted clip
CLOSE = 0.01  # of the wanted pitch: 17 hundredths of a semitone, which nobody hears
VOWELS = 2  # formants that tell vowels apart

Pitch = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PitchMove:
    """A straight line in log pitch: `centre` goes to `target`, distances from it grow by `spread`, within limits."""

    centre: Hertz = 1.0
    target: Hertz = 1.0
    spread: float = 1.0
    lowest: Hertz = LOWEST_PITCH
    highest: Hertz = HIGHEST_PITCH

    def apply(self, pitch: Pitch) -> Pitch:
        """Return moved pitch, shape (frames,); 0 (no voice) stays 0."""
        voiced = pitch > 0
        moved = self.target * (np.where(voiced, pitch, self.centre) / self.centre) ** self.spread
        return np.where(voiced, np.clip(moved, self.lowest, self.highest), 0.0)


def plan_pitch(heard: Features, speaker: Speaker) -> PitchMove:
    """Return the move that gives a line the speaker's median pitch, and its range from the 10th to the 90th percentile.

    Both are measured in the same way (`tasks.features`): another tracker's voiced frames, and so its median, are others.
    """
    if heard.pitch_median <= 0 or speaker.pitch_median <= 0:
        return PitchMove()
    spread = _spread(heard.pitch_low, heard.pitch_high, speaker)
    low, high = speaker.pitch_low or LOWEST_PITCH, speaker.pitch_high or HIGHEST_PITCH
    return PitchMove(heard.pitch_median, speaker.pitch_median, spread, max(low / BEYOND, LOWEST_PITCH), min(high * BEYOND, HIGHEST_PITCH))


def pitch_error(heard: Features, speaker: Speaker) -> float:
    """Return how far a line's median pitch is from the speaker's, as a share; infinite where either is unknown."""
    known = heard.pitch_median > 0 and speaker.pitch_median > 0
    return abs(heard.pitch_median / speaker.pitch_median - 1) if known else float("inf")


def correct_pitch(move: PitchMove, heard: Features, speaker: Speaker) -> PitchMove:
    """Return the move corrected by what came of it: what is voiced, and so counted, changes with the pitch. Within 1 % it stays."""
    if move == PitchMove() or not CLOSE < pitch_error(heard, speaker) < np.inf:
        return move
    return replace(move, target=move.target * speaker.pitch_median / heard.pitch_median)


def plan_warp(formants: Sequence[Hertz], speaker: Speaker) -> tuple[tuple[Hertz, Hertz], ...]:
    """Return where each formant goes, as pairs rising in both; nothing where nothing is known. No factor leaves the bounds.

    The first two make the vowels, and a line has only some of them: they move by one factor, the median of all, as with a longer or
    shorter vocal tract. The others follow the speaker's own. (Each of the first two by itself cost a recogniser every fifth word.)
    """
    pairs = [(own, wanted) for own, wanted in zip(formants, speaker.formants, strict=False) if own > 0 and wanted > 0]
    if not pairs:
        return ()
    ratios = np.array([wanted / own for own, wanted in pairs])
    ratios[:VOWELS] = np.median(ratios)
    moved = np.maximum.accumulate(np.array([own for own, _ in pairs]) * ratios.clip(WARP_DOWN, WARP_UP))
    return tuple((own, float(place)) for (own, _), place in zip(pairs, moved, strict=True))


def convert_line(sound: Sound, sample_rate: int, speaker: Speaker, converter: VoiceConverter) -> Converted:
    """Move one line towards its speaker; a result of another length, silent or not finite has `failed` and the sound as it was."""
    made = converter.convert([sound], sample_rate, [speaker])[0]
    if made.failed:
        return made
    if made.sound.shape != sound.shape:
        return Converted(sound, failed=f"{made.sound.size} samples of {sound.size} came back")
    if not np.isfinite(made.sound).all() or np.max(np.abs(made.sound), initial=0.0) < SILENT:
        return Converted(sound, failed="silence, or samples that are not numbers, came back")
    return replace(made, sound=made.sound.astype(np.float32))


def as_long_and_loud(made: npt.NDArray[np.floating], original: npt.NDArray[np.floating]) -> Sound:
    """Return made sound with the original's number of samples, and its level where the peak stays below `LOUDEST`."""
    made = np.pad(np.asarray(made, np.float64)[: original.size], (0, max(0, original.size - made.size)))
    level = np.sqrt(np.mean(np.square(original, dtype=np.float64)) / max(float(np.mean(made**2)), 1e-12))
    return np.asarray(made * min(level, LOUDEST / max(float(np.max(np.abs(made))), 1e-12)), np.float32)


def _spread(low: Hertz, high: Hertz, speaker: Speaker) -> float:
    if not (0 < low < high and 0 < speaker.pitch_low < speaker.pitch_high):
        return 1.0
    ratio = np.log(speaker.pitch_high / speaker.pitch_low) / np.log(high / low)
    return min(max(float(ratio), NARROWEST), WIDEST)
