"""The tables of docs/faults.md, from stored reports: `python -m nightdub.apps.faults_page .nightdub/demo/faults/*.json`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from nightdub.flows.faults import POLICIES, Report
from nightdub.quality.faults.judge import Judged, Tally, share, tally
from nightdub.quality.faults.kinds import Fault
from nightdub.quality.faults.table import FAULTS

NAMED = 3  # metrics that a row names
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def as_markdown(reports: Sequence[Report]) -> str:
    """Return what was caught, what was not and what was held, of several dubs together."""
    judged = [row for report in reports for row in report.judged]
    dubs = ", ".join(f"`{report.title}` in `{report.language}`" for report in reports)
    parts = [f"Measured on {dubs}; {sum(bool(row.rulings) for row in judged)} trials.", "", *_faults(judged), "", *_harmless(judged), ""]
    return "\n".join([*parts, *_missed(judged), ""])


def _faults(judged: Sequence[Judged]) -> Iterator[str]:
    yield "| kind | what | severities caught under `preview` | under `broadcast` | caught by |"
    yield "|---|---|---|---|---|"
    tables = [_by_kind(judged, policy) for policy in POLICIES]
    for fault in FAULTS.values():
        if not fault.harmless:
            first, second = (table.get(fault.kind, []) for table in tables)
            names = ", ".join(f"`{name}`" for name in dict.fromkeys(name for row in first for name in row.metrics[:NAMED]))
            yield f"| `{fault.kind}` | {fault.means} | {_severities(fault, first)} | {_severities(fault, second)} | {names} |"
    for policy in POLICIES:
        rows = tally(judged, policy)
        must = share([row for row in rows if row.severity in FAULTS[row.kind].must])
        yield f"| all | at stated severities, `{policy}` | {_share(must)} | | |"


def _harmless(judged: Sequence[Judged]) -> Iterator[str]:
    yield "| harmless change | what | held under `preview` | held under `broadcast` | by |"
    yield "|---|---|---|---|---|"
    tables = [_by_kind(judged, policy) for policy in POLICIES]
    for fault in FAULTS.values():
        if fault.harmless:
            first, second = (share(table.get(fault.kind, [])) for table in tables)
            names = ", ".join(f"`{name}`" for name in (*first.metrics, *second.metrics)[:NAMED])
            sizes = ", ".join(f"{severity:g}" for severity in fault.severities)
            yield f"| `{fault.kind}` | {fault.means}: {sizes} {fault.unit} | {_share(first)} | {_share(second)} | {names} |"
    held = [share([row for row in tally(judged, policy) if FAULTS[row.kind].harmless]) for policy in POLICIES]
    yield f"| all | | {_share(held[0])} | {_share(held[1])} | |"


def _missed(judged: Sequence[Judged]) -> Iterator[str]:
    yield "Not caught under `preview`:"
    yield ""
    for fault in FAULTS.values():
        rows = _by_kind(judged, POLICIES[0]).get(fault.kind, [])
        missed = [row for row in rows if row.caught < row.n and not fault.harmless]
        if missed:
            where = ", ".join(f"{row.severity:g} {fault.unit} ({row.n - row.caught} of {row.n} missed)" for row in missed)
            yield f"- `{fault.kind}`: {where}{'. ' + fault.gap if fault.gap else ''}"


def _by_kind(judged: Sequence[Judged], policy: str) -> dict[str, list[Tally]]:
    found: dict[str, list[Tally]] = {}
    for row in tally(judged, policy):
        found.setdefault(row.kind, []).append(row)
    return found


def _severities(fault: Fault, rows: Sequence[Tally]) -> str:
    """Return each severity with how often it was caught; what must be caught is bold."""
    marked = dict.fromkeys(fault.must, "**")
    cells = [f"{marked.get(row.severity, '')}{row.severity:g}{marked.get(row.severity, '')} {row.caught}/{row.n}" for row in rows]
    return f"{', '.join(cells)} ({fault.unit})" if cells else ""


def _share(row: Tally) -> str:
    if row.interval is None:
        return ""
    return f"{row.caught} of {row.n} ({100 * row.interval[0]:.0f} to {100 * row.interval[1]:.0f} %)"


def main() -> None:
    """Write the tables of the named reports into docs/faults.md, between their marks."""
    page = Path(__file__).parents[1] / "docs/faults.md"
    reports = [msgspec.json.decode(Path(name).read_bytes(), type=Report) for name in sys.argv[1:]]
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{as_markdown(reports)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
