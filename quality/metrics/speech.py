"""How the spoken lines sound."""

from __future__ import annotations

from nightdub.quality.metrics.fact import MetricFact

FACTS: dict[str, MetricFact] = {
    "speech.mos": MetricFact("MOS", 1, 5, "mean opinion of listeners, or of a named predictor"),
}
