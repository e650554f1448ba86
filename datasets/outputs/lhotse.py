"""Manifests of lhotse 1.x: recordings, supervisions and cuts, written as the JSON that they are.

Paths are relative to the dataset's folder: lhotse reads them from there, or with `with_path_prefix`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nightdub.datasets.outputs.form import (
    SPLITS,
    Fetch,
    Options,
    Output,
    Parts,
    buckets,
    clip_path,
    clips,
    json_lines,
    record,
    samples_of,
    write_gzip,
)
from nightdub.datasets.rows import RATE, Sample
from nightdub.datasets.sound.features import BANDS, read_features
from nightdub.datasets.sound.pitch import HOP
from nightdub.infra.errors import NightdubError

LOG_MEL = "log_mel"  # of `datasets.sound.features.FACTS`
FEATURES = "features"  # folder of the arrays that the cuts name


def _parts(rows: Iterable[Sample], options: Options) -> Parts:
    rows = sorted(rows, key=lambda row: row.id)
    parts: Parts = {"recordings.jsonl.gz": rows, "supervisions.jsonl.gz": rows, "cuts.jsonl.gz": rows}
    for split in SPLITS:
        if chosen := [row for row in rows if row.split == split]:
            parts[f"cuts-{split}.jsonl.gz"] = chosen
    if LOG_MEL in options.features:
        parts |= {f"{FEATURES}/{name}": members for name, members in buckets(row for row in rows if row.features).items()}
    return parts


def _write(name: str, rows: Sequence[Sample], _sound: Fetch, features: Fetch, out: Path, options: Options) -> dict[str, Path]:
    if name.startswith(f"{FEATURES}/"):
        return {array_path(row): _write_array(row, features(row.features), out / array_path(row)) for row in rows}
    kind = name.partition(".")[0].partition("-")[0]
    lines = {"recordings": recording, "supervisions": supervision, "cuts": lambda row: cut(row, options)}[kind]
    return {name: write_gzip(out / name, json_lines(map(lines, rows)))}


def recording(row: Sample) -> dict[str, Any]:
    """Return a clip as a `Recording`."""
    count = samples_of(row)
    return {
        "id": row.id,
        "sources": [{"type": "file", "channels": [0], "source": clip_path(row)}],
        "sampling_rate": RATE,
        "num_samples": count,
        "duration": count / RATE,
        "channel_ids": [0],
    }


def supervision(row: Sample) -> dict[str, Any]:
    """Return a clip's text and labels as a `SupervisionSegment`; what lhotse has no field for is in `custom`."""
    line = record(row)
    found = {
        "id": row.id,
        "recording_id": row.id,
        "start": 0.0,
        "duration": samples_of(row) / RATE,
        "channel": 0,
        "text": row.text,
        "language": row.language,
        "speaker": row.speaker,
        "gender": row.tags.get("gender", ""),
        "custom": {name: line[name] for name in line if name not in ("id", "audio_path", "text", "language", "speaker", "features")},
    }
    return {name: value for name, value in found.items() if value != ""}


def cut(row: Sample, options: Options) -> dict[str, Any]:
    """Return a clip as a `MonoCut` over its whole recording, with its log-mel bands where it has them."""
    count = samples_of(row)
    line: dict[str, Any] = {
        "id": row.id,
        "start": 0.0,
        "duration": count / RATE,
        "channel": 0,
        "supervisions": [supervision(row)],
        "recording": recording(row),
        "custom": {"split": row.split},
        "type": "MonoCut",
    }
    if row.features and LOG_MEL in options.features:
        line["features"] = {
            "type": LOG_MEL,
            "num_frames": frames_of(row),
            "num_features": BANDS,
            "frame_shift": HOP / RATE,
            "sampling_rate": RATE,
            "start": 0.0,
            "duration": count / RATE,
            "storage_type": "numpy_files",
            "storage_path": FEATURES,
            "storage_key": array_path(row).removeprefix(f"{FEATURES}/"),
            "recording_id": row.id,
            "channels": 0,
        }
    return line


def frames_of(row: Sample) -> int:
    """Return how many frames lhotse expects: its samples in hops, rounded."""
    return (samples_of(row) + HOP // 2) // HOP


def array_path(row: Sample) -> str:
    """Return the path of a clip's log-mel bands."""
    return f"{FEATURES}/{clip_path(row).removesuffix('.wav')}.npy"


def _write_array(row: Sample, stored: Path, path: Path) -> Path:
    """Write log-mel bands as lhotse reads them: (frames, bands), without the frame that is centred on the sound's end."""
    import numpy as np

    bands = read_features(stored)[LOG_MEL]
    count = frames_of(row)
    if bands.shape[1:] != (BANDS,) or not count <= len(bands) <= count + 1:
        what = f"log-mel bands of shape {bands.shape}"
        raise NightdubError(what, where=row.id, allowed=f"({count}, {BANDS}), or one frame more", fix="build the features again")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.ascontiguousarray(bands[:count]), allow_pickle=False)
    return path


LHOTSE = Output("recordings, supervisions and cuts of lhotse 1.x, clips and features beside them", _parts, _write, clips)
