"""The cache that all processes of a machine share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightdub.infra import cache as cache_module
from nightdub.infra.cache import Cache
from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import DigestMismatch
from nightdub.infra.store import Store

ABSENT = "0" * 64
RACERS = 12  # as the fixture `race` starts them
Race = Callable[[Callable[[int], Any]], list[Any]]
Spy = Callable[[Store, str], list[dict[str, Any]]]


class TestCache:
    @pytest.fixture
    def cache(self, tmp_path: Path) -> Cache:
        return Cache(tmp_path / "cache", 1000)

    @staticmethod
    def fill(cache: Cache, data: bytes) -> Path:
        return cache.fetch(digest_bytes(data), lambda: [data])

    def test_second_read_does_not_ask_the_server(self, remote: Store, spy: Spy) -> None:
        digest = remote.put_bytes(b"once")
        calls = spy(remote, "get_object")
        assert [remote.get_bytes(digest) for _ in range(3)] == [b"once"] * 3
        assert len(calls) == 1

    def test_damaged_copy_is_read_again(self, remote: Store) -> None:
        digest = remote.put_bytes(b"a good line")
        path = remote.fetch(digest)
        path.chmod(0o644)
        path.write_bytes(b"a bad  line")
        assert remote.fetch(digest).read_bytes() == b"a good line"

    def test_least_recently_used_go_first(self, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = [self.fill(cache, bytes([index]) * 300) for index in range(3)]
        for age, path in enumerate(paths):
            os.utime(path, (1000 + age, 1000 + age))
        self.fill(cache, bytes([0]) * 300)  # used: now the youngest
        newest = self.fill(cache, bytes([3]) * 300)
        assert [path.exists() for path in (*paths, newest)] == [True, False, True, True]

    def test_what_was_just_read_is_spared(self, cache: Cache) -> None:
        paths = [self.fill(cache, bytes([index]) * 300) for index in range(5)]
        assert all(path.exists() for path in paths)

    def test_nothing_is_spared_for_ever(self, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = [self.fill(cache, bytes([index]) * 300) for index in range(5)]
        monkeypatch.setattr(cache_module, "SPARED_SECONDS", -60)
        cache.trim()
        assert sum(path.exists() for path in paths) == 3

    def test_cache_emptied_by_hand(self, cache: Cache) -> None:
        cache.folder.rename(cache.folder.with_name("elsewhere"))
        assert self.fill(cache, b"again").read_bytes() == b"again"

    def test_wrong_bytes_are_not_kept(self, cache: Cache) -> None:
        with pytest.raises(DigestMismatch):
            cache.fetch(ABSENT, lambda: [b"wrong"])
        assert list(cache.folder.glob("objects/*/*")) == list(cache.folder.glob("incoming/*")) == []

    def test_racing_readers_and_trimmers(self, cache: Cache, monkeypatch: pytest.MonkeyPatch, race: Race) -> None:
        def read(index: int) -> bytes:
            data = bytes([index % 4]) * 200
            path = self.fill(cache, data)
            cache.trim()
            return path.read_bytes()

        assert race(read) == [bytes([index % 4]) * 200 for index in range(RACERS)]
