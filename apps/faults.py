"""`nightdub faults`: what the gate catches of the faults planted into a dub, and what it holds that is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from nightdub.apps.screen import print_json, print_line, print_rows
from nightdub.flows.faults import POLICIES, Counter, Report, choose_trials, run_corpus
from nightdub.flows.night import open_books
from nightdub.infra.settings import Settings
from nightdub.quality.faults.judge import Tally, share, tally
from nightdub.quality.faults.table import FAULTS

NAMED = 3  # metrics that a row of the table names


def run_faults(settings: Settings, title: str, language: str, kinds: Sequence[str], *, everything: bool, as_json: bool) -> int:
    """Run the corpus and print its table; return 1 where a fault was missed that must be caught, or a harmless change was held."""
    trials = choose_trials(kinds, everything=everything)
    with open_books(settings) as books, _counted(len(trials)) as counter:
        report = run_corpus(books, title, language, trials, counter)
    if as_json:
        print_json(report)
    else:
        _show(report)
    return int(bool(missed(report)))


def missed(report: Report) -> list[Tally]:
    """Return what the first policy said wrongly: faults that must be caught and were not, and harmless changes that were held."""
    rows = tally(report.judged, POLICIES[0])
    return [row for row in rows if _wrong(row)]


def _wrong(row: Tally) -> bool:
    fault = FAULTS[row.kind]
    return row.caught > 0 if fault.harmless else row.severity in fault.must and row.caught < row.n


def _show(report: Report) -> None:
    tables = {policy: {(row.kind, row.severity): row for row in tally(report.judged, policy)} for policy in POLICIES}
    first, second = (tables[policy] for policy in POLICIES)
    rows = [_row(row, second[key]) for key, row in first.items()]
    print_rows(("kind", "severity", "", *POLICIES, "95 %", "caught by"), rows)
    for row in report.judged:
        if row.skipped or row.failed:
            print_line(
                f"{row.truth.kind} {row.truth.severity:g}: {'not planted' if row.skipped else 'failed'}: {row.skipped or row.failed}", "dim"
            )
    for policy in POLICIES:
        print_line(f"{policy}: {_summary(list(tables[policy].values()))}")


def _row(row: Tally, other: Tally) -> tuple[str | Text, ...]:
    fault = FAULTS[row.kind]
    said = f"{row.caught}/{row.n}"
    mark = "harmless" if fault.harmless else "must" if row.severity in fault.must else "gap" if fault.gap else ""
    low, high = row.interval or (0.0, 1.0)
    shown = Text(said, style="red" if _wrong(row) else "")
    names = ", ".join((row.metrics or other.metrics)[:NAMED])
    return (
        row.kind,
        f"{row.severity:g} {fault.unit}",
        mark,
        shown,
        f"{other.caught}/{other.n}",
        f"{100 * low:.0f} to {100 * high:.0f} %",
        names,
    )


def _summary(rows: Sequence[Tally]) -> str:
    must = share([row for row in rows if row.severity in FAULTS[row.kind].must])
    less = share([row for row in rows if not FAULTS[row.kind].harmless and row.severity not in FAULTS[row.kind].must])
    harmless = share([row for row in rows if FAULTS[row.kind].harmless])
    return f"caught {_of(must)} at stated severities, {_of(less)} below them; held {_of(harmless)} harmless changes"


def _of(row: Tally) -> str:
    if row.interval is None:
        return "0 of 0"
    return f"{row.caught} of {row.n} ({100 * row.interval[0]:.0f} to {100 * row.interval[1]:.0f} %)"


@contextmanager
def _counted(total: int) -> Iterator[Counter]:
    """Show how many trials are done: a bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("faults", total=total)
        yield lambda done: progress.advance(task, done)
