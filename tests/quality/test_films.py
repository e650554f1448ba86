"""Whole films and pairs of them, measured alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))

from pictures import view, write_film

from nightdub.infra.errors import PairsError
from nightdub.quality.metrics import films
from nightdub.quality.metrics.films import measure_file, measure_vmaf, read_vmaf_log, vmaf
from nightdub.tasks.rows import Measurement

WIDTH, HEIGHT = 160, 96


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a film, a darker copy of it, and one that is a frame shorter."""
    folder = tmp_path_factory.mktemp("films")
    wide = view("coffee", WIDTH + 60, HEIGHT)
    frames = [np.ascontiguousarray(wide[:, 2 * index : 2 * index + WIDTH]) for index in range(26)]
    write_film(folder / "film.mp4", frames)
    write_film(folder / "dark.mp4", [frame // 2 for frame in frames])
    write_film(folder / "short.mp4", frames[:25])
    write_film(folder / "small.mp4", [np.ascontiguousarray(frame[:64]) for frame in frames])
    return folder


def by_name(rows: list[Measurement]) -> dict[str, Measurement]:
    return {row.metric: row for row in rows}


def test_a_film_against_its_reference(shelf: Path) -> None:
    rows = by_name(measure_file(shelf / "dark.mp4", shelf / "film.mp4", ""))
    assert set(rows) == {
        "picture.psnr",
        "picture.ssim",
        "picture.identical_frames",
        "picture.frozen_frames",
        "picture.black_frames",
        "picture.misplaced_frames",
    }
    assert 5 < rows["picture.psnr"].value < 20
    assert rows["picture.identical_frames"].value == 0
    assert rows["picture.psnr"].n == 26
    assert rows["picture.misplaced_frames"].value == 0


def test_a_film_against_itself_was_not_generated(shelf: Path) -> None:
    rows = by_name(measure_file(shelf / "film.mp4", shelf / "film.mp4", ""))
    assert rows["picture.psnr"].not_measured == rows["picture.ssim"].not_measured == "identical input: nothing was generated"
    assert rows["picture.identical_frames"].value == 100


def test_pairs_of_the_report(shelf: Path) -> None:
    pairs = shelf / "pairs.json"
    pairs.write_text(json.dumps([{"ref": "film.mp4", "gen": "dark.mp4"}, {"ref": "dark.mp4", "gen": "film.mp4"}]))
    rows = by_name(measure_file(pairs, None, ""))
    assert rows["picture.psnr"].n == 52
    assert [worst.segment for worst in rows["picture.psnr"].worst] == ["dark.mp4 0 s", "film.mp4 0 s"]
    pairs.write_text(json.dumps([{"ref": "film.mp4"}]))
    with pytest.raises(PairsError, match="no field gen"):
        measure_file(pairs, None, "")


def test_films_that_do_not_fit_are_not_measured(shelf: Path) -> None:
    rows = measure_file(shelf / "short.mp4", shelf / "film.mp4", "")
    assert {row.not_measured for row in rows} == {"1 of 1 shots could not be compared: short.mp4: 25 frames against 26"}
    rows = measure_file(shelf / "small.mp4", shelf / "film.mp4", "")
    assert all("a picture of 160x64" in row.not_measured for row in rows)
    assert {row.not_measured for row in measure_file(shelf / "film.mp4", None, "")} == {"no reference is given to compare with"}


def test_vmaf_says_where_ffmpeg_cannot(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "_has_libvmaf", lambda: False)
    assert vmaf(shelf / "film.mp4", shelf / "dark.mp4").not_measured == "this machine's ffmpeg has no libvmaf"
    assert measure_vmaf(shelf / "film.mp4", None, "")[0].not_measured == "no reference is given to compare with"


def test_vmaf_refuses_what_cannot_be_compared(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "_has_libvmaf", lambda: True)
    assert vmaf(shelf / "film.mp4", shelf / "film.mp4").not_measured == "identical input: nothing was generated"
    assert vmaf(shelf / "film.mp4", shelf / "short.mp4").not_measured == "25 frames of 160x96 against 26 frames of 160x96"


def test_libvmafs_log_is_read() -> None:
    log = {"version": "3.0.0", "frames": [{"frameNum": 0, "metrics": {"vmaf": 80.0}}, {"frameNum": 5, "metrics": {"vmaf": 90.0}}]}
    row = read_vmaf_log(json.dumps(log).encode())
    assert (row.value, row.n, row.engine) == (85.0, 2, "libvmaf 3.0.0")


def test_vmaf_where_ffmpeg_has_it(shelf: Path) -> None:
    if not films._has_libvmaf():
        pytest.skip("this machine's ffmpeg has no libvmaf")
    row = vmaf(shelf / "film.mp4", shelf / "dark.mp4")
    assert row.n == 6
    assert 0 <= row.value < 80
