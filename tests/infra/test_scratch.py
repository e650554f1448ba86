"""Scratch folders are gone when their owner is, however it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from nightdub.infra.scratch import PREFIX, Scratch, sweep

OWNER = """
import sys, time
from nightdub.infra.scratch import Scratch
with Scratch() as folder:
    open(folder + "/half", "w").close()
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep this test's scratch folders by themselves."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> Path:
    os.utime(folder, (time.time() - 3600, time.time() - 3600))
    return folder


def test_a_folder_ends_with_its_work(room: Path) -> None:
    with Scratch("join") as folder:
        (Path(folder) / "part").write_text("x")
        assert Path(folder).parent == room
        assert Path(folder).name.startswith(f"{PREFIX}join-")
    assert list(room.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_is_not(room: Path) -> None:
    with (
        subprocess.Popen([sys.executable, "-c", OWNER], env=os.environ | {"TMPDIR": str(room)}, stdout=subprocess.PIPE, text=True) as owner,
        Scratch() as ours,
    ):
        assert owner.stdout
        theirs = aged(Path(owner.stdout.readline().strip()))
        aged(Path(ours))
        assert sweep() == 0
        assert (theirs / "half").exists()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert sweep() == 1
        assert not theirs.exists()
        assert Path(ours).exists()


def test_young_folders_links_and_those_of_other_programs_are_left_alone(room: Path) -> None:
    (room / f"{PREFIX}young").mkdir()
    (room / "nightdub-pg-old").mkdir()
    (room / "precious").mkdir()
    (room / "precious/file").write_text("x")
    (room / f"{PREFIX}link").symlink_to(room / "precious")
    for path in (room / "nightdub-pg-old", room / "precious"):
        aged(path)
    os.utime(room / f"{PREFIX}link", (0, 0), follow_symlinks=False)
    assert sweep() == 0
    assert (room / "precious/file").exists()
    assert len(list(room.iterdir())) == 4
