"""RVC: checkpoints with the published names, content from the character's own rows, and as many samples out as in."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neural import needs_torch, write_contentvec, write_rvc

from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.tasks.engines.rvc import Rvc, coarse_pitch, pieces, retrieve, shift_pitch, track_pitch
from nightdub.tasks.protocols import Sound
from nightdub.tasks.rows import Speaker

RATE = 22_050
ANA = Speaker("Ana", (), pitch_median=200.0)


def line(seconds: float = 1.2, hertz: float = 110.0) -> Sound:
    """Return a buzz with a rest in its middle."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = 0.2 * sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 10))
    return np.asarray(sound * (np.abs(time - seconds / 2) > 0.05), np.float32)


@pytest.fixture(scope="module")
def ears(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("contentvec")
    return {version: write_contentvec(folder / f"{version}.bin", size) for version, size in (("v1", 256), ("v2", 768))}


@needs_torch
@pytest.mark.parametrize(("version", "pitched"), [("v1", True), ("v2", True), ("v2", False)])
def test_a_line_comes_back_as_long_and_as_loud_twice_the_same_and_by_its_own_model(
    version: str, pitched: bool, ears: dict[str, Path], tmp_path: Path
) -> None:
    models = [write_rvc(tmp_path / f"{seed}.pth", version, pitched, seed) for seed in (0, 1)]
    speakers = [replace(ANA, model=str(model)) for model in (*models, models[0])]
    sound = line()
    made = Rvc(str(ears[version])).convert([sound] * 3, RATE, speakers)
    assert [row.failed for row in made] == [""] * 3
    assert all(row.cloned and row.sound.shape == sound.shape and np.isfinite(row.sound).all() for row in made)
    assert np.sqrt(np.mean(made[0].sound ** 2)) <= np.sqrt(np.mean(sound**2)) * 1.001
    assert made[0].sound.tobytes() == made[2].sound.tobytes()
    assert made[0].sound.tobytes() != made[1].sound.tobytes()


@needs_torch
def test_a_speaker_without_a_model_goes_to_the_next_converter(ears: dict[str, Path]) -> None:
    (made,) = Rvc(str(ears["v2"])).convert([line()], RATE, [ANA])
    assert (made.failed, made.cloned) == ("no-model-of-the-voice", False)


@needs_torch
def test_an_index_changes_what_is_heard_and_has_to_fit(ears: dict[str, Path], tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    speaker = replace(ANA, model=str(write_rvc(tmp_path / "ana.pth")))
    for size in (768, 256):
        index = faiss.IndexFlatL2(size)
        index.add(np.random.default_rng(1).normal(0, 1, (20, size)).astype(np.float32))
        faiss.write_index(index, str(tmp_path / f"{size}.index"))
    engine, own = Rvc(str(ears["v2"])), replace(speaker, model_index=str(tmp_path / "768.index"))
    plain, drawn = engine.convert([line()] * 2, RATE, [speaker, own])
    assert plain.sound.tobytes() != drawn.sound.tobytes()
    assert Rvc(str(ears["v2"]), index=0.0).convert([line()], RATE, [own])[0].sound.tobytes() == plain.sound.tobytes()
    with pytest.raises(EngineError, match="256 numbers a row"):
        engine.convert([line()], RATE, [replace(speaker, model_index=str(tmp_path / "256.index"))])
    (tmp_path / "text.index").write_text("nothing")
    with pytest.raises(EngineError, match="not a faiss index"):
        engine.convert([line()], RATE, [replace(speaker, model_index=str(tmp_path / "text.index"))])


@needs_torch
def test_what_is_no_model_is_refused(ears: dict[str, Path], tmp_path: Path) -> None:
    import torch

    torch.save({"weight": {}}, tmp_path / "other.pth")
    torch.save({"weight": Path("runs code")}, tmp_path / "code.pth")
    for name in ("other.pth", "code.pth"):
        with pytest.raises(EngineError, match="not an RVC voice"):
            Rvc(str(ears["v2"])).convert([line()], RATE, [replace(ANA, model=str(tmp_path / name))])
    with pytest.raises(EngineError, match="allowed: 768"):
        Rvc(str(ears["v1"])).convert([line()], RATE, [replace(ANA, model=str(write_rvc(tmp_path / "v2.pth")))])
    with pytest.raises(EngineError, match="not a ContentVec"):
        Rvc(str(tmp_path / "other.pth")).convert([line()], RATE, [replace(ANA, model=str(tmp_path / "v2.pth"))])
    with pytest.raises(MachineLacks, match="no weights"):
        Rvc(str(tmp_path / "none.bin")).identity()


def test_pitch_is_found_shifted_to_the_median_and_cut_into_steps() -> None:
    pitch = track_pitch(np.asarray(line(1.0, 110.0)[: RATE // 3], np.float32))
    assert np.median(pitch[pitch > 0]) == pytest.approx(110.0 * 16_000 / RATE, rel=0.02)  # read as if it were 16 kHz
    moved = shift_pitch(np.array([0.0, 90.0, 100.0, 110.0]), 200.0)
    assert moved == pytest.approx([0.0, 180.0, 200.0, 220.0])
    assert shift_pitch(np.array([0.0, 100.0]), 0.0).tolist() == [0.0, 100.0]
    assert coarse_pitch(np.array([0.0, 50.0, 1100.0, 5000.0])).tolist() == [1, 1, 255, 255]


def test_nearest_rows_are_weighed_by_one_over_their_squared_distance_squared() -> None:
    class Index:
        def search(self, content: Sound, count: int) -> tuple[Sound, Sound]:
            return np.array([[1.0, 2.0, 9.0]]), np.array([[0, 1, -1]])

    rows = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    assert retrieve(np.zeros((1, 2), np.float32), Index(), rows)[0] == pytest.approx([0.8, 0.2])


def test_a_long_line_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    sound = np.ones(16_000 * 30, np.float32)
    for second in (11.3, 21.9):
        sound[round(second * 16_000) : round(second * 16_000) + 160] = 0
    assert pieces(sound) == [(0, 1130), (1130, 2190), (2190, 3000)]
    assert pieces(np.ones(161, np.float32)) == [(0, 2)]


@needs_torch
@pytest.mark.slow
def test_a_long_line_is_as_long_afterwards(ears: dict[str, Path], tmp_path: Path) -> None:
    speaker, sound = replace(ANA, model=str(write_rvc(tmp_path / "ana.pth", "v1"))), line(26.0)
    (made,) = Rvc(str(ears["v1"])).convert([sound], RATE, [speaker])
    assert made.sound.shape == sound.shape
    assert np.count_nonzero(made.sound) > 0.9 * sound.size
