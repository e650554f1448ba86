"""What is measured of a dub."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Worst:
    """A segment that a measurement names as among its worst."""

    segment: str
    value: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured number, or the reason why it was not measured (`value` is None then)."""

    metric: str
    value: float | None
    unit: str = ""
    n: int = 0  # samples behind the value
    engine: str = ""  # name and version of what measured it
    stand_in: bool = False  # measured by something that stands in for the real measure
    not_measured: str = ""
    not_applicable: str = ""  # why there is nothing that could be measured, as far as is known for certain
    worst: tuple[Worst, ...] = ()
    detail: str = ""
    interval: tuple[float, float] | None = None  # 95 % confidence interval of the value; None = a count or a fact, or not estimated
    weights: str = ""  # sha256 of the model file that measured it; empty = no model
    inputs: dict[str, str] = field(default_factory=dict)  # what was measured: name -> digest, filled in by the measuring step


@dataclass(frozen=True, slots=True)
class Account:
    """Segments in = spoken + excused + failed; `balanced` says whether it adds up."""

    segments: int
    spoken: int
    excused: int
    failed: int
    reasons: dict[str, int] = field(default_factory=dict)  # reason or cause -> lines
    double: tuple[str, ...] = ()  # lines with more rows than one, and rows of no known line

    @property
    def balanced(self) -> bool:
        """Return whether every line is accounted for exactly once."""
        return self.segments == self.spoken + self.excused + self.failed and not self.double
