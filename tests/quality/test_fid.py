"""Frechet and kernel distance: closed forms, and a tiny network in TorchScript."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

with suppress(ImportError):
    import torch  # TorchScript looks its types up here

from nightdub.infra.errors import EngineError
from nightdub.quality.metrics.fid import VARIABLE, face_crops, frechet_distance, kernel_distance, picture_distances, spread
from nightdub.tasks.rows import FaceBox, FaceTrack, ShotClip


def test_diagonal_covariances_have_a_closed_form() -> None:
    mu1, mu2 = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 6.0])
    one, other = np.diag([1.0, 4.0, 9.0]), np.diag([4.0, 16.0, 1.0])
    # 0 + 4 + 9, and (1 - 2)^2 + (2 - 4)^2 + (3 - 1)^2 of the deviations
    assert frechet_distance(mu1, one, mu2, other) == pytest.approx(13 + 9)
    assert frechet_distance(mu2, other, mu1, one) == pytest.approx(22)


def test_a_rotation_changes_nothing() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    one, other = np.diag([1.0, 4.0, 9.0]), np.diag([4.0, 16.0, 1.0])
    mu1, mu2 = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 6.0])
    assert frechet_distance(turn @ mu1, turn @ one @ turn.T, turn @ mu2, turn @ other @ turn.T) == pytest.approx(22)


def test_the_distance_to_oneself_is_nothing() -> None:
    own = spread(np.random.default_rng(0).normal(size=(40, 60)))  # a covariance without full rank
    assert frechet_distance(own.mean, own.covariance, own.mean, own.covariance) == pytest.approx(0, abs=1e-5)


def test_kernel_distance_by_hand() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])
    # (xy + 1)^3: within 1 and 8, across the mean of 1, 1, 27, 27
    assert kernel_distance(one, other) == pytest.approx(1 + 8 - 2 * 14)


def test_kernel_distance_tells_like_from_unlike() -> None:
    rng = np.random.default_rng(0)
    one, like, unlike = rng.normal(size=(150, 8)), rng.normal(size=(160, 8)), rng.normal(1.0, 1.0, size=(160, 8))
    assert abs(kernel_distance(one, like)) < 0.2
    assert kernel_distance(one, unlike) > 1


pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a network whose three features are the mean red, green and blue of a picture, and whose answer else is a class."""
    pytest.importorskip("torch")

    class Means(torch.nn.Module):
        def forward(self, pictures: torch.Tensor, return_features: bool = False) -> torch.Tensor:
            means = pictures.float().mean(dim=[2, 3])
            return means if return_features else means.argmax(dim=1)

    path = tmp_path / "means.pt"
    torch.jit.save(torch.jit.script(Means()), str(path))
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def pictures(count: int, shift: int) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    more = np.array([shift, 0, 0])
    return [np.full((20, 30, 3), rng.integers(50, 150, 3) + more, np.uint8) for _ in range(count)]


def test_pictures_go_through_the_network(network: Path) -> None:
    fid, kid = picture_distances(pictures(60, 0), pictures(60, 20))
    assert fid.value == pytest.approx(20**2)  # the same pictures with 20 more blue: the same spread, another mean
    assert (fid.n, len(fid.weights), kid.n) == (60, 64, 60)
    assert kid.value > 0
    assert "means.pt" in fid.engine


def test_too_few_pictures_are_not_measured(network: Path) -> None:
    fid, kid = picture_distances(pictures(2, 0), pictures(60, 20))
    assert fid.not_measured == "2 pictures for 3 features: too few to tell how they spread"
    assert kid.not_measured
    fid, kid = picture_distances([], pictures(60, 20))
    assert fid.value is None
    assert kid.value is None


def test_the_same_pictures_mean_that_nothing_was_generated(network: Path) -> None:
    assert {row.not_measured for row in picture_distances(pictures(60, 0), pictures(60, 0))} == {"identical input: nothing was generated"}


def test_without_weights_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert all(VARIABLE in row.not_measured for row in picture_distances(pictures(3, 0), pictures(3, 1)))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    (tmp_path / "no.pt").write_bytes(b"not a network")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no.pt"))
    with pytest.raises(EngineError, match="no TorchScript"):
        picture_distances(pictures(3, 0), pictures(3, 1))


def test_faces_are_cut_out_of_redrawn_shots(tmp_path: Path) -> None:
    from filmed import FrameWriter

    with FrameWriter(tmp_path / "film.mp4", 64, 48, "25/1") as writer:
        for _ in range(12):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    track = FaceTrack("a", (FaceBox(0, 10, 5, 20, 20),))
    crops = list(face_crops(tmp_path / "film.mp4", [ShotClip("a", 0, 12, moved=3), ShotClip("b", 0, 12)], [track]))
    assert [crop.shape for crop in crops] == [(24, 20, 3)] * 3
