"""Equal inputs give equal bytes: in another process, in another order, with other threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

from nightdub.datasets.rows import RATE
from nightdub.datasets.sound.augment import apply, parse_variant, variants_of
from nightdub.datasets.sound.clean import Cleaning, to_standard
from nightdub.datasets.sound.features import extract

RECIPES = ["pitch=-2..2", "noise=10..30:pink", "noise=15:babble+codec=mp3:32", "room=0.15..0.2", "formant=0.9..1.1+codec=ogg"]


def digests(order: int) -> dict[str, str]:
    """Return a digest of everything that is made of two clips, worked on in this order."""
    made = {}
    for number in range(2)[::order]:
        rng = np.random.default_rng(number)
        whole = (0.1 * rng.standard_normal(6000 + 700 * number) * np.hanning(6000 + 700 * number)).astype(np.float32)
        cleaned = to_standard(whole, 16_000, 0.0, None, Cleaning())
        variants = [str(variant) for variant in variants_of(f"clip/{number}", RECIPES, 5)]
        sounds = [cleaned.samples, *(apply(cleaned.samples, RATE, parse_variant(text), f"clip/{number}") for text in variants[::order])]
        sounds = [sounds[0], *sounds[1:][::order]]
        parts = [repr(cleaned.measured), *variants, *(sound.tobytes() for sound in sounds)]
        parts += [values.tobytes() for values in extract(cleaned.samples, RATE).values()]
        made[str(number)] = sha256(b"".join(part.encode() if isinstance(part, str) else part for part in parts)).hexdigest()
    return made


@pytest.mark.slow
def test_processes_orders_and_threads_make_no_difference() -> None:
    here = digests(1)
    script = f"import json, runpy; print(json.dumps(runpy.run_path({__file__!r})['digests'](-1)))"
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "3")
    there = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | threads | {"PYTHONHASHSEED": "5"}, capture_output=True, check=True
    )
    assert json.loads(there.stdout) == here
    assert len(set(here.values())) == 2
