"""A line that kills every worker that takes it, in a night on a real cluster."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import small
from processes import scratch

from nightdub.flows.night import open_books
from nightdub.infra.build import read_manifest

TITLE, LANGUAGE = "t3", "es"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = scratch()
    yield made
    shutil.rmtree(made)


@pytest.mark.slow
def test_a_line_that_kills_its_workers_is_set_aside_and_the_night_finishes(folder: Path) -> None:
    for name in ("poisoned", "well"):
        small.build_home(folder / name, titles=4)
    small.write_title(folder / "poisoned", 3, lines=["say one", "die at once", "say three"])
    command = [sys.executable, "-W", "ignore", small.__file__, str(folder / "poisoned"), "compute=local", "workers=2", "item_attempts=2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    small.run_small(folder / "well")
    with open_books(small.settings_for(folder / "well")) as books:
        well = {place: row.package for place, row in books.ledger.title_languages().items()}
    with open_books(small.settings_for(folder / "poisoned")) as books:
        rows = books.ledger.title_languages()
        job = books.ledger.jobs([books.ledger.heads(TITLE, "")["read"]]).popitem()[1]
        lost = [item.failed.get("code") for item in read_manifest(books.store, job.manifest).items]
    assert lost == [None, "WorkerLost", None]
    assert rows[TITLE, LANGUAGE].state == "held"
    assert {place: row.package for place, row in rows.items() if place[0] != TITLE} == {
        place: package for place, package in well.items() if place[0] != TITLE
    }
