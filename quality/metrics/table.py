"""Every metric that a rule may name, from the modules that measure them. A policy that names another one is refused."""

from __future__ import annotations

from math import inf

from nightdub.quality.metrics import (
    account,
    carried,
    cloning,
    data,
    dataset,
    fid,
    fidelity,
    films,
    house,
    leakage,
    line,
    loudness,
    mixed,
    mouth,
    package,
    picture,
    same_picture,
    script,
    speech,
    subtitles,
    sync,
    timing,
    traces,
    translation,
    words,
)
from nightdub.quality.metrics.fact import MetricFact

_MODULES = (
    account,
    data,
    line,
    timing,
    words,
    script,
    translation,
    fidelity,
    loudness,
    mixed,
    carried,
    traces,
    package,
    sync,
    picture,
    same_picture,
    films,
    fid,
    mouth,
    house,
    subtitles,
    leakage,
    speech,
    cloning,
    dataset,
)

METRICS: dict[str, MetricFact] = {name: fact for module in _MODULES for name, fact in module.FACTS.items()}


def as_markdown() -> str:
    """Return the page of all metrics, docs/metrics.md, which `make docs` writes."""
    rows = [f"| `{name}` | {fact.unit} | {_span(fact)} | {_cell(fact)} |" for name, fact in METRICS.items()]
    return "\n".join([_HEAD, *rows]) + "\n"


def _span(fact: MetricFact) -> str:
    low = "any" if fact.lowest == -inf else f"{fact.lowest:g}"
    return f"{low} and up" if fact.highest == inf and low != "any" else low if fact.highest == inf else f"{low} to {fact.highest:g}"


def _cell(fact: MetricFact) -> str:
    parts = [fact.means, f"Source: {fact.source}" if fact.source else "", f"Not measured: {fact.unmeasured}" if fact.unmeasured else ""]
    return ". ".join(part.rstrip(".") for part in parts if part) + (" · *alone*" if fact.alone else "")


_HEAD = """# Metrics

Every metric that a policy may name; written by `make docs` from what the modules of `quality/metrics/` declare. What could not be
measured says why, and is never a number. Those marked *alone* can be measured on one file: `nightdub measure METRIC FILE`; the others
need a whole dub and stand in the night's report.

| metric | unit | range | definition |
|---|---|---|---|"""
