"""The documentation names everything that there is, and its examples are read by the code that they are about."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from nightdub.apps.cli import EXIT_FAILED, EXIT_MACHINE, EXIT_USAGE, cli
from nightdub.datasets.evaluation import PROMPTS, Example
from nightdub.flows.chain import CHAIN
from nightdub.flows.evaluate import STEPS
from nightdub.flows.recipe import PROFILES
from nightdub.infra.settings import Settings, load_settings
from nightdub.quality.compare import MARGINS
from nightdub.quality.data.suites import SUITES
from nightdub.quality.metrics import comet, fid, lse
from nightdub.quality.metrics.table import METRICS, as_markdown
from nightdub.quality.policy import POLICIES, Rule, read_policy
from nightdub.tasks.catalogue import OPTIONAL, REQUIRED, read_catalogue
from nightdub.tasks.engines import TABLE, find_engine
from nightdub.tasks.glossary import read_glossary
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.memory import read_memory
from nightdub.tasks.profile import Profile, read_profile
from nightdub.tasks.script import read_script
from nightdub.tasks.speakers import read_cast

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "benchmarks/README.md", *DOCS.glob("*.md")])
ROW = re.compile(r"^\| *(`[^|]*?) *\|(.*)\|$", re.MULTILINE)
EXAMPLE = re.compile(r"^```(\w+) file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def rows(page: str, after: str = "") -> dict[str, list[str]]:
    """Return the first cell's names -> the other cells, of every table row below a heading that begins with code."""
    body = text(page)
    body = body[body.index(after) :] if after else body
    found = {}
    for first, rest in ROW.findall(body):
        for name in re.findall(r"`([^`]+)`", first):
            found.setdefault(name, [cell.strip() for cell in rest.split("|")])
    return found


def examples(page: Path) -> dict[str, str]:
    return {name: body for _, name, body in EXAMPLE.findall(page.read_text(encoding="utf-8"))}


# ---------------------------------------------------------------- everything has its row


def test_every_command_and_option_is_in_the_operators_guide() -> None:
    documented = {name.split()[1] for name in rows("operators-guide.md", "## Commands") if name.startswith("nightdub ")}
    assert documented == set(cli.commands)
    guide = text("operators-guide.md")
    for command in cli.commands.values():
        for option in options(command):
            assert f"`{option}" in guide, f"{command.name} {option}"


def options(command: click.Command) -> list[str]:
    """Return a command's options, and those of its own commands."""
    own = [name for parameter in command.params for name in parameter.opts if name.startswith("--")]
    return own + [name for part in getattr(command, "commands", {}).values() for name in options(part)]


def test_the_guide_says_which_commands_print_json() -> None:
    said = next(line for line in text("operators-guide.md").splitlines() if line.startswith("`--json` on "))
    asked = {name for name, command in cli.commands.items() if any("--json" in parameter.opts for parameter in command.params)}
    assert set(re.findall(r"`(\w+)`", said.split(". ")[0])) == asked


def test_every_exit_code_is_in_the_operators_guide() -> None:
    codes = set(re.findall(r"^\| (\d) \|", text("operators-guide.md"), re.MULTILINE))
    assert codes == {str(code) for code in (0, EXIT_FAILED, EXIT_USAGE, EXIT_MACHINE)}


def test_every_setting_has_its_default_and_meaning() -> None:
    found = rows("operators-guide.md", "## Settings")
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if hasattr(field.default, "get_secret_value") else field.default
        assert found[name] == [f"`{default}`" if default not in (None, "") else "", field.description], name


def test_every_column_is_in_the_catalogue_reference() -> None:
    found = rows("catalogue.md")
    assert set(REQUIRED + OPTIONAL) <= set(found)
    assert [name for name in REQUIRED if found[name][0] != "yes"] == []
    assert [name for name in OPTIONAL if found[name][0]] == []


def test_every_language_is_in_the_catalogue_reference() -> None:
    body = text("catalogue.md")
    assert [code for code, facts in LANGUAGES.items() if f"`{code}` {facts.name}" not in body] == []


