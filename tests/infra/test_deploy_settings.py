"""infra/deploy agrees with the project: settings, versions, packages, commands, and the databases' script on a real server."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed import DEPLOY, KUSTOMIZATION, PODS, ROOT, SERVICES, of, pins, run

from nightdub.apps.cluster.servers import PostgresServer
from nightdub.infra.cluster import SETTINGS
from nightdub.infra.settings import Settings, load_settings

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("nightdub")}


def test_every_setting_is_one_and_takes_its_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "\n".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".lock")
    named = set(re.findall(r"\bNIGHTDUB_([A-Z_]+)\b", text)) - {"CONFIG"}
    assert {"STORE", "COMPUTE", "HOME"} <= named <= {name.upper() for name in Settings.model_fields}
    maps = of("ConfigMap")
    for given in (SERVICES["prefect-worker"]["environment"], maps["store"]["data"] | maps["flows"]["data"]):
        with monkeypatch.context() as patch:
            for name in (name for name in os.environ if name.startswith("NIGHTDUB_")):
                patch.delenv(name)
            for name, value in given.items():
                patch.setenv(name, value)
            (tmp_path / "nightdub.toml").write_text('ledger = "postgresql+psycopg://nightdub:x@postgres/nightdub"\n')
            patch.setenv("NIGHTDUB_CONFIG", str(tmp_path / "nightdub.toml"))
            settings = load_settings()
            assert settings.store_url == "s3://dubs/nightdub"
            assert settings.compute.startswith("tls://")
            assert not {"access_key", "secret_key"} & set(settings.store_options())


def test_versions_are_those_of_the_project() -> None:
    assert {service["image"] for service in OURS.values()} == {f"nightdub:{VERSION}"}
    assert KUSTOMIZATION["images"] == [{"name": "nightdub", "newName": "registry.example.org/nightdub", "newTag": VERSION}]
    assert f"nightdub:{VERSION}" in CONTAINERFILE
    images = {spec["containers"][0]["image"] for _, spec in PODS.values()} - {"nightdub"}
    assert images == {SERVICES["postgres"]["image"]}
    prefect = yaml.safe_load((ROOT / "prefect.yaml").read_text())["prefect-version"]
    assert str(pins(DEPLOY / "requirements.lock")["prefect"]) == prefect


def test_debians_packages_are_those_of_the_setup() -> None:
    wanted = set(re.search(r"^DEBIAN = ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].replace("\\", "").split())  # type: ignore[index]
    build, final = (set(re.findall(r"^[^#]*", part)[0].split()) for part in _installed())
    assert {"g++", "python3.11-dev", "python3.11-venv"} <= build
    assert wanted - build - final == {"postgresql"}  # its client alone
    assert final - wanted == {"ca-certificates", "python3.11", "postgresql-client"}


def _installed() -> list[str]:
    """Return what each stage of the image installs from Debian."""
    return [part.replace("\\", " ") for part in re.findall(r"--no-install-recommends((?:.|\n)*?)&& rm", CONTAINERFILE)]


def test_dasks_settings_are_those_of_a_cluster_of_our_own() -> None:
    given = dict(_flat(yaml.safe_load((DEPLOY / "dask.yaml").read_text())))
    ours = {name: value for name, value in SETTINGS.items() if not name.startswith("distributed.deploy")}
    assert {name: given[name] for name in ours} == ours
    assert given["distributed.scheduler.allowed-failures"] == Settings.model_fields["item_attempts"].default - 1
    assert given["distributed.comm.require-encryption"] is True


def _flat(tree: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def test_both_ways_run_the_same_commands() -> None:
    for name in ("prefect-server", "prefect-worker", "dask-scheduler", "deployments", "housekeeping", "backup"):
        command = [word.replace("$$", "$") for word in SERVICES[name]["command"]]  # compose's way to write one
        assert PODS[name][1]["containers"][0]["command"] == command, name
    strip = {"--name", "$(DASK_WORKER_NAME)"}
    worker = [word for word in PODS["dask-worker"][1]["containers"][0]["command"] if word not in strip]
    assert worker == [word.replace("dask-scheduler", "nightdub-scheduler") for word in SERVICES["dask-worker"]["command"]]


def test_prefect_is_told_of_every_deployment_but_housekeeping() -> None:
    command = SERVICES["deployments"]["command"]
    named = {word for before, word in pairwise(command) if before == "--name"}
    there = {row["name"] for row in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    assert there - named == {"housekeeping"}
    assert named < there


@pytest.mark.parametrize("program", ["scheduler", "worker"])
def test_dask_knows_every_option(program: str) -> None:
    from distributed.cli import dask_scheduler, dask_worker

    known = {
        name
        for row in {"scheduler": dask_scheduler, "worker": dask_worker}[program].main.params
        for name in (*row.opts, *row.secondary_opts)
    }
    asked = [word for word in PODS[f"dask-{program}"][1]["containers"][0]["command"] if word.startswith("--")]
    assert asked
    assert set(asked) <= known


# ---------------------------------------------------------------- the databases


def test_the_databases_script_is_the_same_in_both_ways() -> None:
    assert of("ConfigMap")["postgres-databases"]["data"]["databases.sh"] == (DEPLOY / "postgres/databases.sh").read_text()


@pytest.mark.slow
def test_the_databases_script_makes_two_users_that_do_not_reach_each_other(tmp_path: Path) -> None:
    script = (DEPLOY / "postgres/databases.sh").read_text()
    script = script.replace("/run/secrets", str(tmp_path)).replace("nightdub prefect", "dubs prefect")  # the server's own user is nightdub
    for name in ("dubs", "prefect"):
        (tmp_path / f"postgres_{name}").write_text(f"it's {name}'s\n")
    with PostgresServer() as server:
        run("sh", "-c", script, POSTGRES_USER="nightdub", PGHOST=str(server.folder))
        assert run("psql", "-h", str(server.folder), "-U", "dubs", "-Atc", "select current_user", "dubs") == "dubs\n"
        refused = subprocess.run(["psql", "-h", server.folder, "-U", "dubs", "prefect"], capture_output=True, text=True, check=False)
        assert "permission denied for database" in refused.stderr
