"""Whole nights on an S3 server behind a proxy that plants faults: they converge to the bytes of an undisturbed night."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

import histories
import small
from catalogues import build_alone
from checker import Reference, check, reference_of, wrong_with
from proxy import FAULTS, Proxy, proxied

from nightdub.apps.cluster.servers import s3_server
from nightdub.flows import page
from nightdub.flows.night import open_books
from nightdub.infra import s3
from nightdub.infra.errors import NightdubError, PointerConflict, StoreUnavailable
from nightdub.infra.store import Store, open_store

SEEDS = range(20_261_121, 20_261_127)
RATE = 0.25  # of all requests meet a fault
NIGHTS = 8  # at most, until one ends with nothing that failed
KEYS = {"region": "us-east-1", "access_key": "test", "secret_key": "test"}


@pytest.fixture(scope="module")
def direct() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    home = tmp_path_factory.mktemp("undisturbed")
    build_alone(home)
    small.run_small(home)
    return reference_of(small.settings_for(home))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, session: boto3.session.Session, template: object) -> None:
    monkeypatch.setattr(s3, "BACKOFF_SECONDS", 0.005)
    monkeypatch.setattr(s3, "BACKOFF_LIMIT", 0.05)
    monkeypatch.setattr(page, "jinja2", template)
    monkeypatch.setattr(s3.boto3.session, "Session", lambda: session)  # reads the service's description once
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def session() -> boto3.session.Session:
    return boto3.session.Session()


@pytest.fixture(scope="module")
def template() -> object:
    return histories._compiled()


def on_s3(name: str, endpoint: str) -> dict[str, Any]:
    keys = {f"store_{key}": value for key, value in KEYS.items()}
    return {"store": f"s3://nightdub/{name}", "store_endpoint": endpoint, "lease_seconds": 5.0, **keys}


class Reader:
    """Follows every release pointer again and again, past the proxy, and writes down what nobody must ever see."""

    def __init__(self, home: Path, settings: dict[str, Any]) -> None:
        self.home, self.settings = home, settings
        self.looks, self.torn = 0, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        with open_books(small.settings_for(self.home, **self.settings)) as books:
            while not self._stop.wait(0.02):
                for name in list(books.store.pointers("releases/")):
                    said = json.loads(books.store.read_pointer(name).value)
                    self.looks += 1
                    try:
                        wrong = wrong_with(books.store.get_bytes(said["package"]), said["title"], said["language"])
                    except NightdubError as error:
                        wrong = str(error)
                    self.torn += [f"{name}: {wrong}"] if wrong else []


def nights(home: Path, proxy: Proxy, direct: str) -> tuple[int, Reader]:
    """Run nights until one ends with nothing that failed; return how many there were, and what a reader saw."""
    with Reader(home, on_s3(home.name, direct)) as reader:
        for night in range(1, NIGHTS + 1):
            try:
                report = small.run_small(home, **on_s3(home.name, proxy.url))
            except StoreUnavailable as error:  # gone for longer than all attempts, where no title is to blame: the next night goes on
                left = [str(error)]
            else:
                assert report.balanced
                left = [f"{row}" for row in report.results if row.state == "failed"]
            if not left:
                return night, reader
    raise AssertionError(f"seed {proxy.seed}: still failing after {NIGHTS} nights: {left}")


@pytest.mark.slow
def test_nights_converge_whatever_the_store_answers(
    direct: str, undisturbed: Reference, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A failing seed is replayed with `pytest tests/chaos/test_store_faults.py` after `SEEDS` was set to it alone."""
    planted, looks, problems = Counter[str](), 0, []
    for seed in SEEDS:
        home = tmp_path / f"seed-{seed}"
        build_alone(home)
        with proxied(direct, seed, RATE) as proxy:
            if seed % 3 == 0:
                proxy.go(after=40 + seed % 50, seconds=0.5)
            count, reader = nights(home, proxy, direct)
        planted += proxy.planted
        looks += reader.looks
        found = [*reader.torn, *check(small.settings_for(home, **on_s3(home.name, direct)), undisturbed)]
        problems += [f"seed {seed} ({count} nights): {problem}" for problem in found]
    record_property("kills", [f"store-{SEEDS[0]}-{SEEDS[-1]}", [], looks])
    record_property("faults", dict(planted))
    assert not problems
    assert looks > len(SEEDS)
    assert set(planted) == {"gone", *(fault for faults in FAULTS.values() for fault in faults)}


