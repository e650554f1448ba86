"""Whole nights over a tiny catalogue, with real engines, on real servers."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # spawned workers inherit it
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

import tiny
from bad_media import BAD, build_bad_titles

from nightdub.apps.cluster.servers import PostgresServer, s3_server
from nightdub.flows.night import Books, open_books
from nightdub.flows.report import NightReport, read_report
from nightdub.flows.server import prefect_server
from nightdub.infra.settings import load_settings


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """An empty ledger and store of their own."""
    with open_books(load_settings(home=tmp_path / "home", compute="threads")) as opened:
        yield opened


@dataclass(frozen=True)
class Finished:
    """A home in which the tiny catalogue was localised, and what came out. Tests work on copies."""

    home: Path
    packages: dict[tuple[str, str], str]  # title and language -> digest of the film
    states: dict[tuple[str, str], str]

    def copied(self, home: Path) -> Path:
        """Copy the home and return the copy's catalogue."""
        shutil.copytree(self.home, home)
        return home / "catalogue/catalogue.csv"


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with nothing but the tiny catalogue; tests work on copies."""
    return tiny.build_catalogue(tmp_path_factory.mktemp("tiny") / "home")


@pytest.fixture(scope="session")
def undisturbed(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The tiny catalogue, localised on threads, a local store and SQLite, with nothing going wrong; made once for all processes."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = base / "undisturbed.pickle"
    with (base / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_localise(catalogue, base / "undisturbed/home")))
    return Finished(*pickle.loads(kept.read_bytes()))


def _localise(catalogue: Path, home: Path) -> tuple[Path, dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Return what `Finished` has."""
    shutil.copytree(catalogue.parents[1], home)
    with open_books(tiny.settings_for(home)) as books:
        outcomes = tiny.run_titles(books, home / "catalogue/catalogue.csv")
    places = {(outcome.title, outcome.language): outcome for outcome in outcomes}
    packages = {place: outcome.package for place, outcome in places.items()}
    return home, packages, {place: outcome.state for place, outcome in places.items()}


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server, which every flow of this session reports to."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_HOME,
        PREFECT_LOGGING_LEVEL,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )

    home = tmp_path_factory.mktemp("prefect")
    # Prefect read its settings when it was imported, which may have been in any test before this one.
    quiet = {PREFECT_HOME: home / "prefect", PREFECT_LOGGING_LEVEL: "CRITICAL", PREFECT_LOGGING_TO_API_ENABLED: False}
    with (
        mock.patch.dict(os.environ, PREFECT_LOGGING_TO_API_ENABLED="false"),
        prefect_server(load_settings(home=home)) as url,
        temporary_settings({PREFECT_API_URL: url, **quiet}),
    ):
        yield url


Night = Callable[..., NightReport]


@pytest.fixture(scope="session")
def run_night(prefect_api: str) -> Night:
    """Run the nightly flow over a home's catalogue as `nightdub run` does, and return its report."""
    from nightdub.flows.nightly import localise_catalogue

    def run(catalogue: Path, compute: str = "threads", **asked: Any) -> NightReport:
        home = catalogue.parents[1]
        settings = {"PROFILES": home / "profiles", "POLICIES": home / "policies", "COMPUTE": compute, "WORKERS": 2}
        with mock.patch.dict(os.environ, {f"NIGHTDUB_{name}": str(value) for name, value in settings.items()}):
            localise_catalogue(str(catalogue), str(home), **asked)
        return read_report(home)

    return run


@dataclass(frozen=True)
class FirstNight:
    """The first night over the tiny catalogue and every kind of bad medium."""

    home: Path
    report: NightReport

    @property
    def catalogue(self) -> Path:
        return self.home / "catalogue/catalogue.csv"


@pytest.fixture(scope="session")
def first_night(catalogue: Path, run_night: Night, tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """Run the night once, on a local cluster; tests of later nights work on copies of its home."""
    home = tmp_path_factory.mktemp("night") / "home"
    shutil.copytree(catalogue.parents[1], home)
    rows = tiny.read_rows(home / "catalogue/catalogue.csv")
    path = tiny.write_catalogue(home / "catalogue", rows + build_bad_titles(home / "catalogue", rows[0]))
    assert len(tiny.read_rows(path)) == len(tiny.TITLES) + len(BAD)
    return FirstNight(home, run_night(path, compute="local"))


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a real S3 server with the bucket `nightdub`."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server
