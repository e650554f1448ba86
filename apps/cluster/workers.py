"""A Dask scheduler and workers on loopback that talk to nobody without a certificate of their private authority."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import yaml
from dask import config
from distributed import Client, Security

from nightdub.apps.cluster.certificates import write_certificates
from nightdub.infra.children import PATIENCE, Child, free_port, listens, tied
from nightdub.infra.cluster import SETTINGS

ROLES = ("scheduler", "worker", "client")  # Dask's own names
WORKERS = 2
ATTEMPTS = 3  # as often as `item_attempts` says by default
_LOOPBACK = "127.0.0.1"
_CODE = ["--preload", "nightdub.infra.worker"]  # a worker says which code it runs, and gets orders of that code alone
_DASK = [sys.executable, "-m", "dask"]
_HTTP = ["--dashboard-address", f"{_LOOPBACK}:0", "--no-dashboard"]  # left out, it listens on every address


def write_dask_settings(folder: Path) -> Path:
    """Make certificates below `folder`, and write the settings of scheduler, workers and clients; return that file."""
    keys = folder / "keys"
    write_certificates(keys, ROLES)
    tls = {f"distributed.comm.tls.{role}": {"cert": str(keys / f"{role}.pem"), "key": str(keys / f"{role}.key")} for role in ROLES}
    ours = {
        **SETTINGS,
        **tls,
        "distributed.comm.tls.ca-file": str(keys / "ca.pem"),
        "distributed.comm.tls.min-version": 1.3,
        "distributed.comm.require-encryption": True,
        "distributed.scheduler.allowed-failures": ATTEMPTS - 1,  # N failures allow N + 1 attempts
    }
    nested: dict[str, object] = {}
    config.set(ours, config=nested)
    path = folder / "dask.yaml"
    path.write_text(yaml.safe_dump(nested), encoding="utf-8")
    return path


class DaskCluster:
    """A scheduler and its workers, each in a folder and with a cache of its own, as if on another machine."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._port = free_port()
        self.address = f"tls://{_LOOPBACK}:{self._port}"
        self.children: list[Child] = []

    def start(self, folder: Path, env: Mapping[str, str]) -> None:
        """Start them; `env` names their settings. `wait_ready` says when they work."""
        command: list[str | Path] = [*tied(), *_DASK, "scheduler", "--host", f"tls://{_LOOPBACK}", "--port", str(self._port), *_HTTP]
        self.children.append(Child("Dask scheduler", command, folder / "dask-scheduler.log", env=env))
        for number in range(1, WORKERS + 1):
            here = folder / f"dask-worker-{number}"
            here.mkdir()
            own: list[str | Path] = ["--name", here.name, "--nthreads", "1", "--local-directory", here, "--death-timeout", "120"]
            command = [*tied(), *_DASK, "worker", self.address, "--host", _LOOPBACK, *own, *_CODE, *_HTTP]
            cache = {"XDG_CACHE_HOME": str(here / "cache")}
            self.children.append(Child(here.name, command, folder / f"{here.name}.log", env={**env, **cache}, cwd=here))

    def wait_ready(self, keys: Path) -> None:
        """Wait until every worker has joined the scheduler, as a client with a certificate sees it. Raises: MachineLacks."""
        scheduler, *workers = self.children
        scheduler.wait_until(lambda: listens(self._port))
        with Client(self.address, security=client_security(keys), set_as_default=False, timeout=PATIENCE) as client:
            for worker in workers:
                worker.wait_until(partial(_has_joined, client, worker.name))

    def stop(self) -> None:
        """Stop them beside one another; each takes its time."""
        for child in self.children:
            child.process.terminate()
        for child in self.children:
            child.bury()


def client_security(keys: Path) -> Security:
    """Return what a client shows and what it asks of the others."""
    own = {"tls_client_cert": str(keys / "client.pem"), "tls_client_key": str(keys / "client.key")}
    return Security(require_encryption=True, tls_ca_file=str(keys / "ca.pem"), **own)


def _has_joined(client: Client, name: str) -> bool:
    return name in {worker["name"] for worker in client.scheduler_info()["workers"].values()}
