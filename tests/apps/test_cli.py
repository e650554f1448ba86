"""The command line as a person and a script see it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from nightdub.apps.cli import cli, main
from nightdub.flows.night import load_catalogue, load_houses, open_books
from nightdub.flows.plan import make_plan
from nightdub.flows.recipe import FileDigests, House
from nightdub.flows.title import make_ask
from nightdub.infra.errors import MachineLacks
from nightdub.infra.ledger import TitleLanguage
from nightdub.infra.settings import load_settings

NIGHTDUB = Path(sys.executable).with_name("nightdub")
COMMANDS = (
    "run",
    "dataset",
    "plan",
    "status",
    "report",
    "release",
    "rollback",
    "decision",
    "override",
    "overrides",
    "revoke",
    "deliver",
    "verify",
    "edit",
    "sheet",
    "convert",
    "voices",
    "consents",
    "measure",
    "gate",
    "faults",
    "engines",
    "evaluate",
    "promote",
    "demote",
    "aliases",
    "tidy",
    "backup",
    "restore",
    "metrics",
    "doctor",
    "config",
)
HEADER = ("id", "source", "language", "targets", "script")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line in a folder of its own; return its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NIGHTDUB_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nightdub", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Return the path of a catalogue of two titles, whose media is never read here."""
    return write_catalogue(tmp_path / "films", [("one", "one.mp4", "en", "es;fr", "one.srt"), ("two", "two.mp4", "es", "en", "")])


def write_catalogue(folder: Path, rows: list[tuple[str, ...]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("one.mp4", "one.srt", "two.mp4"):
        (folder / name).write_text(name)
    path = folder / "catalogue.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *rows])
    return path


def finish(catalogue: Path, state: str, reasons: tuple[str, ...] = ()) -> None:
    """Write into the ledger of `.nightdub` that every title-language of the catalogue was made from today's inputs."""
    settings = load_settings()
    listed = load_catalogue(settings, catalogue)
    with open_books(settings) as books:
        for planned in make_plan(listed.titles, load_houses(settings, listed), books.ledger, FileDigests(books.ledger)):
            parts, digest = planned.recipe.parts, planned.recipe.digest
            row = TitleLanguage(planned.title.id, planned.language, "preview", digest, parts, state, list(reasons), "", "test")  # type: ignore[arg-type]
            books.ledger.put_title_languages([row])


# ---------------------------------------------------------------- help, and what it loads


def test_help_names_every_command_and_says_what_it_does(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert set(COMMANDS) == set(cli.commands)
    for command in COMMANDS:
        assert any(line.split()[:1] == [command] and len(line.split()) > 2 for line in out.splitlines()), command
        code, text, _ = run(command, "-h")
        assert code == 0
        assert text.startswith(f"Usage: nightdub {command}")


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (("--help",), "prefect dask distributed torch cv2 sqlalchemy numpy jinja2 great_expectations nightdub.quality nightdub.tasks"),
        (("faults", "--help"), "prefect dask distributed torch cv2 sqlalchemy numpy"),
        (("status",), "prefect dask torch cv2 great_expectations pandas"),
        (("aliases",), "prefect dask torch cv2 great_expectations pandas"),
        (("overrides",), "prefect dask torch cv2 great_expectations pandas"),
        (("measure", "loudness", "a.wav"), "prefect dask torch cv2 great_expectations pandas sqlalchemy librosa"),
    ],
)
def test_loads_only_what_a_command_needs(tmp_path: Path, arguments: tuple[str, ...], forbidden: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(48_000) / 10), 48_000)
    assert loaded(tmp_path, arguments, forbidden) == []


def test_a_plan_starts_neither_orchestrator_nor_compute_nor_a_neural_library(tmp_path: Path, catalogue: Path) -> None:
    assert loaded(tmp_path, ("plan", str(catalogue)), "prefect dask distributed torch TTS cv2 scipy.signal librosa") == []


def loaded(folder: Path, arguments: tuple[str, ...], names: str) -> list[str]:
    """Return which of these modules a fresh process has loaded when the command has ended."""
    program = (
        "import json, sys\nfrom nightdub.apps.cli import main\n"
        f"sys.argv = ['nightdub', *{list(arguments)}]\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        f"print(json.dumps([name for name in {names.split()} if name in sys.modules]))"
    )
    made = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return list(json.loads(made.stdout.splitlines()[-1]))


# ---------------------------------------------------------------- exit codes


def test_0_is_done(run: Run, catalogue: Path) -> None:
    code, out, _ = run("plan", str(catalogue))
    assert code == 0
    assert "3 title-languages to build, 0 unchanged" in out


def test_1_is_a_failure(run: Run) -> None:
    code, out, error = run("release", "nobody", "es", "--who", "Ana", "--why", "watched it")
    assert (code, out) == (1, "")
    assert "nobody/es: nothing was built; next: nightdub status lists what there is" in error


