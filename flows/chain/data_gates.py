"""The data gates of a finished title-language: every table that its steps left, held against its suite. Once for each target language."""

from __future__ import annotations

from pathlib import Path

from nightdub.flows.chain.parts import one_by_one, rows_of
from nightdub.infra.build import Inputs, Step
from nightdub.infra.work import Bench, Done, Item
from nightdub.quality.data.page import write_pages
from nightdub.quality.data.title import Tables, check_title
from nightdub.quality.data.verdict import DataVerdict
from nightdub.quality.metrics.data import data_measurements
from nightdub.tasks.rows import write_rows

CHECKED = (
    "cast.segments",
    "revise.lines",
    "convert.clips",
    "stretch.clips",
    "fit.placements",
    "subtitles.cues",
    "measure.measurements",
    "probe.facts",
)
SCRIPT, MARKS = "match.lines", "match.marks"  # where one was delivered


def _split_data_gate(inputs: Inputs) -> list[Item]:
    names = [name for name in (*CHECKED, SCRIPT, MARKS) if inputs.has(name)]
    return [Item("whole", blobs={name: inputs.digest(name) for name in names}, cost=5)]


def _data_gate(item: Item, bench: Bench) -> Done:
    """Check the rows as they are stored, without their types: a field that is not as it should be is for the gate to name."""
    tables = {name: rows_of(bench, item, name, dict) for name in (*CHECKED, SCRIPT, MARKS)}
    verdicts = check_title(
        Tables(
            segments=tables["cast.segments"],
            translations=tables["revise.lines"],
            voiced=tables["convert.clips"],
            clips=tables["stretch.clips"],
            placements=tables["fit.placements"],
            cues=tables["subtitles.cues"],
            measurements=tables["measure.measurements"],
            length=tables["probe.facts"][0]["duration"],
            script=tables[SCRIPT] if SCRIPT in item.blobs else None,
            marks=tables[MARKS],
        )
    )
    files = {
        "verdicts": write_rows(bench.new("verdicts.jsonl"), verdicts),
        "measurements": write_rows(bench.new("measurements.jsonl"), data_measurements(verdicts)),
    }
    return Done(files | _pages(verdicts, bench))


def _pages(verdicts: list[DataVerdict], bench: Bench) -> dict[str, Path]:
    """Return the pages as outputs; the suite of measurements shares its name with the step's own, hence "page."."""
    return {f"page.{name}": path for name, path in write_pages(bench.scratch, verdicts).items()}


DATA_GATES: tuple[Step, ...] = (
    Step("data_gate", 2, "language", (*CHECKED, f"{SCRIPT}?", f"{MARKS}?"), _split_data_gate, one_by_one(_data_gate)),
)
