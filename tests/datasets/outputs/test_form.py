"""Parts and bytes: the same rows give the same files, and a new row touches few of them."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.datasets.outputs import OUTPUTS, Options
from nightdub.datasets.outputs.form import LONGEST, buckets, clip_path, clips, record
from nightdub.datasets.rows import Sample
from nightdub.infra.digests import digest_file
from nightdub.infra.errors import NightdubError

ROW = Sample("a", "clips/a.wav", "text", "en", "s", "", "train", 100.0, "0" * 64, "1" * 64)


def rows(count: int, seconds: float = 100.0) -> list[Sample]:
    return [replace(ROW, id=f"c{n}", seconds=seconds, split=("train", "train", "test")[n % 3]) for n in range(count)]


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_same_rows_give_the_same_bytes_in_any_order(output: str, corpus: Any, tmp_path: Path) -> None:
    names = corpus.lay_out(output, tmp_path / "one")
    other = replace(corpus, rows=random.Random(1).sample(corpus.rows, len(corpus.rows)))
    for path in corpus.files.values():
        path.touch()
    assert other.lay_out(output, tmp_path / "other") == names
    assert sorted(str(path.relative_to(tmp_path / "one")) for path in (tmp_path / "one").rglob("*") if path.is_file()) == names
    assert [digest_file(tmp_path / "one" / name) for name in names] == [digest_file(tmp_path / "other" / name) for name in names]


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_file_holds_the_path_of_this_machine(output: str, corpus: Any, tmp_path: Path) -> None:
    for name in corpus.lay_out(output, tmp_path):
        assert str(tmp_path).encode() not in (tmp_path / name).read_bytes()
        assert not Path(name).is_absolute()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0.1, 900)), max_size=60, unique_by=lambda pair: pair[0]))
def test_parts_hold_every_row_once_and_are_short_enough(given: list[tuple[int, float]]) -> None:
    made = [replace(ROW, id=f"c{number}", seconds=seconds) for number, seconds in given]
    parts = buckets(made)
    assert sorted(row.id for members in parts.values() for row in members) == sorted(row.id for row in made)
    for members in parts.values():
        assert len(members) == 1 or sum(row.seconds for row in members) <= LONGEST
        assert [row.id for row in members] == sorted(row.id for row in members)


def test_a_new_row_touches_the_part_that_it_is_in_and_no_other() -> None:
    before = buckets(rows(400))
    assert len(before) > 20
    for number in range(400, 420):
        after = buckets([*rows(400), replace(ROW, id=f"c{number}")])
        changed = [name for name, members in before.items() if after.get(name) != members]
        assert len(changed) == 1


def test_a_part_has_one_split_and_a_recording_stays_together() -> None:
    made = [replace(row, recording=f"r{n // 3 % 7}") for n, row in enumerate(rows(300))]
    parts = buckets(made)
    assert all(len({row.split for row in members}) == 1 and name.startswith(members[0].split) for name, members in parts.items())
    places = {(row.split, row.recording): name for name, members in parts.items() for row in members}
    assert all(places[row.split, row.recording] == name for name, members in parts.items() for row in members)


def test_gzip_files_know_no_time_and_no_name(corpus: Any, tmp_path: Path) -> None:
    names = [name for name in corpus.lay_out("lhotse", tmp_path) if name.endswith(".gz")]
    assert len(names) == 6
    assert {(tmp_path / name).read_bytes()[3:8] for name in names} == {bytes(5)}  # flags, then the time


def test_a_recording_longer_than_a_part_is_one_part() -> None:
    assert [*buckets([replace(ROW, seconds=2 * LONGEST)])] == ["train"]
    assert len(buckets([replace(row, recording="one", split="train") for row in rows(40)])) == 1


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.wav", "clips/../../a", "clips//a", "clips/./a", "", "c\\a.wav", "clips/a\n.wav"])
def test_a_path_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(NightdubError, match="below the dataset's folder"):
        clip_path(replace(ROW, audio_path=path))


def test_two_clips_with_one_path_are_refused() -> None:
    with pytest.raises(NightdubError, match="two clips with the path"):
        clips([ROW, replace(ROW, id="b")])


def test_a_line_always_has_the_exchange_formats_fields_and_no_empty_others() -> None:
    line = record(ROW)
    assert [*line][:6] == ["id", "audio_path", "text", "language", "speaker", "emotion"]
    assert line["emotion"] == ""
    assert not {"parent", "variant", "tags", "measured", "features", "source_end"} & set(line)


def test_objects_are_digests_that_nobody_has_to_copy(corpus: Any) -> None:
    for name in ("jsonl", "lhotse", "huggingface"):
        found = OUTPUTS[name].objects(corpus.rows)
        assert {row.sound for row in corpus.rows} <= set(found.values())
    assert OUTPUTS["webdataset"].objects(corpus.rows) == {}


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_rows_make_no_crash(output: str, tmp_path: Path) -> None:
    parts = OUTPUTS[output].parts([], Options())
    for name, members in parts.items():
        OUTPUTS[output].write_part(name, members, Path, Path, tmp_path, Options())
    assert OUTPUTS[output].finish(parts, {}, {}, tmp_path) == {}
    assert [name for name in parts if re.search(r"train|test", name)] == []
