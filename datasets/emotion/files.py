"""A network's file: safetensors, which runs nothing when it is read, with the labels and figures in its header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from nightdub.datasets.emotion.network import untrained
from nightdub.datasets.emotion.trained import About, Trained
from nightdub.infra.digests import canonical
from nightdub.infra.errors import EngineError
from nightdub.tasks.emotions import EMOTIONS

HEADER = "nightdub.emotion"  # the one entry of the file's metadata: several would be written in any order


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    labels: tuple[str, ...]
    about: About


def save(trained: Trained, path: Path) -> Path:
    """Write a network as one `.safetensors` file: equal networks give equal bytes."""
    from safetensors.numpy import save as as_bytes

    header = canonical({"labels": trained.labels, "about": msgspec.to_builtins(trained.about)}).decode()
    path.write_bytes(as_bytes(dict(sorted(trained.weights.items())), metadata={HEADER: header}))
    return path


def load(path: Path) -> Trained:
    """Return a network from its file, checked: its header, its labels, and every weight's name, shape and finiteness.

    Raises:
        EngineError: the file is not there, or holds something else.
        MachineLacks: torch is not installed.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = msgspec.json.decode((file.metadata() or {}).get(HEADER, ""), type=_Header)
            weights = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (OSError, SafetensorError, msgspec.MsgspecError, ValueError) as error:
        raise _refused(path, str(error)) from error
    if len(header.labels) < 2 or len(set(header.labels)) < len(header.labels) or not set(header.labels) <= set(EMOTIONS):
        raise _refused(path, f"the labels {', '.join(header.labels)[:200]}")
    _check(path, weights, len(header.labels))
    return Trained(header.labels, weights, header.about)


def _check(path: Path, weights: dict[str, Any], labels: int) -> None:
    wanted = untrained([str(index) for index in range(labels)]).weights
    if odd := sorted(wanted.keys() ^ weights.keys()):
        raise _refused(path, f"{odd[0]} lacks or is too many")
    for name, value in weights.items():
        if value.shape != wanted[name].shape or value.dtype != wanted[name].dtype:
            raise _refused(path, f"{name} is {value.dtype} {value.shape}")
        if not np.isfinite(value).all() or (name.endswith("running_var") and (value < 0).any()):
            raise _refused(path, f"{name} has values that no training leaves")


def _refused(path: Path, what: str) -> EngineError:
    fix = "name the file that a training wrote"
    return EngineError(what, where=str(path), allowed="a .safetensors file of this network with its labels", fix=fix)
