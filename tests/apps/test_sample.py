"""The sample catalogue plants what it says it plants."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nightdub.apps.sample import TITLES, build_sample
from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.tasks.catalogue import read_catalogue
from nightdub.tasks.probe import probe_source
from nightdub.tasks.script import read_script
from nightdub.tasks.speakers import read_cast
from nightdub.tasks.timecode import rate_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sample(tmp_path_factory.mktemp("sample"))


def test_is_a_catalogue_without_problems(sample: Path) -> None:
    listed = read_catalogue(sample, ("preview",)).strict(sample)
    assert [title.id for title in listed.titles] == [title.id for title in TITLES]
    assert len({language for title in listed.titles for language in title.targets}) >= 3


def test_good_titles_last_from_twenty_to_ninety_seconds(sample: Path) -> None:
    for title in read_catalogue(sample, ("preview",)).titles:
        if title.id in ("corrupt", "disguised"):
            with pytest.raises(MediaError, match=r"damaged or truncated|HLS playlist"):
                probe_source(Path(title.source))
            continue
        facts = probe_source(Path(title.source))
        assert (18 if title.series else 28) <= facts.duration <= 90, title.id
        if title.script:
            script = read_script(Path(title.script), facts.duration, rate=rate_of(Fraction(facts.frame_rate)))
            assert len(script.segments) >= (5 if title.series else 7)


def test_who_is_seen_and_speaks_moves_the_jaw(sample: Path) -> None:
    film, script = sample.parent / "saga-one" / "saga-one.mp4", read_script(sample.parent / "saga-one" / "saga-one.en.vtt")
    motion = {line.id: _mouth_motion(film, line.start, line.end) for line in script.segments}
    assert [line.speaker for line in script.segments] == ["Alice", "Bruno", "Clara", "Alice", "Bruno", "Alice"]
    shown = [motion[line.id] for line in script.segments if line.speaker == "Alice"]
    assert min(shown) > 1.5 * motion["s0002"]  # Clara is heard over a face that is still


def test_the_series_has_a_second_episode_in_surround_with_a_sign(sample: Path) -> None:
    first, second = (
        next(row for row in read_catalogue(sample, ("preview",)).titles if row.id == name) for name in ("saga-one", "saga-two")
    )
    assert (first.series, first.episode, second.episode) == ("saga", "s01e01", "s01e02") == (second.series, "s01e01", "s01e02")
    assert [probe_source(Path(row.source)).channels for row in (first, second)] == [2, 6]
    names = [[member.speaker for member in read_cast(Path(row.cast))] for row in (first, second)]
    assert names == [["Alice", "Bruno", "Clara"], ["Clara", "Bruno", "Alice"]]
    assert "NO ENTRY" in Path(second.script).read_text()


def test_a_second_build_touches_nothing(sample: Path) -> None:
    script = sample.parent / "conference" / "conference.en.vtt"
    script.write_text(script.read_text().replace("conference", "meeting", 1))
    edited = script.read_bytes()
    assert build_sample(sample.parent) == sample
    assert script.read_bytes() == edited


def _mouth_motion(film: Path, start: float, end: float) -> float:
    """Return the mean change from frame to frame around the mouth of a face that is in the middle, 0 to 255."""
    frames = np.stack([frame[180:300, 230:390].astype(np.int16) for frame in read_frames(film, round(start * 25) + 2, round(end * 25) - 2)])
    return float(np.abs(np.diff(frames, axis=0)).mean())
