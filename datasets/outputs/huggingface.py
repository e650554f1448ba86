"""A folder that `datasets.load_dataset` reads as an audio folder: README.md, and for each split its clips and `metadata.parquet`.

Clips are named by the digest of their id. That library tells splits by words in the names of folders: a clip in `train/dev-1/` makes it
look for a validation split, and where there is none nothing loads. Hexadecimal digits spell none of its words.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from nightdub.datasets.outputs.form import SPLITS, Fetch, Options, Output, Parts, write_bytes
from nightdub.datasets.outputs.parquet import columns_of, schema, write_table
from nightdub.datasets.rows import Sample

README, TABLE = "README.md", "metadata.parquet"


def _name(row: Sample) -> str:
    digest = hashlib.sha256(row.id.encode()).hexdigest()
    return f"{digest[:2]}/{digest[:32]}.wav"


def _parts(rows: Iterable[Sample], _options: Options) -> Parts:
    rows = sorted(rows, key=lambda row: row.id)
    parts = {f"{split}/{TABLE}": [row for row in rows if row.split == split] for split in SPLITS}
    return {README: rows} | {name: members for name, members in parts.items() if members}


def _write(name: str, rows: Sequence[Sample], _sound: Fetch, _features: Fetch, out: Path, options: Options) -> dict[str, Path]:
    if name == README:
        return {name: write_bytes(out / name, readme(rows, options).encode())}
    return {name: write_table(out / name, schema("path"), (columns_of(row) | {"file_name": _name(row)} for row in rows), 10_000)}


def readme(rows: Sequence[Sample], options: Options) -> str:
    """Return the folder's README.md, whose header says licence, languages and splits."""
    counts = Counter(row.split for row in rows)
    splits = [split for split in SPLITS if counts[split]]
    header = {
        "pretty_name": options.name,
        "license": options.licence.lower(),
        "language": sorted({row.language for row in rows}),
        "configs": [{"config_name": "default", "data_files": [{"split": split, "path": f"{split}/**"} for split in splits]}],
    }
    table = "\n".join(
        f"| {split} | {counts[split]} | {sum(row.seconds for row in rows if row.split == split) / 3600:.2f} |" for split in splits
    )
    head = yaml.safe_dump(header, allow_unicode=True, sort_keys=False)
    return f"---\n{head}---\n\n# {options.name}\n\n| split | clips | hours |\n|---|---|---|\n{table}\n"


def _clips(rows: Iterable[Sample]) -> dict[str, str]:
    return {f"{row.split}/{_name(row)}": row.sound for row in sorted(rows, key=lambda row: row.id)}


HUGGINGFACE = Output("a folder that datasets.load_dataset reads as an audio folder", _parts, _write, _clips)
