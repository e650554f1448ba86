"""What this machine has to measure with: packages and model files that not every machine has, by version and digest.

They are inputs of the measuring steps like any other: a measurement is made again when one of them comes, goes or changes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from nightdub.infra.settings import load_settings
from nightdub.quality.metrics import comet, fid, lse, predicted, voice
from nightdub.quality.metrics.predicted import Predictors
from nightdub.tasks.engines.weights import digest_weights


@dataclass(frozen=True, slots=True)
class Instruments:
    """Paths as the measures need them, and what identifies everything: name -> version and digest."""

    utmos: str = ""
    nisqa: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def predictors(self, *, commercial: bool) -> Predictors:
        """Return the predictors of naturalness, for a profile that may be commercial."""
        return Predictors(self.utmos, self.nisqa, commercial=commercial)


@cache
def instruments() -> Instruments:
    """Return the instruments of this machine, looked for once a process. Raises: ConfigError where a setting is wrong."""
    settings = load_settings()
    utmos, nisqa = str(settings.utmos or ""), str(settings.nisqa or "")
    engines = predicted.engines(Predictors(utmos, nisqa)) | {"voice": voice.identity_engine()}
    known = {name: " ".join(filter(None, who)) for name, who in engines.items()}
    models = {
        "comet": Path(os.environ.get(comet.VARIABLE, "")) / comet.CHECKPOINT,
        "syncnet": Path(os.environ.get(lse.MODEL, "")),
        "inception": Path(os.environ.get(fid.VARIABLE, "")),
    }
    known |= {name: digest_weights(path) for name, path in models.items() if path.is_file()}
    return Instruments(utmos, nisqa, {name: value for name, value in sorted(known.items()) if value})
