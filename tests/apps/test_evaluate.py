"""`evaluate`, `promote`, `demote`, `aliases`, and what `status` and `plan` say of a step back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))

from trial_engines import installed, write_set

from nightdub.apps import cli
from nightdub.flows.night import load_catalogue, load_houses, open_books
from nightdub.flows.plan import make_plan
from nightdub.flows.recipe import FileDigests
from nightdub.infra.ledger import TitleLanguage
from nightdub.infra.settings import load_settings

Run = Callable[..., tuple[int, str, str]]
GOOD, BAD = "parrot:wrong=0.1", "parrot:wrong=0.6"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Call the command line in a home of its own, with engines whose errors are known."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTDUB_COMPUTE", "threads")
    write_set(tmp_path / "lines.jsonl")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nightdub", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    with installed():
        yield call


def evaluated(run: Run, engine: str, *more: str) -> tuple[int, str, str]:
    return run("evaluate", "translate", "--engine", engine, "--set", "lines.jsonl", *more)


def test_a_table_with_intervals_and_what_was_made(run: Run) -> None:
    code, out, _ = evaluated(run, GOOD)
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert header[:6] == ["engine", "set", "language", "metric", "value", "95 % interval"]
    assert [row[3] for row in rows] == ["bleu", "chrf", "ter"]
    assert all(row[0] == GOOD and " to " in row[5] and row[-1] == "120 made, 0 reused" for row in rows)
    assert "0 made, 120 reused" in evaluated(run, GOOD)[1]


def test_the_exit_code_is_the_verdict(run: Run) -> None:
    code, out, _ = evaluated(run, GOOD, "--against", BAD, "--limit", "60")
    assert (code, out.splitlines()[-1]) == (0, f"{GOOD} against {BAD}: pass (comparison 1)")
    code, out, _ = evaluated(run, BAD, "--against", GOOD, "--json")
    told = json.loads(out)
    assert (code, told["comparison"]["outcome"]) == (1, "fail")
    assert [one["evaluation"]["engine"] for one in told["evaluations"]] == [GOOD, BAD]


def test_usage_and_missing_engines_have_their_own_codes(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("evaluate", "dance", "--engine", GOOD, "--set", "lines.jsonl")[0] == 2
    assert "no evaluation set 'nothing'" in run("evaluate", "translate", "--engine", GOOD, "--set", "nothing")[2]
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, error = evaluated(run, "apertium")
    assert (code, "apertium" in error) == (3, True)


def test_from_evidence_to_alias_and_back(run: Run) -> None:
    assert run("promote", "translate", BAD)[1].strip() == f"translate stable is now {BAD} (was nothing): the first one"
    assert run("promote", "translate", GOOD, "--to", "candidate")[0] == 0
    code, _, error = run("promote", "translate", "candidate")
    assert (code, "not compared" in error) == (1, True)
    assert evaluated(run, "candidate", "--against", "stable")[0] == 0
    assert run("promote", "translate", "candidate")[0] == 0
    with open_books(load_settings()) as books:
        books.ledger.record_release("night-train", "es", action="release", package="p", decision=None, who="gate", why="pass")
    code, out, _ = run("demote", "translate", "--who", "Ana", "--why", "mumbles")
    assert (code, f"translate stable is now {BAD} (was {GOOD}): mumbles" in out) == (0, True)
    mark = f"to be judged again: night-train/es, released while {GOOD} was stable"
    assert mark in out
    assert f"{mark}: mumbles" in run("status")[1]
    assert json.loads(run("status", "--json")[1])["reevaluations"][0]["title"] == "night-train"
    rows = json.loads(run("aliases", "--json")[1])
    assert [(row["alias"], row["action"], row["target"]) for row in rows] == [
        ("stable", "rollback", BAD),
        ("stable", "promote", GOOD),
        ("candidate", "promote", GOOD),
        ("stable", "promote", BAD),
    ]
    assert rows[1]["evidence"] == [1]
    assert run("aliases")[1].count("\n") == 5


def test_the_next_night_decides_anew_on_what_was_marked(run: Run, tmp_path: Path) -> None:
    for name in ("film.mp4", "film.srt"):
        (tmp_path / name).write_text(name)
    path = tmp_path / "catalogue.csv"
    path.write_text("id,source,language,targets,script\nnight-train,film.mp4,en,es,film.srt\n")
    settings = load_settings()
    listed = load_catalogue(settings, path)
    with open_books(settings) as books:
        (planned,) = make_plan(listed.titles, load_houses(settings, listed, books.ledger), books.ledger, FileDigests(books.ledger))
        recipe = planned.recipe
        books.ledger.put_title_languages(
            [TitleLanguage("night-train", "es", "preview", recipe.digest, recipe.parts, "released", [], "p", "test")]
        )
    assert json.loads(run("plan", str(path), "--json")[1])["unchanged"] == 1
    for engine in (BAD, GOOD):
        run("promote", "translate", engine, "--who", "Ana", "--why", "tried it")
    with open_books(settings) as books:
        books.ledger.record_release("night-train", "es", action="release", package="p", decision=None, who="gate", why="pass")
    run("demote", "translate", "--who", "Ana", "--why", "mumbles")
    (row,) = json.loads(run("plan", str(path), "--json")[1])["title_languages"]
    assert row["because"] == [f"translate: {GOOD} was taken back"]
