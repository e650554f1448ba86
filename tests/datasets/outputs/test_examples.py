"""The examples of docs/outputs.md run, and read what was laid out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightdub.datasets.outputs import OUTPUTS
from nightdub.datasets.outputs.form import ALWAYS, SPLITS
from nightdub.datasets.rows import Sample

PAGE = (Path(__file__).parents[3] / "docs/outputs.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n.*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def run(laid_out: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Return a function that runs a section's example beside the layouts and returns its names."""

    def example(output: str) -> dict[str, Any]:
        (tmp_path / output).symlink_to(laid_out(output))
        monkeypatch.chdir(tmp_path)
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(SECTIONS[output], f"docs/outputs.md: {output}", "exec"), names)  # noqa: S102
        return names

    return example


def test_every_output_has_its_section_and_every_field_its_row() -> None:
    table = re.findall(r"^\| `([\w-]+)` \|", PAGE.split("## jsonl")[0], re.MULTILINE)
    assert table == list(OUTPUTS)
    assert set(SECTIONS) == set(OUTPUTS) - {"parquet-sound"}
    named = set(re.findall(r"`(\w+)`", PAGE.split("## jsonl")[1].split("```")[0]))
    assert {*ALWAYS, *Sample.__slots__} <= named


def test_the_torch_example_gives_batches_of_the_training_clips(run: Callable[[str], dict[str, Any]], corpus: Any) -> None:
    torch = pytest.importorskip("torch")
    names = run("jsonl")
    assert len(names["train"]) == sum(row.split == "train" for row in corpus.rows) == 5
    sounds, lengths, lines = names["padded"]([names["train"][0], names["train"][3]])
    assert sounds.shape == (2, lengths.max())
    assert sounds.dtype == torch.float32
    assert 0.29 < sounds.abs().max() < 0.31
    assert [line["id"] for line in lines] == ["LJ001-0001", "dev-1/test_02"]
    batches = [
        line["id"] for _, _, lines in names["DataLoader"](names["train"], batch_size=2, collate_fn=names["padded"]) for line in lines
    ]
    assert batches == sorted(row.id for row in corpus.rows if row.split == "train")


def test_the_lhotse_example_reads_sound_text_and_bands(run: Callable[[str], dict[str, Any]]) -> None:
    pytest.importorskip("lhotse")
    names = run("lhotse")
    assert len(names["cuts"]) == 5
    assert names["sound"].shape[0] == 1
    assert names["bands"].shape[1] == 80


def test_the_webdataset_example_reads_the_last_clip(run: Callable[[str], dict[str, Any]], corpus: Any) -> None:
    pytest.importorskip("webdataset")
    names = run("webdataset")
    assert names["line"]["id"] == max(row.id for row in corpus.rows if row.split == "train")
    assert names["rate"] == 22_050


def test_the_parquet_example_filters_rows(run: Callable[[str], dict[str, Any]], corpus: Any) -> None:
    assert len(run("parquet")["long"]) == sum(row.split == "train" and row.seconds > 0.2 for row in corpus.rows)


def test_the_huggingface_example_loads_the_splits(
    run: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = pytest.importorskip("datasets")
    monkeypatch.setattr(library.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(library.config, "HF_HUB_OFFLINE", True)
    names = run("huggingface")
    assert set(names["found"]) == set(SPLITS)
    assert names["first"]["id"] == "LJ001-0001"
