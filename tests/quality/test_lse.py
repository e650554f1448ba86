"""Lip-sync error: the arithmetic by hand, the adapter on a small network of the same shape as SyncNet."""

from __future__ import annotations

import hashlib
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from films import film

from nightdub.quality.metrics.lse import FACTS, FRAME_RATE, MODEL, RATE, SIDE, FaceClip, cepstra, errors, face_clips, lip_sync_errors
from nightdub.tasks.rows import FaceBox, FaceTrack, Shot

torch = pytest.importorskip("torch")


class Brightness(torch.nn.Module):  # type: ignore[misc]
    """A network that sees in a mouth how bright it is and in a sound how loud: a tenth of the one is the other."""

    @torch.jit.export
    def forward_lip(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=[1, 2, 3, 4]).unsqueeze(1) / 10

    @torch.jit.export
    def forward_aud(self, columns: torch.Tensor) -> torch.Tensor:
        return columns[:, 0, 0].mean(dim=1, keepdim=True)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.jit.script(Brightness()).save(str(path := tmp_path / "brightness.pt"))
    monkeypatch.setenv(MODEL, str(path))
    return path


def clip(frames: int, early: int) -> FaceClip:
    """Return a face as bright as the sound is loud, the sound some frames early."""
    times = np.arange(frames * RATE // FRAME_RATE + RATE) / RATE
    sound = (np.random.default_rng(1).standard_normal(times.size) * 10 ** (-2 + np.sin(4 * times) + np.sin(9.7 * times))).astype(
        np.float32
    ) * 0.1
    loudness = cepstra(sound)[0, : 4 * frames].reshape(frames, 4).mean(axis=1)
    bright = np.clip(np.rint(10 * np.roll(loudness, early)), 0, 255).astype(np.uint8)
    faces = np.broadcast_to(bright[:, None, None, None], (frames, SIDE, SIDE, 3))
    return FaceClip("s0", faces, sound[: frames * RATE // FRAME_RATE])


def test_errors_are_smallest_and_median_less_smallest_distance() -> None:
    """One of twenty mouths differs, and a sound three frames before it: nothing apart at shift 3, elsewhere two frames by 1."""
    mouths, sounds = np.zeros((20, 4), np.float32), np.zeros((20, 4), np.float32)
    mouths[10, 2] = sounds[7, 2] = 1
    assert errors(mouths, sounds) == (0.0, pytest.approx(2 / 20), 3)


def test_equal_embeddings_have_no_distance_and_the_median_is_the_confidence() -> None:
    """Constant embeddings of length 2: within reach of either end some frames meet zeros, at no shift none do."""
    same = np.full((31, 4), 1.0, np.float32)
    distance, confidence, early = errors(same, same)
    assert (distance, early) == (0.0, 0)
    shifts = sorted(2 * abs(shift) / 31 for shift in range(-15, 16))
    assert confidence == pytest.approx(shifts[15])


def test_cepstra_begin_with_the_energy_in_16_bit_steps() -> None:
    """One sample of 1,000 steps, then silence: the spectrum is flat, 1000^2 / 512 in each of 257 bins."""
    pulse = np.zeros(400, np.float32)
    pulse[-1] = 1000 / 32768  # the last one, so that pre-emphasis leaves it alone
    found = cepstra(pulse)
    assert found.shape == (13, 1)
    assert found[0, 0] == pytest.approx(np.log(257 * 1000**2 / 512), abs=1e-5)
    assert cepstra(np.zeros(16_000, np.float32)).shape == (13, 99)


@pytest.mark.parametrize("early", [0, 4, -6])
def test_the_adapter_finds_the_frames_by_which_a_sound_is_early(early: int, model: Path) -> None:
    rows = {row.metric: row for row in lip_sync_errors([clip(75, early), FaceClip("short", clip(20, 0).faces, clip(20, 0).sound)])}
    assert set(rows) == set(FACTS)
    assert rows["sync.lse_d"].worst[0].detail == f"sound {early} frames early"
    ends = 0.25 * abs(early)  # frames whose sound lies beyond an end are far from it
    assert (rows["sync.lse_d"].value or 9) < 0.1 + ends
    assert (rows["sync.lse_c"].value or 0) > 0.5
    for row in rows.values():
        assert (row.n, row.weights) == (1, hashlib.sha256(model.read_bytes()).hexdigest())


def test_without_a_model_or_a_face_nothing_is_measured(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all("no shot" in row.not_measured for row in lip_sync_errors([]))
    monkeypatch.delenv(MODEL)
    assert all(MODEL in row.not_measured for row in lip_sync_errors([]))


def test_faces_are_cut_out_at_25_frames_a_second(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", rate="50", seconds=2)
    soundfile.write(tmp_path / "sound.wav", np.zeros(96_000), 48_000)
    track = FaceTrack("s0", (FaceBox(20, 100, 10, 80, 80),))
    clips = list(face_clips(source, tmp_path / "sound.wav", [Shot("s0", 20, 80), Shot("s1", 80, 100)], [track], Fraction(50)))
    assert [(one.shot, one.faces.shape, one.sound.size) for one in clips] == [("s0", (30, SIDE, SIDE, 3), 19_200)]
    assert clips[0].faces.std() > 10
