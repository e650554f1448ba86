"""Every layout is read by the library that it is for."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile

from nightdub.datasets.outputs import webdataset
from nightdub.datasets.outputs.form import samples_of
from nightdub.datasets.outputs.lhotse import LOG_MEL
from nightdub.datasets.outputs.webdataset import key_of
from nightdub.datasets.rows import RATE
from nightdub.datasets.sound.features import BANDS
from nightdub.datasets.sound.pitch import HOP
from nightdub.infra.digests import digest_file

Folder = Callable[[str], Path]


def ids(corpus: Any, split: str) -> list[str]:
    return sorted(row.id for row in corpus.rows if row.split == split)


# ---------------------------------------------------------------- the exchange format


def test_the_manifest_names_its_clips(corpus: Any, laid_out: Folder) -> None:
    folder = laid_out("jsonl")
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == sorted(row.id for row in corpus.rows)
    rows = {row.id: row for row in corpus.rows}
    for line in lines:
        row = rows[line["id"]]
        assert digest_file(folder / line["audio_path"]) == row.sound
        assert (line["text"], line["split"]) == (row.text, row.split)
        assert ("features" in line) == bool(row.features)
        assert not row.features or digest_file(folder / line["features"]) == row.features
        assert "fingerprint" not in line.get("measured", {})


# ---------------------------------------------------------------- lhotse


@pytest.fixture
def manifests(laid_out: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder, and be in it: its paths are relative."""
    folder = laid_out("lhotse")
    monkeypatch.chdir(folder)
    return folder


def test_lhotse_loads_and_validates_every_manifest(corpus: Any, manifests: Path) -> None:
    lhotse = pytest.importorskip("lhotse")
    recordings = lhotse.load_manifest(manifests / "recordings.jsonl.gz")
    supervisions = lhotse.load_manifest(manifests / "supervisions.jsonl.gz")
    cuts = lhotse.load_manifest(manifests / "cuts.jsonl.gz")
    lhotse.qa.validate(recordings, read_data=True)
    lhotse.qa.validate(supervisions)
    lhotse.qa.validate(cuts, read_data=True)
    lhotse.qa.validate_recordings_and_supervisions(recordings, supervisions)
    assert [cut.id for cut in cuts] == sorted(row.id for row in corpus.rows)
    rows = {row.id: row for row in corpus.rows}
    for cut in cuts:
        row, (said,) = rows[cut.id], cut.supervisions
        assert (said.text, said.language, said.speaker) == (row.text, row.language, row.speaker)
        assert said.custom["split"] == cut.custom["split"] == row.split
        assert said.gender == row.tags.get("gender")
        assert cut.load_audio().shape == (1, samples_of(row))
        assert cut.has_features == bool(row.features)


def test_lhotse_reads_the_features_of_a_whole_cut_and_of_a_part(corpus: Any, manifests: Path) -> None:
    lhotse = pytest.importorskip("lhotse")
    row = next(row for row in corpus.rows if row.id == "x.y.z")
    cut = lhotse.load_manifest(manifests / "cuts-test.jsonl.gz")["x.y.z"]
    expected = np.load(corpus.fetch(row.features))[LOG_MEL]
    found = cut.load_features()
    assert found.shape == (cut.num_frames, BANDS)
    assert np.array_equal(found, expected[: len(found)])
    assert len(cut.truncate(duration=4 * HOP / RATE).load_features()) == 4


def test_lhotse_iterates_batches_of_each_split(corpus: Any, manifests: Path) -> None:
    pytest.importorskip("torch")
    lhotse = pytest.importorskip("lhotse")
    from lhotse.dataset import K2SpeechRecognitionDataset, SimpleCutSampler
    from torch.utils.data import DataLoader

    for split in ("validation", "test"):
        cuts = lhotse.load_manifest(manifests / f"cuts-{split}.jsonl.gz")
        loader = DataLoader(K2SpeechRecognitionDataset(), sampler=SimpleCutSampler(cuts, max_cuts=1), batch_size=None)
        batches = list(loader)
        assert sorted(text for batch in batches for text in batch["supervisions"]["text"]) == sorted(
            row.text for row in corpus.rows if row.split == split
        )
        assert all(batch["inputs"].shape[-1] == BANDS for batch in batches)


# ---------------------------------------------------------------- WebDataset


def test_webdataset_reads_every_shard(corpus: Any, laid_out: Folder) -> None:
    wds = pytest.importorskip("webdataset")
    rows = {row.id: row for row in corpus.rows}
    for split in ("train", "validation", "test"):
        index = json.loads((laid_out("webdataset") / f"index-{split}.json").read_text())
        urls = [str(laid_out("webdataset") / shard["url"]) for shard in index["shardlist"]]
        found = {}
        for sample in wds.WebDataset(urls, shardshuffle=False):
            line = json.loads(sample["json"])
            found[line["id"]] = sample
            row = rows[line["id"]]
            assert sample["__key__"] == key_of(row.id)
            samples, rate = soundfile.read(io.BytesIO(sample["wav"]))
            assert (len(samples), rate) == (samples_of(row), RATE)
            assert ("npz" in sample) == bool(row.features)
            assert not row.features or LOG_MEL in np.load(io.BytesIO(sample["npz"]))
        assert sorted(found) == ids(corpus, split)


