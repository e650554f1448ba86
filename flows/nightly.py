"""The night: plan by one query, then titles by priority, each language by itself, then the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast
from uuid import UUID

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.events import emit_event
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from nightdub.flows.data_gate import check_catalogue
from nightdub.flows.night import Books, Night, load_catalogue, load_houses, open_books, open_night
from nightdub.flows.page import write_report
from nightdub.flows.plan import Planned, make_plan
from nightdub.flows.policy import LOCALISE, PERCEIVE, SETTLE, forget_results
from nightdub.flows.recipe import FileDigests, House
from nightdub.flows.regression import rerun_changed
from nightdub.flows.report import NightReport, make_report, summary_markdown
from nightdub.flows.title import Outcome
from nightdub.flows.upkeep import tidy
from nightdub.flows.watch import Event, tell
from nightdub.flows.window import Window
from nightdub.infra.logs import note, warn
from nightdub.infra.settings import load_settings
from nightdub.tasks.catalogue import Catalogue

THREADS = 32  # they wait for the compute pool; at most `titles_in_flight` titles are started


@flow(name="nightly", task_runner=ThreadPoolTaskRunner(max_workers=THREADS), persist_result=False)  # type: ignore[arg-type]
def localise_catalogue(
    catalogue: str,
    home: str = "",
    deadline_minutes: float | None = None,
    only: list[str] | None = None,
    *,
    again: bool = False,
    keep_going: bool = True,
) -> dict[str, Any]:
    """Localise a catalogue: every title-language ends as released, held or failed, or is named as left.

    Args:
        catalogue: Path of the catalogue file.
        home: Working folder; empty = as the settings say.
        deadline_minutes: No title is started later than this many minutes after the start.
        only: Ids of the only titles to build; nothing = all.
        again: Also try again what failed, although nothing has changed.
        keep_going: Build the good rows of a catalogue that has bad ones; they are reported as failed.
    """
    settings = load_settings(home=Path(home)) if home else load_settings()
    with open_books(settings) as books:
        listed = load_catalogue(settings, Path(catalogue))
        if not keep_going:
            listed.strict(Path(catalogue))
        minutes = deadline_minutes if deadline_minutes is not None else settings.deadline_minutes
        window = Window()
        what = "title-languages that have ended"
        shown = window.show(lambda: cast(UUID, create_progress_artifact(0.0, key="night-progress", description=what)))

        def progress(done: float) -> None:
            if shown:
                window.show(lambda: update_progress_artifact(shown, done))

        report = run_night(books, listed, Path(catalogue), only=only, again=again, minutes=minutes, progress=progress)
    if report.failed:
        say_failed(report.run, report.failed, report.title_languages)
    Window().show(lambda: create_markdown_artifact(key="night", markdown=summary_markdown(report), description=f"Night {report.run}"))
    return report.counts()


def say_failed(run: str, failed: int, title_languages: int) -> None:
    """Send Prefect the event that an alarm on failed title-languages waits for."""
    night = {"prefect.resource.id": f"nightdub.night.{run}", "prefect.resource.name": run}
    emit_event("nightdub.titles.failed", resource=night, payload={"failed": failed, "title_languages": title_languages})


def run_night(
    books: Books,
    catalogue: Catalogue,
    path: Path,
    *,
    only: Sequence[str] | None,
    again: bool,
    minutes: float | None,
    progress: Callable[[float], object] = lambda _: None,
) -> NightReport:
    """Plan, build what is missing, and write the report of one night; `progress` is told the percentage that has ended.

    When all that is done, engines that are no longer what they were at their evaluation are evaluated again, and the report says so.
    """
    started = time.time()
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    tidy(books)
    houses, digests = load_houses(books.settings, catalogue, books.ledger), FileDigests(books.ledger)
    titles = [title for title in catalogue.titles if not only or title.id in only]
    plan = make_plan(titles, houses, books.ledger, digests, again=again)
    run = books.ledger.start_run("nightly", {"catalogue": str(path), "again": again, "only": list(only or ())})
    todo = [planned for planned in plan if not planned.unchanged]
    tell(Event("night", n=len(todo)))
    note("night started", run=run, catalogue=str(path), title_languages=len(plan), to_build=len(todo))
    outcomes: list[Outcome] = []
    try:
        if todo:
            with open_night(books, houses, digests, run) as night:
                for outcome in build_titles(night, todo, deadline):
                    outcomes.append(outcome)
                    progress(100 * len(outcomes) / len(todo))
        wrong = check_catalogue(books, titles) if todo else ()
        report = make_report(books, run, path, catalogue, plan, outcomes, started, wrong)
    except BaseException as error:
        warn("night failed", run=run, what=f"{type(error).__name__}: {error}")
        books.ledger.finish_run(run, "failed", {})
        raise
    books.ledger.finish_run(run, "done", report.counts())
    note("night ended", **report.counts())
    write_report(books, report)
    if found := _changed_engines(books, houses.values(), deadline):
        report = replace(report, engines=found)
        write_report(books, report)
    return report


def _changed_engines(books: Books, houses: Iterable[House], deadline: float | None) -> tuple[str, ...]:
    """Return what the regression test says of the night's engines that have changed; whatever goes wrong in it stops no night.

    After the deadline nothing is started: the scheduled test, or the next night, finds the same.
    """
    if deadline is not None and time.monotonic() >= deadline:
        return ()
    tell(Event("step", step="regression test"))
    try:
        return tuple(str(row) for row in rerun_changed(books, houses))
    except Exception as error:
        return (f"the regression test could not be run: {type(error).__name__}: {error}",)


def build_titles(night: Night, todo: Iterable[Planned], deadline: float | None) -> Iterator[Outcome]:
    """Build titles in order, a bounded number of them at a time; after the deadline none is started."""
    landed: SimpleQueue[tuple[Planned, PrefectFuture[Any]]] = SimpleQueue()
    flying: dict[str, int] = {}  # title -> languages that have not ended
    settled: dict[str, PrefectFuture[Any]] = {}  # series -> its last episode that was launched
    for _, group in groupby(todo, key=lambda planned: planned.title.id):
        while len(flying) >= night.books.settings.titles_in_flight:
            yield _land(landed.get(), flying)
        if deadline is not None and time.monotonic() >= deadline:
            break
        languages = list(group)
        flying[languages[0].title.id] = len(languages)
        _launch(night, languages, landed, settled)
    while flying:
        yield _land(landed.get(), flying)


def _launch(
    night: Night,
    languages: list[Planned],
    landed: SimpleQueue[tuple[Planned, PrefectFuture[Any]]],
    settled: dict[str, PrefectFuture[Any]],
) -> None:
    """Submit what the title's languages share, and each language behind it; what ends comes through the queue.

    Episodes of a series enter their characters into the voice book in the order of the plan, so that two nights agree on who was first.
    """
    first = next((planned for planned in languages if "failed before" in planned.because), languages[0])
    perceived = PERCEIVE.submit(night, first)
    if series := first.title.series:
        perceived = settled[series] = SETTLE.submit(night, first, perceived, settled.get(series))
    for planned in languages:
        future = LOCALISE.submit(night, planned, perceived)
        future.add_done_callback(partial(_into, landed, planned))


def _into(landed: SimpleQueue[tuple[Planned, PrefectFuture[Any]]], planned: Planned, ended: PrefectFuture[Any]) -> None:
    landed.put((planned, ended))


def _land(ended: tuple[Planned, PrefectFuture[Any]], flying: dict[str, int]) -> Outcome:
    """Return how a title-language ended, also where even that could not be written down."""
    planned, future = ended
    flying[planned.title.id] -= 1
    if not flying[planned.title.id]:
        del flying[planned.title.id]
        forget_results()
    try:
        outcome: Outcome = future.result()
    except Exception as error:
        return Outcome(planned.title.id, planned.language, "failed", (f"{type(error).__name__}: {error} [transient]",))
    return outcome


@flow(name="title", persist_result=False)
def localise_title(catalogue: str, title: str, home: str = "", *, again: bool = False) -> dict[str, Any]:
    """Localise one title of a catalogue now; the same as a night that is asked for it alone."""
    counts: dict[str, Any] = localise_catalogue(catalogue, home, only=[title], again=again)
    return counts