def test_every_engine_is_documented_with_its_licence() -> None:
    listed = {
        (cells[0], cells[1].strip("`")): cells
        for line in text("engines.md").splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")[1:-1]]) == 6
    }
    for spec in TABLE:
        _, _, languages, licence, commercial, install = listed[spec.verb, spec.name]
        assert languages == (" ".join(spec.languages) or "any")
        assert (licence, commercial) == (spec.licence, "yes" if spec.commercial else "no")
        assert f"`{spec.install}`" in install
    assert len(listed) == len(TABLE) + 2  # heading and rule


def test_the_page_of_metrics_is_what_their_modules_declare() -> None:
    assert text("metrics.md") == as_markdown(), "run: make docs"


def test_every_metric_says_where_it_comes_from_and_what_leaves_it_unmeasured() -> None:
    assert not [name for name, fact in METRICS.items() if not (fact.means and fact.source and fact.unmeasured)]


def test_every_metric_that_needs_more_than_the_setup_says_how_to_get_it() -> None:
    guide = text("operators-guide.md")
    assert [name for name in (comet.VARIABLE, fid.VARIABLE, lse.MODEL) if f"`{name}=" not in guide] == []
    named = {name for name in rows("operators-guide.md", "## Measuring by hand") if re.fullmatch(r"[a-z]+\.\w+", name)}
    assert {"speech.utmos", "picture.fid", "translation.comet"} <= named - {"ledger.db", "report.html", "report.json"} <= set(METRICS)


def test_every_suite_of_a_data_gate_has_its_section() -> None:
    assert re.findall(r"^### (\w+)$", text("data-gates.md"), re.MULTILINE) == list(SUITES)


def test_evaluation_names_its_verbs_sets_fields_and_margins() -> None:
    found = rows("evaluation.md")
    metrics = {verb: set(re.findall(r"`(\w+)`", found[verb][1])) for verb in STEPS}
    assert metrics == {"recognise": {"wer", "cer"}, "translate": {"bleu", "chrf", "ter"}, "speak": {"wer", "cer", "dnsmos"}}
    assert {name for name, (_, target) in PROMPTS.items() if not target} <= set(found)
    assert {field.name for field in fields(Example)} - {"format"} <= set(found)  # the file's ending says the format
    margins = rows("evaluation.md", "| metric | margin |")
    assert {name: float(margins[name][0].split()[0]) for name in MARGINS} == MARGINS


def test_every_field_of_a_rule_is_documented() -> None:
    assert {field.name for field in fields(Rule)} <= set(rows("policies.md"))


def test_every_field_of_a_profile_has_its_default() -> None:
    found = rows("profiles.md")
    given = msgspec.to_builtins(Profile("", "", commercial=False, engines={}))
    for name, value in given.items():
        if not isinstance(value, dict) or name == "engines":
            assert name in found
            continue
        for part, default in value.items():
            cell = found[f"{name}.{part}"][0]
            words = isinstance(default, str | bool)
            assert cell == str(default).lower() if words else abs(float(cell) - default) < 1e-4, f"{name}.{part}"


def test_every_profile_and_policy_is_named() -> None:
    assert {path.stem for path in PROFILES.glob("*.yaml")} <= set(rows("profiles.md"))
    assert [path.stem for path in POLICIES.glob("*.yaml") if f"`{path.stem}`" not in text("policies.md")] == []


def test_every_step_of_the_chain_has_its_row() -> None:
    found = {name: cells for name, cells in rows("architecture.md", "## A title's walk").items() if len(cells) == 3}
    assert list(found) == [step.name for step in CHAIN]
    for step in CHAIN:
        assert found[step.name][0] == step.scope
        assert (found[step.name][1] == "whole") == step.whole, step.name


def test_every_verb_has_an_engine_that_the_documentation_names() -> None:
    assert {step.verb for step in CHAIN if step.verb} <= {spec.verb for spec in TABLE}


# ---------------------------------------------------------------- examples are read


