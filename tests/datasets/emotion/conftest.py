"""A network that learned where one burst stands, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import bursts

from nightdub.datasets.emotion.network import train
from nightdub.datasets.emotion.trained import Trained


@pytest.fixture(scope="session")
def trained() -> Trained:
    pytest.importorskip("torch")
    labels = [bursts.LABELS[index % 2] for index in range(96)]
    return train([bursts.example(label, index)[0] for index, label in enumerate(labels)], labels, epochs=8, corpus="bursts")
