"""Where somebody speaks: stretches of speech as utterances."""

from __future__ import annotations

from nightdub.tasks.protocols import Sound, VoiceActivityDetector
from nightdub.tasks.rows import Seconds, Utterance

# A shorter gap is a plosive's closure or a breath inside a word group rather than a pause between two things said: splitting there
# would cut words in two, and hand a recogniser or a translator halves of sentences.
SHORTEST_GAP = 0.2  # seconds
LONGEST = 15.0  # seconds; joining never makes an utterance longer than this


def find_utterances(sound: Sound, detector: VoiceActivityDetector) -> list[Utterance]:
    """Return the utterances of 16 kHz sound in order, none of zero length, with ids u0000, u0001, ..."""
    stretches = join_close(detector.speech(sound))
    return [Utterance(f"u{index:04d}", start, end) for index, (start, end) in enumerate(stretches)]


def join_close(stretches: list[tuple[Seconds, Seconds]]) -> list[tuple[Seconds, Seconds]]:
    """Join stretches of speech that less than `SHORTEST_GAP` parts, up to `LONGEST` in all; empty ones are left out."""
    joined: list[tuple[Seconds, Seconds]] = []
    for start, end in sorted(stretch for stretch in stretches if stretch[1] > stretch[0]):
        if joined and start - joined[-1][1] < SHORTEST_GAP and end - joined[-1][0] <= LONGEST:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
