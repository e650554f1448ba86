from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import portrait, write_film

from nightdub.infra.errors import MediaError
from nightdub.infra.media.ffmpeg import read_frames
from nightdub.tasks import picture
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.rows import Shot, ShotClip

FIGURES = PictureFigures()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", [portrait(1 + index / 50) for index in range(30)])


def test_encodes_exactly_its_frames(film: Path, tmp_path: Path) -> None:
    clip = picture.encode_shot(film, Shot("s0002", 7, 19), FIGURES, tmp_path / "shot.mp4")
    assert clip == ShotClip("s0002", 7, 19, frames=12)
    source = np.stack(list(read_frames(film, 7, 19))).astype(float)
    encoded = np.stack(list(read_frames(tmp_path / "shot.mp4", 0, 12))).astype(float)
    errors = ((source[:, None] - encoded[None]) ** 2).mean(axis=(2, 3, 4))
    assert (errors.argmin(axis=1) == np.arange(12)).all()
    assert 10 * np.log10(255**2 / errors.diagonal().max()) > 35


def test_running_twice_gives_the_same_bytes(film: Path, tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        picture.encode_shot(film, Shot("s0000", 0, 10), FIGURES, tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_a_shot_past_the_end_fails(film: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        picture.encode_shot(film, Shot("s0000", 20, 40), FIGURES, tmp_path / "shot.mp4")
    assert not (tmp_path / "shot.mp4").exists()
