"""COMET: an adapter for a regression checkpoint that lies on this machine. None is shipped or fetched.

`COMET_CHECKPOINT` names the checkpoint's folder as its publisher lays it out: `hparams.yaml` and `checkpoints/model.ckpt`. The file is a
pickle, which the library reads as one: what it names is looked at first, and one that names anything that could run is not opened.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from nightdub.infra.digests import digest_file
from nightdub.quality.metrics.fact import WORST
from nightdub.quality.metrics.pairs import TextPair
from nightdub.quality.statistics import mean_interval
from nightdub.tasks.rows import Measurement, Worst

VARIABLE = "COMET_CHECKPOINT"
CHECKPOINT = Path("checkpoints/model.ckpt")  # in its folder
NOT_COMMERCIAL = re.compile(r"kiwi|xcomet|unite", re.IGNORECASE)  # CC BY-NC-SA 4.0, by their cards
_HARMLESS = {  # of what such a checkpoint names beside tensors
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
}
_KIND = re.compile(r"^class_identifier:\s*['\"]?(\w+)", re.MULTILINE)
_BATCH = 16


def comet_score(pairs: Sequence[TextPair], folder: Path | None = None, *, commercial: bool = True) -> Measurement:
    """Return the mean COMET score of the hypotheses, with the checkpoint's digest.

    Args:
        pairs: Lines with their sources and references.
        folder: The checkpoint's folder; None = what the environment variable `COMET_CHECKPOINT` names.
        commercial: Refuse models whose licence forbids commercial use (CometKiwi, XCOMET, UniTE).

    Not measured, with the reason: no folder, no library, no line with a source, a model of another kind or licence. The score ranks
    systems; by itself it has no meaning.
    """
    folder = folder or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    why = _why_not(pairs, folder, commercial=commercial)
    if why or folder is None:
        return Measurement("translation.comet", None, "COMET", not_measured=why)
    import comet

    checkpoint = folder / CHECKPOINT
    if why := _would_run(checkpoint):
        return Measurement("translation.comet", None, "COMET", not_measured=why)
    model = comet.load_from_checkpoint(str(checkpoint), local_files_only=True)
    rows = [{"src": pair.source, "mt": pair.hypothesis, "ref": pair.reference} for pair in pairs]
    scores = [float(score) for score in model.predict(rows, batch_size=_BATCH, gpus=0, progress_bar=False).scores]
    low = sorted(zip(scores, pairs, strict=True), key=lambda row: (row[0], row[1].id))[:WORST]
    return Measurement(
        "translation.comet",
        sum(scores) / len(scores),
        "COMET",
        len(scores),
        f"unbabel-comet {version('unbabel-comet')}, {folder.name}",
        worst=tuple(Worst(pair.id, round(score, 3), pair.hypothesis) for score, pair in low),
        interval=mean_interval(scores),
        weights=digest_file(checkpoint),
    )


def _would_run(checkpoint: Path) -> str:
    """Return why a checkpoint is not opened, found without opening it; empty = it names nothing but tensors and plain values."""
    from torch.serialization import get_unsafe_globals_in_checkpoint

    try:
        named = {*get_unsafe_globals_in_checkpoint(checkpoint)} - _HARMLESS
    except Exception as error:
        return f"{checkpoint.name} is no checkpoint that can be looked into: {' '.join(str(error).split())[:200]}"
    return f"{checkpoint.name} could run {', '.join(sorted(named))}" if named else ""


def _why_not(pairs: Sequence[TextPair], folder: Path | None, *, commercial: bool) -> str:
    if folder is None:
        return f"no COMET model: {VARIABLE} names no folder"
    if commercial and NOT_COMMERCIAL.search(folder.name):
        return f"{folder.name} may not be used commercially (CC BY-NC-SA 4.0)"
    parameters, checkpoint = folder / "hparams.yaml", folder / CHECKPOINT
    if not parameters.is_file() or not checkpoint.is_file():
        return f"{folder.name} holds no hparams.yaml and checkpoints/model.ckpt"
    kind = _KIND.search(parameters.read_text(encoding="utf-8", errors="replace"))
    if kind is None or kind[1] != "regression_metric":
        return f"{folder.name} is a {kind[1] if kind else 'model without class_identifier'}, not a regression_metric"
    if importlib.util.find_spec("comet") is None:
        return "unbabel-comet is not installed"
    return "" if pairs else "no line has its source and a reference"