# ---------------------------------------------------------------- each fault by itself


@pytest.fixture
def through(direct: str, tmp_path: Path) -> Iterator[Callable[..., tuple[Store, Proxy]]]:
    """Open a store behind a proxy that answers every request with one kind of fault, as often as it is told."""
    opened = []

    def start(*only: str, rate: float = 0.5, retries: int = 16) -> tuple[Store, Proxy]:
        context = proxied(direct, 7, rate, only)
        proxy = context.__enter__()
        opened.append(context)
        folder = tmp_path / f"cache-{len(opened)}"
        url = f"s3://nightdub/{tmp_path.name}-{len(opened)}"
        return open_store(url, endpoint=proxy.url, cache_dir=str(folder), retries=retries, **KEYS), proxy

    yield start
    for context in opened:
        context.__exit__(None, None, None)


@pytest.mark.parametrize("fault", sorted({fault for faults in FAULTS.values() for fault in faults}))
def test_each_fault_ends_in_the_right_bytes_and_one_version(through: Callable[..., tuple[Store, Proxy]], fault: str) -> None:
    store, proxy = through(fault)
    version = None
    for number in range(4):
        data = f"{fault} {number} ".encode() * 4000
        digest = store.put_bytes(data)
        assert store.get_bytes(digest) == data
        assert store.size(digest) == len(data)
        pointer = store.write_pointer("releases/t/es", digest.encode(), version)
        version = pointer.version
        assert store.read_pointer("releases/t/es") == pointer
    assert proxy.planted[fault] > 1
    proxy.rate = 0.0
    assert len(list(store.objects())) == 4
    with pytest.raises(PointerConflict):
        store.write_pointer("releases/t/es", b"late", None)


def test_an_answer_412_to_ones_own_write_is_a_success(through: Callable[..., tuple[Store, Proxy]]) -> None:
    store, proxy = through("412 after", rate=1.0)
    assert store.get_bytes(store.put_bytes(b"film")) == b"film"
    first = store.write_pointer("releases/t/es", b"one", None)
    second = store.write_pointer("releases/t/es", b"two", first.version)
    assert store.read_pointer("releases/t/es") == second
    assert proxy.planted["412 after"] == 3


def test_an_answer_412_to_the_write_of_another_is_a_conflict(through: Callable[..., tuple[Store, Proxy]]) -> None:
    store, _ = through("lost", rate=0.5)
    first = store.write_pointer("releases/t/es", b"one", None)
    store.write_pointer("releases/t/es", b"two", first.version)
    with pytest.raises(PointerConflict):
        store.write_pointer("releases/t/es", b"three", first.version)
    assert store.read_pointer("releases/t/es").value == b"two"


def test_an_error_whose_text_breaks_off_is_tried_again(through: Callable[..., tuple[Store, Proxy]]) -> None:
    """botocore 1.44 reads the body of an error outside its own net: urllib3's error comes through."""
    store, proxy = through("truncated")
    assert [store.read_pointer(f"releases/never/{number}") for number in range(6)] == [None] * 6
    assert proxy.planted["truncated"] > 1


def test_a_store_that_is_gone_for_good_says_so(through: Callable[..., tuple[Store, Proxy]]) -> None:
    store, proxy = through(retries=2)
    proxy.go(after=1, seconds=60)
    with pytest.raises(StoreUnavailable, match="after 3 attempts"):
        store.put_bytes(b"film")
