from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("security", "infra", "fuzz"))

from canary import Canary
from films import lavfi


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that no other file may make anybody open."""
    path = tmp_path_factory.mktemp("outside") / "secret.ts"
    return lavfi(path, "-c:v", "mpeg2video", "-f", "mpegts", video="testsrc2=s=64x48:r=25:d=1")


@pytest.fixture
def canary(outside: Path) -> Iterator[Canary]:
    listening = Canary(outside.read_bytes())
    yield listening
    listening.close()
