"""`nightdub run`: progress while it works, a one-screen summary when it is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from nightdub.apps.browser import open_page
from nightdub.apps.tables import refuse_unknown, show_summary
from nightdub.flows.night import load_catalogue, load_houses, open_books
from nightdub.flows.plan import make_plan
from nightdub.flows.recipe import FileDigests
from nightdub.flows.report import NightReport, read_report
from nightdub.flows.server import prefect_server
from nightdub.flows.watch import Event, watching
from nightdub.infra.settings import Settings


def run_catalogue(
    settings: Settings, catalogue: Path, only: list[str], deadline_minutes: float | None, *, again: bool, keep_going: bool, show: bool
) -> int:
    """Run a night over a catalogue and print its summary; return 1 where a title-language failed in it."""
    console = Console(stderr=True)
    listed = load_catalogue(settings, catalogue)
    if not keep_going:
        listed.strict(catalogue)
    refuse_unknown(only, listed, catalogue)
    with open_books(settings) as books:
        plan = make_plan(listed.titles, load_houses(settings, listed, books.ledger), books.ledger, FileDigests(books.ledger), again=again)
    todo = sum(not planned.unchanged and (not only or planned.title.id in only) for planned in plan)
    if todo:
        with progress_shown(console), prefect_server(settings):
            from nightdub.flows.nightly import localise_catalogue

            localise_catalogue(str(catalogue), str(settings.home), deadline_minutes, only or None, again=again, keep_going=keep_going)
    else:
        from nightdub.flows.unchanged import note_unchanged

        note_unchanged(settings, listed, catalogue, plan, only)
    report = read_report(settings.home)
    show_summary(report, settings.home)
    if show:
        open_page(settings.home / "report.html")
    return exit_code(report)


def exit_code(report: NightReport) -> int:
    """Return 1 where something failed in this night, or a row could not be read, or the account does not balance."""
    return int(bool(report.failed or report.problems or not report.balanced))


@contextmanager
def progress_shown(console: Console) -> Iterator[None]:
    """Show the night's progress: a bar on a terminal, a line for each finished title-language elsewhere."""
    if console.is_terminal:
        with _bar(console) as progress, watching(_BarWatcher(progress)):
            yield
    else:
        with watching(lambda event: _line(console, event)):
            yield


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


class _BarWatcher:
    """Moves the bar: whole title-languages, with the newest steps beside it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting Prefect and Dask", total=None)
        self._lock = threading.Lock()
        self._items = 0

    def __call__(self, event: Event) -> None:
        with self._lock:
            if event.kind == "night":
                self._progress.update(self._task, total=event.n, description="night")
            elif event.kind == "items":
                self._items += event.n
            elif event.kind == "step":
                place = "/".join(part for part in (event.title, event.language, event.step) if part)
                self._progress.update(self._task, description=f"{place} ({self._items} items)")
            elif event.kind == "finished":
                self._progress.advance(self._task)


def _line(console: Console, event: Event) -> None:
    if event.kind == "night":
        console.print(f"{event.n} title-languages to build", highlight=False)
    elif event.kind == "finished":
        console.print(f"{event.title}/{event.language}: {event.detail}", highlight=False)
