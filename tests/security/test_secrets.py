"""A secret stands where it was put, and nowhere else: a night that fails in many ways is searched for canaries, wherever it wrote."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import boto3
import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))

import tiny
from certificates import write_certificates
from chat_server import Endpoint, serving

from nightdub.apps.cluster.servers import PostgresServer, s3_server
from nightdub.infra.children import Child, free_port, listens

CANARIES = {name: f"canary-{name}-7d1f0c" for name in ("access", "secret", "ledger", "prefect", "chat", "url")}
PROGRAM = [sys.executable, "-c", "from nightdub.apps.cli import main; main()"]


def spellings(canary: str) -> list[str]:
    """Return a canary as it may stand in a file: as it is, in a URL, and in base64 at each of the three places of a byte."""
    coded = (base64.b64encode(b"x" * shift + canary.encode())[4 if shift else 0 : -4].decode() for shift in range(3))
    return [canary, quote(canary, safe=""), *coded]


def heard(text: bytes, canaries: dict[str, str]) -> list[str]:
    """Return the names of the canaries that are in some bytes."""
    return [name for name, canary in canaries.items() if any(word.encode() in text for word in spellings(canary))]


@dataclass
class Command:
    """What a program said, and the command lines of all processes that it had below it."""

    said: bytes = b""
    lines: set[bytes] = field(default_factory=set)


@dataclass
class Night:
    """A night's servers, folder and output."""

    home: Path
    s3: str
    postgres: PostgresServer
    key: Path
    prefect: str
    commands: dict[str, Command] = field(default_factory=dict)

    @property
    def canaries(self) -> dict[str, str]:
        return CANARIES | {"c2pa": self.key.read_text().splitlines()[1][:40]}

    def environment(self, **more: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTDUB_", "PREFECT_", "AWS_"))}
        ours = {
            "HOME": str(self.home),
            "STORE": "s3://nightdub/night",
            "STORE_ENDPOINT": self.s3,
            "STORE_REGION": "us-east-1",
            "STORE_ACCESS_KEY": CANARIES["access"],
            "STORE_SECRET_KEY": CANARIES["secret"],
            "LEDGER": self.ledger(),
            "COMPUTE": "local",
            "WORKERS": "1",
            "PROFILES": str(self.home / "profiles"),
            "POLICIES": str(self.home / "policies"),
            "C2PA_CERTIFICATE": str(self.key.with_name("chain.pem")),
            "C2PA_KEY": str(self.key),
            "LOG_LEVEL": "DEBUG",
        }
        auth = dict.fromkeys(("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"), f"admin:{CANARIES['prefect']}")
        verbose = {"PREFECT_API_URL": self.prefect, "PREFECT_LOGGING_LEVEL": "DEBUG", "OPENAI_API_KEY": CANARIES["chat"]}
        return clean | {f"NIGHTDUB_{name}": value for name, value in ours.items()} | auth | verbose | more

    def ledger(self, port: str = "") -> str:
        place = f"127.0.0.1:{port}/night" if port else f"/night?host={self.postgres.folder}"
        return f"postgresql+psycopg://nightdub:{CANARIES['ledger']}@{place}"

    def run(self, name: str, *words: str, seconds: float = 500.0, **more: str) -> None:
        """Run the program and keep what it said, watching its processes' command lines; what takes longer is killed."""
        command = self.commands[name] = Command()
        with subprocess.Popen(
            [*PROGRAM, *words],
            cwd=self.home,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            done = threading.Event()
            watch = threading.Thread(target=_watch, args=(process.pid, done, command.lines))
            watch.start()
            try:
                command.said = process.communicate(timeout=seconds)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                command.said = process.communicate()[0]
            finally:
                process.kill()
                done.set()
                watch.join()

    def objects(self) -> Iterator[tuple[str, bytes]]:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        client = boto3.session.Session().client("s3", endpoint_url=self.s3, **keys)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="nightdub"):
            for row in page.get("Contents", ()):
                answer = client.get_object(Bucket="nightdub", Key=row["Key"])
                yield row["Key"], answer["Body"].read() + str(answer["Metadata"]).encode()

    def tables(self) -> Iterator[tuple[str, bytes]]:
        with psycopg.connect(f"host={self.postgres.folder} user=nightdub dbname=night") as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (name,) in names:
                with connection.cursor().copy(f'COPY "{name}" TO STDOUT') as rows:  # type: ignore[arg-type]
                    yield name, b"".join(bytes(row) for row in rows)

    def places(self) -> Iterator[tuple[str, bytes]]:
        """Yield everything that the night left: output, command lines, files (reports, logs, Prefect's database), objects, rows."""
        for name, command in self.commands.items():
            yield f"output of {name}", command.said
            yield f"command lines of {name}", b"\n".join(command.lines)
        for path in (path for path in self.home.rglob("*") if path.is_file() and path.parent != self.key.parent):
            yield f"file {path.relative_to(self.home)}", path.read_bytes()
        yield from ((f"object {name}", data) for name, data in self.objects())
        yield from ((f"table {name}", data) for name, data in self.tables())

    def found(self) -> dict[str, list[str]]:
        """Return where canaries are."""
        return {place: names for place, data in self.places() if (names := heard(data, self.canaries))}


def _watch(root: int, done: threading.Event, lines: set[bytes]) -> None:
    """Collect the command lines of a process and of all below it until told to stop."""
    while not done.wait(0.05):
        parents: dict[int, int] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
        ours = {root}
        while more := {child for child, parent in parents.items() if parent in ours} - ours:
            ours |= more
        for number in ours:
            try:
                lines.add(Path(f"/proc/{number}/cmdline").read_bytes())
            except OSError:
                continue


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A title whose translator refuses its key, a film that is none, servers that are not there, and settings that do not fit."""
    home = tmp_path_factory.mktemp("secrets") / "home"
    home.mkdir()
    catalogue = tiny.build_catalogue(home, [tiny.Tiny("plain", ("coffee",), memory=False)])
    (row,) = tiny.read_rows(catalogue)
    (catalogue.parent / "broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(2000))
    tiny.write_catalogue(catalogue.parent, [row | {"references": ""}, row | {"id": "broken", "source": "broken.mp4", "script": ""}])
    _, key = write_certificates(tmp_path_factory.mktemp("keys") / "keys")
    with PostgresServer() as server, s3_server() as s3, serving() as endpoint:
        server.create("night")
        endpoint.answer = lambda body: (401, f"bad key {CANARIES['chat']}".encode())
        _use_chat(home / "profiles/tiny.yaml", endpoint)
        made = Night(home, s3, server, key, f"http://127.0.0.1:{free_port()}/api")
        with _prefect(made):
            made.run("night", "run", str(catalogue))
            _fail(made)
        yield made


@contextmanager
def _prefect(night: Night) -> Iterator[None]:
    """Run a Prefect server with a password, in the night's folder. It outlives the night, which sends its last logs when it ends."""
    home, port = night.home / "prefect", night.prefect.rpartition(":")[2].partition("/")[0]
    home.mkdir()
    environment = night.environment(PREFECT_HOME=str(home), PREFECT_API_URL="", PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    server = Child("Prefect server", command, home / "server.log", env=environment)
    try:
        server.wait_until(lambda: listens(int(port)))
        yield
    finally:
        server.stop()


def _use_chat(profile: Path, endpoint: Endpoint) -> None:
    settings = f"{{url: '{endpoint.url}', model: house}}"
    profile.write_text(profile.read_text().replace("translate: [{name: apertium}]", f"translate: [{{name: chat, settings: {settings}}}]"))


def _fail(night: Night) -> None:
    """Run what cannot work: no ledger there, no store there, an address that is none."""
    nobody, secret = str(free_port()), CANARIES["url"]
    night.run("config", "config")
    night.run("no ledger", "status", NIGHTDUB_LEDGER=night.ledger(nobody))
    night.run("bad ledger options", "status", NIGHTDUB_LEDGER=night.ledger(nobody) + f"?password={secret}&sslmode=nonsense")
    night.run("no store", "verify", "s3://nightdub/out", NIGHTDUB_STORE_ENDPOINT=f"http://127.0.0.1:{nobody}")
    night.run("bad store", "status", NIGHTDUB_STORE=f"s3://user:{secret}@bucket/prefix")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_secret_is_anywhere_but_where_it_was_put(night: Night) -> None:
    assert night.found() == {}


@pytest.mark.slow
def test_the_night_did_all_that_could_have_let_one_out(night: Night) -> None:
    said = {name: command.said.decode() for name, command in night.commands.items()}
    assert "refuses the key (401)" in said["night"]
    assert re.search(r"broken/es: failed", said["night"])
    assert {name: text for name, text in said.items() if name not in ("night", "config") and not re.search("next:|allowed:", text)} == {}
    lines = b"\n".join(night.commands["night"].lines)
    assert b"ffprobe" in lines
    assert b"spawn_main" in lines  # a worker of Dask
    files = {path.name for path in night.home.rglob("*")}
    assert {"report.html", "report.json", "prefect.db", "server.log"} <= files
    assert sum(1 for _ in night.objects()) > 5
    assert any(data for name, data in night.tables() if name == "jobs")


@pytest.mark.slow
def test_the_search_finds_a_secret_wherever_it_is_planted(night: Night) -> None:
    secret = CANARIES["secret"]
    (night.home / "planted.bin").write_bytes(b"\0" + base64.b64encode(f"admin:{secret}".encode()) + b"\xff")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.session.Session().client("s3", endpoint_url=night.s3, **keys).put_object(
        Bucket="nightdub", Key="planted", Body=quote(secret).encode()
    )
    with psycopg.connect(f"host={night.postgres.folder} user=nightdub dbname=night") as connection:
        connection.execute("CREATE TABLE planted (word text)")
        connection.execute("INSERT INTO planted VALUES (%s)", (f"x{secret}x",))
    night.commands["planted"] = Command(f"Traceback ... {secret}".encode(), {f"psql\0--password={secret}".encode()})
    places = {"file planted.bin", "object planted", "table planted", "output of planted", "command lines of planted"}
    assert night.found() == {place: ["secret"] for place in places}
