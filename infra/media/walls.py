"""The walls around ffmpeg and ffprobe: no network, no other file, no rights, no sight of other processes.

Bubblewrap builds them from Linux namespaces, for root and for ordinary users alike. A machine may not allow that (many containers do not):
the limits of `process` and the one demuxer of `safety` then stand alone, and `nightdub doctor` says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from nightdub.infra.errors import MediaError

NOBODY = "65534"  # user and group inside the walls; where we are root, nothing is written and every file is open to all, outside too
_NOBODY = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
_GUARD = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs", "prlimit", "--core=0", "--")  # what `process` puts before the walls, in short
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")  # links into /usr on Debian, folders elsewhere
_SHOWN = ("/usr", "/etc/alternatives", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/urandom")
_FILE = "file:"  # how our commands begin every path
_OTHERS_READ, _OTHERS_ENTER = 0o4, 0o1
_PATIENCE = 10.0  # seconds that the trial may take


@lru_cache(maxsize=1)
def missing() -> str:
    """Return why this machine has no walls, found out once per process; empty = it has them."""
    if shutil.which("bwrap") is None:
        return "bwrap not found (apt-get install bubblewrap)"
    said = _tried([*_GUARD, *_bubblewrap([], []), "true"])
    return f"namespaces are not allowed here: {said}" if said else ""


@lru_cache(maxsize=1)
def _may_be_nobody() -> bool:
    """Return whether we can give up being root, and nobody may stand within walls where we may; found out once per process."""
    around = [] if missing() else _bubblewrap([], [])
    return os.geteuid() == 0 and not _tried([_GUARD[0], *_NOBODY, *_GUARD[1:], *around, "true"])


def _tried(words: Sequence[str]) -> str:
    """Run a command that does nothing, and return what it complained of."""
    try:
        trial = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (trial.stderr.strip()[-200:] or f"it ended with {trial.returncode}") if trial.returncode else ""


def stand_around(program: str) -> bool:
    """Return whether a program would run within walls: only what lies below /usr is visible there."""
    found = shutil.which(program)
    return bool(found) and Path(str(found)).resolve().is_relative_to("/usr") and not missing()


def walls(command: Sequence[str], also_writes: Sequence[Path] = ()) -> tuple[list[str], list[str]]:
    """Return `setpriv`'s options and the words before a command that put it within walls, where it sees only the files that it names.

    What follows `-i` is shown read-only; any other `file:` is an output, and is made here, since no folder is shown. Both are empty where
    there are no walls, or no identity to give up. Raises: MediaError where an output cannot be written.
    """
    reads, writes = _files(command)
    writes += also_writes
    program = Path(shutil.which(command[0]) or command[0])
    identity = _NOBODY if not writes and all(map(open_to_all, [program, *reads])) and _may_be_nobody() else []
    if not stand_around(command[0]) or not all(map(_within_reach, [*reads, *writes])):
        return identity, []
    for path in writes:
        try:
            path.touch()
        except OSError as error:
            raise MediaError(f"cannot be written: {error.strerror}", where=str(path), fix="check the folder and its permissions") from error
    return identity, _bubblewrap(reads, writes)


def open_to_all(path: Path) -> bool:
    """Return whether any user of this machine can read a file."""
    folders = {*path.absolute().parents, *path.resolve().parents}
    try:
        return bool(path.stat().st_mode & _OTHERS_READ) and all(folder.stat().st_mode & _OTHERS_ENTER for folder in folders)
    except OSError:
        return False


def _within_reach(path: Path) -> bool:
    """Return whether we reach a file without root's right to enter and read everything, which ends at the walls."""
    if os.geteuid():
        return True
    folders = {*path.absolute().parents, *path.resolve().parents}
    try:
        entered = all(not facts.st_uid or facts.st_mode & _OTHERS_ENTER for facts in map(Path.stat, folders))
        return entered and (not path.exists() or not path.stat().st_uid or bool(path.stat().st_mode & _OTHERS_READ))
    except OSError:
        return False


def _bubblewrap(reads: Sequence[Path], writes: Sequence[Path]) -> list[str]:
    here = str(Path.cwd())
    words = ["bwrap", "--unshare-user", "--unshare-all", "--die-with-parent", "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL"]
    words += ["--as-pid-1"]  # without, bwrap leaves a process behind each time, which the machine's first process must reap
    for path in (*_SHOWN, *reads):
        words += ["--ro-bind-try", str(path), str(path)]
    for device in _DEVICES:
        words += ["--dev-bind", device, device]
    for path in writes:
        words += ["--bind", str(path), str(path)]
    return [*words, *_links(), "--dir", here, "--chdir", here, "--remount-ro", "/", "--"]


def _links() -> Iterator[str]:
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


def _files(command: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Return the files that a command names, absolute: those it reads and those it writes."""
    reads: list[Path] = []
    writes: list[Path] = []
    for before, word in pairwise(command):
        if word.startswith(_FILE):
            (reads if before == "-i" else writes).append(Path(word.removeprefix(_FILE)).absolute())
    return reads, writes
