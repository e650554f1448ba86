"""The scaled profile as `make cluster` starts it: a night through its deployment, who is let in, what listens, and what a kill leaves."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
from cluster_program import PATIENCE, ROOT, Program, start
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from nightdub.apps.cluster.certificates import write_certificates
from nightdub.apps.cluster.running import cleared
from nightdub.apps.cluster.servers import start_rclone
from nightdub.flows.report import read_report
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import ComputeUnavailable, ConfigError, StoreError
from nightdub.infra.s3 import S3Store
from nightdub.infra.settings import load_settings
from nightdub.infra.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def running(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cluster on which a night over one title has ended."""
    program = start(tmp_path_factory.mktemp("cluster") / "one", catalogue)
    try:
        program.wait_for_words("stays until Ctrl-C")
        yield program
    finally:
        program.kill()
        shutil.rmtree((program.folder / "servers/postgres").resolve(), ignore_errors=True)


# ---------------------------------------------------------------- the night


def test_the_worker_ran_it_and_both_dask_workers_filled_orders(running: Program) -> None:
    (night,) = asked(running, "flow_runs/filter", {"flow_runs": {"parent_task_run_id": {"is_null_": True}}})
    assert (night["state_type"], night["work_pool_name"]) == ("COMPLETED", "nightdub")
    assert night["parameters"]["only"] == ["plain"]
    for number in (1, 2):
        assert any((running.folder / f"servers/dask-worker-{number}/cache/nightdub").glob("objects/*/*")), number


def test_a_night_through_the_deployment_makes_the_bytes_of_an_embedded_run(running: Program, undisturbed) -> None:
    (result,) = read_report(running.folder / "home").results
    assert (result.title, result.language, result.state) == ("plain", "es", "released")
    assert result.digest == undisturbed.packages["plain", "es"]
    settings = load_settings(config=running.folder / "nightdub.toml")
    assert open_store(settings.store_url, **settings.store_options()).exists(result.digest)
    assert {path.name for path in settings.home.iterdir()}.isdisjoint({"store", "ledger.db", "prefect"})


def test_every_deployment_of_the_file_is_there(running: Program) -> None:
    found = {row["name"]: row for row in asked(running, "deployments/filter", {})}
    assert set(found) == {"nightly", "title", "dataset", "housekeeping", "regression-test"}
    assert {row["work_pool_name"] for row in found.values()} == {"nightdub"}
    assert asked(running, "work_pools/filter", {})[0]["type"] == "process"


def asked(running: Program, path: str, body: Any, auth: str | None = None) -> Any:
    """Ask Prefect's API as whoever knows `auth`; without one, with the cluster's own password."""
    headers = {"Content-Type": "application/json"}
    headers["Authorization"] = f"Basic {base64.b64encode((auth or running.variables['PREFECT_API_AUTH_STRING']).encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{running.settings['prefect_api_url']}/{path}", data, headers), timeout=30
    ) as answer:
        return json.load(answer)


# ---------------------------------------------------------------- who is let in


def test_prefect_answers_nobody_without_the_password(running: Program) -> None:
    """Names that end like the paths of health checks once went past it (CVE-2026-3514), and so did events (CVE-2026-7723)."""
    for name in ("xhealth", "xready"):
        asked(running, "variables/", {"name": name, "value": "a secret"})
        assert asked(running, f"variables/name/{name}", None)["value"] == "a secret"
    url = running.settings["prefect_api_url"]
    for path in ("variables/name/xhealth", "variables/name/xready", "admin/settings", "admin/version", "flows/count", "xhealth", "health/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/{path}", timeout=30)
        assert refused.value.code == 401, path
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(running, "variables/name/xhealth", None, auth="nightdub:guessed")
    assert refused.value.code == 401
    with connect(f"{url.replace('http', 'ws')}/events/in", subprotocols=["prefect"]) as events:
        events.send(json.dumps({"type": "auth", "token": "guessed"}))
        with pytest.raises(ConnectionClosed, match="1008"):
            events.recv(timeout=30)


def test_dask_shakes_hands_with_nobody_without_a_certificate_of_its_authority_and_has_no_pages(running: Program, tmp_path: Path) -> None:
    write_certificates(tmp_path / "keys", ["client"])
    pages = [port for port in running.ports_of_dask if status(port, "") is not None]
    assert len(pages) == 1 + 2  # scheduler and workers
    for port in pages:
        asked_for = ("", "status", "info", "metrics", "json/counts.json", "individual-plots.json")
        assert {status(port, path) for path in asked_for} == {404}
    secured = set(running.ports_of_dask) - set(pages)
    assert len(secured) == 1 + 2 + 2  # scheduler, nannies and workers
    for port in secured:
        assert shake_hands(port, running.keys)
        assert shake_hands(port, None) == shake_hands(port, tmp_path / "keys") == b""


