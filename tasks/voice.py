"""Towards a speaker's own voice: how far to move pitch and formants, and the check of what a converter made of a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nightdub.tasks.protocols import Converted, Sound, VoiceConverter
from nightdub.tasks.rows import Hertz, Speaker
from nightdub.tasks.speak import SILENT

LOWEST_PITCH: Hertz = 50.0
HIGHEST_PITCH: Hertz = 500.0  # a speaking voice's limits, as in `tasks.features`
NARROWEST, WIDEST = 0.5, 2.0  # change of pitch range, as a factor on the logarithm
WARP_DOWN, WARP_UP = 0.85, 1.2  # change of formants; one voice after another lay within 0.94-1.18 where it was tried

Pitch = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PitchMove:
    """A straight line in log pitch: `centre` goes to `target`, distances from it grow by `spread`."""

    centre: Hertz = 1.0
    target: Hertz = 1.0
    spread: float = 1.0

    def apply(self, pitch: Pitch) -> Pitch:
        """Return moved pitch, shape (frames,); 0 (no voice) stays 0."""
        voiced = pitch > 0
        moved = self.target * (np.where(voiced, pitch, self.centre) / self.centre) ** self.spread
        return np.where(voiced, np.clip(moved, LOWEST_PITCH, HIGHEST_PITCH), 0.0)


def plan_pitch(pitch: Pitch, speaker: Speaker) -> PitchMove:
    """Return the move that gives voiced frames the speaker's median, and its range from the 10th to the 90th percentile."""
    voiced = pitch[pitch > 0]
    if not voiced.size or speaker.pitch_median <= 0:
        return PitchMove()
    low, centre, high = (float(value) for value in np.percentile(voiced, (10, 50, 90)))
    return PitchMove(centre, speaker.pitch_median, _spread(low, high, speaker))


def plan_warp(formants: Sequence[Hertz], speaker: Speaker) -> float:
    """Return the factor on frequency that brings formants nearest to the speaker's: the median of their ratios, bounded."""
    pairs = [(own, wanted) for own, wanted in zip(formants, speaker.formants, strict=False) if own > 0 and wanted > 0]
    if not pairs:
        return 1.0
    return min(max(float(np.median([wanted / own for own, wanted in pairs])), WARP_DOWN), WARP_UP)


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


def _spread(low: Hertz, high: Hertz, speaker: Speaker) -> float:
    if not (0 < low < high and 0 < speaker.pitch_low < speaker.pitch_high):
        return 1.0
    ratio = np.log(speaker.pitch_high / speaker.pitch_low) / np.log(high / low)
    return min(max(float(ratio), NARROWEST), WIDEST)
