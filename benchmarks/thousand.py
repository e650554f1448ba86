"""A night of 1,000 tiny titles: resident memory of the flow, its two workers and the Prefect server, second by second.

The flow, its tasks, the server, the Dask workers, ledger, store, gate and release are the real ones; the chain is the small one of
tests/chaos, so that a title takes tenths of a second. Flat means: from the middle of the night to its end none of them grows by more
than AIM of what it has. The first half is warming up: imports, pools, caches.

    python benchmarks/thousand.py [titles]               # draws docs/images/memory.png where there are 1,000 or more
    python benchmarks/thousand.py 200 trace              # also tells which lines of code hold more and more
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from unittest import mock

import psutil
from report import emit

from nightdub.infra.settings import load_settings

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "chaos"), str(ROOT / "tests" / "infra")]  # spawned workers inherit it

TITLES = 1000
WORKERS = 2
IN_FLIGHT = 4
AIM = 0.1
PICTURE = ROOT / "docs" / "images" / "memory.png"


@dataclass
class Curve:
    """What was seen: titles that had ended, and megabytes of each process."""

    ended: list[int] = field(default_factory=list)
    resident: dict[str, list[float]] = field(default_factory=dict)

    def add(self, ended: int, sizes: dict[str, float]) -> None:
        """Add one look; a process that was not there before is missing until now."""
        self.ended.append(ended)
        for name in sizes.keys() | self.resident.keys():
            line = self.resident.setdefault(name, [])
            line += [float("nan")] * (len(self.ended) - 1 - len(line)) + [sizes.get(name, float("nan"))]

    def levels(self, name: str) -> tuple[float, float]:
        """Return the median megabytes of the tenth after the middle and of the last one."""
        seen = [(ended, size) for ended, size in zip(self.ended, self.resident[name], strict=True) if not isnan(size)]
        last = max(ended for ended, _ in seen)
        middle = [size for ended, size in seen if 0.5 * last <= ended < 0.6 * last]
        return _median(middle), _median([size for ended, size in seen if ended >= 0.9 * last])


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def sizes() -> dict[str, float]:
    """Return the megabytes of this process and its children that work for the night."""
    found = {"flow": psutil.Process().memory_info().rss / 1e6}
    workers = 0
    for child in psutil.Process().children(recursive=True):
        try:
            words = " ".join(child.cmdline())
            if "spawn_main" in words:
                workers += 1
                found[f"worker {workers}"] = child.memory_info().rss / 1e6
            elif "prefect" in words and "server" in words:
                found["Prefect server"] = max(found.get("Prefect server", 0.0), child.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            continue
    return found


@contextmanager
def watched(curve: Curve, ended: list[str], pause: float = 1.0) -> Iterator[None]:
    """Look at the processes every second until the block ends."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(pause):
            curve.add(len(ended), sizes())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def night(home: Path, titles: int, curve: Curve, *, trace: bool) -> tuple[float, dict[str, int]]:
    """Run the nightly flow over so many tiny titles; return its seconds and its account."""
    from nightdub.flows.server import prefect_server
    from nightdub.flows.watch import Event, watching

    ended: list[str] = []

    def note(event: Event) -> None:
        if event.kind == "finished":
            ended.append(event.title)
            if trace and len(ended) == titles // 2:
                marks.append(tracemalloc.take_snapshot())

    marks: list[tracemalloc.Snapshot] = []
    with prefect_server(load_settings(home=home)):
        import small  # imports Prefect, which reads its settings then

        from nightdub.flows.nightly import localise_catalogue

        with mock.patch.object(small, "TARGETS", (("es",), ("es",))):
            catalogue = small.build_home(home, titles)
        started = time.perf_counter()
        with small.small_steps(), watching(note), watched(curve, ended):
            if trace:
                tracemalloc.start(12)
            account = localise_catalogue(str(catalogue), str(home))
        seconds = time.perf_counter() - started
    if trace:
        print(*tracemalloc.take_snapshot().compare_to(marks[0], "traceback")[0].traceback.format(), sep="\n", file=sys.stderr)
        print(*tracemalloc.take_snapshot().compare_to(marks[0], "lineno")[:25], sep="\n", file=sys.stderr)
    return seconds, account


def draw(curve: Curve, path: Path) -> None:
    """Draw the curves over the number of titles that had ended."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3), dpi=100)
    for name, line in sorted(curve.resident.items()):
        axes.plot(curve.ended, line, label=name, linewidth=1.2)
    axes.set(xlabel="titles that have ended", ylabel="resident MB", ylim=(0, None))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": ""})


def main(titles: int, *, trace: bool) -> None:
    curve = Curve()
    values = {"COMPUTE": "local", "WORKERS": WORKERS, "TITLES_IN_FLIGHT": IN_FLIGHT}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        values |= {"PROFILES": home / "profiles", "POLICIES": home / "policies"}
        with mock.patch.dict(os.environ, {f"NIGHTDUB_{name}": str(value) for name, value in values.items()}):
            seconds, account = night(home, titles, curve, trace=trace)
    levels = {name: curve.levels(name) for name in curve.resident}
    figures: dict[str, float | int | str] = {"titles": titles, "seconds": seconds, "titles_per_s": titles / seconds}
    figures |= {name: int(account[name]) for name in ("released", "held", "failed")}
    for name, (middle, last) in levels.items():
        figures |= {f"{name} MB at the middle": middle, f"{name} MB at the end": last}
    growth = max(last / middle for middle, last in levels.values())
    if titles >= TITLES:
        draw(curve, PICTURE)
    emit("thousand", figures, growth, f"no process grows by more than {AIM:.0%} from the middle to the end", met=growth <= 1 + AIM)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TITLES, trace="trace" in sys.argv)
