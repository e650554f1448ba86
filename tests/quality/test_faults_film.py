"""Faults of the film: frames, mouths, rates and tracks are what the kind says, and nothing else of the film is changed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from good_dub import FRAMES, build_dub

from nightdub.infra.media.ffmpeg import read_frames
from nightdub.infra.media.header import read_header
from nightdub.infra.media.probe import probe
from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import plant
from nightdub.quality.faults.table import FAULTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Dub:
    return build_dub(tmp_path_factory.mktemp("good"))


def frames(path: Path, first: int = 0, last: int = FRAMES) -> list[np.ndarray]:
    return list(read_frames(path, first, last))


def differing(good: Dub, dub: Dub) -> list[int]:
    both = zip(frames(good.files.film), frames(dub.files.film), strict=True)
    return [number for number, (one, other) in enumerate(both) if np.abs(one.astype(int) - other).mean() > 3]


def planted(good: Dub, kind: str, severity: float, folder: Path) -> tuple[Dub, Any]:
    dub, truth = plant(FAULTS[kind], good, severity, folder)
    return dub, truth.where


def test_black_frames_are_black_where_the_truth_says(good: Dub, tmp_path: Path) -> None:
    dub, where = planted(good, "black-frames", 5, tmp_path)
    assert differing(good, dub) == list(range(*where.frames))
    assert max(frame.max() for frame in frames(dub.files.film, *where.frames)) < 20
    assert where.start == pytest.approx(where.frames[0] / 25)


def test_frozen_frames_equal_the_first_of_them(good: Dub, tmp_path: Path) -> None:
    dub, where = planted(good, "frozen-frames", 12, tmp_path)
    stand = frames(dub.files.film, *where.frames)
    assert max(np.abs(frame.astype(int) - stand[0]).mean() for frame in stand) < 2
    assert differing(good, dub) == list(range(where.frames[0] + 1, where.frames[1]))


def test_dropped_frames_shorten_the_film(good: Dub, tmp_path: Path) -> None:
    dub, where = planted(good, "dropped-frames", 5, tmp_path)
    assert probe(dub.files.film).frames == FRAMES - 5
    after = frames(dub.files.film, where.frames[0], where.frames[0] + 1)[0]
    assert np.abs(after.astype(int) - frames(good.files.film, where.frames[1], where.frames[1] + 1)[0]).mean() < 3


@pytest.mark.parametrize(("kind", "severity"), [("blurred-mouth", 6), ("frozen-mouth", 1), ("unmoved-mouth", 1)])
def test_a_mouth_changes_within_its_region_and_its_shot(good: Dub, kind: str, severity: float, tmp_path: Path) -> None:
    dub, where = planted(good, kind, severity, tmp_path)
    first, last = where.frames
    assert (first, last) == (0, 25 if kind == "frozen-mouth" else 75)
    change = np.mean(
        [np.abs(a.astype(int) - b) for a, b in zip(frames(good.files.film), frames(dub.files.film), strict=True)][:last], axis=0
    )
    inside = change[62:100, 53:107].mean()
    outside = np.delete(np.delete(change, slice(60, 102), axis=0), slice(50, 110), axis=1).mean()
    assert inside > 4 * outside
    assert all(np.array_equal(a, b) for a, b in zip(frames(good.files.film, 100), frames(dub.files.film, 100), strict=True))


def test_an_unmoved_mouth_is_the_source_and_a_wrong_face_lies_elsewhere(good: Dub, tmp_path: Path) -> None:
    dub, _ = planted(good, "unmoved-mouth", 1, tmp_path / "one")
    source, undone = frames(good.files.source, 30, 31)[0], frames(dub.files.film, 30, 31)[0]
    assert np.abs(source[62:100, 53:107].astype(int) - undone[62:100, 53:107]).mean() < 3


def test_a_film_at_another_rate_says_so(good: Dub, tmp_path: Path) -> None:
    for severity, rate in ((-0.1, Fraction(25000, 1001)), (-4, Fraction(24))):
        dub, _ = planted(good, "frame-rate", severity, tmp_path / str(severity))
        found = probe(dub.files.film)
        assert Fraction(found.frame_rate) == rate
        assert found.frames == FRAMES


TRACKS: dict[str, Callable[[Any], bool]] = {
    "wrong-track-language": lambda header: [sound.language for sound in header.sounds] == ["eng", "eng"],
    "untagged-track": lambda header: header.sounds[0].language in ("", "und"),
    "missing-dub-track": lambda header: [sound.language for sound in header.sounds] == ["eng"],
    "missing-original-track": lambda header: [sound.language for sound in header.sounds] == ["spa"],
    "missing-subtitle-track": lambda header: header.subtitles == (),
    "wrong-subtitle-language": lambda header: header.subtitles == ("eng",),
    "wrong-default": lambda header: [sound.default for sound in header.sounds] == [False, True],
    "matroska": lambda header: header.container == "Matroska/WebM" and header.subtitles == ("spa",),
}


@pytest.mark.parametrize("kind", TRACKS)
def test_tracks_are_what_the_kind_says(good: Dub, kind: str, tmp_path: Path) -> None:
    before = read_header(good.files.film)
    assert [(sound.language, sound.default) for sound in before.sounds] == [("spa", True), ("eng", False)]
    dub, _ = planted(good, kind, 1, tmp_path)
    assert TRACKS[kind](read_header(dub.files.film))


def test_a_truncated_film_lacks_its_end(good: Dub, tmp_path: Path) -> None:
    dub, _ = planted(good, "truncated", 50, tmp_path)
    data = good.files.film.read_bytes()
    assert dub.files.film.read_bytes() == data[: round(len(data) / 2)]
