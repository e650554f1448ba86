"""One process that forks nights, and the servers of the scaled profile; each once for all tests of a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # spawned workers inherit it
sys.path.insert(0, str(HERE.parent / "infra"))

from nightdub.apps.cluster.servers import PostgresServer, s3_server  # noqa: E402

Conductor = Callable[..., Any]


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a real S3 server with the bucket `nightdub`."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def conductor(postgres: PostgresServer, s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conductor]:
    """Give what runs a history in a process that has no threads, so that it may fork, and returns the answer."""
    log = tmp_path_factory.mktemp("conductor") / "log"
    with log.open("w") as stream:
        command = [sys.executable, "-W", "ignore", str(HERE / "conductor.py")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True)

    def ask(name: str, **asked: Any) -> Any:
        process.stdin.write(json.dumps({"name": name} | asked) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"the conductor died: {log.read_text()[-3000:]}"
        said = json.loads(answer)
        assert "raised" not in said, said["raised"]
        return said["answer"]

    process.stdin.write(json.dumps({"postgres": str(postgres.folder), "s3": s3}) + "\n")
    process.stdin.flush()
    yield ask
    process.stdin.close()
    process.wait(30)
