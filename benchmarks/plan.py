"""A catalogue, unchanged and with one script in a hundred rewritten: read it, look at its files, ask the ledger, compare.

Against a bare stat() and a bare select of the same.

A fresh process each time, as `nightdub plan` is, and the time of the whole process counts: start and imports too. Both sides take turns,
so that a machine that grows busier counts for both; the best of each is taken. The files are in the system's cache.

    python benchmarks/plan.py
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from report import emit

if TYPE_CHECKING:
    from nightdub.flows.plan import Planned
    from nightdub.infra.ledger import TitleLanguage

SIZES = (1_000, 10_000)  # titles
LANGUAGES = ("es", "fr", "it", "pt", "ca")
FILES = ("source", "script")  # of each title
TURNS = 3
REWRITTEN = 100  # one title of so many
AIM = 2.0  # seconds for the largest catalogue


# ---------------------------------------------------------------- material


def prepare(home: Path, titles: int) -> None:
    """Write a catalogue with its files, and a ledger in which every title-language of it is released."""
    from nightdub.flows.night import load_catalogue, load_houses, open_books
    from nightdub.flows.plan import make_plan
    from nightdub.flows.recipe import FileDigests
    from nightdub.infra.settings import load_settings

    settings = load_settings(home=home)
    catalogue = load_catalogue(settings, write_catalogue(home / "catalogue", titles))
    with open_books(settings) as books:
        planned = make_plan(catalogue.titles, load_houses(settings, catalogue), books.ledger, FileDigests(books.ledger))
        books.ledger.put_title_languages(released(row) for row in planned)


def write_catalogue(folder: Path, titles: int) -> Path:
    """Write a catalogue of so many titles, each with a folder and tiny files of its own."""
    path = folder / "catalogue.csv"
    folder.mkdir()
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", *FILES, "language", "targets"))
        for number in range(titles):
            title = f"title-{number:05}"
            (folder / title).mkdir()
            names = [f"{title}/{name}" for name in FILES]
            for name in names:
                (folder / name).write_text(name)
            writer.writerow((title, *names, "en", ";".join(LANGUAGES)))
    return path


def released(planned: Planned) -> TitleLanguage:
    """Return the ledger's row of a title-language whose dub was released."""
    from nightdub.infra.ledger import TitleLanguage

    recipe = planned.recipe
    return TitleLanguage(
        planned.title.id,
        planned.language,
        planned.title.profile,
        recipe.digest,
        dict(recipe.parts),
        "released",
        [],
        recipe.digest,
        "benchmark",
    )


# ---------------------------------------------------------------- what is measured, each in a process of its own


def plan(home: Path) -> dict[str, float]:
    """Plan the catalogue as `nightdub plan` does; return the seconds of each part."""
    started = time.perf_counter()
    from nightdub.flows.night import load_catalogue, load_houses, open_books
    from nightdub.flows.plan import make_plan
    from nightdub.flows.recipe import FileDigests
    from nightdub.infra.settings import load_settings

    settings = load_settings(home=home)
    imported = time.perf_counter()
    catalogue = load_catalogue(settings, home / "catalogue" / "catalogue.csv")
    read = time.perf_counter()
    with open_books(settings) as books:
        planned = make_plan(catalogue.titles, load_houses(settings, catalogue), books.ledger, FileDigests(books.ledger))
    ended = time.perf_counter()
    changed = sum(not row.unchanged for row in planned)
    return {
        "imports": imported - started,
        "catalogue": read - imported,
        "comparing": ended - read,
        "rows": len(planned),
        "changed": changed,
    }


def query(home: Path) -> dict[str, float]:
    """Ask the ledger what a plan asks."""
    from nightdub.infra.ledger import Ledger

    ledger = Ledger(f"sqlite:///{home / 'ledger.db'}")
    ledger.check()
    started = time.perf_counter()
    rows = ledger.standing()
    return {"query": time.perf_counter() - started, "rows": len(rows)}