def status(port: int, path: str) -> int | None:
    """Return the status of a page, or None where nobody there speaks HTTP."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def shake_hands(port: int, keys: Path | None) -> bytes:
    """Return the first bytes that a TLS server sends to a client with these keys; empty where it refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a client who trusts anybody, and wants to be let in
    if keys:
        context.load_cert_chain(keys / "client.pem", keys / "client.key")
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as bare, context.wrap_socket(bare) as secure:
            return secure.recv(64)
    except OSError:
        return b""


def test_a_night_without_certificates_or_with_those_of_another_authority_is_refused_at_once(running: Program, tmp_path: Path) -> None:
    """Both sides ask for them: this client would not send its orders to a scheduler that it cannot trust."""
    write_certificates(tmp_path / "keys", ["client"])
    keys = {"ca-file": tmp_path / "keys/ca.pem", "client.cert": tmp_path / "keys/client.pem", "client.key": tmp_path / "keys/client.key"}
    with dask.config.set({f"distributed.comm.tls.{name}": str(path) for name, path in keys.items()}):
        with pytest.raises(ComputeUnavailable, match="no answer"):
            with open_compute(running.settings["compute"]):
                pass
    with pytest.raises(ConfigError, match="no certificate"):
        with open_compute(running.settings["compute"]):
            pass


def test_everything_listens_on_loopback_alone(running: Program) -> None:
    listening = running.listening
    assert {address for address, _ in listening} == {"127.0.0.1"}, listening
    ports = {port for _, port in listening}
    urls = [running.settings[name] for name in ("store_endpoint", "ledger", "compute", "prefect_api_url")]
    assert {
        int(url.rpartition("/nightdub")[0].rpartition(":")[2] if "postgresql" in url else url.split(":")[2].split("/")[0]) for url in urls
    } <= ports


def test_secrets_are_their_owners_alone(running: Program) -> None:
    for path in (running.folder / "nightdub.toml", running.folder / "cluster.env", *running.keys.glob("*.key")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (running.folder / "servers").stat().st_mode & 0o077 == 0
    password = running.settings["ledger"].split(":")[2].rpartition("@")[0]
    secrets = [running.settings["store_secret_key"], running.variables["PREFECT_API_AUTH_STRING"].partition(":")[2], password]
    assert all(len(secret) >= 40 for secret in secrets)
    said = [" ".join(process.cmdline()) for process in running.processes] + [running.output]
    said += [path.read_text(errors="replace") for path in (running.folder / "servers").glob("*.log")]
    assert len(said) > 12
    assert [text for text in said if any(secret in text for secret in secrets)] == []


def test_the_same_folder_holds_one_cluster(running: Program, catalogue: Path) -> None:
    command = [sys.executable, "-m", "nightdub.apps.cluster", str(running.folder), "--catalogue", str(catalogue)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, "another cluster runs here" in done.stderr) == (2, True)


# ---------------------------------------------------------------- the end


def test_a_start_that_is_stopped_leaves_nothing(catalogue: Path, tmp_path: Path) -> None:
    program = start(tmp_path / "two", catalogue)
    try:
        program.wait_for_words("PostgreSQL: port")
        database = (program.folder / "servers/postgres").resolve()
        assert database.is_dir()
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(PATIENCE) == 130
        program.wait_for(lambda: not program.processes, "everything ends")
        assert not database.exists()
    finally:
        program.kill()


def test_when_the_starter_is_killed_the_kernel_ends_all_it_started(running: Program) -> None:
    """The last test of this cluster. What lies on the disk goes with the next start."""
    assert len(running.processes) > 12
    running.process.kill()
    running.process.wait()
    running.wait_for(lambda: not running.processes, "everything ends")
    database = (running.folder / "servers/postgres").resolve()
    assert database.is_dir()
    cleared(running.folder)
    assert not database.exists()


# ---------------------------------------------------------------- the other server


def test_rclone_checks_keys_keeps_objects_and_ignores_the_conditions_of_a_put(tmp_path: Path) -> None:
    """What docs/cluster.md says of it: objects are sound, two writers of one pointer are not told apart."""
    server = start_rclone(tmp_path, "nightdub", "a-long-secret")
    try:
        server.wait_ready()

        def store(secret: str) -> S3Store:
            keys = {"endpoint": server.endpoint, "region": "us-east-1", "access_key": "nightdub", "secret_key": secret}
            return open_store("s3://nightdub/store", **keys, cache_dir=str(tmp_path / secret), retries=0)

        ours = store("a-long-secret")
        digest = ours.put_bytes(b"one")
        assert (ours.get_bytes(digest), ours.size(digest), [row.digest for row in ours.objects()]) == (b"one", 3, [digest])
        with pytest.raises(StoreError, match="SignatureDoesNotMatch"):
            store("a-wrong-secret").put_bytes(b"two")
        first = ours.write_pointer("a", b"1", None)
        ours.write_pointer("a", b"2", first.version)
        assert ours.write_pointer("a", b"3", first.version).value == b"3"  # S3 says 412 here, and the store PointerConflict
    finally:
        server.child.stop()
