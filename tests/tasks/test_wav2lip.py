from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neural import needs_torch, write_wav2lip
from pictures import RATE, noise, portrait

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.wav2lip import SILENCE, Wav2Lip, chunks, spectrogram
from nightdub.tasks.rows import FaceBox, FaceTrack

pytestmark = needs_torch
FACE = FaceTrack("s0", (FaceBox(0, 230, 90, 180, 180), FaceBox(5, 236, 90, 180, 180)))
PUBLISHED = {  # layers of the published checkpoints, and the shapes of their weights
    "face_encoder_blocks.0.0.conv_block.0.weight": (16, 6, 7, 7),
    "face_encoder_blocks.2.3.conv_block.1.running_mean": (64,),
    "face_encoder_blocks.5.1.conv_block.0.weight": (512, 512, 3, 3),
    "face_encoder_blocks.6.1.conv_block.0.weight": (512, 512, 1, 1),
    "audio_encoder.0.conv_block.0.weight": (32, 1, 3, 3),
    "audio_encoder.9.conv_block.0.weight": (256, 128, 3, 3),
    "audio_encoder.12.conv_block.0.weight": (512, 512, 1, 1),
    "face_decoder_blocks.0.0.conv_block.0.weight": (512, 512, 1, 1),
    "face_decoder_blocks.1.0.conv_block.0.weight": (1024, 512, 3, 3),
    "face_decoder_blocks.1.1.conv_block.0.bias": (512,),
    "face_decoder_blocks.3.0.conv_block.0.weight": (768, 384, 3, 3),
    "face_decoder_blocks.5.0.conv_block.0.weight": (320, 128, 3, 3),
    "face_decoder_blocks.6.2.conv_block.0.weight": (64, 64, 3, 3),
    "output_block.0.conv_block.0.weight": (32, 80, 3, 3),
    "output_block.1.weight": (3, 32, 1, 1),
}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.stack([portrait(2.0, across) for across in range(6)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav2lip(tmp_path_factory.mktemp("wav2lip") / "wav2lip.pth")


def test_layers_have_the_names_and_shapes_of_the_published_checkpoints() -> None:
    from nightdub.tasks.engines.wav2lip_net import Generator

    shapes = {name: tuple(value.shape) for name, value in Generator().state_dict().items()}
    assert {name: shapes.get(name) for name in PUBLISHED} == PUBLISHED
    last = {name.rsplit(".", 3)[0] for name in shapes if name.startswith("face_decoder_blocks")}
    assert "face_decoder_blocks.7" not in last


def test_draws_the_lower_half_of_the_face_in_each_frame_and_nothing_else(frames: np.ndarray, checkpoint: Path) -> None:
    made = Wav2Lip(str(checkpoint), batch=4).animate(frames, 25.0, FACE, noise(0.24), RATE, [])
    assert (made.frames.shape, made.frames.dtype, made.moved, made.skipped) == (frames.shape, np.uint8, 6, "")
    changed = np.argwhere((made.frames != frames).any(axis=-1))
    assert set(changed[:, 0]) == set(range(6))
    top, bottom, left, right = changed[:, 1].min(), changed[:, 1].max(), changed[:, 2].min(), changed[:, 2].max()
    assert (top, bottom) == (90 + 106, 90 + 211)  # half of 1.18 x 180 pixels, from the box's upper edge on
    assert 230 <= left <= 231
    assert 414 <= right < 236 + 180


def test_other_sound_draws_other_mouths_and_the_same_sound_the_same(frames: np.ndarray, checkpoint: Path) -> None:
    engine = Wav2Lip(str(checkpoint))
    one, again, other = (engine.animate(frames, 25.0, FACE, noise(0.24, level), RATE, []).frames for level in (0.1, 0.1, 0.001))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_frames_in_which_the_face_has_left_the_picture_pass_through(frames: np.ndarray, checkpoint: Path) -> None:
    leaving = FaceTrack("s0", (FaceBox(0, 230, 90, 180, 180), FaceBox(2, 230, 90, 180, 180), FaceBox(3, 639, 90, 180, 180)))
    made = Wav2Lip(str(checkpoint)).animate(frames, 25.0, leaving, noise(0.24), RATE, [])
    assert (len(made.frames), made.moved) == (6, 3)
    assert np.array_equal(made.frames[3:], frames[3:])


@pytest.mark.parametrize(
    ("face", "speech", "reason"),
    [
        (FaceTrack("s0", skipped="profile"), noise(0.24), "profile"),
        (FaceTrack("s0"), noise(0.24), "no-face"),
        (FaceTrack("s0", (FaceBox(0, 700, 90, 180, 180),)), noise(0.24), "no-face"),
        (FACE, noise(0.24) * 0, "no-speech"),
        (FACE, noise(0.24)[:0], "no-speech"),
    ],
)
def test_a_shot_that_cannot_be_drawn_says_why_and_stays(
    face: FaceTrack, speech: np.ndarray, reason: str, frames: np.ndarray, tmp_path: Path
) -> None:
    made = Wav2Lip(str(tmp_path / "absent.pth")).animate(frames, 25.0, face, speech, RATE, [])
    assert (made.skipped, made.moved) == (reason, 0)
    assert np.array_equal(made.frames, frames)


def test_a_shot_of_one_frame_is_drawn(frames: np.ndarray, checkpoint: Path) -> None:
    made = Wav2Lip(str(checkpoint)).animate(frames[:1], 30000 / 1001, FACE, noise(0.033), RATE, [])
    assert (len(made.frames), made.moved) == (1, 1)


def test_weights_that_are_missing_or_of_another_model_are_named(frames: np.ndarray, tmp_path: Path) -> None:
    import torch

    with pytest.raises(MachineLacks, match=r"no weights at .*absent\.pth"):
        Wav2Lip(str(tmp_path / "absent.pth")).identity()
    torch.save({"state_dict": {"module.conv.weight": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(EngineError, match=r"other\.pth: cannot be loaded"):
        Wav2Lip(str(tmp_path / "other.pth")).animate(frames, 25.0, FACE, noise(0.24), RATE, [])


def test_the_weights_are_part_of_the_identity(checkpoint: Path, tmp_path: Path) -> None:
    one, other = Wav2Lip(str(checkpoint)).identity(), Wav2Lip(str(write_wav2lip(tmp_path / "b.pth", seed=1))).identity()
    assert one.weights != other.weights
    assert Wav2Lip(str(checkpoint), device="cuda").identity().settings == {"precision": "float16"}


def test_a_spectrogram_has_80_columns_a_second_and_the_tone_in_its_band() -> None:
    """Slaney's scale has 3 f / 200 mel below 1 kHz, so 1 kHz at 15; 82 edges from 0.825 (55 Hz) to 44.5 mel (7.6 kHz): band 25."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    found = spectrogram(tone)
    assert found.shape == (80, 81)
    assert (found[:, 5:75].argmax(axis=0) == 25).all()
    assert (spectrogram(np.zeros(16_000, np.float32)) == SILENCE).all()
    assert spectrogram(np.zeros(10, np.float32)).shape[0] == 80


def test_each_frame_is_shown_the_fifth_of_a_second_from_its_start_on() -> None:
    spectrum = np.tile(np.arange(30, dtype=np.float32), (80, 1))
    shown = chunks(spectrum, 6, 25.0)
    assert shown.shape == (6, 80, 16)
    assert list(shown[:, 0, 0]) == [0, 3, 6, 9, 12, 16]  # 80 columns a second, 25 frames: 3.2 columns a frame
    assert list(shown[5, 0]) == [*range(16, 30), SILENCE, SILENCE]
