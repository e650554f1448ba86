"""The layouts in which a dataset is delivered, by the name that a recipe gives them (docs/outputs.md)."""

from __future__ import annotations

from nightdub.datasets.outputs.form import Options, Output, lay_out
from nightdub.datasets.outputs.huggingface import HUGGINGFACE
from nightdub.datasets.outputs.jsonl import JSONL
from nightdub.datasets.outputs.lhotse import LHOTSE
from nightdub.datasets.outputs.parquet import PARQUET, PARQUET_SOUND
from nightdub.datasets.outputs.webdataset import WEBDATASET

OUTPUTS: dict[str, Output] = {
    "jsonl": JSONL,
    "lhotse": LHOTSE,
    "webdataset": WEBDATASET,
    "parquet": PARQUET,
    "parquet-sound": PARQUET_SOUND,
    "huggingface": HUGGINGFACE,
}

__all__ = ["OUTPUTS", "Options", "Output", "lay_out"]
