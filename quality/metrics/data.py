"""What the data gates found, as numbers that a policy can rule on."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from nightdub.quality.data.verdict import DataVerdict
from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.tasks.rows import Measurement, Worst

FACTS: dict[str, MetricFact] = {
    "data.failed_expectations": MetricFact(
        "expectations",
        0,
        inf,
        "expectations of the data gates that a table of this title-language does not meet",
        source="Great Expectations, suites of docs/data-gates.md",
        unmeasured="no data gate ran",
    ),
    "data.suites_passed": MetricFact(
        "suites",
        0,
        inf,
        "tables of this title-language that meet every expectation of their suite",
        source="Great Expectations, suites of docs/data-gates.md",
        unmeasured="no data gate ran",
    ),
}


def data_measurements(verdicts: Sequence[DataVerdict]) -> list[Measurement]:
    """Return failed expectations over all suites, the worst named as "suite: expectation", and the suites that passed."""
    if not verdicts:
        return [Measurement(metric, None, fact.unit, not_measured=fact.unmeasured) for metric, fact in FACTS.items()]
    failed = sorted(((verdict.suite, row) for verdict in verdicts for row in verdict.failed), key=lambda found: (-found[1].share, found[0]))
    worst = tuple(Worst(f"{suite}: {row.expectation}", round(row.share, 4), row.message) for suite, row in failed[:WORST])
    passed, engine = sum(verdict.success for verdict in verdicts), verdicts[0].engine
    reasons = "; ".join(verdict.reason for verdict in verdicts if verdict.reason)
    run = sum(len(verdict.expectations) for verdict in verdicts)
    return [
        Measurement("data.failed_expectations", float(len(failed)), "expectations", run, engine, worst=worst, detail=reasons),
        Measurement("data.suites_passed", float(passed), "suites", len(verdicts), engine),
    ]