def test_1_is_also_a_row_that_was_left_out(run: Run, catalogue: Path) -> None:
    finish(catalogue, "released")
    with catalogue.open("a", encoding="utf-8") as stream:
        stream.write("three,gone.mp4,en,es,\n")
    code, out, _ = run("run", str(catalogue), "--keep-going")
    assert code == 1
    assert "problem: row 4 (three): source 'gone.mp4' is not reachable" in out


@pytest.mark.parametrize("command", ["plan", "run"])
def test_2_is_a_catalogue_that_is_not_there(run: Run, command: str) -> None:
    code, _, error = run(command, "absent.csv")
    assert code == 2
    assert error == "nightdub: absent.csv: No such file or directory; next: give the path of a CSV file\n"


@pytest.mark.parametrize("command", ["plan", "run"])
def test_2_is_a_catalogue_with_problems_and_each_is_listed(run: Run, tmp_path: Path, command: str) -> None:
    path = write_catalogue(
        tmp_path / "films",
        [("one", "one.mp4", "en", "es", ""), ("Bad id", "one.mp4", "en", "xx", ""), ("three", "gone.mp4", "en", "es", "")],
    )
    code, _, error = run(command, str(path))
    assert code == 2
    for problem in (
        "row 3 (Bad id): id 'Bad id' is unsafe",
        "row 3 (Bad id): target 'xx' is unknown",
        "row 4 (three): source 'gone.mp4' is not reachable",
    ):
        assert problem in error


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("plan",), ("release", "one", "es"), ("plan", "films/catalogue.csv", "--only", "nobody")]
)
def test_2_is_a_wrong_call(run: Run, catalogue: Path, arguments: tuple[str, ...]) -> None:
    assert catalogue.exists()
    code, _, error = run(*arguments)
    assert code == 2
    assert error


def test_2_is_an_unknown_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDUB_WORKRES", "2")
    code, _, error = run("status")
    assert code == 2
    assert "unknown setting 'workres' (environment variable NIGHTDUB_WORKRES): nearest workers" in error


