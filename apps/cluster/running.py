"""All servers of the scaled profile, started in order and stopped in the other; what they are reached by lies in two files."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nightdub.apps.cluster.orchestration import POOL, PrefectCluster
from nightdub.apps.cluster.servers import BUCKET, REGION, S3_SERVERS, PostgresServer, S3Server
from nightdub.apps.cluster.workers import WORKERS, DaskCluster, write_dask_settings
from nightdub.infra.children import Child
from nightdub.infra.errors import ConfigError, MachineLacks
from nightdub.infra.settings import FILE, PREFIX

ENVIRONMENT = "cluster.env"
OURS = (FILE, ENVIRONMENT, "servers", "home")  # what a start deletes and makes anew
_LOCK, _CATALOGUE = "lock", "catalogue"
_SET = ("home", "store", "store_endpoint", "store_region", "store_access_key", "store_secret_key", "ledger", "compute", "prefect_api_url")


@dataclass(frozen=True)
class Cluster:
    """What runs, and the folder that tells how to reach it."""

    folder: Path
    prefect: PrefectCluster
    children: tuple[Child, ...]

    @property
    def home(self) -> Path:
        """Return the working folder of its nights."""
        return self.folder / "home"

    def look(self) -> None:
        """Raise MachineLacks where a server has ended by itself."""
        for child in self.children:
            if (status := child.process.poll()) is not None:
                raise MachineLacks(f"{child.name!r} ended with {status}", where=str(child.log), fix="read the end of that log")


@contextmanager
def cluster(
    folder: Path, catalogues: Path, prefect_file: Path, *, s3: str, schedules: bool, tell: Callable[[str], object] = lambda _: None
) -> Iterator[Cluster]:
    """Start everything on loopback, yield it, and stop it again however the block ends.

    Args:
        folder: Settings, secrets, logs and all that the servers keep; what an earlier cluster left in it is deleted.
        catalogues: The folder that the deployments run in.
        prefect_file: The deployments.
        s3: Which server stands for S3, "moto" or "rclone".
        schedules: Whether the deployments' schedules start runs.
        tell: Called with a line for each thing that is ready.

    Raises:
        ConfigError: another cluster runs in this folder, or the folder holds something else.
        MachineLacks: a server is missing or does not start.
    """
    folder, new = folder.absolute(), secrets.token_urlsafe
    with ExitStack() as stack:
        stack.enter_context(_alone(folder))
        servers = cleared(folder)
        postgres = PostgresServer(password=new())
        stack.callback(postgres.remove)
        (servers / "postgres").symlink_to(postgres.folder)
        ledger, database = (postgres.create_owned(name, new()) for name in ("nightdub", "prefect"))
        tell(f"PostgreSQL: port {postgres.port}, databases nightdub and prefect")
        env = _environment(folder, write_dask_settings(servers))
        prefect = PrefectCluster(servers, env, database, f"nightdub:{new()}", schedules=schedules)
        stack.callback(prefect.server.stop)
        storage = S3_SERVERS[s3](servers, new(), new())
        stack.callback(storage.child.stop)
        dask = DaskCluster()
        stack.callback(dask.stop)
        dask.start(servers, env)
        _write_settings(folder, env, ledger, storage, dask, prefect)
        storage.wait_ready()
        tell(f"S3 ({s3}): {storage.endpoint}, bucket {BUCKET}")
        dask.wait_ready(servers / "keys")
        tell(f"Dask: {dask.address}, {WORKERS} workers, nobody without a certificate")
        prefect.wait_ready()
        tell(f"Prefect: {prefect.url}, nobody without a password")
        worker = prefect.deploy(prefect_file, catalogues)
        stack.callback(worker.stop, seconds=3.0)  # a run in progress is killed with it: the next one takes over what it finished
        tell(f"Prefect: work pool {POOL}, one worker, every deployment of {prefect_file}")
        yield Cluster(folder, prefect, (prefect.server, storage.child, *dask.children, worker))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises: ConfigError."""
    if folder.exists() and (strange := {path.name for path in folder.iterdir()} - {*OURS, _LOCK, _CATALOGUE}):
        raise ConfigError(
            f"holds other things: {', '.join(sorted(strange)[:5])}", where=str(folder), fix="name a folder of the cluster's own"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError("another cluster runs here", where=str(folder), fix="stop it, or name another folder") from None
        yield


def cleared(folder: Path) -> Path:
    """Delete what an earlier cluster left, also one that was killed, and return an empty folder for the servers."""
    database = folder / "servers/postgres"
    if database.is_symlink():
        shutil.rmtree(database.readlink(), ignore_errors=True)
    for name in OURS:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()
    (folder / "servers").mkdir(mode=0o700)
    return folder / "servers"


def _environment(folder: Path, dask_settings: Path) -> dict[str, str]:
    """Return what every server is started with: our variables, without those of other installations and those that the file settles."""
    settled = {f"{PREFIX}{name}".upper() for name in _SET}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DASK_")) and name.upper() not in settled}
    return env | {f"{PREFIX}CONFIG": str(folder / FILE), "DASK_CONFIG": str(dask_settings)}


def _write_settings(folder: Path, env: dict[str, str], ledger: str, storage: S3Server, dask: DaskCluster, prefect: PrefectCluster) -> None:
    """Write Nightdub's settings, and the variables with which a shell is part of the cluster; both are their owner's alone."""
    values = (
        *(str(folder / "home"), f"s3://{BUCKET}/store", storage.endpoint, REGION, storage.access_key, storage.secret_key),
        *(f"postgresql+psycopg://{ledger}", dask.address, prefect.url),
    )
    settings = [f"{name} = {json.dumps(value)}" for name, value in zip(_SET, values, strict=True)]
    shared = {name: env[name] for name in (f"{PREFIX}CONFIG", "DASK_CONFIG")} | prefect.client_settings
    _write_secret(folder / FILE, settings)
    _write_secret(folder / ENVIRONMENT, [f"export {name}={shlex.quote(value)}" for name, value in shared.items()])


def _write_secret(path: Path, lines: list[str]) -> None:
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
