"""Speak a translated line at the rate that the plan asks for, and refuse what is no speech."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nightdub.tasks.protocols import Request, Sound, Spoken, Synthesiser
from nightdub.tasks.rows import Language, Seconds, Speaker, Translation

SILENT = 1e-3  # peak, -60 dBFS: below it nobody hears a line


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line's sound with the rate that was asked of the engine; `spoken.failed` says why there is none."""

    spoken: Spoken
    rate: float

    @property
    def duration(self) -> Seconds:
        """Return the seconds of sound."""
        return self.spoken.sound.size / self.spoken.sample_rate if self.spoken.sample_rate else 0.0


def speak_line(
    translation: Translation,
    language: Language,
    synthesiser: Synthesiser,
    *,
    speaker: Speaker | None = None,
    reference: Sound | None = None,
    reference_rate: int = 0,
) -> SpokenLine:
    """Speak one line at the rate that stands in it.

    A line without text, and sound that is empty, silent or not finite, come back with `spoken.failed`: silence is never a line.
    """
    if translation.failed or not translation.text.strip():
        return SpokenLine(_nothing(translation.failed or "no text to speak"), 1.0)
    request = Request(translation.text, language, translation.rate, speaker, reference, reference_rate)
    return SpokenLine(_ask(request, synthesiser), request.rate)


def _ask(request: Request, synthesiser: Synthesiser) -> Spoken:
    spoken = synthesiser.speak([request])[0]
    if spoken.failed:
        return spoken
    if not spoken.sound.size or not spoken.sample_rate:
        return replace(spoken, failed=f"no sound for {request.text!r}")
    if not np.isfinite(spoken.sound).all():
        return replace(spoken, failed=f"samples that are not numbers for {request.text!r}")
    if np.max(np.abs(spoken.sound)) < SILENT:
        return replace(spoken, failed=f"silence for {request.text!r}")
    return spoken


def _nothing(cause: str) -> Spoken:
    return Spoken(np.zeros(0, np.float32), 0, failed=cause)
