"""Separation by Demucs: Hybrid Transformer Demucs, Hybrid Demucs and Demucs, single checkpoints or bags of them, as published.

Needs torch and the package (`make engines-neural`) and a checkpoint; nothing is downloaded while a night runs. Checkpoints are read without
running what they contain: of the classes that a pickle may name, only Demucs's networks and fractions are let in.

The code is under the MIT licence. Meta's weights are not: its author gives them "only for scientific purposes"
(github.com/facebookresearch/demucs, issue 327), so that a commercial profile refuses them. `commercial: true` in the settings says that
these weights are others, which may be used commercially.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.infra.digests import digest_of
from nightdub.infra.errors import EngineError, MachineLacks
from nightdub.infra.strict_yaml import read_yaml
from nightdub.tasks.engines.weights import digest_weights, why_not
from nightdub.tasks.protocols import Identity
from nightdub.tasks.sound import resample

MODEL = "~/.cache/torch/hub/checkpoints/955717e8-8726e21a.th"  # htdemucs, where Demucs's own downloader puts it
SPEECH = ("speech", "dialogue", "vocals")  # sources of which the first that a model has is the dialogue; "vocals" of music models
NETWORKS = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
_SIGNATURE = re.compile(r"[0-9a-zA-Z]+")
_FORMS = "a .th or .safetensors checkpoint, or the .yaml of a bag beside its checkpoints"

Sounds = npt.NDArray[np.float32]  # (channels, samples)


class Demucs:
    """Gives the model's speech source as dialogue, and the mix less it as bed, so that nothing is lost.

    Args:
        model: The path of a checkpoint, or of a bag.
        device: "cpu" or a CUDA device.
        overlap: Share of a segment (7.8 s for htdemucs) in which it is faded into the next.
        commercial: Whether these weights may be used commercially; read by `nightdub.tasks.engines`.
    """

    def __init__(self, model: str = MODEL, device: str = "cpu", overlap: float = 0.25, commercial: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002
        self._model, self._device, self._overlap = Path(model).expanduser(), device, overlap

    def identity(self) -> Identity:
        """Return the package's version, the digest of the weights and the overlap. Raises: MachineLacks without weights."""
        weights = digest_of([digest_weights(path) for path in self._files()])
        return Identity("demucs", version("demucs"), weights, {"overlap": self._overlap})

    def separate(self, mix: Sounds, sample_rate: int) -> tuple[Sounds, Sounds]:
        """Return dialogue and music-and-effects of shape (channels, samples), one or two channels; their sum is the mix.

        Raises:
            MachineLacks: there are no weights, or no such device.
            EngineError: the checkpoint cannot be loaded, or has no source of speech.
        """
        import torch
        from demucs.apply import apply_model

        files = self._files()
        network = _load(files, tuple(digest_weights(path) for path in files))
        speech = next((network.sources.index(name) for name in SPEECH if name in network.sources), None)
        if speech is None:
            raise EngineError(f"sources {', '.join(network.sources)}", where=str(self._model), allowed=f"one of {', '.join(SPEECH)}")
        both = np.array(np.broadcast_to(mix, (network.audio_channels, mix.shape[1])))
        heard = torch.from_numpy(resample(both, sample_rate, network.samplerate))
        level = heard.mean(0)  # the network was trained on sound of this level
        middle, spread = level.mean(), level.std() + 1e-8
        try:
            sources = apply_model(network, ((heard - middle) / spread)[None], shifts=0, overlap=self._overlap, device=self._device)[0]
        except (RuntimeError, AssertionError) as error:  # what torch raises for a device that is not there
            raise MachineLacks(str(error).splitlines()[0], where="engine demucs", fix="name another device in the profile") from error
        found = resample((sources[speech] * spread + middle).cpu().numpy(), network.samplerate, sample_rate)
        dialogue = np.zeros_like(mix)
        size = min(found.shape[1], mix.shape[1])
        dialogue[:, :size] = found[:, :size] if len(mix) > 1 else found[:, :size].mean(axis=0)
        return dialogue, mix - dialogue

    def _files(self) -> tuple[Path, ...]:
        """Return the checkpoint, or a bag with its checkpoints."""
        if not self._model.is_file():
            fix = f"put a model there, or name its path in the profile: {_FORMS}"
            raise MachineLacks(f"no weights at {self._model}", where="engine demucs", allowed=_FORMS, fix=fix)
        if self._model.suffix != ".yaml":
            return (self._model,)
        found = [_of_bag(self._model, signature) for signature in _bag(self._model)["models"]]
        return (self._model, *found)


def _of_bag(bag: Path, signature: str) -> Path:
    """Return a bag's checkpoint by its signature, which the file's name begins with."""
    paths = sorted(path for form in ("th", "safetensors") for path in bag.parent.glob(f"{signature}*.{form}"))
    if not paths:
        raise MachineLacks(f"no checkpoint {signature}", where=str(bag), allowed=_FORMS, fix="put it beside the bag")
    return paths[0]


def _bag(path: Path) -> dict[str, Any]:
    try:
        found = read_yaml(path.read_bytes(), dict[str, Any])
    except ValueError as error:
        raise EngineError(str(error), where=str(path), allowed="models: a list of signatures", fix="name a checkpoint instead") from error
    models = found.get("models")
    if not isinstance(models, list) or not all(isinstance(name, str) and _SIGNATURE.fullmatch(name) for name in models):
        raise EngineError("not a bag of models", where=str(path), allowed="models: a list of signatures", fix="name a checkpoint instead")
    return found


@lru_cache(maxsize=1)
def _load(files: tuple[Path, ...], _digests: tuple[str, ...]) -> Any:
    """Return a network, or the bag of them, ready to work."""
    from demucs.apply import BagOfModels

    if files[0].suffix != ".yaml":
        return _network(files[0])
    bag = _bag(files[0])
    return BagOfModels([_network(path) for path in files[1:]], bag.get("weights"), bag.get("segment"))


def _network(path: Path) -> Any:
    """Return one network with its weights. Raises: EngineError where the file holds something else."""
    from demucs.states import load_model

    try:
        package = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
        return load_model(package).eval()
    except Exception as error:
        raise EngineError(
            why_not(error),
            where=str(path),
            allowed=f"a checkpoint of {', '.join(name.rpartition('.')[2] for name in NETWORKS)}",
            fix="get it again from where it was published",
        ) from error


def _pickled(path: Path) -> dict[str, Any]:
    """Return the package of a .th file: the network's class, its arguments and its state."""
    from fractions import Fraction

    import torch

    with torch.serialization.safe_globals([*map(_class, NETWORKS), Fraction]):
        package: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return package


def _safetensors(path: Path) -> dict[str, Any]:
    """Return the same of a .safetensors file, whose metadata hold the class and its arguments as JSON."""
    import json

    from demucs.hf import _decode_json
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("klass") not in NETWORKS or "structure" in metadata:
            raise ValueError(f"a {metadata.get('klass', 'checkpoint without a class')}, or a quantised one")
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    args, kwargs = (_decode_json(json.loads(metadata[name])) for name in ("args", "kwargs"))
    return {"klass": _class(metadata["klass"]), "args": args, "kwargs": kwargs, "state": state}


def _class(name: str) -> Any:
    module, _, kind = name.rpartition(".")
    return getattr(import_module(module), kind)
