"""What every store promises, held by a folder and by a real S3 server over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightdub.infra.digests import digest_bytes
from nightdub.infra.errors import ConfigError, DigestMismatch, ObjectMissing, PointerConflict, StoreError
from nightdub.infra.store import LocalStore, Pointer, Store, open_store

ABSENT = "0" * 64
RACERS = 12  # as the fixture `race` starts them
Race = Callable[[Callable[[int], Any]], list[Any]]


class TestObjects:
    @pytest.mark.parametrize("data", [b"", b"a line of dialogue", os.urandom(3 << 20)], ids=["empty", "short", "3 MiB"])
    def test_bytes_come_back(self, store: Store, tmp_path: Path, data: bytes) -> None:
        source = tmp_path / "clip.wav"
        source.write_bytes(data)
        digest = store.put_file(source)
        assert digest == digest_bytes(data) == store.put_bytes(data) == store.put_file(source)
        assert store.get_bytes(digest) == data
        assert store.fetch(digest).read_bytes() == data
        assert store.exists(digest)
        assert store.size(digest) == len(data)
        assert [(entry.digest, entry.size) for entry in store.objects()] == [(digest, len(data))]
        assert source.exists()

    def test_fetched_file_is_read_only(self, store: Store) -> None:
        assert store.fetch(store.put_bytes(b"x")).stat().st_mode & 0o777 == 0o444

    @pytest.mark.parametrize(("start", "length", "part"), [(0, 3, b"012"), (4, 2, b"45"), (8, 9, b"89"), (10, 1, b""), (99, 1, b"")])
    def test_range(self, store: Store, start: int, length: int, part: bytes) -> None:
        assert store.read_range(store.put_bytes(b"0123456789"), start, length) == part

    @pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 0), (3, -1)])
    def test_impossible_range_is_refused(self, store: Store, start: int, length: int) -> None:
        with pytest.raises(StoreError, match="not a range"):
            store.read_range(ABSENT, start, length)

    @pytest.mark.parametrize("read", ["get_bytes", "fetch", "size"])
    def test_missing_object(self, store: Store, read: str) -> None:
        assert not store.exists(ABSENT)
        with pytest.raises(ObjectMissing, match=ABSENT[:8]):
            getattr(store, read)(ABSENT)
        with pytest.raises(ObjectMissing):
            store.read_range(ABSENT, 0, 1)

    def test_deleted_object_is_gone_and_may_come_again(self, store: Store) -> None:
        digest = store.put_bytes(b"gone")
        store.fetch(digest)
        store.delete(digest)
        store.delete(digest)
        assert not store.exists(digest)
        with pytest.raises(ObjectMissing):
            store.fetch(digest)
        assert store.put_bytes(b"gone") == digest
        assert store.get_bytes(digest) == b"gone"

    @pytest.mark.parametrize("bad", ["", "abc", "../../etc/passwd", "A" * 64, "0" * 63 + "\n", "0" * 65])
    def test_digest_that_is_none_is_refused(self, store: Store, bad: str) -> None:
        for use in (store.get_bytes, store.fetch, store.exists, store.size, store.delete):
            with pytest.raises(StoreError, match="not a digest"):
                use(bad)

    @pytest.mark.parametrize("damage", [b"a bad line", b"a go", b""], ids=["tampered", "truncated", "emptied"])
    def test_damaged_object_is_never_given_out(self, store: Store, overwrite: Callable[..., None], damage: bytes) -> None:
        digest = store.put_bytes(b"a gold line")
        overwrite(store, digest, damage)
        for read in (store.get_bytes, store.fetch):
            with pytest.raises(DigestMismatch, match=digest) as caught:
                read(digest)
            assert "build again" in caught.value.fix
            assert not caught.value.transient

    def test_object_cut_short_is_mended_by_the_next_put(self, store: Store, overwrite: Callable[..., None]) -> None:
        digest = store.put_bytes(b"a good line")
        overwrite(store, digest, b"a go")
        store.put_bytes(b"a good line")
        assert store.get_bytes(digest) == b"a good line"

    def test_racing_creators_all_succeed_with_one_object(self, store: Store, race: Race) -> None:
        data = os.urandom(200_000)
        assert race(lambda _: store.put_bytes(data)) == [digest_bytes(data)] * RACERS
        assert [entry.digest for entry in store.objects()] == [digest_bytes(data)]
        assert store.get_bytes(digest_bytes(data)) == data

    def test_listing_is_sorted_and_timed(self, store: Store) -> None:
        digests = [store.put_bytes(b"%d" % index) for index in range(5)]
        entries = list(store.objects())
        assert [entry.digest for entry in entries] == sorted(digests)
        assert all(abs(time.time() - entry.modified) < 60 for entry in entries)


class TestPointers:
    def test_pointer_moves_by_version(self, store: Store) -> None:
        assert store.read_pointer("releases/alba/es") is None
        first = store.write_pointer("releases/alba/es", b"one", None)
        assert store.read_pointer("releases/alba/es") == first == Pointer(b"one", first.version)
        second = store.write_pointer("releases/alba/es", b"two", first.version)
        assert store.read_pointer("releases/alba/es") == second
        for stale in (first.version, None):
            with pytest.raises(PointerConflict, match="releases/alba/es"):
                store.write_pointer("releases/alba/es", b"three", stale)

    def test_value_that_returns_has_a_new_version(self, store: Store) -> None:
        first = store.write_pointer("p", b"A", None)
        second = store.write_pointer("p", b"B", first.version)
        third = store.write_pointer("p", b"A", second.version)
        assert third.version != first.version
        with pytest.raises(PointerConflict):
            store.write_pointer("p", b"C", first.version)

    def test_pointer_deleted_meanwhile_is_a_conflict(self, store: Store) -> None:
        first = store.write_pointer("p", b"A", None)
        store.delete_pointer("p")
        store.delete_pointer("p")
        assert store.read_pointer("p") is None
        with pytest.raises(PointerConflict):
            store.write_pointer("p", b"B", first.version)

    @pytest.mark.parametrize("value", [b"", b"\n\n", b"\x00\xff" * 5000])
    def test_any_value(self, store: Store, value: bytes) -> None:
        version = store.write_pointer("p", value, None).version
        assert store.read_pointer("p") == Pointer(value, version)

    def test_names_by_prefix(self, store: Store) -> None:
        names = ["a", "a/b", "a/b/c", "ab", "b"]
        for name in names:
            store.write_pointer(name, b"", None)
        assert sorted(store.pointers("")) == names
        assert list(store.pointers("a/")) == ["a/b", "a/b/c"]
        assert list(store.pointers("a/b")) == ["a/b", "a/b/c"]
        assert list(store.pointers("none/")) == []
        assert list(store.objects()) == []

    @pytest.mark.parametrize("bad", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "a b", "a\nb", "a~", "x" * 201, "é"])
    def test_name_that_is_none_is_refused(self, store: Store, bad: str) -> None:
        for use in (store.read_pointer, store.delete_pointer, lambda name: store.write_pointer(name, b"", None)):
            with pytest.raises(StoreError, match="not a pointer's name"):
                use(bad)

    def test_prefix_cannot_climb(self, store: Store) -> None:
        with pytest.raises(StoreError, match="not a pointer's name"):
            list(store.pointers("../objects/"))

    def test_racing_creators_have_one_winner(self, store: Store, race: Race) -> None:
        answers = race(lambda index: store.write_pointer("p", b"%d" % index, None))
        winners = [answer for answer in answers if isinstance(answer, Pointer)]
        assert len(winners) == 1
        assert sum(isinstance(answer, PointerConflict) for answer in answers) == RACERS - 1
        assert store.read_pointer("p") == winners[0]

    def test_racing_publishers_have_one_winner(self, store: Store, race: Race) -> None:
        version = store.write_pointer("p", b"old", None).version
        answers = race(lambda index: store.write_pointer("p", b"%d" % index, version))
        winners = [answer for answer in answers if isinstance(answer, Pointer)]
        assert len(winners) == 1
        assert store.read_pointer("p") == winners[0]

    def test_foreign_pointer_is_refused(self, local: LocalStore) -> None:
        local.write_pointer("p", b"x", None)
        (local.root / "pointers" / "p~").write_bytes(b"somebody's notes")
        with pytest.raises(StoreError, match="not a pointer that this program wrote"):
            local.read_pointer("p")


class TestOpening:
    def test_url_of_a_folder_opens_it_again(self, tmp_path: Path) -> None:
        store = open_store(str(tmp_path / "a folder with ü"))
        digest = store.put_bytes(b"x")
        assert store.url.startswith("file:///")
        assert open_store(store.url).get_bytes(digest) == b"x"

    def test_same_url_and_options_give_the_same_store(self, tmp_path: Path) -> None:
        assert open_store(str(tmp_path)) is open_store(tmp_path.as_uri())
        url, cache = "s3://bucket/p", {"cache_dir": str(tmp_path)}
        assert open_store(url, **cache) is open_store(url, **cache)
        assert open_store(url, **cache) is not open_store(url, retries=1, **cache)

    def test_relative_path_belongs_to_the_folder_it_was_opened_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        urls = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            monkeypatch.chdir(tmp_path / name)
            urls.append(open_store("store").url)
        assert urls == [(tmp_path / name / "store").as_uri() for name in ("a", "b")]

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "http://x/y",
            "file://host/x",
            "file:x",
            "s3://",
            "s3:/x",
            "s3://UPPER/x",
            "s3://b",
            "s3://bucket/p?q=1",
            "s3://key:secret@bucket/p",
        ],
    )
    def test_bad_url(self, url: str) -> None:
        with pytest.raises(ConfigError, match="allowed: a path, file:///folder, or s3://bucket/prefix") as caught:
            open_store(url)
        assert "secret" not in str(caught.value)

    def test_prefix_cannot_climb(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="not a store's URL"):
            open_store("s3://bucket/../other", cache_dir=str(tmp_path))

    def test_url_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(ConfigError, match="is a file"):
            open_store(str(tmp_path / "file"))

    @pytest.mark.parametrize(
        ("options", "word"),
        [({"colour": 1}, "colour"), ({"retries": "many"}, "retries"), ({"retries": -1}, "retries"), ({"read_timeout": 0}, "read_timeout")],
    )
    def test_bad_options(self, tmp_path: Path, options: dict[str, Any], word: str) -> None:
        with pytest.raises(ConfigError, match=word):
            open_store(str(tmp_path), **options)

    def test_local_store_loads_no_boto3(self) -> None:
        script = "import sys, nightdub.infra.store; raise SystemExit('boto3' in sys.modules or 'botocore' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
