"""The fault corpus over a finished dub of the tiny catalogue: real engines, shipped policies, real measures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import tiny
from click.testing import CliRunner

from nightdub.apps.cli import cli
from nightdub.apps.faults import missed
from nightdub.flows.faults import Report, choose_trials, load_dub, run_corpus
from nightdub.flows.night import Books, open_books
from nightdub.infra.errors import ConfigError, LedgerError
from nightdub.quality.faults.table import FAULTS

pytestmark = pytest.mark.slow

CAUGHT = (
    "missing-line",
    "unmixed-line",
    "silent-line",
    "dc-offset",
    "original-leak",
    "loudness",
    "av-shift",
    "frame-rate",
    "wrong-track-language",
    "missing-dub-track",
    "truncated",
    "dropped-frames",
    "black-frames",
    "subtitle-missing",
    "subtitle-encoding",
    "number-changed",
    "do-not-translate-broken",
    "account-missing-row",
)
HARMLESS = ("sound-encoded", "gain", "matroska", "tags", "index-last", "shift", "line-break", "crlf")


@pytest.fixture(scope="module")
def books(undisturbed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home = tmp_path_factory.mktemp("faults") / "home"
    undisturbed.copied(home)
    with open_books(tiny.settings_for(home)) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(books: Books) -> Report:
    return run_corpus(books, "face", "es", choose_trials((*CAUGHT, *HARMLESS), everything=False), lambda _: None)


def test_a_loaded_dub_is_the_one_that_was_built(books: Books, undisturbed: Any) -> None:
    dub = load_dub(books, "face", "es")
    assert dub.target == "es"
    assert set(dub.files.clips) == {clip.segment for clip in dub.clips if clip.sound}
    assert dub.files.film == books.store.fetch(undisturbed.packages["face", "es"])


@pytest.mark.parametrize("kind", CAUGHT)
def test_a_fault_at_its_stated_severity_is_caught_by_the_shipped_policy(report: Report, kind: str) -> None:
    rows = [row for row in report.judged if row.truth.kind == kind]
    assert [row.failed for row in rows] == [""] * len(rows)
    rulings = [ruling for row in rows if (ruling := row.ruling("preview"))]
    assert rulings
    assert all(ruling.caught for ruling in rulings)


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_change_is_not_held(report: Report, kind: str) -> None:
    rulings = [ruling for row in report.judged if row.truth.kind == kind and (ruling := row.ruling("preview"))]
    assert len(rulings) == len(FAULTS[kind].severities)
    assert [ruling.reasons for ruling in rulings] == [()] * len(rulings)


def test_the_report_is_stored_and_what_was_tried_is_not_tried_again(books: Books, report: Report) -> None:
    stored = json.loads((books.settings.home / "faults/face.es.json").read_text())
    assert [row["truth"]["kind"] for row in stored["judged"]] == [row.truth.kind for row in report.judged]
    done: list[int] = []
    again = run_corpus(books, "face", "es", choose_trials(("gain",), everything=True), done.append)
    assert sum(done) == len(again.judged) == 2
    run = books.ledger.runs(1)[0]
    assert (run.kind, run.state) == ("faults", "done")


def test_nothing_was_missed(report: Report) -> None:
    assert missed(report) == []


def test_what_was_never_built_or_is_not_released_is_refused(books: Books) -> None:
    with pytest.raises(LedgerError, match="nothing was built"):
        run_corpus(books, "face", "de", [], lambda _: None)
    with pytest.raises(ConfigError, match="the dub itself is not released under preview"):
        run_corpus(books, "face", "fr", [], lambda _: None)


def test_the_command_prints_a_table_and_its_exit_code(books: Books, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    home = books.settings.home
    for name in ("PROFILES", "POLICIES"):
        monkeypatch.setenv(f"NIGHTDUB_{name}", str(home / name.lower()))
    monkeypatch.setenv("NIGHTDUB_COMPUTE", "threads")
    made = CliRunner().invoke(
        cli, ["--home", str(home), "faults", "face", "es", "--kind", "dc-offset", "--kind", "crlf"], standalone_mode=False
    )
    assert made.return_value == 0, made.output
    assert "dc-offset\t1 %\tmust\t1/1" in made.output
    assert "crlf\t3 files\tharmless\t0/1" in made.output
    assert "preview: caught 1 of 1" in made.output
