"""Evaluation sets: the recorded prompts, and files of one's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from nightdub.datasets.evaluation import PROMPTS, Example, read_manifest, read_set
from nightdub.infra.digests import digest_file
from nightdub.infra.errors import ConfigError

ROW = {"id": "b", "text": "good evening", "language": "en"}


def write(folder: Path, *rows: object) -> str:
    path = folder / "own.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    return str(path)


def test_the_prompts_are_a_set_for_each_language_and_pair() -> None:
    assert len(PROMPTS) == 5 + 5 * 4
    sizes = {name: len(read_set(name).examples) for name in ("prompts-en", "prompts-es", "prompts-fr", "prompts-en-fr", "prompts-en-es")}
    assert min(sizes[name] for name in ("prompts-en", "prompts-es", "prompts-fr", "prompts-en-fr")) > 400
    assert sizes["prompts-en-es"] > 350


def test_a_prompt_has_its_recording_its_voice_and_its_family() -> None:
    found = read_set("prompts-en")
    row = next(row for row in found.examples if row.id == "conf-onlyone")
    assert (row.text, row.cluster) == ("There is currently one other participant in the conference.", "conf")
    assert digest_file(found.files[row.audio]) == row.audio
    assert (row.format, row.speaker, found.languages) == (".g722", "en_US_f_Allison", "en")
    assert len({row.cluster for row in found.examples}) > 20


def test_a_pair_has_human_translations_and_no_spelling_alphabet() -> None:
    found = read_set("prompts-en-es")
    rows = {row.id: row for row in found.examples}
    assert (rows["auth-thankyou"].text, rows["auth-thankyou"].translations) == ("Thank you.", {"es": "Gracias"})
    assert not any(name.startswith("phonetic/") for name in rows)
    assert (found.languages, found.files) == ("en-es", {})


def test_the_version_is_the_digest_of_the_content_and_nothing_is_lost_on_the_way() -> None:
    one, again = read_set("prompts-fr"), read_set("prompts-fr")
    assert hashlib.sha256(one.manifest()).digest() == hashlib.sha256(again.manifest()).digest()
    assert tuple(read_manifest(one.manifest())) == one.examples
    assert [row.id for row in one.examples] == sorted(row.id for row in one.examples)


def test_a_part_grows_by_new_lines_only_and_comes_from_all_over() -> None:
    small, large = (read_set(f"prompts-en:{size}") for size in (40, 80))
    assert (len(small.examples), len(large.examples)) == (40, 80)
    ids = [{row.id for row in found.examples} for found in (small, large, read_set("prompts-en"))]
    assert ids[0] < ids[1] < ids[2]
    assert len({row.cluster for row in large.examples}) > 15
    assert set(small.files) == {row.audio for row in small.examples}
    assert (small.name, small.whole) == ("prompts-en:40", "prompts-en")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    found = read_set(write(tmp_path, ROW, ROW | {"id": "a", "audio": "a.wav", "speaker": "Ana"}))
    assert found.examples == (
        Example("a", "good evening", "en", digest_file(tmp_path / "a.wav"), ".wav", speaker="Ana", cluster="Ana"),
        Example("b", "good evening", "en"),
    )
    assert list(found.files.values()) == [tmp_path / "a.wav"]
    assert len(read_set(write(tmp_path, ROW, ROW | {"id": "a"}) + ":1").examples) == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no lines"),
        ([ROW, ROW], "an id twice"),
        ([ROW | {"text": " "}], "without text"),
        ([{"id": "a", "text": "b"}], "own.jsonl:1: Object missing required field `language`"),
        ([ROW, ROW | {"id": "a", "language": "es"}], "more than one language"),
        ([ROW | {"translations": {"es": "a", "fr": "b"}}], "more than one language or pair"),
        ([ROW | {"language": "tlh"}], "unknown language tlh"),
        ([ROW | {"audio": "gone.wav"}], "no recording 'gone.wav'"),
        ([ROW | {"audio": "own.jsonl"}], r"allowed: \.g722 \.wav"),
    ],
)
def test_a_file_that_is_no_set_names_what_is_wrong(tmp_path: Path, rows: list[object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_set(write(tmp_path, *rows))


def test_an_unknown_set_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no evaluation set 'prompts-xx'; allowed: prompts-en, "):
        read_set("prompts-xx")
    with pytest.raises(ConfigError, match="No such file"):
        read_set("nowhere.jsonl")
