from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import ffmpeg
import pytest

from nightdub.infra.errors import MachineLacks, MediaError
from nightdub.infra.media import process
from nightdub.infra.media.process import ffmpeg_command, run, started
from nightdub.infra.media.safety import LIMITS, Limits


def endless(out: str = "-", **options: str) -> object:
    """Return a graph that never ends."""
    return ffmpeg.input("testsrc2=s=320x240", f="lavfi").output(out, **({"f": "null"} | options))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(wall=0.3), "ffmpeg took more than 0.3 s"),
        (Limits(cpu=1), "ffmpeg .*used more than 1 s of CPU|ffmpeg failed"),
        (Limits(memory=16 << 20), "ffmpeg failed"),
    ],
)
def test_a_process_ends_at_its_limits(limits: Limits, message: str) -> None:
    with pytest.raises(MediaError, match=message) as caught:
        run(ffmpeg_command(endless(), limits), limits, "film.mp4")
    assert caught.value.where == "film.mp4"


def test_a_file_ends_at_its_limit(tmp_path: Path) -> None:
    limits = Limits(output=100_000)
    with pytest.raises(MediaError, match=r"100000 bytes|File too large"):
        run(ffmpeg_command(endless(f"file:{tmp_path / 'out.mkv'}", f="matroska", vcodec="rawvideo"), limits), limits, "film.mp4")
    assert (tmp_path / "out.mkv").stat().st_size <= 100_000


def test_an_answer_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ANSWER", 1000)
    with pytest.raises(MediaError, match="answered with more than 1000 bytes"):
        run(ffmpeg_command(endless(f="rawvideo"), LIMITS), LIMITS, "film.mp4")


def test_what_the_program_said_is_told_without_addresses() -> None:
    with pytest.raises(MediaError, match=r"ffmpeg failed \(1\): .*No such file") as caught:
        run(ffmpeg_command(ffmpeg.input("file:/nowhere/film.mp4").output("-", f="null"), LIMITS), LIMITS, "film.mp4")
    assert "0x" not in str(caught.value)
    assert len(str(caught.value)) < 900


def test_a_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineLacks, match="ffmpeg not found; next: apt-get install ffmpeg"):
        run(["ffmpeg", "-version"], LIMITS, "film.mp4")


def test_the_child_sees_none_of_our_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = tmp_path / "report.log"
    monkeypatch.setenv("FFREPORT", f"file={report}")
    monkeypatch.setenv("SECRET", "canary")
    assert run(["ffmpeg", "-version"], LIMITS, "film.mp4").startswith(b"ffmpeg version")
    assert not report.exists()
    assert b"canary" not in run(["env"], LIMITS, "film.mp4")


def test_an_error_in_the_block_kills_the_child() -> None:
    with pytest.raises(KeyError), started(ffmpeg_command(endless(), LIMITS), LIMITS, "film.mp4") as child:
        raise KeyError
    assert child.returncode == -signal.SIGKILL


def test_a_killed_worker_leaves_no_child_behind() -> None:
    program = (
        "import ffmpeg, sys\n"
        "from nightdub.infra.media.process import ffmpeg_command, started\n"
        "from nightdub.infra.media.safety import LIMITS\n"
        "graph = ffmpeg.input('testsrc2', f='lavfi').output('pipe:', f='rawvideo')\n"
        "with started(ffmpeg_command(graph, LIMITS), LIMITS, 'x') as child:\n"
        "    child.stdout.read(1)\n"
        "    print(child.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        child = os.pidfd_open(int(worker.stdout.readline()))
        worker.kill()
    ended, _, _ = select.select([child], [], [], 30)
    os.close(child)
    assert ended == [child]


def test_limits_are_set_before_the_program_starts() -> None:
    limits = replace(LIMITS, memory=3 << 30, cpu=77, output=12345)
    said = (
        run(["sh", "-c", "ulimit -v; ulimit -t; ulimit -f; ulimit -c; setpriv --dump | grep no_new_privs"], limits, "film.mp4")
        .decode()
        .split()
    )
    assert said == [str(3 << 20), "77", str(12345 // 512), "0", "no_new_privs:", "1"]
