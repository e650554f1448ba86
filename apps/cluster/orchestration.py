"""A Prefect server on PostgreSQL that asks for a password, a process work pool, its worker, and the deployments of prefect.yaml."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from nightdub.flows.server import PROGRAM, QUIET, is_healthy
from nightdub.infra.children import Child, free_port, tied
from nightdub.infra.errors import NightdubError

POOL = "nightdub"  # as prefect.yaml says
WORKER = "loopback"
POLL_SECONDS = "2"  # how often the worker asks for runs; Prefect's 10 s are for many workers
NIGHTLY = "nightly/nightly"


class PrefectCluster:
    """The server, then the pool, the deployments and the worker."""

    def __init__(self, folder: Path, env: Mapping[str, str], database: str, password: str, *, schedules: bool) -> None:
        """Start the server.

        Args:
            folder: Where its logs and its home go.
            env: What the server and all that asks it are started with.
            database: `user:password@host:port/database` of an empty PostgreSQL database.
            password: What the server asks for, as `user:password`.
            schedules: Whether the schedules of prefect.yaml start runs.
        """
        port = free_port()
        self.url, self._folder, self._password = f"http://127.0.0.1:{port}/api", folder, password
        home = {**QUIET, "PREFECT_HOME": str(folder / "prefect")}
        self.client_settings = {**home, "PREFECT_API_URL": self.url, "PREFECT_API_AUTH_STRING": password}
        self._env = {**env, **self.client_settings}
        settings = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{database}",
            "PREFECT_SERVER_API_AUTH_STRING": password,
            "PREFECT_SERVER_UI_API_URL": self.url,
            "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": str(schedules).lower(),
        }
        command = [*tied(), *PROGRAM, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        self.server = Child("Prefect server", command, folder / "prefect-server.log", env={**env, **home, **settings})

    def wait_ready(self) -> None:
        """Wait until the server answers. Raises: MachineLacks."""
        self.server.wait_until(lambda: is_healthy(self.url))

    def deploy(self, prefect_file: Path, folder: Path) -> Child:
        """Make the pool, start its worker, deploy everything in `prefect_file` to run in `folder`, and return the worker when it is there.

        Raises: NightdubError where Prefect refuses, MachineLacks where the worker does not start.
        """
        self._ask("POST", "work_pools/", {"name": POOL, "type": "process", "base_job_template": _template()})
        command = [*tied(), *PROGRAM, "worker", "start", "--pool", POOL, "--name", WORKER, "--type", "process", "--install-policy", "never"]
        env = {**self._env, "PREFECT_WORKER_QUERY_SECONDS": POLL_SECONDS}
        worker = Child("Prefect worker", command, self._folder / "prefect-worker.log", env=env, cwd=folder)
        try:
            self._output("--no-prompt", "deploy", "--all", "--prefect-file", str(prefect_file.resolve()), cwd=folder)
            worker.wait_until(self._worker_is_online)
        except BaseException:
            worker.stop(seconds=1.0)
            raise
        return worker

    def run_nightly(self, catalogue: Path, only: Sequence[str]) -> bool:
        """Run the deployment over a catalogue of its folder, show its states as they come, and return whether it ended well."""
        wanted = [f"--param=only={json.dumps(list(only))}"] if only else []
        command = [*PROGRAM, "deployment", "run", NIGHTLY, "--watch", f"--param=catalogue={json.dumps(catalogue.name)}", *wanted]
        return subprocess.run([*tied(), *command], env=self._env, stdin=subprocess.DEVNULL, check=False).returncode == 0

    def _worker_is_online(self) -> bool:
        found = self._ask("POST", f"work_pools/{POOL}/workers/filter", {})
        return any(worker["name"] == WORKER and worker["status"] == "ONLINE" for worker in found.json())

    def _ask(self, method: str, path: str, body: object) -> httpx.Response:
        user, _, password = self._password.partition(":")
        answer = httpx.request(method, f"{self.url}/{path}", json=body, auth=(user, password), timeout=30, trust_env=False)
        if answer.is_error:
            raise NightdubError(f"Prefect refused {path}: {answer.status_code} {answer.text[:500]}", where=str(self.server.log))
        return answer

    def _output(self, *arguments: str, cwd: Path | None = None) -> str:
        """Return what a command of Prefect printed. Raises: NightdubError."""
        command = [*tied(), *PROGRAM, *arguments]
        done = subprocess.run(command, env=self._env, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise NightdubError(f"`prefect {' '.join(arguments)}` failed: {(done.stdout + done.stderr).strip()[-2000:]}")
        return done.stdout


def _template() -> dict[str, Any]:
    """Return Prefect's own template of a process pool, with one change: the kernel ends a run with its worker.

    Nobody would look after such a run, and the next worker would start another beside it.
    """
    from prefect.workers.process import ProcessWorker  # Prefect takes 2 s to import

    template: dict[str, Any] = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = shlex.join([*tied(), *PROGRAM[:-1], "prefect.engine"])
    return template
