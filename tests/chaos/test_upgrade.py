"""An upgrade in the middle of a night: workers of old and new code share one scheduler, and fill only their own nights' orders."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

import errands
import plain_steps
import small
from catalogues import build_alone
from machines import HERE, Machines, machines, until

from nightdub.flows.night import open_books
from nightdub.infra import code
from nightdub.infra.children import free_port
from nightdub.infra.code import ROOMS
from nightdub.infra.errors import OtherCode
from nightdub.infra.work import fill

LINES = 4  # in each title; each takes 50 ms
NIGHT = """
import sys
from nightdub.flows import plain_steps
sys.modules["plain_steps"] = plain_steps
import small
sys.exit(small.main(*sys.argv[1:]))
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Machines]:
    with machines(tmp_path / "logs") as ours:
        yield ours


def checkout(folder: Path, said: str) -> Path:
    """Copy the package, with the plain steps among its flows, and change what one work function makes."""
    for room in (*ROOMS, "apps"):
        shutil.copytree(code._ROOT / room, folder / "nightdub" / room, ignore=shutil.ignore_patterns("__pycache__"))
    text = Path(plain_steps.__file__).read_text()
    assert text.count('f"{language}|') == 1
    (folder / "nightdub/flows/plain_steps.py").write_text(text.replace('f"{language}|', f'f"{{language}} {said}|'))
    return folder


def films(home: Path) -> dict[str, set[str]]:
    """Return what each film of a home was said by."""
    with open_books(small.settings_for(home)) as books:
        rows = books.ledger.title_languages()
        spoken = {f"{row.title}/{row.language}": books.store.get_bytes(row.package).decode().splitlines()[1:] for row in rows.values()}
    return {place: {line.partition("|")[0] for line in lines if "|" in line} for place, lines in spoken.items()}


def every(said: str) -> dict[str, set[str]]:
    return {f"t{title}/{language}": {f"{language} {said}"} for title, language in ((0, "es"), (0, "fr"), (1, "es"), (2, "es"), (2, "fr"))}


@pytest.mark.slow
def test_old_workers_finish_the_old_night_while_new_ones_serve_a_new_night(started: Machines, tmp_path: Path) -> None:
    """Both nights have the same keys: the steps' versions are the same, as after an edit that nobody thought would matter."""
    port = free_port()
    started.scheduler(port)
    paths = {said: f"{checkout(tmp_path / said, said)}{os.pathsep}{HERE}" for said in ("old", "new")}

    def night(said: str, home: Path) -> Path:
        more = {"compute": f"tcp://127.0.0.1:{port}", "batch_seconds": 0.01}
        command = ["-c", NIGHT, str(home), *(f"{name}={value}" for name, value in more.items())]
        started.start(said, command, PYTHONPATH=paths[said])
        return home

    old = build_alone(tmp_path / "night old", lines=LINES)
    started.worker("worker old", port, "--no-nanny", PYTHONPATH=paths["old"])
    night("old", old)
    first, ended = started.all[-1], []
    until(lambda: list((old / "store/objects").glob("*/*/*")) or first.process.poll() is not None, "the old night's first line")
    started.worker("worker new", port, "--no-nanny", PYTHONPATH=paths["new"])
    new = night("new", build_alone(tmp_path / "night new", lines=LINES))
    ended = [started.all[-1].ended(), first.ended()]
    assert ended == [0, 0], (first.said(), started.all[-1].said())
    assert films(old) == every("old")
    assert films(new) == every("new")


_EDITED = """
import os, signal, sys
from pathlib import Path
import errands
from nightdub.infra import code
from nightdub.infra.compute import open_compute
from nightdub.infra.errors import OtherCode

if __name__ == "__main__":
    with open_compute("local", 1, attempts=2) as compute:
        order = errands.order(Path(sys.argv[1]), [{}])
        ((made,),) = compute.run([order])
        source = code._ROOT / "tasks/__init__.py"
        source.write_text(source.read_text() + "# newer")
        print("still served", not compute.run([order])[0][0].failed)
        os.kill(made.row["pid"], signal.SIGKILL)
        try:
            compute.run([order])
        except OtherCode as error:
            print("refused:", error)
"""


@pytest.mark.slow
def test_a_worker_that_starts_again_after_an_edit_is_refused(started: Machines, tmp_path: Path) -> None:
    """The worker that ran before the edit still has the old code in memory, and goes on."""
    infra = str(HERE.parent / "infra")
    path = os.pathsep.join((str(checkout(tmp_path / "edited", "old")), str(HERE), infra))
    (tmp_path / "edited.py").write_text(_EDITED)
    edited = started.start("edited", [str(tmp_path / "edited.py"), str(tmp_path / "store")], PYTHONPATH=path)
    assert edited.ended() == 0, edited.said()
    assert "still served True" in edited.said()
    assert "refused: this worker runs code" in edited.said()


def test_what_was_imported_after_an_edit_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = errands.order(tmp_path / "store", [{}])
    monkeypatch.setattr(code, "_digest", lambda: "0" * 64)
    monkeypatch.setattr(code, "_looked", [len(sys.modules)])
    assert not fill(order)[0].failed
    monkeypatch.setitem(sys.modules, "imported-later", sys)
    with pytest.raises(OtherCode, match="replaced while this process ran"):
        fill(order)
