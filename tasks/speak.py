"""Speak a translated line: the rate is chosen before the engine is asked, and asked again once where the line came out too long."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nightdub.tasks.profile import FitFigures
from nightdub.tasks.protocols import Request, Sound, Spoken, Synthesiser
from nightdub.tasks.rows import Language, Seconds, Speaker, Translation

SILENT = 1e-3  # peak, -60 dBFS: below it nobody hears a line


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line's sound with the rate that was asked of the engine; `spoken.failed` says why there is none."""

    spoken: Spoken
    rate: float
    asked: int = 1  # times that the engine was asked

    @property
    def duration(self) -> Seconds:
        """Return the seconds of sound."""
        return self.spoken.sound.size / self.spoken.sample_rate if self.spoken.sample_rate else 0.0


def choose_rate(translation: Translation, figures: FitFigures) -> float:
    """Return the speaking rate at which the line should fill its slot, within the rates that may be asked for."""
    if translation.slot <= 0:
        return figures.rate_fastest
    return min(max(translation.estimate / translation.slot, figures.rate_slowest), figures.rate_fastest)


def speak_line(
    translation: Translation,
    language: Language,
    figures: FitFigures,
    synthesiser: Synthesiser,
    *,
    speaker: Speaker | None = None,
    reference: Sound | None = None,
    reference_rate: int = 0,
) -> SpokenLine:
    """Speak one line; where it is longer than stretching normally mends, ask once more for a faster one and keep the shorter.

    A line without text, and sound that is empty, silent or not finite, come back with `spoken.failed`: silence is never a line.
    """
    if translation.failed or not translation.text.strip():
        return SpokenLine(_nothing(translation.failed or "no text to speak"), 1.0, asked=0)
    request = Request(translation.text, language, choose_rate(translation, figures), speaker, reference, reference_rate)
    line = SpokenLine(_ask(request, synthesiser), request.rate)
    rate = faster_rate(line, translation.slot, figures)
    if line.spoken.failed or rate <= line.rate:
        return line
    again = SpokenLine(_ask(replace(request, rate=rate), synthesiser), rate)
    shorter = again if not again.spoken.failed and again.duration < line.duration else line
    return replace(shorter, asked=2)


def faster_rate(line: SpokenLine, slot: Seconds, figures: FitFigures) -> float:
    """Return the rate to ask for instead: the same where the line can be stretched into its slot, else what would fill the slot."""
    if line.duration <= slot * figures.stretch_normal:
        return line.rate
    return min(line.rate * line.duration / slot, figures.rate_fastest) if slot > 0 else figures.rate_fastest


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
