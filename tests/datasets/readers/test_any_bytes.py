"""Bytes that are no manifest, and names that are no ids: each line is counted, and each name has an id of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from corpora import CORPORA

from nightdub.datasets.readers import READERS, read_corpus
from nightdub.datasets.readers.checks import LONGEST_ID, clip_id
from nightdub.datasets.rows import REASONS, Excused
from nightdub.infra.errors import ConfigError

MANIFESTS = {
    "ljspeech": "metadata.csv",
    "kss": "transcript.v.1.4.txt",
    "vctk": "speaker-info.txt",
    "ksponspeech": "KsponSpeech_scripts/train.trn",
    "commonvoice": "validated.tsv",
    "jsonl": "manifest.jsonl",
    "lhotse-cuts": "cuts.jsonl",
    "huggingface": "train/metadata.csv",
}
HEADED = {"commonvoice", "huggingface"}
WORDS = (
    b"|",
    b"\t",
    b"::",
    b'"',
    b"\r",
    b"\n",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\0",
    b"\xff",
    b"\x85",
    b"\x0b",
    b"\xe2\x80\xa8",
    b"../",
    b"{",
    b"[",
    b",",
)


def count(data: bytes) -> int:
    """Return how many lines are not blank."""
    found = 0
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        try:
            found += bool(line.decode().strip())
        except UnicodeDecodeError:
            found += 1
    return found


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", MANIFESTS)
def test_whatever_a_manifest_holds_each_line_is_a_clip_or_an_excused_row(name: str, tmp_path: Path) -> None:
    reader, make = CORPORA[name]
    planted = make(tmp_path)
    path = tmp_path / MANIFESTS[name]
    good = path.read_bytes()

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.binary(max_size=200), edited(good)))
    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            rows = list(read_corpus(reader, tmp_path, planted.options))
        except ConfigError:
            return
        assert all(row.code in REASONS for row in rows if isinstance(row, Excused))
        assert all(re.fullmatch(r"[A-Za-z0-9._/-]+", row.id) for row in rows if row.id or not isinstance(row, Excused))
        if name != "vctk":  # whose rows are its recordings: the manifest adds to them
            of_lines = [row for row in rows if row.where.startswith(f"{MANIFESTS[name]}:")]
            assert len(of_lines) == count(data) - (name in HEADED)

    read()


def edited(good: bytes) -> st.SearchStrategy[bytes]:
    """Return the manifest with a few words put in or written over."""

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        data = good
        for at, length, word in changes:
            data = data[:at] + word + data[at + length :]
        return data

    change = st.tuples(st.integers(0, len(good)), st.integers(0, 30), st.one_of(st.sampled_from(WORDS), st.binary(max_size=3)))
    return st.lists(change, min_size=1, max_size=5).map(apply)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True))
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_any_name_becomes_an_id_of_its_own(names: list[str]) -> None:
    ids = [clip_id(name) for name in names]
    assert len(set(ids)) == len(names)
    for found in ids:
        assert re.fullmatch(r"[A-Za-z0-9._/-]+", found)
        assert len(found) <= LONGEST_ID
        assert not found.startswith(("/", "-"))
        assert not set(found.split("/")) & {"", ".", ".."}
        assert clip_id(found) == found


def test_every_reader_is_held_by_a_made_corpus_or_the_real_one() -> None:
    assert {reader for reader, _ in CORPORA.values()} == READERS.keys() - {"prompts"}
