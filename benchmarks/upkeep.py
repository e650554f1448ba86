"""What a ledger weighs, and what looking after it takes: backup against a bare copy, restore, retention, a scrape of the metrics.

A ledger as nights leave it: 2,000 title-languages that are out, each with an earlier version that nothing needs any more. A version is the
45 jobs of the chain with their artifacts and inputs, one decision and 130 measurements: what the tiny catalogue of the tests leaves.

    python benchmarks/upkeep.py
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from report import emit

PLACES = 2_000  # title-languages
VERSIONS = 2
JOBS, ARTIFACTS, INPUTS, MEASURED = 45, 2, 4, 130
AIM = 5.0  # times a bare copy: the backup API reads page by page, and other writers may come between
OLD = timedelta(days=200)


def fill(url: str) -> int:
    """Write the rows and return how many belong to one version of one title-language."""
    from nightdub.infra.ledger import Ledger
    from nightdub.infra.ledger.models import artifact_inputs, artifacts, attempts, decisions, heads, jobs, measurements, releases, runs
    from nightdub.infra.ledger.models import title_languages as standing

    ledger, now, rows = Ledger(url), datetime.now(UTC), 0
    ledger.migrate()
    for version in range(VERSIONS):
        then = now - OLD * (VERSIONS - 1 - version) * 2
        run = {"id": f"run-{version}", "kind": "nightly", "started": then, "ended": then, "state": "done"}
        with ledger._write() as connection:
            connection.execute(runs.insert(), [run | {"host": "h", "options": {}, "account": {"balanced": True}}])
        for first in range(0, PLACES, 200):
            made: dict[Any, list[dict[str, Any]]] = {
                table: [] for table in (jobs, attempts, artifacts, artifact_inputs, heads, measurements, decisions, releases, standing)
            }
            for place in range(first, first + 200):
                _version(made, place, version, then)
            rows += sum(map(len, made.values()))
            with ledger._write() as connection:
                for table, some in made.items():
                    if some:
                        connection.execute(table.insert(), some)
    ledger.close()
    return rows // (PLACES * VERSIONS)


def _version(made: dict[Any, list[dict[str, Any]]], place: int, version: int, then: datetime) -> None:
    title, tables = {"title": f"title-{place:06}", "language": "es"}, {table.name: rows for table, rows in made.items()}
    name, last, run = f"{place}-{version}", version == VERSIONS - 1, f"run-{version}"
    for number in range(JOBS):
        key = f"{name}-{number}".rjust(64, "k")
        job = {"key": key, "step": f"step{number}", "version": 1, **title, "state": "done", "owner": "host:1:abcdefgh", "lease_until": then}
        tables["jobs"].append(job | {"fence": 1, "manifest": f"m{key}", "error": {}, "run": run, "created": then, "finished": then})
        cost = dict.fromkeys(("wall", "cpu", "engine"), 1.5) | {"built": 20, "reused": 0}
        attempt = {"key": key, "fence": 1, "run": run, "owner": "host:1:abcdefgh", "started": then, "ended": then, "outcome": "done"}
        tables["attempts"].append(attempt | cost | {"error": {}})
        tables["artifacts"] += [{"key": key, "name": f"out{n}", "digest": digest(name, number, n), "size": 9} for n in range(ARTIFACTS)]
        before = [(number - 1 - n // 2, n % 2) for n in range(INPUTS) if number - 1 - n // 2 >= 0]
        tables["artifact_inputs"] += [{"key": key, "name": f"in{step}.{n}", "digest": digest(name, step, n)} for step, n in before]
        if last:
            tables["heads"].append(title | {"step": f"step{number}", "key": key})
    row = {"metric": "line.level", "value": 0.5, "unit": "LU", "n": 20, "engine": "loudness 1.0", "stand_in": False, "not_measured": ""}
    row |= {"worst": [], "not_applicable": "", "detail": "", "weights": "", "inputs": {"film": "f" * 64}, "environment": "e" * 64}
    tables["measurements"] += [title | row | {"run": run, "interval_low": 0.1, "interval_high": 0.9}] * MEASURED
    said = {
        "run": run,
        "recipe": "r" * 64,
        "policy": "preview",
        "policy_digest": "p" * 64,
        "outcome": "pass",
        "reasons": [],
        "rules": ["r" * 1_300] * 20,
    }
    tables["decisions"].append(title | said | {"created": then})
    film = digest(name, JOBS - 1, 0)
    if last:
        gate = {"action": "release", "package": film, "decision": None, "previous": "", "who": "gate", "why": "pass", "created": then}
        tables["releases"].append(title | gate)
        parts = {f"part{n}": "d" * 64 for n in range(60)}
        row = {"profile": "preview", "recipe": "r" * 64, "inputs": parts, "state": "released", "reasons": [], "package": film}
        tables["title_languages"].append(title | row | {"run": run, "updated": then})


def digest(name: str, step: int, output: int) -> str:
    return f"{name}-{step}-{output}".rjust(64, "0")


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bare_copy(source: Path, to: Path) -> None:
    """Copy a file and wait for the disk, as the backup does."""
    shutil.copyfile(source, to)
    with to.open("rb") as stream:
        os.fsync(stream.fileno())


def _copied(ledger: Any, path: Path, folder: Path, turn: int) -> tuple[float, float]:
    """Return the seconds of a backup, and of a bare copy beside it."""
    return timed(lambda: ledger.back_up(folder / f"b{turn}")), timed(lambda: bare_copy(path, folder / f"c{turn}"))


def main() -> None:
    from nightdub.apps.metrics import Exporter, exposition
    from nightdub.infra.ledger import Ledger
    from nightdub.infra.settings import load_settings

    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        rows = fill(settings.ledger_url)
        path, ledger = Path(folder, "ledger.db"), Ledger(settings.ledger_url)
        size, exporter, since = path.stat().st_size, Exporter(settings), datetime.now(UTC) - OLD
        backups = [_copied(ledger, path, Path(folder), turn) for turn in range(3)]
        backup, copy = (min(times) for times in zip(*backups, strict=True))
        figures = {"title_languages": PLACES, "versions": VERSIONS, "rows_per_version": rows, "mb": size / 1e6}
        figures |= {"kb_per_version": size / 1e3 / PLACES / VERSIONS, "backup_s": backup, "copy_s": copy}
        figures |= {"first_scrape_s": timed(lambda: exposition(exporter)), "scrape_s": timed(lambda: exposition(exporter))}
        figures |= {"live_digests_s": timed(lambda: ledger.live_digests(since))}
        figures |= {
            "forget_s": timed(lambda: figures.update(zip(("jobs_forgotten", "judgements_forgotten"), ledger.forget(since), strict=True)))
        }
        figures |= {"restore_s": timed(lambda: ledger.restore(Path(folder, "b0")))}
        emit("upkeep", figures, backup / copy, f"a backup in at most {AIM} times a bare copy of the file", met=backup / copy <= AIM)


if __name__ == "__main__":
    main()
