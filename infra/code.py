"""Which code this process runs: a worker with other code would put other bytes under a flow's keys, so it fills none of its orders.

The digest is of the files that a work function may import. It is taken once, when this module is imported, in about 20 ms. Python imports
much of it later, from files that may have been replaced by then: `check_files` looks again whenever something was imported meanwhile.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from nightdub.infra.errors import OtherCode

ROOMS = ("datasets", "flows", "infra", "quality", "tasks")  # the apps only call them
_ROOT = Path(__file__).parents[1]


def _digest() -> str:
    """Return the sha256 of the names and bytes of the package's own source files."""
    hasher = hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (_ROOT / room).rglob("[!.]*.py") if path.is_file()):
        data = path.read_bytes()
        hasher.update(f"{path.relative_to(_ROOT).as_posix()}\0{len(data)}\0".encode() + data)
    return hasher.hexdigest()


CODE = _digest()
_looked = [len(sys.modules)]  # modules there were when the files were last found unchanged


def check_code(wanted: str) -> None:
    """Raise OtherCode unless this process runs the code with this digest."""
    if wanted != CODE:
        raise OtherCode(f"this worker runs code {CODE[:12]}, the night {wanted[:12]}", fix="start the workers again with the night's code")


def check_files() -> None:
    """Raise OtherCode where this process has imported something since the source files were replaced under it."""
    here = len(sys.modules)
    if here == _looked[0]:
        return
    if not unchanged():
        raise replaced()
    _looked[0] = here


def look_again() -> None:
    """Let the next `check_files` look, whatever was imported: a program of ours is about to be started from its file."""
    _looked[0] = -1


def unchanged() -> bool:
    """Return whether the source files are still those that this process started with."""
    try:
        return _digest() == CODE
    except OSError:  # a file that vanished while it was read
        return False


def replaced() -> OtherCode:
    """Return the error of a process whose source files are no longer those that it started with."""
    return OtherCode("the source files were replaced while this process ran", where=str(_ROOT), fix="start it again")
