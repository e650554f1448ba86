from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neural import needs_musetalk, write_musetalk, write_whisper
from pictures import RATE, noise, portrait

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.musetalk import MuseTalk
from nightdub.tasks.rows import FaceBox, FaceTrack

pytestmark = [needs_musetalk, pytest.mark.slow]
FACE = FaceTrack("s0", (FaceBox(0, 230, 90, 180, 180), FaceBox(2, 230, 90, 180, 180), FaceBox(3, 639, 90, 180, 180)))


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.stack([portrait(2.0, across) for across in range(5)])


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return write_musetalk(tmp_path_factory.mktemp("musetalk") / "model")


def test_draws_the_lower_half_of_each_face_and_passes_the_other_frames_through(frames: np.ndarray, settings: dict[str, Any]) -> None:
    made = MuseTalk(**settings, batch=2).animate(frames, 25.0, FACE, noise(0.2), RATE, [])
    assert (made.frames.shape, made.frames.dtype, made.moved, made.skipped) == (frames.shape, np.uint8, 3, "")
    assert np.array_equal(made.frames[3:], frames[3:])
    changed = np.argwhere((made.frames != frames).any(axis=-1))
    assert set(changed[:, 0]) == {0, 1, 2}
    assert (changed[:, 1].min(), changed[:, 1].max()) == (90 + 106, 90 + 211)
    assert changed[:, 2].min() >= 230
    assert changed[:, 2].max() < 410


def test_the_same_sound_draws_the_same_and_another_something_else(frames: np.ndarray, settings: dict[str, Any]) -> None:
    engine = MuseTalk(**settings)
    one, again, other = (engine.animate(frames, 24.0, FACE, noise(0.2, level), RATE, []).frames for level in (0.1, 0.1, 0.001))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_reasons_come_before_any_weights_are_read(frames: np.ndarray) -> None:
    engine = MuseTalk("absent.pth", "absent", "absent.pt")
    for face, speech, reason in (
        (FaceTrack("s0", skipped="occluded"), noise(0.2), "occluded"),
        (FaceTrack("s0"), noise(0.2), "no-face"),
        (FACE, noise(0.2) * 0, "no-speech"),
    ):
        made = engine.animate(frames, 25.0, face, speech, RATE, [])
        assert (made.skipped, made.moved) == (reason, 0)
        assert np.array_equal(made.frames, frames)
    with pytest.raises(MachineLacks, match=r"no absent\.pth, musetalk\.json, absent/config\.json"):
        engine.identity()


def test_every_file_is_part_of_the_identity(settings: dict[str, Any], tmp_path: Path) -> None:
    other = write_whisper(tmp_path / "other.pt", seed=1)
    assert MuseTalk(**settings).identity() == MuseTalk(**settings).identity()
    assert MuseTalk(**settings).identity().weights != MuseTalk(**settings | {"whisper": str(other)}).identity().weights


def test_weights_of_another_model_are_refused(frames: np.ndarray, settings: dict[str, Any], tmp_path: Path) -> None:
    broken = tmp_path / "unet.pth"
    broken.write_bytes(Path(settings["whisper"]).read_bytes())
    (tmp_path / "musetalk.json").write_bytes(Path(settings["unet"]).with_name("musetalk.json").read_bytes())
    with pytest.raises(EngineError, match=r"unet\.pth: cannot be loaded"):
        MuseTalk(**settings | {"unet": str(broken)}).animate(frames, 25.0, FACE, noise(0.2), RATE, [])


def test_each_frame_hears_ten_places_around_its_start_with_silence_beyond_the_ends() -> None:
    """50 places a second: at 25 frames a second frame n starts at place 2 n, and hears places 2 n - 4 to 2 n + 5."""
    import torch

    from nightdub.tasks.engines.musetalk_net import _places, around

    heard = torch.arange(1.0, 9.0)[:, None, None].expand(8, 5, 4)
    windows = around(heard, [0, 1, 3], 25.0)
    assert windows.shape == (3, 50, 4)
    assert windows[:, ::5, 0].tolist() == [[0, 0, 0, 0, 1, 2, 3, 4, 5, 6], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8, 0, 0, 0, 0]]
    first, second = _places(torch.zeros(1, 2, 4))[0]
    assert first.tolist() == [0, 1, 0, 1]
    assert second.tolist() == pytest.approx([np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)], abs=1e-6)
