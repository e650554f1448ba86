"""What is special to a store in a folder: full, forbidden and lost disks, and many processes."""

from __future__ import annotations

import errno
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nightdub.infra import disk
from nightdub.infra.errors import DigestMismatch, PointerConflict, StoreError, StoreUnavailable
from nightdub.infra.store import LocalStore


def _count_up(folder: Path, times: int) -> None:
    store = LocalStore(folder)
    for _ in range(times):
        while True:
            current = store.read_pointer("count")
            try:
                store.write_pointer("count", b"%d" % (int(current.value) + 1 if current else 1), current.version if current else None)
                break
            except PointerConflict:
                continue


class TestLocal:
    def test_no_update_is_lost_between_processes(self, local: LocalStore) -> None:
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_count_up, args=(local.root, 15)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        pointer = local.read_pointer("count")
        assert pointer is not None
        assert pointer.value == b"120"

    def test_put_renews_the_time(self, local: LocalStore) -> None:
        path = local.fetch(local.put_bytes(b"old"))
        os.utime(path, (1, 1))
        local.put_bytes(b"old")
        assert time.time() - path.stat().st_mtime < 60

    def test_tampered_object_is_mended_by_the_next_put(self, local: LocalStore, overwrite: Callable[..., None]) -> None:
        digest = local.put_bytes(b"a good line")
        overwrite(local, digest, b"a bad  line")
        local.put_bytes(b"a good line")
        assert local.get_bytes(digest) == b"a good line"

    def test_full_disk_leaves_nothing(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        version = local.write_pointer("p", b"old", None).version
        monkeypatch.setattr(disk.os, "fsync", full)
        for write in (lambda: local.put_bytes(b"x" * 100_000), lambda: local.write_pointer("p", b"new", version)):
            with pytest.raises(StoreError, match="no space left") as caught:
                write()
            assert not caught.value.transient
            assert "free or add disk space" in caught.value.fix
        monkeypatch.undo()
        self._holds_only_the_old_pointer(local)

    def test_disk_that_fills_up_while_writing_leaves_nothing(self, local: LocalStore, tmp_path: Path) -> None:
        """A process that may write 1 MiB at most meets a real short write, then EFBIG."""
        local.write_pointer("p", b"old", None)
        source = tmp_path / "big"
        source.write_bytes(os.urandom(3 << 20))
        script = (
            "import sys, signal, resource; from pathlib import Path; from nightdub.infra.store import open_store\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
            "open_store(sys.argv[1]).put_file(Path(sys.argv[2]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(local.root), str(source)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert "no space left" in done.stderr
        self._holds_only_the_old_pointer(local)

    @staticmethod
    def _holds_only_the_old_pointer(local: LocalStore) -> None:
        pointer = local.read_pointer("p")
        assert pointer is not None
        assert pointer.value == b"old"
        assert list(local.objects()) == []
        assert list((local.root / "incoming").iterdir()) == []

    def test_source_that_changes_while_it_is_stored(self, local: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = tmp_path / "growing.wav"
        source.write_bytes(b"before")
        monkeypatch.setattr("nightdub.infra.store.blocks_of", lambda _path: iter([b"after"]))
        with pytest.raises(DigestMismatch):
            local.put_file(source)
        assert list(local.objects()) == []

    def test_store_whose_folder_is_gone(self, local: LocalStore) -> None:
        digest = local.put_bytes(b"x")
        local.root.rename(local.root.with_name("elsewhere"))
        uses: list[Callable[[], object]] = [
            lambda: local.put_bytes(b"y"),
            lambda: local.get_bytes(digest),
            lambda: local.fetch(digest),
            lambda: local.exists(digest),
            lambda: list(local.objects()),
            lambda: local.read_pointer("p"),
            lambda: local.write_pointer("p", b"", None),
            lambda: list(local.pointers("")),
        ]
        for use in uses:
            with pytest.raises(StoreUnavailable, match="mount or restore"):
                use()
        assert not local.root.exists()

    def test_forbidden_folder(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(*_args: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(disk.os, "fchmod", forbidden)
        with pytest.raises(StoreError, match="not allowed to write or read here"):
            local.put_bytes(b"x")

    def test_leftovers_of_killed_processes_are_swept_after_a_day(self, local: LocalStore) -> None:
        old, new = local.root / "incoming" / "old", local.root / "incoming" / "new"
        for leftover in (old, new):
            leftover.write_bytes(b"half")
        os.utime(old, (1, 1))
        LocalStore(local.root)
        assert not old.exists()
        assert new.exists()
