"""Hostile checkpoints: a pickle that runs code when it is read as one, given to every loader there is."""

from __future__ import annotations

import json
import pickle
import socket
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nightdub.infra.errors import EngineError, NightdubError

pytest.importorskip("torch")
CLIP = np.zeros(16_000, np.float32)


class Payload:
    """Makes a file where it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.mark), "w")


def _zipped(path: Path, content: Any) -> Path:
    import torch

    torch.save(content, path)
    return path


def _bare(path: Path, content: Any) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def _script(path: Path, content: Any) -> Path:
    """Write an archive as TorchScript has it, its data the payload."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr("model/constants.pkl", pickle.dumps((), protocol=2))
        archive.writestr("model/version", "3\n")
    return path


def _array(path: Path, content: Any) -> Path:
    with path.open("wb") as stream:
        np.save(stream, np.array([content], dtype=object), allow_pickle=True)
    return path


FORMS: dict[str, Callable[[Path, Any], Path]] = {"zip": _zipped, "pickle": _bare, "TorchScript": _script, "npy": _array}


def _whisper(path: Path) -> None:
    from nightdub.tasks.engines.whisper_windows import Listener

    Listener(path, "digest", "cpu", 1, 1).hear([CLIP], "en")


def _rvc(path: Path) -> None:
    from nightdub.tasks.engines.rvc_net import load_voice

    load_voice(path, "digest", "cpu")


def _rvc_index(path: Path) -> None:
    from nightdub.tasks.engines.rvc import _load_index

    _load_index(path, "digest")


def _wav2lip(path: Path) -> None:
    from nightdub.tasks.engines.wav2lip_net import load_generator

    load_generator(path, "digest", "cpu")


def _musetalk(path: Path) -> None:
    from nightdub.tasks.engines.musetalk_net import load_parts

    config = path.with_name("musetalk.json")
    config.write_text(
        json.dumps({"sample_size": 8, "block_out_channels": [32, 32, 32, 32], "cross_attention_dim": 32, "layers_per_block": 1})
    )
    load_parts(path, config, path.parent, path, "digest", "cpu")


def _musetalk_coder(path: Path) -> None:
    from diffusers import AutoencoderKL

    folder = path.parent / "vae"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL", "block_out_channels": [32], "norm_num_groups": 32}))
    path.rename(folder / "diffusion_pytorch_model.bin")
    try:
        AutoencoderKL.from_pretrained(str(folder), local_files_only=True, low_cpu_mem_usage=False)
    except Exception as error:  # as `load_parts` does
        raise EngineError(str(error)) from error


def _demucs(path: Path) -> None:
    from nightdub.tasks.engines.demucs import Demucs

    Demucs(str(path)).separate(np.zeros((2, 44_100), np.float32), 44_100)


def _contentvec(path: Path) -> None:
    from nightdub.tasks.engines.contentvec import load_contentvec

    load_contentvec(path, "digest", "cpu")


def _predictor(path: Path) -> None:
    from nightdub.quality.metrics.predicted import _scripted

    _scripted(str(path), CLIP)


def _inception(path: Path) -> None:
    from nightdub.quality.metrics.fid import _network

    _network(path, 0)


def _syncnet(path: Path) -> None:
    from nightdub.quality.metrics.lse import _load

    _load(path)


LOADERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "whisper": ("tiny.pt", _whisper),
    "rvc": ("voice.pth", _rvc),
    "rvc index": ("voice.index", _rvc_index),
    "wav2lip": ("wav2lip.pth", _wav2lip),
    "musetalk": ("unet.pth", _musetalk),
    "musetalk coder": ("vae.bin", _musetalk_coder),
    "demucs": ("955717e8.th", _demucs),
    "contentvec": ("pytorch_model.bin", _contentvec),
    "contentvec, safetensors": ("model.safetensors", _contentvec),
    "demucs, safetensors": ("955717e8.safetensors", _demucs),
    "UTMOS or NISQA": ("utmos.pt", _predictor),
    "inception": ("inception.pt", _inception),
    "syncnet": ("syncnet.pt", _syncnet),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loader", LOADERS)
def test_nothing_in_a_checkpoint_runs(loader: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, load = LOADERS[loader]
    mark = tmp_path / "it-ran"
    reached: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: reached.append(address))
    path = FORMS[form](tmp_path / name, Payload(mark))
    with pytest.raises(NightdubError) as caught:
        load(path)
    assert caught.value.what
    assert (mark.exists(), reached) == (False, [])


@pytest.mark.parametrize("form", FORMS)
def test_the_payload_does_run_where_nobody_takes_care(form: str, tmp_path: Path) -> None:
    import torch

    mark = tmp_path / "it-ran"
    path = FORMS[form](tmp_path / "model.pt", Payload(mark))
    if form == "TorchScript":
        with zipfile.ZipFile(path) as archive:
            pickle.loads(archive.read("model/data.pkl"))
    elif form == "npy":
        np.load(path, allow_pickle=True)
    else:
        with suppress(RuntimeError):  # what it was handed is no model
            torch.load(path, weights_only=False)
    assert mark.exists()


def test_a_hidden_payload_of_allowed_classes_stays_data(tmp_path: Path) -> None:
    """Demucs's own classes may be named in its checkpoints; nothing else beside them."""
    from fractions import Fraction

    mark = tmp_path / "it-ran"
    path = _zipped(tmp_path / "955717e8.th", {"klass": Fraction(1, 2), "args": (), "kwargs": {"x": Payload(mark)}, "state": {}})
    with pytest.raises(EngineError, match="cannot be loaded"):
        _demucs(path)
    assert not mark.exists()


@pytest.mark.parametrize("signature", ["../elsewhere/955717e8", "*", "/etc/x", "", 7])
def test_a_bag_names_checkpoints_beside_it_and_no_others(signature: Any, tmp_path: Path) -> None:
    from nightdub.tasks.engines.demucs import Demucs

    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "955717e8.th").touch()
    bag = tmp_path / "bags" / "bag.yaml"
    bag.parent.mkdir()
    bag.write_text(json.dumps({"models": [signature]}))
    with pytest.raises(EngineError, match="not a bag of models"):
        Demucs(str(bag)).identity()


def test_a_bag_cannot_run_or_grow(tmp_path: Path) -> None:
    from nightdub.tasks.engines.demucs import Demucs

    bag = tmp_path / "bag.yaml"
    for text in (f"models: !!python/object/apply:builtins.open ['{tmp_path}/it-ran', w]", "a: &a [x, x]\nmodels: [*a, *a]"):
        bag.write_text(text)
        with pytest.raises(EngineError, match=r"tag|alias"):
            Demucs(str(bag)).identity()
    assert not (tmp_path / "it-ran").exists()


def test_a_comet_checkpoint_that_could_run_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nightdub.quality.metrics import comet
    from nightdub.quality.metrics.pairs import TextPair

    module = ModuleType("comet")
    module.load_from_checkpoint = lambda path, **_: pytest.fail(f"opened {path}")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "comet", module)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "hparams.yaml").write_text("class_identifier: regression_metric\n")
    for form in ("zip", "pickle"):
        FORMS[form](tmp_path / comet.CHECKPOINT, {"state_dict": Payload(tmp_path / "it-ran")})
        found = comet.comet_score([TextPair("a", "source", "hypothesis", "reference")], tmp_path)
        assert ("could run" if form == "zip" else "looked into") in found.not_measured
    assert not (tmp_path / "it-ran").exists()


def test_torch_is_one_whose_careful_reader_holds() -> None:
    import torch

    assert tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 6), "CVE-2025-32434"
