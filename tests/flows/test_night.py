"""Whole nights through the real flow, a real Prefect server and the real engines: the first one, and those that follow it."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bad_media import BAD

from nightdub.flows import nightly
from nightdub.flows.chain import LANGUAGE_STEPS, TITLE_STEPS
from nightdub.flows.plan import Planned
from nightdub.flows.recipe import HouseParts, Recipe
from nightdub.flows.report import NightReport, TitleResult
from nightdub.tasks.rows import Title

slow = pytest.mark.slow


def result_of(report: NightReport, title: str, language: str = "es") -> TitleResult:
    (result,) = (row for row in report.results if (row.title, row.language) == (title, language))
    return result


# ---------------------------------------------------------------- the first night


@slow
def test_every_title_language_ends_in_a_state_with_its_reasons(first_night, undisturbed) -> None:
    report = first_night.report
    assert {(row.title, row.language): row.state for row in report.results if row.title not in BAD} == undisturbed.states
    assert undisturbed.states == {("face", "es"): "released", ("face", "fr"): "held", ("plain", "es"): "released"}
    assert [reason.partition(" ")[0] for reason in result_of(report, "face", "fr").reasons] == [
        "translation.chrf:",
        "translation.unchecked_lines",
    ]
    assert {row.because for row in report.results} == {("new",)}


@slow
def test_a_cluster_with_prefect_makes_the_same_bytes_as_threads_without(first_night, undisturbed) -> None:
    digests = {(row.title, row.language): row.digest for row in first_night.report.results if row.digest}
    assert digests == undisturbed.packages


@slow
def test_report_json_has_what_scripts_rely_on(first_night) -> None:
    report = json.loads((first_night.home / "report.json").read_text())
    fields = ("titles", "title_languages", "released", "held", "failed", "unchanged")
    assert {name: report[name] for name in fields} == {
        "titles": 2 + len(BAD),
        "title_languages": 3 + len(BAD),
        "released": 2,
        "held": 1,
        "failed": len(BAD),
        "unchanged": 0,
    }
    assert report["segments"] == {"in": 6, "spoken": 6, "excused": 0, "failed": 0}
    assert report["built_steps"] == sum(row["built_steps"] for row in report["results"])
    assert report["balanced"] is True
    for row in report["results"]:
        assert {"title", "language", "state", "reasons", "package"} <= set(row)
        assert bool(row["package"]) == (row["title"] not in BAD)
    released = first_night.home / result_of(first_night.report, "plain").package
    assert released == first_night.home / "released/plain/plain.es.mp4"
    assert released.read_bytes()[4:8] == b"ftyp"
    assert result_of(first_night.report, "face", "fr").package == "review/face/face.fr.mp4"


@slow
def test_every_step_of_the_chain_is_in_the_account(first_night) -> None:
    built = {step for row in first_night.report.results if row.title == "face" for step in row.steps}
    without_engine = {"recognise", "roundtrip"}  # the tiny profile has no recogniser
    without_lines = {"revise", "marks"}  # every line fits as it was spoken, and nothing is to be read in the picture
    kept = {"picture", "bridges"}  # the film's own packets are taken where no mouth is moved, and it is cut where a group of them begins
    assert built == {step.name for step in TITLE_STEPS + LANGUAGE_STEPS} - without_engine - without_lines - kept
    title_steps = {step.name for step in TITLE_STEPS}
    assert not title_steps & set(result_of(first_night.report, "face", "fr").steps)  # counted once, with the first language


@slow
def test_report_html_needs_nothing_from_outside(first_night) -> None:
    page = (first_night.home / "report.html").read_text()
    links = re.findall(r"""(?:src|href|action|poster|srcset|data)\s*=\s*["']?([^"'\s>]+)|url\(([^)]*)\)|@import\s+(\S+)""", page)
    targets = {target for found in links for target in found if target and not target.startswith(("#", "data:"))}
    assert targets
    for target in targets:
        assert not re.match(r"[a-z]+:|//", target), target
        assert (first_night.home / target).is_file(), target
    assert not re.search(r"https?://", page)
    for name in ("plain", "face", *BAD):
        assert name in page


def asked(api: str, path: str, **question: Any) -> Any:
    """Ask Prefect's API."""
    body = json.dumps(question).encode()
    request = urllib.request.Request(f"{api}/{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@slow
def test_prefect_shows_the_night_its_steps_and_its_report(first_night, prefect_api: str) -> None:
    (flow,) = asked(prefect_api, "flows/filter", flows={"name": {"any_": ["nightly"]}})
    runs = asked(prefect_api, "flow_runs/filter", sort="START_TIME_ASC", flows={"id": {"any_": [flow["id"]]}})
    night = next(run for run in runs if run["parameters"].get("catalogue") == str(first_night.catalogue))
    assert night["state_type"] == "COMPLETED"
    assert night["parameters"]["catalogue"] == str(first_night.catalogue)
    tasks = asked(prefect_api, "task_runs/filter", flow_runs={"id": {"any_": [night["id"]]}})
    states = {task["name"]: task["state_type"] for task in tasks}
    assert states["face/fr/package"] == states["plain/shots"] == "COMPLETED"
    assert states["playlist/probe"] == "FAILED"
    (artifact,) = asked(prefect_api, "artifacts/filter", artifacts={"key": {"any_": ["night"]}, "flow_run_id": {"any_": [night["id"]]}})
    assert artifact["type"] == "markdown"
    assert "| playlist | es | failed | playlist/probe: " in artifact["data"]
    assert result_of(first_night.report, "playlist").reasons[0] in artifact["data"].replace("\\", "")


# ---------------------------------------------------------------- the nights after it


@pytest.fixture
def second(first_night, tmp_path: Path) -> Path:
    """A copy of the first night's home; its catalogue."""
    shutil.copytree(first_night.home, tmp_path / "home")
    return tmp_path / "home/catalogue/catalogue.csv"


@slow
def test_a_night_without_changes_builds_nothing(second: Path, first_night, run_night) -> None:
    report = run_night(second)
    assert (report.built_steps, report.unchanged, report.released, report.held, report.failed) == (0, 3 + len(BAD), 0, 0, 0)
    assert report.balanced
    keep = {"state", "reasons", "digest", "package"}
    before = [{name: getattr(row, name) for name in keep} for row in first_night.report.results]
    assert [{name: getattr(row, name) for name in keep} for row in report.results] == before


@slow
def test_an_edited_line_alone_is_made_again(second: Path, first_night, run_night) -> None:
    """The first line of two and the first of two shots stay as they are, and the other title is not touched."""
    script = second.parent / "face/script.vtt"
    script.write_text(script.read_text().replace("The conference is now locked", "Please try again."))
    report = run_night(second)
    title = dict.fromkeys(("script", "match", "words", "clean", "features", "speakers", "faces", "voices"), 1)
    title |= {"acoustics": 2}  # the room of the line before is heard until this one begins
    steps = (
        "cast",
        "translate",
        "wording",
        "speak",
        "reconsider",
        "convert",
        "fit",
        "stretch",
        "place",
        "mix",
        "lips",
        "curves",
        "subtitles",
        "package",
        "listen",
        "watch",
        "measure",
        "data_gate",
    )
    assert result_of(report, "face", "es").steps == title | dict.fromkeys(steps, 1)
    assert result_of(report, "face", "fr").steps == dict.fromkeys(steps, 1)
    assert result_of(report, "face", "es").because == ("script changed",)
    assert result_of(first_night.report, "face", "es").steps["lips"] == 2
    assert result_of(report, "plain").unchanged
    assert (report.released + report.held, report.unchanged) == (2, 1 + len(BAD))
    assert result_of(report, "face").digest != result_of(first_night.report, "face").digest


@slow
def test_after_the_deadline_every_title_is_left_by_name_in_order_of_priority(catalogue: Path, tmp_path: Path, run_night) -> None:
    shutil.copytree(catalogue.parents[1], tmp_path / "home")
    report = run_night(tmp_path / "home/catalogue/catalogue.csv", deadline_minutes=0.0)
    assert [(row.title, row.language, row.state) for row in report.results] == [
        ("face", "es", "left"),
        ("face", "fr", "left"),
        ("plain", "es", "left"),
    ]
    assert (report.left, report.built_steps, report.balanced) == (3, 0, True)


@slow
def test_a_night_that_is_asked_for_one_title_looks_at_no_other(catalogue: Path, tmp_path: Path, run_night) -> None:
    shutil.copytree(catalogue.parents[1], tmp_path / "home")
    report = run_night(tmp_path / "home/catalogue/catalogue.csv", only=["plain"], deadline_minutes=0.0)
    assert [(row.title, row.language) for row in report.results] == [("plain", "es")]


@slow
def test_what_a_left_title_had_out_stays_out(second: Path, first_night, run_night) -> None:
    script = second.parent / "face/script.vtt"
    script.write_text(script.read_text().replace("The conference is now locked", "Please try again."))
    report = run_night(second, deadline_minutes=0.0)
    left = result_of(report, "face")
    assert (left.state, left.digest) == ("left", result_of(first_night.report, "face").digest)
    assert (second.parents[1] / "released/face/face.es.mp4").is_file()
    assert run_night(second, deadline_minutes=0.0).left == 2


# ---------------------------------------------------------------- order, deadline and what is in flight, without engines


class Recorder:
    """Stands where Prefect's tasks do: notes what is started and landed; title `slow` ends when the title `until` is started."""

    def __init__(self, log: list[str], slow: str = "", until: str = "") -> None:
        self.log, self.slow, self.until, self.waiting = log, slow, until, []

    def submit(self, _night: Any, planned: Planned, *perceived: Any) -> Any:
        name = f"{planned.title.id}/{planned.language}" if perceived else planned.title.id
        self.log.append(f"start {name}")
        future: Future[str] = Future()
        if planned.title.id == self.slow:
            self.waiting.append((future, name))
        else:
            future.set_result(name)
        if planned.title.id == self.until:
            for held, held_name in self.waiting:
                held.set_result(held_name)
            self.waiting = []
        return future


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    lines: list[str] = []
    monkeypatch.setattr(nightly, "PERCEIVE", Recorder(lines))
    monkeypatch.setattr(nightly, "LOCALISE", Recorder(lines, slow="a", until="c"))
    return lines


def planned(*names: str) -> list[Planned]:
    recipe = Recipe(HouseParts({}, ""), {})
    base = Planned(Title("", "film.mp4", "en", ("es", "fr")), "", recipe, "", ("new",))
    return [replace(base, title=replace(base.title, id=name), language=language) for name in names for language in ("es", "fr")]


def night_of(in_flight: int) -> Any:
    return SimpleNamespace(books=SimpleNamespace(settings=SimpleNamespace(titles_in_flight=in_flight)))


def test_titles_start_in_order_and_only_so_many_at_a_time(log: list[str]) -> None:
    """The first one takes longest, and the third does not wait for it."""
    landed = list(nightly.build_titles(night_of(2), planned("a", "b", "c"), None))
    assert landed == ["b/es", "b/fr", "a/es", "a/fr", "c/es", "c/fr"]
    assert log == [f"start {name}{language}" for name in "abc" for language in ("", "/es", "/fr")]


def test_one_at_a_time_is_one_after_the_other(log: list[str]) -> None:
    building = nightly.build_titles(night_of(1), planned("b", "c"), None)
    assert next(building) == "b/es"
    assert log == ["start b", "start b/es", "start b/fr"]
    assert list(building) == ["b/fr", "c/es", "c/fr"]


def test_after_the_deadline_none_is_started_and_those_in_flight_land(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "time", SimpleNamespace(monotonic=lambda: float(len(log))))  # three lines pass with each title
    assert list(nightly.build_titles(night_of(9), planned("b", "c", "d"), 5.0)) == ["b/es", "b/fr", "c/es", "c/fr"]
    assert "start d" not in log
