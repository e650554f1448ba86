"""Whose voice speaks: lines that were cloned without a consent record that holds, lines in a neutral voice, cast lists against the book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Clip, Measurement, Permission, Speaker, Worst

_OURS = "definition of this project"

FACTS: dict[str, MetricFact] = {
    "voice.unconsented": MetricFact(
        "lines", 0, inf, "lines in a person's cloned voice without a consent record that holds for this title and language", _OURS, "never"
    ),
    "voice.cloned_lines": MetricFact(
        "lines", 0, inf, "lines in a person's cloned voice; the detail counts the consent records that allowed it", _OURS, "never"
    ),
    "voice.neutral_lines": MetricFact(
        "lines", 0, inf, "spoken lines in a voice not cloned from the character's own; the detail counts the reasons", _OURS, "never"
    ),
    "voice.conflicts": MetricFact(
        "speakers", 0, inf, "characters whose voice in the cast list differs from the one that the voice book keeps", _OURS, "never"
    ),
}


def voice_rights(clips: Sequence[Clip], speakers: Sequence[Speaker], permissions: Sequence[Permission]) -> list[Measurement]:
    """Return the family's rows. `permissions` are the consent records as they stood when the dub was made."""
    holds = {row.id for row in permissions if not row.refused}
    spoken = [clip for clip in clips if clip.sound]
    unconsented = [clip for clip in spoken if clip.cloned and clip.consent not in holds]
    neutral = [clip for clip in spoken if not clip.cloned]
    reasons = Counter(clip.neutral or "no reason given" for clip in neutral)
    records = Counter(clip.consent or "none" for clip in spoken if clip.cloned)
    differ = [speaker for speaker in speakers if speaker.notes]
    blamed = [(clip.segment, f"consent {clip.consent or 'none'}") for clip in unconsented]
    named = [(speaker.segments[0], f"{speaker.id}: {'; '.join(speaker.notes)}") for speaker in differ if speaker.segments]
    return [
        _row("voice.unconsented", len(unconsented), len(spoken), blamed),
        _row("voice.cloned_lines", sum(records.values()), len(spoken), detail=_counted(records)),
        _row("voice.neutral_lines", len(neutral), len(spoken), detail=_counted(reasons)),
        _row("voice.conflicts", len(differ), len(speakers), named),
    ]


def _counted(found: Counter[str]) -> str:
    return "; ".join(f"{count} x {name}" for name, count in sorted(found.items()))


def counted_names(detail: str) -> set[str]:
    """Return the names that a detail of this family counts."""
    return {part.partition(" x ")[2] for part in detail.split("; ") if part}


def _row(metric: str, count: int, n: int, worst: Sequence[tuple[str, str]] = (), detail: str = "") -> Measurement:
    found = tuple(Worst(segment, 1.0, why) for segment, why in worst[:WORST])
    return Measurement(metric, float(count), FACTS[metric].unit, n, "nightdub", worst=found, detail=detail)
