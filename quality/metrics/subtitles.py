"""Subtitles against the rules of profile and language."""

from __future__ import annotations

from math import inf

from nightdub.quality.metrics.fact import MetricFact

FACTS: dict[str, MetricFact] = {
    "subtitles.violations": MetricFact("cues", 0, inf, "breaches of the subtitle rules of profile and language"),
}