def reference(home: Path) -> dict[str, float]:
    """Stat every file and read what a plan needs of the ledger's table, with nothing around it."""
    with (home / "catalogue" / "catalogue.csv").open(newline="", encoding="utf-8") as stream:
        files = [home / "catalogue" / row[name] for row in csv.DictReader(stream) for name in FILES]
    started = time.perf_counter()
    for file in files:
        os.stat(file)  # noqa: PTH116 - the bare call
    connection = sqlite3.connect(home / "ledger.db")
    found = connection.execute("SELECT title, language, recipe, state, reasons FROM title_languages").fetchall()
    return {"reference": time.perf_counter() - started, "rows": len(found)}


SIDES: dict[str, Callable[[Path], dict[str, float]]] = {"plan": plan, "query": query, "reference": reference}


def alone(side: str, home: Path) -> dict[str, float]:
    """Run one side in a fresh process; `process` is that process's whole life in seconds, `cpu` its processor time."""
    before, started = os.times(), time.perf_counter()
    made = subprocess.run([sys.executable, "-W", "ignore", __file__, side, str(home)], check=True, stdout=subprocess.PIPE)
    wall, after = time.perf_counter() - started, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    figures: dict[str, float] = json.loads(made.stdout)
    return figures | {"process": wall, "cpu": spent}


def measure(titles: int) -> dict[str, float]:
    """Return the best of some turns over one catalogue, unchanged and then with some scripts rewritten before each turn."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        prepare(home, titles)
        turns = [{side: alone(side, home) for side in SIDES} for _ in range(TURNS)]
        edited = [after_edits(home, titles, f"turn {number}") for number in range(TURNS)]
    ours = min((turn["plan"] for turn in turns), key=lambda figures: figures["process"])
    if ours["changed"]:
        raise SystemExit("the catalogue was to be unchanged")
    best = min(edited, key=lambda figures: figures["process"])
    ours |= {"changed": best["changed"], "changed_process": best["process"], "changed_cpu": best["cpu"]}
    return ours | {name: min(turn[name][name] for turn in turns) for name in ("query", "reference")}


def after_edits(home: Path, titles: int, text: str) -> dict[str, float]:
    """Rewrite one script of `REWRITTEN` and plan."""
    for number in range(0, titles, REWRITTEN):
        (home / "catalogue" / f"title-{number:05}" / "script").write_text(text)
    figures = alone("plan", home)
    if figures["changed"] != titles // REWRITTEN * len(LANGUAGES):
        raise SystemExit(f"{figures['changed']} title-languages were seen to have changed")
    return figures


def figures_of(found: dict[str, float], size: str) -> dict[str, float | int | str]:
    """Return the figures of one catalogue under names that tell its size."""
    return {
        f"seconds_{size}": found["process"],
        f"cpu_seconds_{size}": found["cpu"],
        f"us_per_title_language_{size}": 1e6 * found["process"] / found["rows"],
        f"reference_seconds_{size}": found["reference"],
        f"changed_{size}": int(found["changed"]),
        f"changed_seconds_{size}": found["changed_process"],
        f"changed_cpu_seconds_{size}": found["changed_cpu"],
    }


def main(sizes: Sequence[int]) -> None:
    figures: dict[str, float | int | str] = {}
    for titles in sizes:
        found = measure(titles)
        figures |= figures_of(found, f"{titles // 1000}k")
    rows = int(found["rows"])
    figures |= {
        "title_languages": rows,
        "files": sizes[-1] * len(FILES),
        "import_seconds": found["imports"],
        "catalogue_seconds": found["catalogue"],
    }
    figures |= {"comparing_seconds": found["comparing"], "query_seconds": found["query"]}
    emit("plan", figures, found["process"] / found["reference"], f"under {AIM:g} s for {rows} title-languages", met=found["process"] < AIM)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(SIDES[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main(SIZES)