def test_the_index_counts_what_is_in_the_shards(laid_out: Folder) -> None:
    for path in laid_out("webdataset").glob("index-*.json"):
        for shard in json.loads(path.read_text())["shardlist"]:
            file = path.parent / shard["url"]
            assert (shard["filesize"], shard["sha256"]) == (file.stat().st_size, digest_file(file))
            with tarfile.open(file) as tar:
                members = tar.getmembers()
            assert shard["nsamples"] == sum(member.name.endswith(".json") for member in members)
            assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.isfile()) for m in members} == {(0, 0, 0, "", "", 0o644, True)}


@pytest.mark.parametrize("name", ["a/b.c", "../../etc/passwd", "/a", "a" * 300, "안녕", "a%2Fb", "a b+pitch=2"])
def test_an_id_survives_as_a_key_without_dots_and_slashes(name: str) -> None:
    from urllib.parse import unquote

    assert unquote(key_of(name)) == name
    assert set(key_of(name)).isdisjoint("./ \\")


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 10**7, 8**11 - 1, 8**11])
@pytest.mark.parametrize("name", ["a.wav", "a" * 96 + ".wav", "a" * 97 + ".wav", "%ED%95%9C" * 40 + ".json"])
def test_a_header_is_the_one_that_tarfile_writes(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    assert webdataset._header(name, size) == info.tobuf(tarfile.PAX_FORMAT, "utf-8")


# ---------------------------------------------------------------- Parquet and Hugging Face


@pytest.mark.parametrize("output", ["parquet", "parquet-sound"])
def test_tables_are_typed_by_what_a_column_is_and_not_by_what_is_in_it(output: str, corpus: Any, laid_out: Folder) -> None:
    import pyarrow.parquet as pq

    tables = {path.stem: pq.read_table(path) for path in laid_out(output).glob("*.parquet")}
    assert sorted(name for table in tables.values() for name in table["id"].to_pylist()) == sorted(row.id for row in corpus.rows)
    assert len({table.schema for table in tables.values()}) == 1
    assert tables["train"]["text"].to_pylist()[0] == "2024-01-01"
    assert tables["train"]["snr"].to_pylist() == [None] * 5
    assert tables["test"]["tags"].to_pylist()[0] == [{"name": "age", "value": "30"}, {"name": "gender", "value": "f"}]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the library `datasets`, which asks nobody and keeps what it reads in the test's own folder."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    library = pytest.importorskip("datasets")
    monkeypatch.setattr(library.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(library.config, "HF_HUB_OFFLINE", True)
    return library


def check_splits(hub: Any, loaded: Any, corpus: Any) -> None:
    loaded = loaded.cast_column("audio", hub.Audio(decode=False))
    assert sorted(loaded) == ["test", "train", "validation"]
    rows = {row.id: row for row in corpus.rows}
    for split, table in loaded.items():
        assert sorted(table["id"]) == ids(corpus, split)
        for line in table:
            row = rows[line["id"]]
            sound = line["audio"]["bytes"] or Path(line["audio"]["path"]).read_bytes()
            assert sound == corpus.fetch(row.sound).read_bytes()
            assert (line["text"], line["speaker"], line["seconds"]) == (row.text, row.speaker, row.seconds)


def test_datasets_loads_the_audio_folder(hub: Any, corpus: Any, laid_out: Folder, tmp_path: Path) -> None:
    folder = str(laid_out("huggingface"))
    check_splits(hub, hub.load_dataset("audiofolder", data_dir=folder, cache_dir=str(tmp_path)), corpus)
    loaded = hub.load_dataset(folder, cache_dir=str(tmp_path / "other"))
    check_splits(hub, loaded, corpus)
    heard = loaded["validation"][0]["audio"].get_all_samples()
    assert (heard.data.shape, heard.sample_rate) == ((1, 4666), RATE)


def test_a_word_for_a_split_in_an_id_makes_no_split(hub: Any, corpus: Any, tmp_path: Path) -> None:
    rows = [row for row in corpus.rows if row.id == "dev-1/test_02"]
    replace(corpus, rows=rows).lay_out("huggingface", tmp_path / "out")
    loaded = hub.load_dataset("audiofolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path))
    assert {split: len(table) for split, table in loaded.items()} == {"train": 1}


def test_datasets_loads_the_tables_with_sound(hub: Any, corpus: Any, laid_out: Folder, tmp_path: Path) -> None:
    loaded = hub.load_dataset(str(laid_out("parquet-sound")), cache_dir=str(tmp_path))
    assert isinstance(loaded["train"].features["audio"], hub.Audio)
    check_splits(hub, loaded, corpus)


def test_the_folders_header_says_licence_languages_and_splits(laid_out: Folder) -> None:
    import yaml

    header = yaml.safe_load((laid_out("huggingface") / "README.md").read_text().split("---")[1])
    assert (header["license"], header["language"]) == ("cc0-1.0", ["en"])
    assert [part["split"] for part in header["configs"][0]["data_files"]] == ["train", "validation", "test"]


def test_the_lines_of_all_layouts_decode(laid_out: Folder) -> None:
    with (laid_out("jsonl") / "manifest.jsonl").open("rb") as stream:
        assert all(msgspec.json.decode(line)["id"] for line in stream)
