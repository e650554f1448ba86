"""What is known of a metric before anything is measured: its unit, range and definition, and how to measure it alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricFact:
    """One metric's entry in the table. A value lies in [`lowest`, `highest`] or is `not_measured`.

    `alone` names the function that `nightdub measure` calls, as "package.module:function"; empty = only a whole dub has it.
    """

    unit: str
    lowest: float
    highest: float
    means: str
    source: str = ""  # standard, paper or library
    unmeasured: str = ""  # what makes it "not measured"
    alone: str = ""
    interval: bool = False  # a measured value carries a 95 % interval where there are samples enough


WORST = 3  # segments named by a measurement
