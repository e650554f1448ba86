"""The exchange format: `manifest.jsonl`, one clip a line, with the clips and their features beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from nightdub.datasets.outputs.form import Fetch, Options, Output, Parts, clips, json_lines, record, write_bytes
from nightdub.datasets.rows import Sample

MANIFEST = "manifest.jsonl"


def _parts(rows: Iterable[Sample], _options: Options) -> Parts:
    return {MANIFEST: sorted(rows, key=lambda row: row.id)}


def _write(name: str, rows: Sequence[Sample], _sound: Fetch, _features: Fetch, out: Path, _options: Options) -> dict[str, Path]:
    return {name: write_bytes(out / name, json_lines(map(record, rows)))}


JSONL = Output("manifest.jsonl of the exchange format, clips and features beside it", _parts, _write, clips)
