from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pictures import RATE, noise, portrait, view, write_film
from talking import PAIR, pair

from nightdub.infra.errors import EngineError
from nightdub.infra.media.ffmpeg import join_shots, read_frames
from nightdub.tasks import faces, mouth, picture
from nightdub.tasks.engines.haar import Haar
from nightdub.tasks.engines.mouth_warp import MouthWarp
from nightdub.tasks.profile import PictureFigures
from nightdub.tasks.protocols import Animated
from nightdub.tasks.rows import FaceBox, FaceSpan, FaceTrack, Shot, SpokenSound

FIGURES = PictureFigures(crf=10, preset="ultrafast")
SHOT = Shot("s0001", 10, 35)
SOUNDS = [SpokenSound("a", 0.2, 0.5), SpokenSound("b", 0.5, 0.7)]
SPEECH = noise(1.0)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [view("coffee")] * 10 + [portrait(1.5, index / 4) for index in range(25)]
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", frames)


@pytest.fixture(scope="module")
def face(film: Path) -> FaceTrack:
    return faces.find(read_frames(film, 10, 35), SHOT, Haar(), 48)[0]


def animate(film: Path, face: FaceTrack, out: Path, speech: np.ndarray = SPEECH, engine: object = None):
    return mouth.animate_shot(
        film, SHOT, face, speech, RATE, sounds=SOUNDS, engine=engine or MouthWarp(), out=out, figures=FIGURES, frame_rate="25/1"
    )


def test_moves_one_shot_and_joins_with_the_original_ones(film: Path, face: FaceTrack, tmp_path: Path) -> None:
    clip = animate(film, face, tmp_path / "moved.mp4")
    assert (clip.shot, clip.first, clip.last, clip.frames, clip.skipped) == ("s0001", 10, 35, 25, "")
    assert clip.moved == 18
    first = picture.encode_shot(film, Shot("s0000", 0, 10), FIGURES, tmp_path / "first.mp4")
    assert first.frames == 10
    assert join_shots([tmp_path / "first.mp4", tmp_path / "moved.mp4"], tmp_path / "joined.mp4") == 35
    before, after = (np.stack(list(read_frames(path, 0, 35))).astype(int) for path in (film, tmp_path / "joined.mp4"))
    height = after.shape[1]
    change = np.abs(after - before).mean(axis=(2, 3))
    assert change[:10].max() < 4
    assert change[18, : height // 2].max() < 4
    assert np.abs(after - before)[18].max() > 60


def test_running_twice_gives_the_same_bytes(film: Path, face: FaceTrack, tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        animate(film, face, tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


@pytest.mark.parametrize(
    ("face_of_shot", "speech", "reason"),
    [
        (FaceTrack("s0001", skipped="unsteady"), SPEECH, "unsteady"),
        (FaceTrack("s0001"), SPEECH, "no-face"),
        (FaceTrack("s0001", (FaceBox(10, 200, 50, 100, 100),)), SPEECH * 0, "no-speech"),
        (FaceTrack("s0001", (FaceBox(10, 200, 50, 100, 100),)), SPEECH[:0], "no-speech"),
    ],
)
def test_reasons_come_before_any_frame_is_read(face_of_shot: FaceTrack, speech: np.ndarray, reason: str, tmp_path: Path) -> None:
    clip = animate(tmp_path / "absent.mp4", face_of_shot, tmp_path / "out.mp4", speech)
    assert (clip.skipped, clip.moved, clip.frames) == (reason, 0, 25)
    assert not (tmp_path / "out.mp4").exists()


def test_an_engine_that_loses_a_frame_is_refused(film: Path, face: FaceTrack, tmp_path: Path) -> None:
    class Loser(MouthWarp):
        def animate(self, frames, *others):
            return Animated(frames[:-1], 1)

    with pytest.raises(EngineError, match="s0001"):
        animate(film, face, tmp_path / "out.mp4", engine=Loser())
    assert not (tmp_path / "out.mp4").exists()


def test_the_engine_sees_the_face_and_its_neighbourhood_only(film: Path, face: FaceTrack, tmp_path: Path) -> None:
    class Witness(MouthWarp):
        def animate(self, frames, frame_rate, face, *others):
            self.seen, self.face = frames.shape, face
            return Animated(frames, 0, "no-speech")

    engine = Witness()
    assert animate(film, face, tmp_path / "out.mp4", engine=engine).skipped == "no-speech"
    assert engine.seen[0] == 25
    assert engine.seen[2] < 400
    assert engine.face.boxes[0].frame == 0
    assert all(0 <= box.x < engine.seen[2] - box.width for box in engine.face.boxes)


def test_window_holds_every_box_inside_the_picture() -> None:
    face = FaceTrack("s", (FaceBox(0, 10, 20, 100, 100), FaceBox(5, 500, 250, 120, 120)))
    assert mouth.face_window(face, 640, 360) == (slice(0, 360), slice(0, 640))
    assert mouth.face_window(FaceTrack("s", (FaceBox(0, 200, 100, 100, 100),)), 640, 360) == (slice(60, 240), slice(160, 340))


def test_each_face_moves_in_its_own_span_and_nothing_between(tmp_path: Path) -> None:
    film = write_film(tmp_path / "pair.mp4", [pair()] * 40)
    keys = [FaceBox(10, *PAIR[0]), FaceBox(24, *PAIR[0]), FaceBox(30, *PAIR[1]), FaceBox(39, *PAIR[1])]
    face = FaceTrack("s0001", tuple(keys), spans=(FaceSpan(10, 25), FaceSpan(30, 40)))
    sounds = [SpokenSound("a", 0.0, 1.2)]
    out = tmp_path / "moved.mp4"
    clip = mouth.animate_shot(
        film, Shot("s0001", 10, 40), face, noise(1.2), RATE, sounds=sounds, engine=MouthWarp(), out=out, figures=FIGURES, frame_rate="25/1"
    )
    assert (clip.moved, clip.frames) == (25, 30)
    before, after = np.stack(list(read_frames(film, 10, 40))).astype(int), np.stack(list(read_frames(out, 0, 30))).astype(int)
    change = np.abs(after - before)
    for frame, moved, still in ((8, slice(0, 320), slice(320, 640)), (25, slice(320, 640), slice(0, 320))):
        assert change[frame, :, moved].max() > 60
        assert change[frame, :, still].mean() < 1.5
    assert change[17].mean() < 1.5


def test_an_engine_that_casts_a_colour_leaves_no_seam(film: Path, face: FaceTrack, tmp_path: Path) -> None:
    class Caster(MouthWarp):
        def animate(self, frames, frame_rate, face, *others):
            return Animated(np.clip(frames + np.array([20, 0, -20]), 0, 255).astype(np.uint8), len(frames))

    animate(film, face, tmp_path / "cast.mp4", engine=Caster())
    before, after = (
        np.stack(list(read_frames(film, 10, 35))).astype(int),
        np.stack(list(read_frames(tmp_path / "cast.mp4", 0, 25))).astype(int),
    )
    assert np.abs((after - before).mean(axis=(0, 1, 2))).max() < 1
    assert np.abs(after - before)[12].max() < 25
