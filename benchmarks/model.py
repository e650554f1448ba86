"""A simulated night of a large catalogue: how long it takes, and how many workers it needs, by a model fed with costs measured here.

The model, for a catalogue of TITLES in LANGUAGES languages of which CHANGED are new or edited:

    flow   = plan + steps x (a claim and a commit + Prefect's task + store requests and small computing in the flow) / at once
    engine = changed programme hours x engine hours of an hour of programme, over the workers, at the fan-out's efficiency
    night  = the longer of the two + the longest title's own way through the chain (nothing can shorten that by more workers)

Engines and flow overlap, since other titles are computed while one waits for its books. Measured here: plan, claims and commits, a step of
the flow with everything around it, S3 requests. The engines' hours are the CPU preset's, of the benchmarks `edit` and `measure`, and are
named as assumptions, as are lengths and lines of a title; a GPU or other engines change them, nothing else.

    python benchmarks/model.py
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import emit

HERE = Path(__file__).parent
TITLES, LANGUAGES, CHANGED = 10_000, 5, 0.02
NIGHT = 8.0  # hours
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

# Assumptions: what a title is, and what engines need.
HOURS = 0.75  # of programme in a title
LINES = 560  # of dialogue in that, 1,500 in two hours
EDITED = 0.8  # of the changed titles had one line edited; the others are new
LINE_SECONDS = 0.59  # processor seconds of a line in one language, all steps: benchmark `edit`, 294.7 s for 500 lines
PICTURE_SECONDS = 1422.0  # of measuring an hour of programme, picture and all: benchmark `measure`
EDIT_SHARE = 0.128  # of a whole night's computing that one edited line costs: benchmark `edit`
EFFICIENCY = 0.95  # of the fan-out: benchmark `fanout`
LONGEST = 2.0  # hours of programme of the longest title
CHAIN_PARALLEL = 16  # workers that one title can keep busy at the same time, over its lines and languages
OBJECTS = 3.0  # put into the store by each line in one language: benchmark `store`


# ---------------------------------------------------------------- measured costs


def plan_seconds() -> float:
    """Return the seconds of a plan of 10,000 titles with one in a hundred changed."""
    import plan

    return plan.measure(TITLES)["changed_process"]


def pair_seconds(folder: str) -> float:
    """Return the seconds of a claim and its commit on SQLite."""
    import ledger

    from nightdub.infra.ledger import Ledger

    opened = Ledger(f"sqlite:///{folder}/ledger.db")
    opened.migrate()
    run = opened.start_run("benchmark", {})
    return timed(lambda number: ledger.pair(opened, run, f"key-{number}"), 300)


def step_seconds(folder: str) -> float:
    """Return the seconds that one step of the flow takes when nothing is computed: Prefect task, claim, commit, manifest, store."""
    made = subprocess.run([sys.executable, "-W", "ignore", __file__, "step", folder], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(made.stdout.splitlines()[-1])
    return found["step"]


def step_alone(folder: str) -> float:
    """Build steps that do nothing as Prefect tasks of one flow, on threads, with a local store and SQLite."""
    from nightdub.flows.server import prefect_server
    from nightdub.infra.settings import load_settings

    settings = load_settings(home=Path(folder) / "home")
    with prefect_server(settings):
        from prefect import flow

        from nightdub.flows.policy import as_task
        from nightdub.infra.build import Ask, Builder, Step
        from nightdub.infra.compute import open_compute
        from nightdub.infra.ledger import Ledger
        from nightdub.infra.store import open_store
        from nightdub.infra.work import Done, Item

        def nothing(items: Any, bench: Any) -> list[Done]:
            (bench.scratch / "out").write_text(items[0].payload["number"])
            return [Done({"out": bench.scratch / "out"})]

        ledger = Ledger(settings.ledger_url)
        ledger.migrate()
        run = ledger.start_run("benchmark", {})
        with open_compute("threads", 1) as compute:
            builder = Builder(open_store(f"{folder}/store"), ledger, compute, lambda *_: None, {}, run, 1)
            task = as_task(builder.build, "step", retries=True)

            def one(number: int) -> None:
                item = Item("whole", {"number": f"{os.getpid()}-{number}"})
                task(Ask(Step("nothing", 1, "title", (), lambda _: [item], nothing), f"t{number}", "", {}, {"n": number}))

            @flow(name="model")
            def steps() -> float:
                one(-1)
                return timed(one, 60)

            return steps()


def request_seconds() -> float:
    """Return the seconds of putting a small object on a disk-backed S3 server, eight at a time."""
    import store

    with store.rclone_server() as endpoint, tempfile.TemporaryDirectory() as folder:
        ours = store.Ours(endpoint, Path(folder))
        ours.put(store.content(store.SMALL))
        took, _ = store.seconds(ours.put, [store.content(store.SMALL) for _ in range(200)], store.THREADS)
        return took / 200


def timed(call: Any, times: int) -> float:
    """Return the seconds of one call."""
    started = time.perf_counter()
    for number in range(times):
        call(number)
    return (time.perf_counter() - started) / times


# ---------------------------------------------------------------- the model


@dataclass(frozen=True)
class Night:
    """What the model is fed with, in seconds."""

    plan: float
    step: float
    request: float
    title_steps: int
    language_steps: int

    @property
    def changed(self) -> float:
        """Titles that are built."""
        return TITLES * CHANGED

    @property
    def flow(self) -> float:
        """Seconds of one flow process: its books are kept one after the other, by one interpreter."""
        steps = self.changed * (self.title_steps + LANGUAGES * self.language_steps)
        return self.plan + steps * self.step

    @property
    def engine(self) -> float:
        """Engine seconds of all workers together, with what they wait for the store."""
        whole = HOURS * PICTURE_SECONDS * LANGUAGES + LINES * LANGUAGES * (LINE_SECONDS + OBJECTS * self.request)
        return self.changed * whole * ((1 - EDITED) + EDITED * EDIT_SHARE)

    def seconds(self, workers: int) -> float:
        """Return the wall time of the night with so many workers."""
        longest = (LONGEST / HOURS) * self.engine / self.changed / ((1 - EDITED) + EDITED * EDIT_SHARE) / min(workers, CHAIN_PARALLEL)
        return max(self.flow, self.engine / workers / EFFICIENCY, longest)

    def workers(self, hours: float) -> int:
        """Return the least workers that a night of so many hours needs; 0 = no number is enough."""
        if self.seconds(1_000_000) > 3600 * hours:
            return 0
        return next(number for number in range(1, 1_000_001) if self.seconds(number) <= 3600 * hours)


def main() -> None:
    from nightdub.flows.chain import LANGUAGE_STEPS, TITLE_STEPS

    with tempfile.TemporaryDirectory() as folder:
        pair = pair_seconds(folder)
        night = Night(plan_seconds(), step_seconds(folder), request_seconds(), len(TITLE_STEPS), len(LANGUAGE_STEPS))
    figures: dict[str, float | int | str] = {
        "titles": TITLES,
        "languages": LANGUAGES,
        "built_titles": int(night.changed),
        "plan_s": night.plan,
        "claim_and_commit_ms": 1e3 * pair,
        "flow_step_ms": 1e3 * night.step,
        "store_request_ms": 1e3 * night.request,
        "steps_of_a_title": night.title_steps + LANGUAGES * night.language_steps,
        "flow_h": night.flow / 3600,
        "engine_h": night.engine / 3600,
    }
    figures |= {f"night_h_{workers}_workers": night.seconds(workers) / 3600 for workers in WORKERS}
    needed = night.workers(NIGHT)
    figures[f"workers_for_{NIGHT:g}_h"] = needed
    figures["most_titles_of_one_flow_a_night"] = math.floor(NIGHT * 3600 / (night.flow / night.changed))
    ratio = night.flow / (NIGHT * 3600)
    emit(
        "model",
        figures,
        ratio,
        f"one flow keeps the books of the night within {NIGHT:g} h, and some number of workers is enough",
        met=ratio < 1 and needed > 0,
    )


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    if len(sys.argv) == 3:
        print(json.dumps({"step": step_alone(sys.argv[2])}))
    else:
        main()
