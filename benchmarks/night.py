"""The sample's night from flow start to flow end, against the sum of its engine seconds over the cores.

Engine seconds are the wall time of all items on their workers, as the ledger keeps them: what remains is planning, starting the pool,
Prefect, the books, waiting for the longest title, and the report.

    python benchmarks/night.py
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from report import emit

from nightdub.apps.sample import build_sample
from nightdub.flows.server import prefect_server
from nightdub.infra.ledger import Ledger
from nightdub.infra.settings import load_settings

AIM = 0.85


def main() -> None:
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        catalogue = build_sample(settings.home / "catalogue")
        started = time.perf_counter()
        with prefect_server(settings):
            opened = time.perf_counter() - started
            from nightdub.flows.nightly import localise_catalogue

            started = time.perf_counter()
            account = localise_catalogue(str(catalogue), str(settings.home))
            wall = time.perf_counter() - started
        ledger = Ledger(settings.ledger_url)
        costs = ledger.costs(str(account["run"]))
        ledger.close()
    engine, cpu = sum(line.engine for line in costs), sum(line.cpu for line in costs)
    figures: dict[str, float | int | str] = {"cores": cores, "wall_s": wall, "engine_s": engine, "cpu_s": cpu, "prefect_start_s": opened}
    figures |= {name: int(account[name]) for name in ("title_languages", "released", "held", "failed", "built_steps")}
    ratio = engine / cores / wall
    emit("night", figures, ratio, f"engine seconds over the cores at least {AIM} of the night", met=ratio >= AIM)


if __name__ == "__main__":
    main()
