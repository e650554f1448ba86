"""Servers for the tests of the ground floor: real ones, on free ports, over HTTP."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from nightdub.apps.cluster.servers import s3_server
from nightdub.infra import s3
from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import StoreError
from nightdub.infra.store import LocalStore, Store, open_store


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Give the address of a moto server with the bucket `nightdub`."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@pytest.fixture
def quick_s3(monkeypatch: pytest.MonkeyPatch, _session: boto3.session.Session) -> None:
    """Retry without pauses, and read boto3's service descriptions once instead of for every store."""
    monkeypatch.setattr(s3, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(s3.boto3.session, "Session", lambda: _session)


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def remote(tmp_path: Path, s3_endpoint: str, quick_s3: None) -> Store:
    """Give a store below a prefix of its own."""
    keys = {"access_key": "test", "secret_key": "test", "region": "us-east-1"}
    prefix = digest_bytes(str(tmp_path).encode())[:16]
    return open_store(f"s3://nightdub/{prefix}/deep", endpoint=s3_endpoint, cache_dir=str(tmp_path / "cache"), retries=1, **keys)


@pytest.fixture(params=["local", "remote"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give each kind of store in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def overwrite() -> Callable[[Store, str, bytes], None]:
    """Give a vandal: it changes an object's bytes behind the store's back."""

    def vandal(store: Store, digest: str, data: bytes) -> None:
        if isinstance(store, LocalStore):
            path = store.root / "objects" / digest[:2] / digest[2:4] / digest
            path.chmod(0o644)
            path.write_bytes(data)
        else:
            bucket, _, prefix = store.url.removeprefix("s3://").partition("/")
            store._client.put_object(Bucket=bucket, Key=f"{prefix}/objects/{digest}", Body=data)

    return vandal


@pytest.fixture
def race() -> Callable[[Callable[[int], Any]], list[Any]]:
    """Give a race: what twelve threads that start together return or raise."""

    def start(work: Callable[[int], Any], racers: int = 12) -> list[Any]:
        gate = threading.Barrier(racers)

        def run(index: int) -> Any:
            gate.wait()
            try:
                return work(index)
            except StoreError as error:
                return error

        with ThreadPoolExecutor(racers) as pool:
            return list(pool.map(run, range(racers)))

    return start


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store, str], list[dict[str, Any]]]:
    """Give a spy: a list that grows with each of a remote store's requests of one kind."""

    def watch(store: Any, name: str) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []
        real = getattr(store._client, name)
        monkeypatch.setattr(store._client, name, lambda **asked: (calls.append(asked), real(**asked))[1])
        return calls

    return watch
