"""Sound of the source: the full mix as the chain works on it, and the copy that speech models hear."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from nightdub.infra.media.ffmpeg import extract_audio, extract_programme
from nightdub.tasks.rows import MediaFacts

PROGRAMME_RATE = 48_000  # Hz, of every deliverable
SPEECH_RATE = 16_000  # Hz, of the speech models


def programme_samples(facts: MediaFacts, sample_rate: int = PROGRAMME_RATE) -> int:
    """Return the number of samples that lie under the picture: frames / frame rate, rounded once."""
    return round(facts.frames * sample_rate / Fraction(facts.frame_rate))


def extract(source: Path, out: Path, facts: MediaFacts, sample_rate: int = PROGRAMME_RATE) -> Path:
    """Write the source's first sound as 24-bit WAV, from the first frame's start to the last one's end, to the sample.

    Sound and picture cannot drift apart: the length is counted, not measured. Mono, stereo and 5.1 stay what they are; 5.0, 6.1, 7.0
    and 7.1 become 5.1, every other layout stereo. Raises: MediaError.
    """
    return extract_programme(source, out, sample_rate, programme_samples(facts, sample_rate), channels=None)


def speech_copy(wav: Path, out: Path) -> Path:
    """Write one channel at 16 kHz: the mean of stereo, or of the stereo that 5.1 folds to. Raises: MediaError."""
    return extract_audio(wav, out, SPEECH_RATE, 1)
