"""A catalogue ten times as large on one worker: what is in flight, queued, in memory and on the disk stays as it was."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import small

from nightdub.flows import title
from nightdub.flows.watch import Event, watching
from nightdub.infra import pool, scratch

TITLES, IN_FLIGHT = 3, 2
LANGUAGES = max(len(targets) for targets in small.TARGETS)


@dataclass
class Peaks:
    """The most of everything that there was at one time."""

    languages: dict[str, int]  # title -> languages of it that have not ended
    begun: set[str] = field(default_factory=set)
    perceived: list[weakref.ref[Any]] = field(default_factory=list)  # what the languages of a title have in common
    orders: int = 0  # out and not ended
    most: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, name: str, number: int) -> None:
        self.most[name] = max(self.most[name], number)

    def note(self, event: Event) -> None:
        """Follow a night's events: a title is in flight from its first step until its last language has ended."""
        with self.lock:
            if event.kind == "step" and event.title:
                self.begun.add(event.title)
            self.saw("titles", len(self.begun))
            self.saw("perceived", sum(found() is not None for found in self.perceived))
            if event.kind == "finished":
                self.languages[event.title] -= 1
                if not self.languages[event.title]:
                    self.begun.remove(event.title)

    def ordered(self, change: int) -> None:
        with self.lock:
            self.orders += change
            self.saw("orders", self.orders)


@pytest.fixture
def peaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peaks:
    """Watch orders, scratch folders and perceived titles of the nights in this test."""
    peaks = Peaks({})
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    start, perceive, opened = pool._Threads.start, title.perceive, scratch.Scratch.__init__

    def started(self: Any, order: Any, ended: Any) -> Any:
        peaks.ordered(1)
        return start(self, order, lambda: (peaks.ordered(-1), ended()))

    def perceived(*arguments: Any) -> Any:
        found = perceive(*arguments)
        with peaks.lock:
            peaks.perceived.append(weakref.ref(found))
        return found

    def made(self: Any, what: str = "work") -> None:
        opened(self, what)
        with peaks.lock:
            peaks.saw("folders", len(list(folder.glob(f"{scratch.PREFIX}*"))))

    monkeypatch.setattr(pool._Threads, "start", started)
    monkeypatch.setattr(title, "perceive", perceived)
    monkeypatch.setattr(scratch.Scratch, "__init__", made)
    return peaks


def night(home: Path, peaks: Peaks, titles: int) -> Counter[str]:
    """Localise so many titles on one worker and return the peaks."""
    small.build_home(home, titles)
    peaks.languages = {f"t{number}": len(small.TARGETS[number % 2]) for number in range(titles)}
    peaks.most.clear()
    with watching(peaks.note):
        report = small.run_small(home, workers=1, titles_in_flight=IN_FLIGHT)
    assert report.balanced
    assert sum(peaks.languages.values()) == 0
    return Counter(peaks.most)


@pytest.mark.slow
def test_ten_times_the_catalogue_on_one_worker_is_no_more_at_a_time(tmp_path: Path, peaks: Peaks) -> None:
    night(tmp_path / "few", peaks, TITLES)
    most = night(tmp_path / "many", peaks, 10 * TITLES)
    assert most["titles"] <= IN_FLIGHT
    assert 1 <= most["perceived"] <= IN_FLIGHT + 2  # and the last one landed, and the series' last episode, which the next waits for
    assert 1 <= most["orders"] <= IN_FLIGHT * LANGUAGES * small.LINES
    assert 1 <= most["folders"] <= 1 + IN_FLIGHT * LANGUAGES  # the worker's, and one for each join
    assert not list((tmp_path / "scratch").glob(f"{scratch.PREFIX}*"))
