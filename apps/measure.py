"""`nightdub measure`: one metric, or a family of them, on one file."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nightdub.apps.screen import print_json, print_rows
from nightdub.infra.errors import ConfigError
from nightdub.quality.metrics.table import METRICS
from nightdub.tasks.rows import Measurement

Alone = Callable[[Path, Path | None, str], list[Measurement]]


def measure(metric: str, file: Path, reference: Path | None, language: str, *, as_json: bool) -> int:
    """Measure and print; return 1 where a metric that was asked for could not be measured.

    Raises:
        ConfigError: no such metric or family, or it needs a whole dub, or there is no such file.
    """
    wanted = [name for name in METRICS if metric in (name, name.partition(".")[0])]
    if not wanted:
        families = sorted({name.partition(".")[0] for name, fact in METRICS.items() if fact.alone})
        raise ConfigError(
            f"no metric {metric!r}", allowed=f"a family ({', '.join(families)}) or a metric", fix="docs/metrics.md lists them"
        )
    paths = {METRICS[name].alone for name in wanted if METRICS[name].alone}
    if not paths:
        raise ConfigError(f"{metric} is measured on a whole dub", fix="see the night's report: nightdub report")
    for path in filter(None, (file, reference)):
        if not path.is_file():
            raise ConfigError("no such file", where=str(path), fix="name a file that is there")
    rows = [row for path in sorted(paths) for row in _function(path)(file, reference, language) if row.metric in wanted]
    if as_json:
        print_json(rows)
    else:
        print_rows(("metric", "value", "unit", "n", "95 % interval", "measured by"), [_cells(row) for row in rows])
    return int(not rows or any(row.value is None for row in rows if row.metric == metric or len(rows) == 1))


def _function(path: str) -> Alone:
    module, _, name = path.partition(":")
    function: Alone = getattr(importlib.import_module(module), name)
    return function


def _cells(row: Measurement) -> tuple[str, ...]:
    if row.value is None:
        return row.metric, "not measured", row.unit, "", "", row.not_measured or row.not_applicable
    return row.metric, number(row.value), row.unit, str(row.n), interval(row.interval), row.engine


def number(value: Any) -> str:
    """Return a number with at most four decimals."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def interval(pair: tuple[float, float] | None) -> str:
    """Return an interval as "low to high", or nothing."""
    return f"{number(pair[0])} to {number(pair[1])}" if pair else ""
