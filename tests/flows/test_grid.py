"""The same bytes wherever a dub is made: threads or processes, local store or S3, SQLite or PostgreSQL, in one go or resumed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import tiny

from nightdub.flows import night as room
from nightdub.flows.night import open_books
from nightdub.flows.title import build_step
from nightdub.infra.compute import Compute, open_compute
from nightdub.infra.digests import digest_bytes

pytestmark = pytest.mark.slow

# Half of the sixteen combinations, with the undisturbed one: any three of the four ways meet in all their eight manners.
GRID = [
    ("threads", "local", "postgres", "words"),
    ("threads", "s3", "sqlite", "stretch"),
    ("threads", "s3", "postgres", ""),
    ("local", "local", "sqlite", "lips"),
    ("local", "local", "postgres", ""),
    ("local", "s3", "sqlite", ""),
    ("local", "s3", "postgres", "faces"),
]


class Stopped(BaseException):
    """A flow that ends in the middle, as if it were interrupted."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Compute]:
    with open_compute("local", 2) as compute:
        yield compute


@pytest.fixture(scope="module")
def threads() -> Iterator[Compute]:
    with open_compute("threads", 2) as compute:
        yield compute


def places(request: pytest.FixtureRequest, home: Path, store: str, ledger: str) -> dict[str, Any]:
    """Return the settings that name a store and a ledger of this cell's own."""
    cell = digest_bytes(str(home).encode())[:16]
    chosen: dict[str, Any] = {}
    if ledger == "postgres":
        chosen["ledger"] = request.getfixturevalue("postgres").create(f"night{cell}")
    if store == "s3":
        keys = {"store_access_key": "test", "store_secret_key": "test", "store_region": "us-east-1"}
        chosen |= keys | {"store": f"s3://nightdub/{cell}", "store_endpoint": request.getfixturevalue("s3")}
    return chosen


@pytest.mark.parametrize(("compute", "store", "ledger", "stop"), GRID)
def test_every_way_of_making_a_dub_gives_the_same_bytes(
    compute: str, store: str, ledger: str, stop: str, catalogue: Path, undisturbed, tmp_path, monkeypatch, request
) -> None:
    shutil.copytree(catalogue.parents[1], tmp_path / "home")
    rows = [row | {"targets": "es"} for row in tiny.read_rows(catalogue) if row["id"] == "face"]
    path = tiny.write_catalogue(tmp_path / "home/catalogue", rows)
    pool = request.getfixturevalue({"threads": "threads", "local": "cluster"}[compute])
    monkeypatch.setattr(room, "open_compute", lambda *_, **__: nullcontext(pool))  # started once for all cells
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def until_stopped(night, ask, *, retry):
        if ask.step.name == stop:
            raise Stopped
        return build_step(night, ask, retry=retry)

    with open_books(tiny.settings_for(tmp_path / "home", **places(request, tmp_path, store, ledger))) as books:
        if stop:
            with pytest.raises(Stopped):
                tiny.run_titles(books, path, build=until_stopped)
        (outcome,) = tiny.run_titles(books, path)
        (standing,) = books.ledger.title_languages().values()
        assert books.store.get_bytes(outcome.package)[4:8] == b"ftyp"
    place = ("face", "es")
    assert (outcome.state, outcome.package) == (undisturbed.states[place], undisturbed.packages[place])
    assert (standing.state, standing.package) == (outcome.state, outcome.package)
