"""What `nightdub metrics` says, as Prometheus reads it; and that documentation and alarm rules name nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from nightdub.apps.metrics import FACTS, Exporter, exposition, print_metrics
from nightdub.flows.night import Books, open_books
from nightdub.infra.ledger import Artifact, Cost, TitleLanguage
from nightdub.infra.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
NIGHTDUB = Path(sys.executable).with_name("nightdub")
ACCOUNT = {
    "released": 2,
    "held": 1,
    "failed": 0,
    "unchanged": 7,
    "left": 3,
    "balanced": True,
    "segments": {"in": 9, "spoken": 8, "excused": 1},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", compute="threads")


@pytest.fixture
def books(settings: Settings) -> Iterator[Books]:
    with open_books(settings) as opened:
        yield opened


def read(settings: Settings) -> dict[str, dict[tuple[str, ...], float]]:
    """Return name -> values of the labels -> value, as Prometheus' own parser understands them."""
    labels = {fact.name: fact.labels for fact in FACTS}
    exporter = Exporter(settings)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(exposition(exporter)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels[label] for label in labels[sample.name])] = sample.value
    exporter.close()
    return found


def night(books: Books, account: dict[str, Any] | None = ACCOUNT) -> str:
    """Write a night in which one job was made, and one is under way."""
    run = books.ledger.start_run("nightly", {})
    fence = books.ledger.claim(f"made {run}", "speak", 1, "film", "es", "w", run, 60.0).fence
    books.ledger.commit(f"made {run}", "w", fence, "m", [Artifact("out", "d", 1)], {}, Cost(2.0, 1.0, 1.5, 4, 6))
    if account is not None:
        books.ledger.finish_run(run, "done", account)
    return run


def test_an_installation_in_numbers(books: Books, settings: Settings) -> None:
    first = night(books)
    books.ledger.put_title_languages([TitleLanguage("film", "es", "p", "", {}, "released", [], "d", first)])
    books.ledger.record_release("film", "es", action="release", package="d", decision=None, who="gate", why="")
    books.store.write_pointer("drafts/k", b"[]", None)
    found = read(settings)
    assert found["nightdub_up"] == {("ledger",): 1, ("store",): 1}
    assert found["nightdub_title_languages"] == {("released",): 1}
    assert (found["nightdub_jobs_done"], found.get("nightdub_jobs")) == ({(): 1}, None)
    assert found["nightdub_night_title_languages"] == {
        (name,): ACCOUNT[name] for name in ("released", "held", "failed", "unchanged", "left")
    }
    assert found["nightdub_night_lines"] == {("in",): 9, ("spoken",): 8, ("excused",): 1}
    assert found["nightdub_night_items"] == {("speak", "made"): 4, ("speak", "reused"): 6}
    assert found["nightdub_night_engine_seconds"] == {("speak",): 1.5}
    assert found["nightdub_releases_total"] == {("release",): 1}
    assert found["nightdub_nights_total"] == {("done",): 1}
    run = books.ledger.runs()[0]
    assert run.ended
    assert found["nightdub_night_duration_seconds"][()] == pytest.approx((run.ended - run.started).total_seconds())
    for name in ("leases_expired", "oldest_claimed_job_age_seconds", "night_running", "nights_since_success", "night_attempts_lost"):
        assert found[f"nightdub_{name}"] == {(): 0}, name
    assert found["nightdub_night_balanced"] == found["nightdub_drafts"] == {(): 1}
    assert found["nightdub_store_free_bytes"][()] > 0


def test_what_goes_wrong_shows(books: Books, settings: Settings) -> None:
    night(books)
    failed = books.ledger.start_run("nightly", {})
    books.ledger.finish_run(failed, "failed", {})
    killed = night(books, None)
    books.ledger.claim("dead", "mix", 1, "film", "es", "w", killed, -1.0)
    found = read(settings)
    assert found["nightdub_nights_since_success"] == {(): 2}
    assert found["nightdub_night_running"] == {(): 1}
    assert found["nightdub_nights_total"] == {("done",): 1, ("failed",): 1}
    assert found["nightdub_leases_expired"] == {(): 1}
    assert found["nightdub_jobs"] == {("mix", "claimed"): 1}
    assert found["nightdub_oldest_claimed_job_age_seconds"][()] > 0
    assert found["nightdub_night_title_languages"][("left",)] == 3  # of the last night that ended well


def test_a_fresh_ledger_has_no_night_and_an_absent_one_is_down(
    books: Books, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nightdub_night_running" not in read(settings)
    absent = load_settings(home=tmp_path / "elsewhere")
    assert print_metrics(absent) == 1
    assert not (tmp_path / "elsewhere/ledger.db").exists()
    out = capsys.readouterr().out
    assert 'nightdub_up{part="ledger"} 0.0' in out
    assert 'nightdub_up{part="store"} 1.0' in out


def test_names_follow_prometheus(books: Books, settings: Settings) -> None:
    """https://prometheus.io/docs/practices/naming/"""
    for fact in FACTS:
        assert re.fullmatch(r"nightdub_[a-z_]+", fact.name)
        assert fact.name.endswith("_total") == (fact.kind == "counter"), fact.name
    night(books)
    books.ledger.record_release("film", "es", action="release", package="d", decision=None, who="gate", why="")
    exporter = Exporter(settings)
    kinds = {family.name: family.type for family in text_string_to_metric_families(exposition(exporter))}
    exporter.close()
    assert kinds["nightdub_releases"] == "counter"
    assert kinds["nightdub_up"] == "gauge"


def test_it_is_served_for_scraping(books: Books, settings: Settings) -> None:
    night(books)
    command = [NIGHTDUB, "--home", settings.home, "metrics", "--serve", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = server.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", address)
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert 'nightdub_nights_total{state="done"} 1.0' in answer.read().decode()
        finally:
            server.terminate()


def test_every_metric_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    table = page[page.index("| metric | labels |") :].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert rows == [[f"`{fact.name}`", ", ".join(f"`{label}`" for label in fact.labels), fact.means] for fact in FACTS]


def test_every_alarm_rule_is_about_a_metric_that_there_is() -> None:
    groups = yaml.safe_load((ROOT / "infra/deploy/alerts.yaml").read_text())["groups"]
    labels = {fact.name: set(fact.labels) for fact in FACTS}
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    for rule in rules:
        named = re.findall(r"(nightdub_\w+)(?:\{(\w+)=)?", rule["expr"])
        assert named, rule["alert"]
        for name, label in named:
            assert name in labels, rule["alert"]
            assert not label or label in labels[name], rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "fix"} == set(rule["annotations"])
