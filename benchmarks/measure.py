"""A finished dub measured from its files alone: processor time over two cores against the programme's length, without and with the picture.

The dub is the sample's `conference` in Spanish, localised first. Every part runs twice; the second run counts, in which models are loaded.

    python benchmarks/measure.py
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import emit

from nightdub.apps.sample import build_sample
from nightdub.flows.faults import load_dub
from nightdub.flows.night import open_books
from nightdub.flows.server import prefect_server
from nightdub.infra.settings import load_settings
from nightdub.quality.dub import Dub
from nightdub.quality.measure import Findings, measure_dub, measure_programme, score_lines, score_shots

CORES = 2
SOUND, WHOLE = 0.10, 0.50  # of the programme's length
HOUR = 3600.0


def processor() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def timed(part: Callable[[], Any]) -> tuple[Any, float]:
    part()
    before = processor()
    return part(), processor() - before


def measured(dub: Dub) -> dict[str, float | int | str]:
    lines, heard = timed(lambda: score_lines(dub))
    programme, played = timed(lambda: measure_programme(dub))
    without = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shots, watched = timed(lambda: score_shots(dub))
    rows, joined = timed(lambda: measure_dub(dub, Findings(lines, shots, programme)))
    length = dub.facts.duration
    return {
        "programme_s": length,
        "lines_cpu_s": heard,
        "programme_cpu_s": played,
        "shots_cpu_s": watched,
        "whole_picture_and_rows_cpu_s": joined,
        "sound_of_length": (heard + played) / CORES / length,
        "all_of_length": (heard + played + watched + joined) / CORES / length,
        "cpu_s_per_title_hour": (heard + played + watched + joined) / length * HOUR,
        "peak_mb_without_picture": without,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "metrics_measured": sum(row.value is not None for row in rows),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        catalogue = build_sample(settings.home / "catalogue")
        with prefect_server(settings):
            from nightdub.flows.nightly import localise_title

            localise_title(str(catalogue), "conference", str(settings.home))
        with open_books(settings) as books:
            figures = measured(load_dub(books, "conference", "es"))
    sound, whole = float(figures["sound_of_length"]), float(figures["all_of_length"])
    aim = f"under {SOUND:.0%} of the programme's length on two cores for the sound, {WHOLE:.0%} with the picture"
    emit("measure", figures, whole, aim, met=sound < SOUND and whole < WHOLE)


if __name__ == "__main__":
    main()
