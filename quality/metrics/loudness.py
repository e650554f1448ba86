"""Loudness and peaks of a programme (BS.1770, EBU R128)."""

from __future__ import annotations

from nightdub.quality.metrics.fact import MetricFact

FACTS: dict[str, MetricFact] = {
    "loudness.dialogue": MetricFact("LKFS", -70, 0, "integrated loudness of the programme where dialogue lies (BS.1770-4)"),
    "loudness.true_peak": MetricFact("dBTP", -100, 20, "highest inter-sample peak of the programme (BS.1770-4 annex 2)"),
}
