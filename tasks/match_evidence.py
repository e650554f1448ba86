"""A script's lines and a programme's sound in the shape in which they are compared.

Evidence is counted in nats. A line that lies on speech, whose pauses lie on silence and whose start meets the start of an utterance,
speaks for its place in any language; a word that a recogniser heard where the script has it does so the more, the rarer it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightdub.tasks.match_words import Anchors, anchors_of
from nightdub.tasks.rows import Seconds, Segment, Utterance, Word

Floats = npt.NDArray[np.float64]

FINE = 0.02  # seconds; clock of what is looked up for single lines
REST = 1.0  # seconds of pause beside a line that should lie on silence
LEAD = 0.1  # seconds by which a detector's stretch begins before the first sound and ends after the last one (Silero's padding)
EDGE = 0.3  # seconds by which a line's start may miss the start of an utterance and still speak for the offset


@dataclass(frozen=True)
class Evidence:
    """Lines and sound in the shape in which they are compared."""

    starts: Floats  # of the lines, script time
    ends: Floats
    rest_before: Floats  # seconds of pause that the script has before each line, at most `REST`
    rest_after: Floats
    voice: Floats  # 1 where somebody speaks, on the fine clock
    onset: Floats  # 1 at the start of an utterance, falling to 0 within `EDGE`
    length: Seconds
    anchors: Anchors
    spoken: Floats  # seconds of speech up to each tick; one more than there are ticks
    density: float  # share of the programme in which somebody speaks
    onset_mean: float

    def speech_until(self, moments: Floats) -> Floats:
        """Return seconds of speech up to moments of the sound."""
        found: Floats = self.spoken[np.minimum(np.maximum(np.rint(moments / FINE), 0), len(self.spoken) - 1).astype(np.int64)]
        return found

    def activity(self, line: int, rate: float, offsets: Floats) -> Floats:
        """Return how well a line lies on speech at each offset, in nats."""
        start, end = self.starts[line] * rate + offsets, self.ends[line] * rate + offsets
        before, after = self.rest_before[line] * rate, self.rest_after[line] * rate
        at_start, at_end = self.speech_until(start), self.speech_until(end)
        on = at_end - at_start
        off = at_start - self.speech_until(start - before) + self.speech_until(end + after) - at_end
        expected = self.density * ((self.ends[line] - self.starts[line]) * rate - 0.5 * (before + after))
        ticks = np.minimum(np.maximum(np.rint(start / FINE), 0), len(self.onset) - 1).astype(np.int64)
        found: Floats = on - 0.5 * off - expected + 0.5 * (self.onset[ticks] - self.onset_mean)
        return found


def gather_evidence(lines: Sequence[Segment], utterances: Sequence[Utterance], words: Sequence[Word], length: Seconds) -> Evidence:
    """Return what is compared; lines are ordered by start."""
    starts, ends = np.array([line.start for line in lines], float), np.array([line.end for line in lines], float)
    reach = np.maximum.accumulate(ends) if len(ends) else ends
    before = np.clip(starts[1:] - reach[:-1], 0, REST) if len(lines) else starts
    after = np.clip(starts[1:] - ends[:-1], 0, REST) if len(lines) else starts
    ticks = max(1, round(length / FINE))
    voice, onset = np.zeros(ticks), np.zeros(ticks)
    edge = round(EDGE / FINE)
    hill = 1 - np.abs(np.arange(-edge, edge + 1)) / (edge + 1)
    for utterance in utterances:
        first, last = round((utterance.start + LEAD) / FINE), round((utterance.end - LEAD) / FINE)
        voice[max(first, 0) : last] = 1
        low, high = max(first - edge, 0), min(first + edge + 1, ticks)
        if low < high:
            onset[low:high] = np.maximum(onset[low:high], hill[low - first + edge : high - first + edge])
    return Evidence(
        starts=starts,
        ends=ends,
        rest_before=np.concatenate([[REST], before]),
        rest_after=np.concatenate([after, [REST]]),
        voice=voice,
        onset=onset,
        length=length,
        anchors=anchors_of(lines, words, length),
        spoken=np.concatenate([[0.0], np.cumsum(voice)]) * FINE,
        density=float(voice.mean()),
        onset_mean=float(onset.mean()),
    )
