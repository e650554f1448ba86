"""`nightdub metrics`: the state of ledger and store in Prometheus' text format, printed or served.

Everything is read at the moment of asking, from the ledger that all processes share: one exporter is enough for a whole cluster. What
is of the last night is a gauge; what counts from the first day on, and is never forgotten, is a counter.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nightdub.apps.screen import print_line
from nightdub.infra import logs
from nightdub.infra.errors import ConfigError, NightdubError
from nightdub.infra.ledger import Ledger, Run
from nightdub.infra.settings import Settings
from nightdub.infra.store import open_store

Samples = Mapping[tuple[str, ...], float]  # values of the labels -> value


@dataclass(frozen=True, slots=True)
class Fact:
    """One metric: its labels, and what it says."""

    name: str
    means: str
    labels: tuple[str, ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"


FACTS = (
    Fact("nightdub_up", "1 where the part answers: the ledger with this code's schema, the store", ("part",)),
    Fact("nightdub_title_languages", "title-languages by what stands for them", ("state",)),
    Fact("nightdub_jobs", "jobs that are claimed, failed or partial", ("step", "state")),
    Fact("nightdub_jobs_done", "jobs that are done"),
    Fact("nightdub_leases_expired", "claimed jobs whose worker has given no sign of life for longer than its lease"),
    Fact("nightdub_oldest_claimed_job_age_seconds", "since the oldest job that is claimed now was begun; 0 = none is"),
    Fact("nightdub_night_running", "1 where the newest night has not ended; one that was killed counts until the next begins"),
    Fact("nightdub_night_start_timestamp_seconds", "when the newest night began; since 1970, UTC"),
    Fact("nightdub_night_end_timestamp_seconds", "when the last night that ended did; since 1970, UTC"),
    Fact("nightdub_night_duration_seconds", "how long that night took"),
    Fact("nightdub_night_balanced", "1 where that night's account balances"),
    Fact("nightdub_night_title_languages", "that night's account; `left` is what waits for the next night", ("result",)),
    Fact("nightdub_night_lines", "lines of dialogue in that night's account", ("result",)),
    Fact("nightdub_night_items", "items, such as lines and shots, that night made or took over", ("step", "how")),
    Fact("nightdub_night_engine_seconds", "time inside work functions in that night", ("step",)),
    Fact("nightdub_night_decisions", "decisions of the gate in that night", ("outcome",)),
    Fact("nightdub_night_attempts_lost", "attempts of that night whose worker died or lost its lease"),
    Fact("nightdub_nights_since_success", "nights begun since the last one that ended well; 0 = that one is the newest"),
    Fact("nightdub_nights_total", "nights that ended, from the first day on", ("state",), "counter"),
    Fact("nightdub_releases_total", "moves of release pointers, from the first day on", ("action",), "counter"),
    Fact("nightdub_drafts", "unfinished jobs with results that the next attempt takes over"),
    Fact("nightdub_store_free_bytes", "room left on the disk of a store that is a folder"),
)


def print_metrics(settings: Settings) -> int:
    """Print the exposition once; return 1 where a part did not answer."""
    exporter = Exporter(settings)
    try:
        text = exposition(exporter)
    finally:
        exporter.close()
    sys.stdout.write(text)
    return int("} 0.0" in "".join(line for line in text.splitlines() if line.startswith("nightdub_up{")))


def serve_metrics(settings: Settings, host: str, port: int) -> int:
    """Answer on `http://host:port/metrics` until interrupted. Raises: ConfigError where the address cannot be used."""
    registry, exporter = CollectorRegistry(), Exporter(settings)
    registry.register(exporter)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigError(f"cannot serve: {error.strerror}", where=f"{host}:{port}", fix="name another port or host") from error
    print_line(f"http://{host}:{server.server_port}/metrics")
    with suppress(KeyboardInterrupt):
        thread.join()
    server.shutdown()
    exporter.close()
    return 0


def exposition(exporter: Exporter) -> str:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(exporter)
    return generate_latest(registry).decode()


class Exporter(Collector):
    """Reads ledger and store for every scrape, one scrape at a time; migrates nothing."""

    def __init__(self, settings: Settings) -> None:
        logs.start(settings)
        self._settings, self._ledger, self._turn = settings, Ledger(settings.ledger_url), threading.Lock()
        self._worked: tuple[str, dict[str, Samples]] = ("", {})  # the last night that ended, and what it took: that stays as it is

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def describe(self) -> Iterable[Metric]:
        """Return the families without asking ledger or store, when the exporter is registered."""
        return [_family(fact, {}) for fact in FACTS]

    def collect(self) -> Iterator[Metric]:
        """Yield every family; those of a part that does not answer are left out, and `nightdub_up` says so."""
        with self._turn:
            found: dict[str, Samples] = {}
            up = {"ledger": 0.0, "store": 0.0}
            for part, read in (("ledger", self._of_ledger), ("store", self._of_store)):
                try:
                    found |= read()
                    up[part] = 1.0
                except NightdubError as error:
                    logs.warn("metrics without a part", part=part, what=str(error))
            found["nightdub_up"] = {(part,): value for part, value in up.items()}
        yield from (_family(fact, found[fact.name]) for fact in FACTS if fact.name in found)

    def _of_ledger(self) -> dict[str, Samples]:
        self._ledger.check()
        _, expired, oldest = self._ledger.leases()
        ended = {state: count for state, count in self._ledger.nights().items() if state != "running"}
        done = self._ledger.last_run("done")
        return {
            "nightdub_title_languages": _by(self._ledger.states()),
            "nightdub_jobs": dict[tuple[str, ...], float](self._ledger.job_states().items()),
            "nightdub_jobs_done": {(): self._ledger.jobs_done()},
            "nightdub_leases_expired": {(): expired},
            "nightdub_oldest_claimed_job_age_seconds": {(): max(0.0, time.time() - oldest.timestamp()) if oldest else 0.0},
            "nightdub_nights_since_success": {(): self._ledger.runs_after(done.id if done else "")},
            "nightdub_nights_total": _by(ended),
            "nightdub_releases_total": _by(self._ledger.move_counts()),
            **self._of_night(),
        }

    def _of_night(self) -> dict[str, Samples]:
        newest = self._ledger.last_run()
        if newest is None:
            return {}
        began: dict[str, Samples] = {
            "nightdub_night_running": {(): newest.state == "running"},
            "nightdub_night_start_timestamp_seconds": {(): newest.started.timestamp()},
        }
        last = newest if newest.ended else self._ledger.last_run("done")
        return began | (_of_ended(last) | self._of_work(last) if last and last.ended else {})

    def _of_work(self, night: Run) -> dict[str, Samples]:
        if self._worked[0] != night.id:
            self._worked = (night.id, self._sum_of(night))
        return self._worked[1]

    def _sum_of(self, night: Run) -> dict[str, Samples]:
        items: Counter[tuple[str, ...]] = Counter()
        engine: dict[tuple[str, ...], float] = defaultdict(float)
        lost = 0
        for line in self._ledger.costs(night.id):
            items[line.step, "made"] += line.built
            items[line.step, "reused"] += line.reused
            engine[line.step,] += line.engine
            lost += line.lost
        return {
            "nightdub_night_items": items,
            "nightdub_night_engine_seconds": engine,
            "nightdub_night_decisions": _by(self._ledger.decision_counts(night.id)),
            "nightdub_night_attempts_lost": {(): lost},
        }

    def _of_store(self) -> dict[str, Samples]:
        store = open_store(self._settings.store_url, **self._settings.store_options())
        found: dict[str, Samples] = {"nightdub_drafts": {(): sum(1 for _ in store.pointers("drafts/"))}}
        if "://" not in self._settings.store_url:
            found["nightdub_store_free_bytes"] = {(): shutil.disk_usage(url2pathname(urlsplit(self._settings.store_url).path)).free}
        return found


def _of_ended(night: Run) -> dict[str, Samples]:
    ended, account = night.ended or night.started, night.account
    results = ("released", "held", "failed", "unchanged", "left")
    return {
        "nightdub_night_end_timestamp_seconds": {(): ended.timestamp()},
        "nightdub_night_duration_seconds": {(): (ended - night.started).total_seconds()},
        "nightdub_night_balanced": {(): account["balanced"]} if "balanced" in account else {},
        "nightdub_night_title_languages": {(name,): account[name] for name in results if name in account},
        "nightdub_night_lines": _by(account.get("segments", {})),
    }


def _by(counts: Mapping[str, float]) -> Samples:
    return {(name,): value for name, value in counts.items()}


def _family(fact: Fact, samples: Samples) -> Metric:
    kind = CounterMetricFamily if fact.kind == "counter" else GaugeMetricFamily
    family = kind(fact.name, fact.means, labels=fact.labels)
    for labels, value in sorted(samples.items()):
        family.add_metric(labels, value)
    return family
