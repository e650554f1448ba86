"""All data gates of one title-language, run in one process, since loading Great Expectations costs more than all the suites together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightdub.quality.data.gate import check_rows, plain_rows
from nightdub.quality.data.verdict import DataVerdict
from nightdub.tasks.rows import Seconds

Rows = Sequence[object]  # dataclasses or mappings of plain JSON values


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that the steps of one title-language left."""

    segments: Rows  # the lines to be dubbed
    translations: Rows
    voiced: Rows  # clips as the engines spoke them, before they were laid on the picture's time
    clips: Rows  # clips as they are laid
    placements: Rows
    cues: Rows
    measurements: Rows
    length: Seconds  # of the programme
    script: Rows | None = None  # the delivered script's lines; None = none was delivered
    marks: Rows = ()  # what the script marks that nobody speaks


def check_title(tables: Tables) -> list[DataVerdict]:
    """Return one verdict for each table, held against the lines that it is about. Never raises for what is in the tables."""
    lines = _named(plain_rows(tables.segments), "id")
    spoken = _named([row for row in plain_rows(tables.voiced) if row.get("sound") and row.get("duration")], "segment")
    script = [check_rows("script", tables.script, length=tables.length)] if tables.script is not None else []
    return [
        *script,
        check_rows("transcript", tables.segments, length=tables.length),
        check_rows("translation", tables.translations, lines=lines),
        check_rows("manifest", tables.clips, lines=lines),
        check_rows("placements", tables.placements, lines=spoken, length=tables.length),
        check_rows("subtitles", tables.cues, lines=[*lines, *_named(plain_rows(tables.marks), "id")], length=tables.length),
        check_rows("measurements", tables.measurements),
    ]


def _named(rows: Sequence[object], field: str) -> list[str]:
    return [str(row.get(field)) for row in plain_rows(rows)]
