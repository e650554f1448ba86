"""What changed between two versions: lines, sums, reasons, distributions."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightdub.datasets.rows import Excused, Measured, Sample
from nightdub.datasets.versions import KINDS, diff, drift
from nightdub.infra.errors import ConfigError


def sample(name: str, seconds: float = 2.0, speaker: str = "x", language: str = "en", text: str = "good day", snr: float = 20.0) -> Sample:
    measured = Measured(seconds, 16000, 1, 0.0, 0.0, loudness=-23.0, bandwidth=7000.0, snr=snr)
    return Sample(
        name, f"{name}.wav", text, language, speaker, "sad", "train", seconds, f"sound {name}", f"source {name}", measured=measured
    )


def written(path: Path, rows: object) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))  # type: ignore[attr-defined]
    return path


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path, Path]:
    old = [sample(name) for name in "abcdefg"]
    changed = {
        "b": replace(old[1], sound="other", measured=replace(old[1].measured, peak=-3.0)),
        "c": replace(old[2], text="good night", split="test"),
        "d": replace(old[3], speaker="y"),
        "g": None,
        "e": None,
    }
    new = [row for row in (changed.get(row.id, row) for row in old) if row] + [sample("h", 4.0, language="fr")]
    excused = [Excused("e", "noisy", "assemble", "5 dB"), Excused("other", "silent", "prepare", "nothing")]
    return written(tmp_path / "old", old), written(tmp_path / "new", new), written(tmp_path / "excused", excused)


def test_lines_are_added_removed_with_their_reasons_and_changed(versions: tuple[Path, Path, Path]) -> None:
    found = diff(*versions)
    assert found.added == ["h"]
    assert found.removed == {"e": "noisy", "g": ""}
    assert found.changed == {"b": ("sound", "other"), "c": ("text", "split"), "d": ("label",)}
    assert found.moved == {"c": ("train", "test")}
    assert (found.old, found.new) == ((7, 14.0), (6, 14.0))
    assert found.sums["language"] == {"en": ((7, 14.0), (5, 10.0)), "fr": ((0, 0.0), (1, 4.0))}
    assert found.sums["split"] == {"train": ((7, 14.0), (5, 12.0)), "test": ((0, 0.0), (1, 2.0))}
    assert found.sums["speaker"]["y"] == ((0, 0.0), (1, 2.0))


def test_it_is_told_in_words(versions: tuple[Path, Path, Path]) -> None:
    text = diff(*versions).as_text()
    for line in (
        "clips 7 -> 6, hours 0.00 -> 0.00",
        "added 1, removed 2 (no reason given 1, noisy 1), changed 3 (label 1, other 1, sound 1, split 1, text 1)",
        "language fr: clips 0 -> 1, hours 0.00 -> 0.00",
        "  e: noisy",
        "  c: train -> test",
    ):
        assert line in text.splitlines()


def test_equal_versions_differ_in_nothing(versions: tuple[Path, Path, Path]) -> None:
    found = diff(versions[0], versions[0])
    assert (found.added, found.removed, found.changed, found.moved) == ([], {}, {}, {})
    assert found.as_text().splitlines() == ["clips 7 -> 7, hours 0.00 -> 0.00", "added 0, removed 0, changed 0"]


def test_every_field_of_a_line_belongs_to_one_kind() -> None:
    named = [name for names in KINDS.values() for name in names]
    assert sorted([*named, "id"]) == sorted(Sample.__dataclass_fields__)


ROWS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from(["one", "two"]), max_size=12)


@given(ROWS, ROWS)
@settings(max_examples=60, deadline=None)
def test_both_sides_account_for_every_line(tmp_path_factory: pytest.TempPathFactory, old: dict[str, str], new: dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("versions")
    paths = [
        written(folder / str(side), [sample(id_, text=text) for id_, text in sorted(rows.items())]) for side, rows in enumerate((old, new))
    ]
    found = diff(*paths)
    assert set(found.added) == new.keys() - old.keys()
    assert found.removed.keys() == old.keys() - new.keys()
    assert found.changed == {id_: ("text",) for id_ in old.keys() & new.keys() if old[id_] != new[id_]}
    assert found.old[0] + len(found.added) - len(found.removed) == found.new[0] == len(new)


@pytest.mark.parametrize(("names", "what"), [("ba", "'a' after 'b'"), ("aa", "'a' after 'a'")])
def test_lines_out_of_order_are_refused(tmp_path: Path, names: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        diff(written(tmp_path / "old", []), written(tmp_path / "new", [sample(name) for name in names]))


def test_a_line_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    broken = written(tmp_path / "old", [sample("a")])
    broken.write_bytes(broken.read_bytes() + b'{"id": "b"')
    with pytest.raises(ConfigError, match=r"old:2"):
        diff(broken, broken)


def test_memory_does_not_grow_with_what_stays_the_same(tmp_path: Path) -> None:
    peaks = []
    for count in (500, 5000):
        path = written(tmp_path / str(count), (sample(f"{number:06}") for number in range(count)))
        tracemalloc.start()
        diff(path, path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def rows(seed: int, count: int = 2000, **more: float) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [
        sample(f"{number}", seconds=float(seconds), snr=float(snr) + more.get("snr", 0.0), speaker=f"{number % 10}")
        for number, (seconds, snr) in enumerate(zip(rng.gamma(4, 1, count), rng.normal(20, 5, count), strict=True))
    ]


def test_the_same_distribution_drifts_little_and_another_one_by_what_is_known() -> None:
    same = {one.name: one.value for one in drift(rows(1), rows(2))}
    assert same["snr"] < 1.63 * (2 / 2000) ** 0.5  # what chance exceeds once in a hundred times
    assert same["speaker"] == same["language"] == same["text length"] == 0.0
    other = {one.name: one.value for one in drift(rows(1), rows(2, snr=5.0))}
    assert other["snr"] == pytest.approx(0.383, abs=0.05)  # of two normal distributions, one deviation apart: 2 Phi(1/2) - 1
    assert other["seconds"] == same["seconds"]


def test_shares_drift_by_half_the_sum_of_their_differences() -> None:
    old = [replace(row, language=language) for row, language in zip(rows(1, 10), "aaaaabbbbb", strict=True)]
    new = [replace(row, language=language) for row, language in zip(rows(1, 10), "aaaaaaabcc", strict=True)]
    assert {one.name: one.value for one in drift(old, new)}["language"] == pytest.approx(0.4)


def test_what_one_version_alone_has_drifts_by_one_and_what_none_has_is_left_out() -> None:
    without = [replace(row, measured=None, emotion="") for row in rows(1, 20)]
    assert {one.name: one.value for one in drift(without, rows(1, 20))}["snr"] == 1.0
    assert not {"snr", "emotion"} & {one.name for one in drift(without, without)}
    assert all(one.value == 0.0 for one in drift(rows(1, 20), rows(1, 20)))
