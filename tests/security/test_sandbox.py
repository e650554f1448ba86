"""The walls around ffmpeg: what a decoder that was taken over could still do. Each refusal stands beside the same command without them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from canary import Canary, bare

from nightdub.infra.errors import MediaError
from nightdub.infra.media import walls
from nightdub.infra.media.process import ffprobe_command, run, started
from nightdub.infra.media.safety import LIMITS

NEEDS_WALLS = pytest.mark.skipif(bool(walls.missing()), reason=f"this machine has no walls: {walls.missing()}")
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user of the machine may enter; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="nightdub-public-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@NEEDS_WALLS
@pytest.mark.parametrize("target", ["http", "udp"])
def test_no_packet_leaves(target: str, canary: Canary) -> None:
    address = f"{canary.url}/film.ts" if target == "http" else canary.udp
    send = ("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=0.1", "-f", "mpegts", address)
    words = send if target == "udp" else ("ffprobe", "-v", "error", address)
    with suppress(MediaError):  # what is sent within the walls' own loopback is no error
        run(words, LIMITS, "film.mp4")
    assert (canary.hits, canary.packets()) == ([], 0)
    bare(*words)
    assert canary.hits or canary.packets()


@NEEDS_WALLS
def test_no_other_file_is_there(outside: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{outside}\n#EXT-X-ENDLIST\n")
    words = ("ffprobe", "-v", "error", "-show_streams", "-i", f"file:{film}")
    with pytest.raises(MediaError, match="Error when loading first segment"):
        run(words, LIMITS, "film.mp4")
    assert b"mpeg2video" in bare(*words).stdout
    with pytest.raises(MediaError, match="No such file"):
        run(["cat", str(outside), "/etc/passwd", "/proc/self/environ"], LIMITS, "film.mp4")


@NEEDS_WALLS
def test_of_a_folder_only_the_named_files_are_there(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    (tmp_path / "neighbour.mp4").touch()
    words = ["sh", "-c", 'ls -A "$(dirname "${1#file:}")"', "-i", f"file:{tmp_path / 'film.mp4'}"]
    assert run(words, LIMITS, "film.mp4").split() == [b"film.mp4"]
    assert bare(*words).stdout.split() == [b"film.mp4", b"neighbour.mp4"]


@NEEDS_WALLS
def test_only_the_named_output_can_be_written(tmp_path: Path) -> None:
    given, out, other = (tmp_path / name for name in ("in.wav", "out.wav", "other.wav"))
    given.write_text("given")
    write = 'echo made > "${3#file:}"; (echo broken > "${2#file:}"); (echo broken > "$(dirname "$2")/x"); echo broken > "$4"'
    words = ["sh", "-c", write, "sh", "-i", f"file:{given}", f"file:{out}", str(other)]
    with pytest.raises(MediaError, match="Read-only file system"):
        run(words, LIMITS, "film.mp4")
    assert (given.read_text(), out.read_text(), other.exists()) == ("given", "made\n", False)


@NEEDS_WALLS
def test_inside_there_are_no_rights_and_nobody_else() -> None:
    said = dict(line.split(":", 1) for line in run(["setpriv", "--dump"], LIMITS, "x").decode().splitlines() if ":" in line)
    assert said["uid"].split() == said["gid"].split() == [walls.NOBODY]
    assert said["no_new_privs"].strip() == "1"
    assert said["Capability bounding set"].strip() == said["Supplementary groups"].strip() == "[none]"
    kill = ["sh", "-c", f"kill -0 {os.getpid()}"]
    assert bare(*kill).returncode == 0
    with pytest.raises(MediaError, match="No such process"):
        run(kill, LIMITS, "x")


@NEEDS_WALLS
@NEEDS_ROOT
def test_root_becomes_nobody_where_every_file_is_open_to_all(public: Path) -> None:
    film = public / "film.mp4"
    film.touch(0o644)
    assert _owner(["sleep", "9", "-i", f"file:{film}"]) == int(walls.NOBODY)
    film.chmod(0o600)
    assert _owner(["sleep", "9", "-i", f"file:{film}"]) == 0


@NEEDS_WALLS
@NEEDS_ROOT
def test_an_ordinary_user_has_the_same_walls(public: Path, canary: Canary) -> None:
    (public / "secret").write_text("secret")
    (public / "secret").chmod(0o644)
    ordinary = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    around = walls.walls(["cat"])[1]
    assert bare(*ordinary, "cat", str(public / "secret")).stdout == b"secret"
    assert b"No such file" in bare(*ordinary, *around, "cat", str(public / "secret")).stderr
    assert bare(*ordinary, *around, "ffprobe", "-v", "error", f"{canary.url}/film.ts").returncode != 0
    assert canary.hits == []


@NEEDS_WALLS
def test_a_killed_command_leaves_nothing_inside_running(tmp_path: Path) -> None:
    mark = tmp_path / "film.mp4"
    mark.touch()
    with pytest.raises(KeyError), started(["sleep", "977", "-i", f"file:{mark}"], LIMITS, "x") as child:
        raise KeyError
    assert child.returncode == -9
    assert not any(str(mark) in words for words in _running())


def test_a_machine_without_walls_still_has_the_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{_bin_without_bwrap(tmp_path)}")
    walls.missing.cache_clear()
    try:
        assert walls.missing() == "bwrap not found (apt-get install bubblewrap)"
        said = run(["sh", "-c", "ulimit -c; setpriv --dump | grep no_new_privs"], LIMITS, "x").decode()
    finally:
        walls.missing.cache_clear()
    assert said.split() == ["0", "no_new_privs:", "1"]


def test_a_machine_that_forbids_namespaces_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = _bin_without_bwrap(tmp_path)
    (folder / "bwrap").write_text("#!/bin/sh\necho bwrap: No permissions to create a new namespace >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    walls.missing.cache_clear()
    try:
        assert "No permissions to create a new namespace" in walls.missing()
        assert run(["echo", "works"], LIMITS, "x") == b"works\n"
    finally:
        walls.missing.cache_clear()


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot be written: No such file|failed"):
        run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=0.1", f"file:{tmp_path}/absent/out.wav"], LIMITS, "x")


def test_a_crash_of_the_decoder_is_an_error_of_ours() -> None:
    with pytest.raises(MediaError, match=r"sh failed \(-11\)"):
        run(["sh", "-c", "sh -c 'kill -SEGV $$'"], LIMITS, "film.mp4")


def test_every_probe_goes_through_the_walls(tmp_path: Path) -> None:
    command = ffprobe_command(LIMITS, "-i", f"file:{tmp_path / 'film.mp4'}")
    assert ("bwrap" in walls.walls(command)[1]) is not bool(walls.missing())


def _owner(words: list[str]) -> int:
    """Return the user that a started command runs as, seen from outside."""
    with suppress(KeyError), started(words, LIMITS, "x") as child:
        while b"bwrap" not in (command := Path(f"/proc/{child.pid}/cmdline").read_bytes().split(b"\0"))[0]:
            assert command
        owner = Path(f"/proc/{child.pid}").stat().st_uid
        raise KeyError
    return owner


def _running() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def _bin_without_bwrap(folder: Path) -> Path:
    """Return a folder of links to the few programs that are needed."""
    folder = folder / "bin"
    folder.mkdir()
    for name in ("sh", "setpriv", "prlimit", "grep", "echo"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def test_the_trial_is_made_once_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    walls.missing()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("tried again"))
    walls.missing()
