"""Servers for tests: real ones, on free ports or sockets of their own, started and stopped here."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import psycopg
import pytest

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


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """Poll until a server listens. Raises: RuntimeError where it died or took too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise RuntimeError(f"the server on port {port} did not start (exit status {process.poll()})")


@contextmanager
def moto_server() -> Iterator[str]:
    """Yield the address of a moto server with the bucket `nightdub`."""
    port = free_port()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-c", _MOTO, str(port)], stdout=quiet, stderr=quiet)
    try:
        wait_for(port, process)
        endpoint = f"http://127.0.0.1:{port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        boto3.session.Session().client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket="nightdub")
        yield endpoint
    finally:
        process.terminate()
        process.wait()


class PostgresServer:
    """A PostgreSQL of its own, reached by a socket in its folder: no port, no configuration of the machine's."""

    SETTINGS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=40"

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        if not found:
            pytest.fail("PostgreSQL is missing; next: apt-get install postgresql")
        self.programs = found[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="nightdub-pg-"))
        self.user = _user()
        shutil.chown(self.folder, self.user)
        self._call("initdb", "-U", "nightdub", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D", f"{self.folder}/data")
        self.start()

    def start(self) -> None:
        settings = f"{self.SETTINGS} -c unix_socket_directories={self.folder}"
        self._call("pg_ctl", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", settings, "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-w", "-m", "immediate", "-D", f"{self.folder}/data", "stop")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://nightdub@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """Make an empty database, in place of any of that name, and return its URL."""
        with psycopg.connect(f"host={self.folder} user=nightdub dbname=postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def _call(self, program: str, *arguments: str) -> None:
        who = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        log = self.folder / "commands.log"
        with log.open("a") as stream:
            done = subprocess.run([self.programs / program, *arguments], cwd=self.folder, stdout=stream, stderr=stream, check=False, **who)
        if done.returncode:
            pytest.fail(f"{program} failed: {log.read_text()}")


def _user() -> str:
    """Return who runs the server: not root, which PostgreSQL refuses."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
