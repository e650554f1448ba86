"""Facts that are counted rather than measured: complaints about stems, engines without the right licence."""

from __future__ import annotations

from math import inf

from nightdub.quality.metrics.fact import MetricFact

FACTS: dict[str, MetricFact] = {
    "sound.stem_warnings": MetricFact(
        "warnings",
        0,
        inf,
        "complaints about the stems: a delivered one that does not fit was not used",
        "tasks/stems.py",
        "never: no stem, no complaint",
    ),
    "rights.refused": MetricFact(
        "engines", 0, inf, "engines used whose licence forbids commercial use", "the engine table", "never: a profile names its engines"
    ),
}
