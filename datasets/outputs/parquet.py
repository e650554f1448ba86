"""Parquet tables by split, typed, with or without the clips' sound in them.

The schema tells Hugging Face's `datasets` which column is sound. It also tells every table's types: read from JSON they would be guessed
from the first lines, where an empty column or a text like "2024-01-01" is guessed wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from nightdub.datasets.outputs.form import Fetch, Options, Output, Parts, buckets, clip_path, features_path
from nightdub.datasets.rows import RATE, Sample

GROUP = 200  # rows of a row group with sound: what is held in memory at a time, 60 MB of clips of 7 s
TEXTS = ("text", "language", "speaker", "emotion", "split", "sound", "source", "recording", "parent", "variant", "written")
MEASURES = ("loudness", "gain", "peak", "clipping", "bandwidth", "snr", "dnsmos", "trimmed_start", "trimmed_end")


def schema(audio: str) -> Any:
    """Return the tables' schema; `audio` is "bytes" (in the table), "path" (below its folder), or "" (no column `audio`)."""
    import pyarrow as pa

    texts = {name: pa.string() for name in TEXTS}
    pair = pa.struct([("name", pa.string()), ("value", pa.string())])
    columns: dict[str, Any] = {"id": pa.string()}
    columns |= {"bytes": {"audio": pa.struct([("bytes", pa.binary()), ("path", pa.string())])}, "path": {"file_name": pa.string()}}.get(
        audio, {}
    )
    columns |= {"audio_path": pa.string()} if not audio else {}
    columns |= texts | {"features_path": pa.string()} if not audio else texts
    columns |= {"seconds": pa.float64(), "source_start": pa.float64(), "source_end": pa.float64(), "source_rate": pa.float64()}
    columns |= {name: pa.float64() for name in MEASURES} | {"source_channels": pa.int32(), "tags": pa.list_(pair)}
    metadata = {}
    if audio == "bytes":
        told = {"audio": {"_type": "Audio", "sampling_rate": RATE}}
        metadata = {
            "huggingface": msgspec.json.encode({"info": {"features": told | {n: _told(k) for n, k in columns.items() if n != "audio"}}})
        }
    return pa.schema(list(columns.items()), metadata=metadata or None)


def _told(kind: Any) -> Any:
    """Return a column's type in the words of `datasets`."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return {"feature": {field.name: _told(field.type) for field in kind.value_type}, "_type": "List"}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind)), "_type": "Value"}


def columns_of(row: Sample) -> dict[str, Any]:
    """Return a row's plain columns; what is not known is null."""
    facts = row.measured
    line: dict[str, Any] = {name: getattr(row, name) for name in ("id", *TEXTS, "seconds", "source_start", "source_end")}
    line |= {name: getattr(facts, name) if facts else None for name in MEASURES}
    line |= {"source_rate": facts.rate if facts else None, "source_channels": facts.channels if facts else None}
    return line | {"tags": [{"name": name, "value": value} for name, value in sorted(row.tags.items())]}


def write_table(path: Path, form: Any, lines: Iterable[dict[str, Any]], rows_a_group: int) -> Path:
    """Write lines as a Parquet file in row groups; the same lines give the same bytes with the same pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, form, version="2.6", compression="zstd", compression_level=3, data_page_version="1.0") as writer:
        waiting: list[dict[str, Any]] = []
        for line in lines:
            waiting.append(line)
            if len(waiting) == rows_a_group:
                writer.write_table(pa.Table.from_pylist(waiting, form))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, form))
    return path


def _parts(rows: Iterable[Sample], _options: Options) -> Parts:
    return {f"{name}.parquet": members for name, members in buckets(rows).items()}


def _write(
    name: str, rows: Sequence[Sample], sound: Fetch, _features: Fetch, out: Path, _options: Options, *, with_sound: bool
) -> dict[str, Path]:
    if with_sound:
        lines = (columns_of(row) | {"audio": {"bytes": sound(row.sound).read_bytes(), "path": f"{row.sound}.wav"}} for row in rows)
        return {name: write_table(out / name, schema("bytes"), lines, GROUP)}
    paths = ({"audio_path": clip_path(row), "features_path": features_path(row) if row.features else None} for row in rows)
    lines = (columns_of(row) | path for row, path in zip(rows, paths, strict=True))
    return {name: write_table(out / name, schema(""), lines, 10_000)}


PARQUET = Output("typed Parquet tables by split, without sound", _parts, partial(_write, with_sound=False))
PARQUET_SOUND = Output("typed Parquet tables by split, each clip's sound in its row", _parts, partial(_write, with_sound=True))
