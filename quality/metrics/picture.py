"""What became of the picture: frames, shots, pixels."""

from __future__ import annotations

from math import inf

from nightdub.quality.metrics.fact import MetricFact

FACTS: dict[str, MetricFact] = {
    "picture.length_difference": MetricFact("ms", 0, inf, "length of the dub's sound against its picture, absolute"),
    "picture.frame_difference": MetricFact("frames", 0, inf, "frames of the dub against the original, absolute"),
    "picture.failed_shots": MetricFact("shots", 0, inf, "shots whose mouths should have been redrawn and could not be"),
}
