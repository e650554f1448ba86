"""A speaker who is erased is nowhere any more: no clip, feature, shard, earlier version or row; and everybody else still is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from speech_corpus import write_corpus, write_manifest, write_recipe
from sqlalchemy import select

from nightdub.datasets.recipe import read_recipe
from nightdub.flows import dataset_card
from nightdub.flows.dataset_build import build_dataset
from nightdub.flows.dataset_erase import erase_speaker
from nightdub.flows.dataset_versions import MUL, files_of, find_version, samples_of
from nightdub.flows.night import Books, open_books
from nightdub.infra.errors import ConfigError
from nightdub.infra.ledger.column import metadata
from nightdub.infra.settings import load_settings

NAME = "Marlene Quastenflosser"


def everything(books: Books, home: Path) -> bytes:
    """Return every byte that the house keeps: objects, pointers, pages and all rows of the ledger."""
    files = b"".join(path.read_bytes() for folder in ("store", "datasets") for path in (home / folder).rglob("*") if path.is_file())
    with books.ledger._read() as connection:
        rows = [str(connection.execute(select(table)).all()) for table in metadata.sorted_tables]
    return files + "".join(rows).encode()


@pytest.fixture(autouse=True)
def _plain_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_card, "_pictures", lambda *_: {})


@pytest.mark.slow
def test_an_erased_speaker_is_nowhere_any_more(tmp_path) -> None:
    rows = write_corpus(tmp_path / "corpus", speakers=8, clips=3)
    for row in rows.values():
        row["speaker"] = NAME if row["speaker"] == "s2" else row["speaker"]
    write_manifest(tmp_path / "corpus", rows)
    recipe = write_recipe(tmp_path / "corpus", outputs=["jsonl", "webdataset"])
    other = write_recipe(tmp_path / "corpus", name="other", filters={"shortest": 0.2})
    home = tmp_path / "home"
    with open_books(load_settings(home=home, compute="threads", workers=2)) as books:
        declared = read_recipe(recipe)[0]
        first = build_dataset(books, recipe)
        assert first.state == "released"
        gone = [row for row in samples_of(books, first.version) if row.speaker == NAME]
        assert len(gone) == 3
        shards = set(files_of(books, first.version, "webdataset").values())
        assert NAME.encode() in everything(books, home)
        done = erase_speaker(books, recipe, NAME, "Eva", "her letter of today", lambda: build_dataset(books, recipe))
        assert (done.clips, done.withdrawn, len(done.sources), done.shared) == (3, first.version, 3, 0)
        assert done.objects > 3
        assert NAME.encode() not in everything(books, home)
        assert not any(books.store.exists(digest) for row in gone for digest in (row.sound, row.features))
        new = find_version(books, declared, "newest")
        left = samples_of(books, new)
        assert {row.speaker for row in left} == {row["speaker"] for row in rows.values()} - {NAME}
        assert all(books.store.exists(digest) for row in left for digest in (row.sound, row.features))
        assert not any(books.store.exists(digest) for digest in shards - set(files_of(books, new, "webdataset").values()))
        again = erase_speaker(books, recipe, NAME, "Eva", "once more", lambda: build_dataset(books, recipe))
        assert (again.objects, build_dataset(books, recipe).excused["erased"]) == (0, 3)
        with pytest.raises(ConfigError, match="no speaker 'nobody'"):
            erase_speaker(books, recipe, "nobody", "Eva", "x", lambda: None)
        assert any(row.speaker == NAME for row in samples_of(books, build_dataset(books, other).version))  # its own corpus, its own erasure
        assert [row.action for row in books.ledger.releases(declared.title, MUL)][-2:] == ["withdraw", "release"]


def test_a_dataset_that_shares_the_sound_keeps_it_and_says_so(tmp_path) -> None:
    rows = write_corpus(tmp_path / "corpus", speakers=8, clips=1)
    write_manifest(tmp_path / "corpus", rows)
    recipe, other = write_recipe(tmp_path / "corpus"), write_recipe(tmp_path / "corpus", name="other")
    with open_books(load_settings(home=tmp_path / "home", compute="threads", workers=2)) as books:
        build_dataset(books, recipe)
        kept = build_dataset(books, other)
        done = erase_speaker(books, recipe, "s5", "Eva", "x", lambda: build_dataset(books, recipe))
        assert done.shared >= 2  # the sound and its features at least
        shutil.rmtree(tmp_path / "corpus/wavs")
        assert all(books.store.exists(digest) for row in samples_of(books, kept.version) for digest in (row.sound, row.features))
