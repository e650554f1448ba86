"""Publishers that race for one title, and a reader of many publishes: each returns what came of it."""

from __future__ import annotations

import itertools
import json
import os
from functools import partial
from typing import Any

import small
from histories import Home, Workshop, read_on, stop_reading
from processes import ended, fork

from nightdub.flows.night import open_books
from nightdub.flows.release import move_pointer
from nightdub.infra.errors import AliasConflict, PointerConflict

PUBLISHED = 20  # titles, in turn


def publishers(workshop: Workshop, backend: str, racers: int = 16) -> dict[str, Any]:
    """Let 16 processes promote something else at the same moment: a title's pointer, an engine's alias, and by the product's own way.

    Return who won each race; 0 are clean losses, 3 are others.
    """
    home = workshop.home(f"race-{backend.replace(' ', '-')}", backend)
    settings = small.settings_for(home.path, **home.settings)
    with open_books(settings) as books:
        films = [books.store.put_bytes(f"film {number}".encode()) for number in range(racers)]

    def race(index: int, gate: int) -> None:
        with open_books(settings) as books:
            os.read(gate, 1)
            try:
                books.store.write_pointer("race", films[index].encode(), None)
                _note(home, f"pointer {index}")
            except PointerConflict:
                _note(home, "pointer lost")
            try:
                books.ledger.move_alias("speak", "stable", f"engine-{index}", after=0, action="promote", who="gate", why="race")
                _note(home, f"alias {index}")
            except AliasConflict:
                _note(home, "alias lost")
            move_pointer(books, "film", "es", films[index], decision=None, action="release", who=f"person {index}", why="race")
            _note(home, f"release {index}")

    gate, starter = os.pipe()
    racing = [fork(partial(race, index, gate), home.log) for index in range(racers)]
    os.write(starter, b"x" * racers)
    statuses = [ended(pid) for pid in racing]
    said = (home.path / "race").read_text().split("\n")
    with open_books(settings) as books:
        moves = books.ledger.releases("film", "es")
        pointer = books.store.read_pointer("releases/film/es")
        chained = all(later.previous == earlier.package for later, earlier in itertools.pairwise(moves))
        stands = json.loads(pointer.value)["package"] == moves[0].package if pointer else False
    return {
        "statuses": statuses,
        "log": home.log.read_text()[-2000:],
        "pointer": [line for line in said if line.startswith("pointer") and "lost" not in line],
        "alias": [line for line in said if line.startswith("alias") and "lost" not in line],
        "lost": sorted(line for line in said if "lost" in line),
        "released": len(moves),
        "chained": chained,
        "stands": stands,
    }


def _note(home: Home, line: str) -> None:
    with (home.path / "race").open("a") as stream:
        stream.write(line + "\n")


def publishing(workshop: Workshop, backend: str, moves: int) -> dict[str, Any]:
    """Publish two films in turn, again and again, while a reader follows the pointer; return how often it looked and what it saw."""
    home = workshop.home(f"publishing-{backend.replace(' ', '-')}", backend)
    settings = small.settings_for(home.path, **home.settings)
    with open_books(settings) as books:
        texts = [[f"t{title} edit {edit}|1\nes|t{title} edit {edit}|say\n" for edit in (0, 1)] for title in range(PUBLISHED)]
        films = [[books.store.put_bytes(text.encode()) for text in edits] for edits in texts]
        reader = read_on(home, pause=0.0)
        for number in range(moves):
            turn, title = divmod(number, PUBLISHED)
            move_pointer(books, f"t{title}", "es", films[title][turn % 2], decision=None, action="release", who="gate", why="")
        looks, seen = stop_reading(home, reader)
        return {"looks": looks, "seen": seen, "moves": len(books.ledger.releases())}