@pytest.mark.parametrize(
    "page", [path for path in PAGES if "catalogue.csv" in path.read_text() and "```csv" in path.read_text()], ids=lambda path: path.name
)
def test_catalogue_examples_are_catalogues(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```csv[^\n]*\n(id,source,.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for body in blocks:
        for name in re.findall(r"[\w/.-]+\.\w{2,4}", body):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        path = tmp_path / "catalogue.csv"
        path.write_text(body)
        listed = read_catalogue(path, {profile.stem for profile in PROFILES.glob("*.yaml")}).strict(path)
        assert listed.titles


READERS: dict[str, Callable[[Path], Any]] = {
    "scripts/pilot.srt": read_script,
    "scripts/pilot.vtt": read_script,
    "scripts/pilot.ttml": read_script,
    "scripts/pilot.csv": read_script,
    "memory.csv": read_memory,
    "references.csv": read_memory,
    "glossary.csv": read_glossary,
    "cast.csv": read_cast,
}


@pytest.mark.parametrize("name", READERS)
def test_examples_of_delivered_files_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / Path(name).name
    path.write_text(examples(DOCS / "catalogue.md")[name])
    assert READERS[name](path)


def test_script_examples_all_say_the_same(tmp_path: Path) -> None:
    found = []
    for name, body in examples(DOCS / "catalogue.md").items():
        if name.startswith("scripts/"):
            (tmp_path / Path(name).name).write_text(body)
            found.append([(line.start, line.end, line.text) for line in read_script(tmp_path / Path(name).name).segments])
    assert len(found) == 4
    assert all(lines == found[0] for lines in found)
    assert [line[1] for line in found[0]] == [3.2, 5.5]


def test_memory_and_glossary_examples_mean_what_the_text_says(tmp_path: Path) -> None:
    for name in ("memory.csv", "glossary.csv", "cast.csv"):
        (tmp_path / name).write_text(examples(DOCS / "catalogue.md")[name])
    assert read_memory(tmp_path / "memory.csv").find("thank you", "en", "es") == "Gracias."
    kept = read_glossary(tmp_path / "glossary.csv").find("Nightdub opens the conference", "en", "fr")
    assert [(found.term.source, found.term.target) for found in kept] == [("Nightdub", "Nightdub"), ("conference", "conférence")]
    assert [member.consent for member in read_cast(tmp_path / "cast.csv")] == ["", "contract-2026-014"]


def test_profile_and_policy_examples_are_read(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text(examples(DOCS / "profiles.md")["house.yaml"])
    profile = read_profile(tmp_path / "house.yaml")
    for verb, choices in profile.engines.items():
        assert all(find_engine(verb, choice.name).commercial for choice in choices)
    (tmp_path / "house.yaml").write_text(examples(DOCS / "policies.md")["house.yaml"])
    assert len(read_policy("house", tmp_path).rules) == 3 + 1  # and the data gates'


def test_the_settings_example_is_read(tmp_path: Path) -> None:
    path = tmp_path / "nightdub.toml"
    path.write_text(examples(DOCS / "operators-guide.md")["nightdub.toml"])
    assert load_settings(config=path).workers == tomllib.loads(path.read_text())["workers"]


# ---------------------------------------------------------------- nothing leads astray


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {target}"
        if anchor:
            headings = {
                re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                for line in path.read_text().splitlines()
                if line.startswith("#")
            }
            assert anchor[1:] in headings, f"{page.name}: {target}{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_the_documentation_exist(page: Path) -> None:
    body = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for line in re.findall(r"`make ([a-z][a-z -]*)", body) for name in line.split()} <= targets
    assert set(re.findall(r"(?:^    |`)nightdub (?:--\S+ \S+ )?([a-z]+)", body, re.MULTILINE)) <= set(cli.commands)


def test_the_errors_in_the_trouble_table_are_words_of_the_code() -> None:
    source = " ".join(
        " ".join(path.read_text(encoding="utf-8").split())
        for room in ("apps", "flows", "infra", "quality", "tasks")
        for path in (ROOT / room).rglob("*.py")
    )
    for words in rows("operators-guide.md", "## Trouble"):
        pieces = re.split(r"'[^']*'|\b\d+\b|catalogue\.csv: |\b(?:it|de|ko|en)\b", words)
        longest = max((piece.strip(" :>-") for piece in pieces), key=len)
        assert longest in source, words
