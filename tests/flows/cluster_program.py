"""`python -m nightdub.apps.cluster` as a test sees it: the program, what it started, and the files that tell how to reach that."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0  # seconds; two quiet cores need a fifth of it
MARK = "CLUSTER_UNDER_TEST"


@dataclass(frozen=True)
class Program:
    """`python -m nightdub.apps.cluster` and everything that it started: all of it inherits a variable of the environment."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    @property
    def processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    @property
    def listening(self) -> dict[tuple[str, int], str]:
        """Return address and port -> command of everything that listens."""
        found = {}
        for process in self.processes:
            with suppress(psutil.Error):
                for connection in process.net_connections("inet"):
                    if connection.status == psutil.CONN_LISTEN:
                        found[tuple(connection.laddr)] = " ".join(process.cmdline())
        return found

    @property
    def ports_of_dask(self) -> list[int]:
        return [port for (_, port), command in self.listening.items() if " -m dask " in command or "spawn_main" in command]

    @cached_property
    def settings(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "nightdub.toml").read_text())

    @cached_property
    def variables(self) -> dict[str, str]:
        lines = (self.folder / "cluster.env").read_text().splitlines()
        return dict(shlex.split(line)[1].split("=", 1) for line in lines)

    @property
    def keys(self) -> Path:
        return self.folder / "servers/keys"

    def wait_for(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s\n{self.output}"
            time.sleep(0.1)

    def wait_for_words(self, words: str) -> None:
        self.wait_for(lambda: words in self.output or self.process.poll() is not None, words)
        assert words in self.output, self.output

    def kill(self) -> None:
        for process in self.processes:
            with suppress(psutil.Error):
                process.kill()
        self.process.wait()


def start(folder: Path, catalogue: Path) -> Program:
    home = catalogue.parents[1]
    own = {"NIGHTDUB_PROFILES": str(home / "profiles"), "NIGHTDUB_POLICIES": str(home / "policies"), MARK: str(folder)}
    command = [sys.executable, "-m", "nightdub.apps.cluster", str(folder), "--catalogue", str(catalogue), "--only", "plain", "--stay"]
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=os.environ | own)
    return Program(folder, process)
