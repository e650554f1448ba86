"""A night in which nothing has changed: a query and a report, without Prefect and without a compute pool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from nightdub.flows.consents import take_down
from nightdub.flows.night import open_books
from nightdub.flows.page import write_report
from nightdub.flows.plan import Planned
from nightdub.flows.report import make_report
from nightdub.infra.settings import Settings
from nightdub.tasks.catalogue import Catalogue


def note_unchanged(settings: Settings, catalogue: Catalogue, path: Path, plan: Sequence[Planned], only: Sequence[str]) -> None:
    """Write the run and the report of a night that had nothing to build."""
    started = time.time()
    with open_books(settings) as books:
        take_down(books)  # a consent may have ended meanwhile
        run = books.ledger.start_run("nightly", {"catalogue": str(path), "only": list(only)})
        report = make_report(
            books, run, path, catalogue, [planned for planned in plan if not only or planned.title.id in only], (), started
        )
        books.ledger.finish_run(run, "done", report.counts())
        write_report(books, report)
