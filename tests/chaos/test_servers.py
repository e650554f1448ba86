"""PostgreSQL killed, stopped and cut off in the middle of commits; Prefect's server cut off in the middle of a real flow."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

import small
from catalogues import build_alone
from checker import Reference, check, reference_of
from machines import machines, until
from proxy import Wire

from nightdub.apps.cluster.servers import PostgresServer
from nightdub.flows import title
from nightdub.flows.night import open_books
from nightdub.flows.server import prefect_server
from nightdub.flows.window import Window
from nightdub.infra.errors import LedgerUnavailable
from nightdub.infra.settings import load_settings

pytestmark = pytest.mark.slow

SEED = 20_261_121
NIGHTS = 3  # at most, until one ends with nothing that failed, once all is quiet
LINES = 10  # in each title; each takes 50 ms


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL of this file's own: others do not like theirs to be killed."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def wire(database: PostgresServer) -> Iterator[Wire]:
    wire = Wire(database.folder / ".s.PGSQL.5432")
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    home = build_alone(tmp_path_factory.mktemp("undisturbed"), lines=LINES)
    small.run_small(home)
    return reference_of(small.settings_for(home))


class Vandal:
    """Does deeds to a server while nights run, at moments that a seed decides."""

    def __init__(self, seed: int, deeds: dict[str, Callable[[], object]], times: int) -> None:
        self._chance, self._deeds, self._times = random.Random(seed), deeds, times
        self.done: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Vandal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def busy(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        for number in range(self._times):
            if self._stop.wait(self._chance.uniform(0.1, 0.5)):
                return
            name = list(self._deeds)[number % len(self._deeds)]
            self._deeds[name]()
            self.done.append(name)


def nights(home: Path, settings: dict[str, Any], vandal: Vandal) -> None:
    """Run nights until one ends with nothing that failed while nobody does anything any more."""
    quiet = 0
    while quiet < NIGHTS:
        quiet += not vandal.busy
        with suppress(LedgerUnavailable):  # a night that cannot even be written down ends so; the next one goes on
            if not small.run_small(home, **settings).failed and quiet:
                return
    raise AssertionError(f"still failing after {NIGHTS} nights")


def test_nights_outlive_a_database_that_is_killed_stopped_and_cut_off(
    database: PostgresServer,
    wire: Wire,
    undisturbed: Reference,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr(title, "LEDGER_PAUSES", (0.2, 0.5, 1.0))
    home = build_alone(tmp_path / "home", lines=LINES)
    database.create("chaos")
    settings = {"ledger": f"postgresql+psycopg://nightdub@127.0.0.1:{wire.port}/chaos", "batch_seconds": 0.01, "lease_seconds": 2.0}
    with open_books(small.settings_for(home, **settings)):
        pass

    def crash() -> None:
        database.stop()  # at once: connections break, transactions are lost
        database.start()

    def stand_still() -> None:
        master = database._child.process.pid
        pids = [master, *(int(child) for child in Path(f"/proc/{master}/task/{master}/children").read_text().split())]
        _signal(pids, signal.SIGSTOP)
        time.sleep(1.0)
        _signal(pids, signal.SIGCONT)

    def cut() -> None:
        wire.cut()
        time.sleep(0.3)
        wire.mend()

    with Vandal(SEED, {"crash": crash, "cut": cut, "stand still": stand_still}, times=6) as vandal:
        nights(home, settings, vandal)
    record_property("kills", [f"servers-{SEED}", vandal.done, 0])
    assert vandal.done == ["crash", "cut", "stand still"] * 2
    assert check(small.settings_for(home, **settings), undisturbed) == []


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


_FLOW = """
import sys
import small
from nightdub.flows.nightly import localise_catalogue
with small.small_steps():
    localise_catalogue(sys.argv[1] + "/catalogue/catalogue.csv", sys.argv[1])
"""


def test_a_flow_whose_server_is_away_for_a_second_goes_on(
    undisturbed: Reference, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    home = build_alone(tmp_path / "home", lines=LINES)
    with mock.patch.dict(os.environ), prefect_server(load_settings(home=tmp_path / "prefect")) as url:
        wire = Wire(int(url.rpartition(":")[2].partition("/")[0]))
        known = {"PROFILES": home / "profiles", "POLICIES": home / "policies", "COMPUTE": "threads", "BATCH_SECONDS": 0.01}
        more = {f"NIGHTDUB_{name}": str(value) for name, value in known.items()} | {"NIGHTDUB_TITLES_IN_FLIGHT": "1"}
        more |= {"PREFECT_API_URL": f"http://127.0.0.1:{wire.port}/api"}
        with machines(tmp_path / "logs") as started:
            flow = started.start("flow", ["-c", _FLOW, str(home)], **more)
            until(lambda: len(list((home / "store/objects").glob("*/*/*"))) > 3 or flow.process.poll() is not None, "the first lines")
            wire.cut()
            time.sleep(1.0)
            wire.mend()
            status = flow.ended()
        wire.close()
    record_property("kills", ["prefect", ["cut"], 0])
    assert status == 0, flow.said()[-2000:]
    assert check(small.settings_for(home), undisturbed) == []


def test_what_cannot_be_shown_stops_no_night() -> None:
    asked: list[int] = []

    def show() -> int:
        asked.append(1)
        raise ConnectionError("no server")

    shut = Window()
    assert [shut.show(show) for _ in range(3)] == [None] * 3
    assert asked == [1]  # and it is not asked again for a minute
    assert Window().show(lambda: 7) == 7


def test_a_title_that_prefect_lost_is_reported_with_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it stands in the ledger: only the night itself knows."""
    real = title.localise

    def localise(night: Any, planned: Any, perceived: Any) -> Any:
        if planned.title.id == "t1":
            raise ConnectionError("no server")
        return real(night, planned, perceived)

    monkeypatch.setattr(title, "localise", localise)
    home = tmp_path / "home"
    small.build_home(home)
    report = small.run_small(home)
    assert [row.reasons for row in report.results if row.state == "failed"] == [("ConnectionError: no server [transient]",)]
    monkeypatch.setattr(title, "localise", real)
    assert [row.state for row in small.run_small(home).results if row.title == "t1"] == ["held"]