def test_3_is_a_machine_that_lacks_something(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, _ = run("doctor", "--json")
    assert code == 3
    found = {finding["name"]: finding for finding in json.loads(out)}
    assert (found["ffmpeg"]["fine"], found["ffmpeg"]["fix"]) == (False, "make setup")
    assert found["ledger"]["fine"]


# ---------------------------------------------------------------- what is printed


def test_plan_says_which_input_changed(run: Run, catalogue: Path) -> None:
    finish(catalogue, "released")
    assert json.loads(run("plan", str(catalogue), "--json")[1])["build"] == 0
    (catalogue.parent / "one.srt").write_text("another line")
    code, out, _ = run("plan", str(catalogue), "--json")
    plan = json.loads(out)
    assert (code, plan["build"], plan["unchanged"]) == (0, 2, 1)
    assert {row["language"]: row["because"] for row in plan["title_languages"] if row["title"] == "one"} == {
        "es": ["script changed"],
        "fr": ["script changed"],
    }


def test_plan_of_one_title_shows_no_other(run: Run, catalogue: Path) -> None:
    plan = json.loads(run("plan", str(catalogue), "--only", "two", "--json")[1])
    assert [(row["title"], row["language"]) for row in plan["title_languages"]] == [("two", "en")]


def test_an_unchanged_night_writes_a_report_and_builds_nothing(run: Run, catalogue: Path, tmp_path: Path) -> None:
    finish(catalogue, "held", ("translation.chrf is 51.5 chrF, allowed >= 60",))
    code, out, _ = run("run", str(catalogue))
    assert code == 0
    assert "2 titles, 3 title-languages: 0 released, 0 held, 0 failed, 3 unchanged, 0 left" in out
    report = json.loads((tmp_path / ".nightdub/report.json").read_text())
    assert (report["unchanged"], report["built_steps"], report["balanced"]) == (3, 0, True)
    assert json.loads(run("report", "--json")[1]) == report
    assert "translation.chrf is 51.5 chrF" in run("report")[1]


def test_status_lists_what_stands_and_the_runs(run: Run, catalogue: Path) -> None:
    finish(catalogue, "held", ("too quiet",))
    run("run", str(catalogue))
    status = json.loads(run("status", "--json")[1])
    assert {(row["title"], row["language"], row["state"]) for row in status["title_languages"]} == {
        ("one", "es", "held"),
        ("one", "fr", "held"),
        ("two", "en", "held"),
    }
    assert [run["state"] for run in status["runs"]] == ["done"]


def test_report_without_a_night_says_what_to_do(run: Run) -> None:
    code, _, error = run("report")
    assert code == 2
    assert "no report yet; next: nightdub run CATALOGUE" in error


def test_engines_as_json_has_the_whole_table(run: Run) -> None:
    rows = json.loads(run("engines", "--json")[1])
    espeak = next(row for row in rows if row["name"] == "espeak-ng")
    assert espeak["licence"].startswith("GPL-3.0")
    assert espeak["version"] or espeak["lacks"]
    assert not next(row for row in rows if row["name"] == "xtts")["commercial"]


def test_config_masks_secrets_and_names_origins(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIGHTDUB_STORE_ACCESS_KEY", "AKIAVISIBLE")
    monkeypatch.setenv("NIGHTDUB_STORE_SECRET_KEY", "hunter2")
    (tmp_path / "nightdub.toml").write_text('ledger = "postgresql+psycopg://night:swordfish@db/night"\nworkers = 3\n')
    code, out, _ = run("config")
    assert code == 0
    for secret in ("AKIAVISIBLE", "hunter2", "swordfish"):
        assert secret not in out + run("config", "--json")[1]
    assert "3  (nightdub.toml:2)" in out
    assert "environment variable NIGHTDUB_STORE_SECRET_KEY" in out


def test_lines_are_plain_and_whole_where_nobody_sees_a_terminal(run: Run, catalogue: Path) -> None:
    reason = "a reason that is a good deal longer than the eighty columns that a terminal is taken to have where there is none"
    finish(catalogue, "held", (reason,))
    out = run("status")[1]
    assert f"one\tes\theld\t{reason}" in out.splitlines()
    assert "\x1b" not in out


def test_no_color_is_respected_on_a_terminal(run: Run, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(catalogue, "released")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes it for a terminal
    green = "\x1b[32m"
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert green in run("status")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert green not in run("status")[1]


# ---------------------------------------------------------------- an engine that this machine lacks


@pytest.fixture
def unspoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """Return a catalogue whose profile names a voice without its weights."""
    assert run  # the working folder is set
    profile = yaml.safe_load((Path(__file__).parents[2] / "flows/profiles/preview.yaml").read_text())
    profile["name"], profile["engines"]["speak"] = "unspoken", [{"name": "xtts", "settings": {"model": str(tmp_path / "nowhere")}}]
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/unspoken.yaml").write_text(yaml.safe_dump(profile))
    monkeypatch.setenv("NIGHTDUB_PROFILES", str(tmp_path / "profiles"))
    path = write_catalogue(tmp_path / "films", [])
    path.write_text("id,source,language,targets,profile\none,one.mp4,en,es,unspoken\n")
    return path


def test_a_plan_shows_an_engine_that_is_lacking_and_stays_a_plan(run: Run, unspoken: Path) -> None:
    code, out, error = run("plan", str(unspoken))
    assert code == 0
    assert "1 title-languages to build" in out
    assert "lacking here: " in error
    plan = json.loads(run("plan", str(unspoken), "--json")[1])
    assert (plan["build"], len(plan["lacks"])) == (1, 1)
    assert "next: " in plan["lacks"][0]


def test_the_recipe_changes_when_the_engine_arrives(unspoken: Path) -> None:
    settings = load_settings()
    listed = load_catalogue(settings, unspoken)
    with open_books(settings) as books:
        (planned,) = make_plan(listed.titles, load_houses(settings, listed), books.ledger, FileDigests(books.ledger))
    assert planned.recipe.house.lacks
    assert planned.recipe.changed_since(planned.recipe.parts | {"engine:speak:speak": "0" * 64}) == ["engine:speak:speak"]


def test_the_title_itself_fails_with_the_way_out(unspoken: Path) -> None:
    settings = load_settings()
    listed = load_catalogue(settings, unspoken)
    house: House = load_houses(settings, listed)["unspoken"]
    from nightdub.flows.chain import LANGUAGE_STEPS

    speak = next(step for step in LANGUAGE_STEPS if step.name == "speak")
    outputs = {want.rstrip("?").split("|")[0]: "0" * 64 for want in speak.inputs}
    with pytest.raises(MachineLacks) as lacking:
        make_ask(house, replace(listed.titles[0], source="one.mp4"), "es", speak, outputs)
    assert lacking.value.fix


# ---------------------------------------------------------------- a real night in a real process


@pytest.mark.slow
def test_a_night_with_a_disguised_playlist_ends_with_1_and_plain_lines(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.mp4").write_text("#EXTM3U\n#EXTINF:10,\n/etc/hostname\n#EXT-X-ENDLIST\n")
    (folder / "catalogue.csv").write_text("id,source,language,targets\nfilm,film.mp4,en,es\n")
    made = subprocess.run(
        [NIGHTDUB, "--home", "home", "run", "films/catalogue.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert made.returncode == 1, made.stderr
    lines = made.stderr.splitlines()
    assert [line for line in lines if " WARNING " not in line] == ["1 title-languages to build", "film/es: failed"]
    assert "state=failed" in next(line for line in lines if "title-language ended" in line)  # the log, beside what is for people
    (row,) = [line for line in made.stdout.splitlines() if line.startswith("film\t")]
    assert row.split("\t")[:3] == ["film", "es", "failed"]
    assert "playlist" in row
    assert "\x1b" not in made.stdout + made.stderr
    again = subprocess.run(
        [NIGHTDUB, "--home", "home", "run", "films/catalogue.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert "1 unchanged" in again.stdout
