"""The clip that shows a speaker's own voice best: what an engine that clones is given, and what a dub's voices are compared with.

Not the longest line: a long one with a door slamming in it is a worse likeness than a short clean one. Every candidate is scored by
six parts, each from 0 to 1, and the score is their product, so that one bad part is enough:

- length: full from 6 to 12 s, falling to 0.5 at 3 s and to 0 at 0.5 s (XTTS v2 was trained on, and asks for, about 6 s; more than 12 s
  is cut);
- voice: the share of voiced frames, full from 0.5 on (natural lines of the project's recordings have 0.46 to 0.8);
- noise: loud frames over quiet ones (90th over 10th percentile of 20 ms frames), full from 40 dB on, 0 at 3 dB
  (a second of speech without a pause has 12 dB at best, noise 1);
- level: RMS from -36 to -12 dBFS is full; 12 dB outside of it 0;
- clipping: any sample within 0.1 dB of full scale halves it, a thousandth of them makes it 0;
- company: the share of the line in which nobody else is due to speak;
- pitch: the line's median against the speaker's, full within 2 semitones, 0 at 12: neither whispered nor shouted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Decibel, Features, Seconds, Segment, Speaker

RATE = 24_000  # Hz: what cloning engines hear (XTTS 22.05 kHz)
SHORTEST, SHORT, GOOD, LONGEST = 0.5, 3.0, 6.0, 12.0  # seconds
CANDIDATES = 24  # lines of a speaker whose sound is looked at

_FRAME = 0.02  # seconds
_FULL = 10 ** (-0.1 / 20)  # of full scale


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of a speaker, with the part of its score that its sound is not needed for."""

    start: Seconds
    end: Seconds
    score: float


def candidates(speaker: Speaker, segments: Sequence[Segment], features: Sequence[Features]) -> list[Candidate]:
    """Return a speaker's lines that may serve, the best first, `CANDIDATES` at most; a line longer than `LONGEST` is cut there."""
    described = {row.segment: row for row in features}
    own = [line for line in segments if line.id in set(speaker.segments)]
    others = [(line.start, line.end) for line in segments if line.id not in set(speaker.segments)]
    found = [_candidate(line, described[line.id], speaker, others) for line in own if line.id in described]
    return sorted((row for row in found if row.score > 0), key=lambda row: (-row.score, row.start))[:CANDIDATES]


def score_clip(sound: Sound, rate: int) -> float:
    """Return the part of a clip's score that lies in its sound: noise, level and clipping. Sound is mono, shape (samples,)."""
    if sound.size < SHORTEST * rate or not np.any(sound):
        return 0.0
    size = round(_FRAME * rate)
    frames = np.asarray(sound[: len(sound) // size * size], np.float64).reshape(-1, size)
    loud, quiet = np.percentile(10 * np.log10(np.mean(frames**2, axis=1) + 1e-10), (90, 10))
    level = 10 * float(np.log10(np.mean(np.square(sound, dtype=np.float64))))
    clipped = float(np.mean(np.abs(sound) >= _FULL))
    return _ramp(loud - quiet, 3, 40) * _level(level) * (1.0 if clipped == 0 else max(0.0, 0.5 * (1 - clipped / 1e-3)))


def _candidate(line: Segment, row: Features, speaker: Speaker, others: Sequence[tuple[Seconds, Seconds]]) -> Candidate:
    end = min(line.end, line.start + LONGEST)
    length = end - line.start
    if length < SHORTEST or row.pitch_median <= 0 or speaker.pitch_median <= 0:
        return Candidate(line.start, end, 0.0)
    shared = sum(max(0.0, min(end, last) - max(line.start, first)) for first, last in others)
    alone = max(0.0, 1 - shared / length)
    away = 12 * abs(float(np.log2(row.pitch_median / speaker.pitch_median)))
    return Candidate(line.start, end, _length(length) * _ramp(row.voiced_share, 0, 0.5) * alone * (1 - _ramp(away, 2, 12)))


def _length(seconds: Seconds) -> float:
    return 0.5 * _ramp(seconds, SHORTEST, SHORT) + 0.5 * _ramp(seconds, SHORT, GOOD)


def _level(level: Decibel) -> float:
    return _ramp(level, -48, -36) * (1 - _ramp(level, -12, 0))


def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high` on, and a straight line between."""
    return min(max(float(value - low) / (high - low), 0.0), 1.0)
