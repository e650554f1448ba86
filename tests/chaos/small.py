"""A small, cheap, real chain for fault histories: plain text instead of film, everything else as in the product.

Step declarations, work functions, builder, ledger, store, plan, gate, release, housekeeping and report are the real ones; only the
tables of steps are these, Prefect's tasks are plain threads, and the catalogue's page of Great Expectations is left out (it takes
seconds and has no part in what is published).

Also a program: `python small.py HOME [NAME=VALUE ...]` runs one night over the catalogue in `HOME/catalogue`, for tests to kill; the
pairs are settings.

A title's source is a text: a first line that names title and edit, then one spoken line each. The first word of a spoken line may ask
for trouble: `fail` (this line cannot be made), `poison` (the step raises, as a fault in our own code does), `die` (its worker process
is killed), `slow` (takes 50 ms).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from checker import Reference, check, reference_of
from plain_steps import CHAIN, LANGUAGE_STEPS, TITLE_STEPS

from nightdub.flows import nightly, recipe, title
from nightdub.flows.night import load_catalogue, open_books
from nightdub.flows.report import NightReport
from nightdub.infra.settings import Settings, load_settings
from nightdub.tasks.catalogue import OPTIONAL, REQUIRED

__all__ = ["Reference", "build_home", "check", "reference_of", "run_small", "settings_for", "small_steps", "without_prefect", "write_title"]

PROFILE = "name: small\npolicy: small\ncommercial: false\nengines: {}\n"
POLICY = """
name: small
rules:
  - {metric: account.missing_lines, comparison: "==", threshold: 0, unit: lines, severity: block}
  - {metric: account.failed_lines, comparison: "==", threshold: 0, unit: lines, severity: hold}
"""
LINES = 3  # spoken in each title
TARGETS = (("es", "fr"), ("es",))  # of every second title


# ---------------------------------------------------------------- the catalogue


def build_home(home: Path, titles: int = 3) -> Path:
    """Write a catalogue with its profile and policy below `home`, and return the catalogue's path.

    Title 0 has two languages and a script (so that the step that fails for every second line is in its chain); titles 1 and 2 are two
    episodes of a series; every third title from title 1 on has a line that fails and is held.
    """
    folder = home / "catalogue"
    for name in ("catalogue", "profiles", "policies"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "profiles/small.yaml").write_text(PROFILE)
    (home / "policies/small.yaml").write_text(POLICY)
    rows = [",".join((*REQUIRED, *OPTIONAL))]
    for number in range(titles):
        write_title(home, number)
        values = {"id": f"t{number}", "source": f"t{number}.txt", "language": "en", "targets": ";".join(TARGETS[number % 2])}
        values |= {"profile": "small", "priority": str(int(number == 2))}
        if number == 0:
            (folder / "t0-script.txt").write_text("who is seen\n")
            values["script"] = "t0-script.txt"
        if number in (1, 2):
            values |= {"series": "series", "episode": f"e{number}"}
        rows.append(",".join(values.get(name, "") for name in (*REQUIRED, *OPTIONAL)))
    path = folder / "catalogue.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def write_title(home: Path, number: int, edit: int = 0, lines: Sequence[str] | None = None) -> Path:
    """Write (or edit) a title's source. Lines that an edit does not name stay as they were."""
    trouble = "fail" if number % 3 == 1 else "say"
    known = lines or [f"say line {index} of title {number}" for index in range(LINES - 1)] + [f"{trouble} the last of title {number}"]
    path = home / "catalogue" / f"t{number}.txt"
    draft = path.with_suffix(".new")
    draft.write_text("\n".join((f"t{number} edit {edit}", *known)) + "\n")
    draft.replace(path)
    return path


# ---------------------------------------------------------------- the night


class _Threads:
    """Stands in for a Prefect task: `submit` starts the function in a thread; a future among the arguments is waited for."""

    def __init__(self, pool: ThreadPoolExecutor, function: Callable[..., Any]) -> None:
        self._pool, self._function = pool, function

    def submit(self, *arguments: Any) -> Future[Any]:
        return self._pool.submit(self._run, arguments)

    def _run(self, arguments: Sequence[Any]) -> Any:
        return self._function(*(part.result() if isinstance(part, Future) else part for part in arguments))


@contextmanager
def small_steps() -> Iterator[None]:
    """Put the small steps in the place of the chain's, in this process, until the block ends."""
    places = {
        title: {"TITLE_STEPS": TITLE_STEPS, "LANGUAGE_STEPS": LANGUAGE_STEPS},
        recipe: {"CHAIN": CHAIN},
        nightly: {"check_catalogue": lambda *_: ()},
    }
    with ExitStack() as stack:
        for module, names in places.items():
            for name, value in names.items():
                stack.enter_context(mock.patch.object(module, name, value))
        yield


@contextmanager
def without_prefect(threads: int = 8) -> Iterator[None]:
    """Let a night's tasks be plain threads of this process, until the block ends; with one thread they follow each other."""
    with ThreadPoolExecutor(threads, "night") as pool, ExitStack() as stack:
        for name, function in (("PERCEIVE", title.perceive), ("SETTLE", title.settle), ("LOCALISE", title.localise)):
            stack.enter_context(mock.patch.object(nightly, name, _Threads(pool, function)))
        yield


def settings_for(home: Path, **more: Any) -> Settings:
    """Return the settings of a night in `home`: two threads, a local store and SQLite where nothing else is said."""
    chosen = {"compute": "threads", "workers": 2, "titles_in_flight": 3} | more
    return load_settings(home=home, profiles=home / "profiles", policies=home / "policies", **chosen)


def run_small(home: Path, *, again: bool = False, minutes: float | None = None, threads: int = 8, **settings: Any) -> NightReport:
    """Run a whole night over `home/catalogue` in this process, as the nightly flow does but without Prefect."""
    known = settings_for(home, **settings)
    catalogue = home / "catalogue/catalogue.csv"
    with small_steps(), without_prefect(threads), open_books(known) as books:
        return nightly.run_night(books, load_catalogue(known, catalogue), catalogue, only=None, again=again, minutes=minutes)


def main(home: str, *pairs: str) -> int:
    """Run a night as a program."""
    report = run_small(Path(home), **dict(pair.split("=", 1) for pair in pairs))
    return int(not report.balanced)


if __name__ == "__main__":
    del __file__  # or every process that is spawned would load this program again; the steps are in a file of their own
    sys.exit(main(*sys.argv[1:]))
