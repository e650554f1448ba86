"""What the command line prints: tables for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.text import Text

from nightdub.apps.browser import open_page
from nightdub.apps.doctor import Answer, ask_engine
from nightdub.apps.screen import print_json, print_line, print_rows
from nightdub.flows.lines import ChangedLine, changed_lines
from nightdub.flows.night import load_catalogue, load_houses, open_books
from nightdub.flows.plan import Planned, make_plan
from nightdub.flows.recipe import FileDigests
from nightdub.flows.report import NightReport, TitleResult, read_report
from nightdub.infra.errors import CatalogueError, ConfigError
from nightdub.infra.settings import Settings
from nightdub.tasks.catalogue import Catalogue
from nightdub.tasks.engines import TABLE, EngineSpec

COLOURS = {"released": "green", "held": "yellow", "failed": "red", "left": "magenta"}


def show_plan(settings: Settings, catalogue: Path, only: list[str], *, as_json: bool, lines: bool = False) -> int:
    """Print what a night would build and why, with `lines` down to the translation; return 2 where the catalogue has problems."""
    listed = load_catalogue(settings, catalogue)
    refuse_unknown(only, listed, catalogue)
    with open_books(settings) as books:
        houses, digests = load_houses(settings, listed, books.ledger), FileDigests(books.ledger)
        plan = make_plan(listed.titles, houses, books.ledger, digests)
        plan = [planned for planned in plan if not only or planned.title.id in only]
        changed = list(changed_lines(books, houses, plan, digests)) if lines else []
    if as_json:
        print_json(_plan_row(plan, listed) | ({"lines": changed} if lines else {}))
    else:
        _print_plan(plan)
        _print_lines(changed, lines=lines)
        for problem in listed.problems:
            click.echo(f"problem: {problem}", err=True)
    return 2 if listed.problems else 0


def refuse_unknown(only: Sequence[str], listed: Catalogue, catalogue: Path) -> None:
    """Raise CatalogueError where `--only` names a title that the catalogue does not have, good or bad."""
    known = {title.id for title in listed.titles} | {problem.id for problem in listed.problems}
    if unknown := sorted(set(only) - known):
        raise CatalogueError(f"no title {', '.join(unknown)}", where=str(catalogue), fix="nightdub plan lists the catalogue's titles")


def _plan_row(plan: Sequence[Planned], listed: Catalogue) -> dict[str, object]:
    """Return the plan as plain values."""
    todo = sum(not planned.unchanged for planned in plan)
    rows = [{"title": row.title.id, "language": row.language, "state": row.state, "because": list(row.because)} for row in plan]
    problems = [str(problem) for problem in listed.problems]
    return {"build": todo, "unchanged": len(plan) - todo, "problems": problems, "lacks": _lacks(plan), "title_languages": rows}


def _print_plan(plan: Sequence[Planned]) -> None:
    todo = [planned for planned in plan if not planned.unchanged]
    if todo:
        rows = [(planned.title.id, planned.language, planned.state or "-", ", ".join(planned.because)) for planned in todo]
        print_rows(("title", "language", "now", "to build because"), rows)
    for lack in _lacks(plan):
        click.echo(f"lacking here: {lack}", err=True)
    click.echo(f"{len(todo)} title-languages to build, {len(plan) - len(todo)} unchanged")


def _print_lines(changed: Sequence[ChangedLine], *, lines: bool) -> None:
    if changed:
        rows = [(row.title, row.language, row.segment, row.text, row.now) for row in changed]
        print_rows(("title", "language", "line", "text", "now"), rows)
    if lines:
        click.echo(f"{len(changed)} lines of earlier nights to translate anew")


def _lacks(plan: Sequence[Planned]) -> list[str]:
    """Return what this machine lacks of the engines that the plan's profiles name."""
    return sorted({lack for planned in plan for lack in planned.recipe.house.lacks})


def show_status(settings: Settings, *, as_json: bool) -> int:
    """Print every title-language of the ledger and the last runs."""
    with open_books(settings) as books:
        rows, runs, marked = list(books.ledger.title_languages().values()), books.ledger.runs(5), books.ledger.reevaluations()
    if as_json:
        print_json({"title_languages": rows, "reevaluations": marked, "runs": runs})
        return 0
    rows.sort(key=lambda row: (row.title, row.language))
    cells = [(row.title, row.language, _state(row.state), "; ".join(row.reasons)) for row in rows]
    print_rows(("title", "language", "state", "reasons"), cells)
    for mark in marked:
        click.echo(f"to be judged again: {mark.title}/{mark.language}, released while {mark.taken_back} was stable: {mark.why}")
    for run in runs:
        click.echo(f"run {run.id}: {run.kind}, {run.state}, started {run.started:%Y-%m-%d %H:%M:%S} UTC")
    return 0


def show_report(settings: Settings, *, as_json: bool, browser: bool) -> int:
    """Print the last night's report."""
    try:
        report = read_report(settings.home)
    except FileNotFoundError:
        raise ConfigError("no report yet", where=str(settings.home), fix="nightdub run CATALOGUE") from None
    if as_json:
        print_json(report)
    else:
        show_summary(report, settings.home)
    if browser:
        open_page(settings.home / "report.html")
    return 0


def show_summary(report: NightReport, home: Path) -> None:
    """Print the night on one screen: the account, then every title-language that was touched."""
    print_rows(("title", "language", "state", "made", "CPU s", "why"), [_summary_row(row) for row in report.results])
    if made := _made_steps(report):
        print_line("made: " + ", ".join(f"{count} {step}" for step, count in made.items()), "dim")
    segments = report.segments
    print_line(
        f"{report.titles} titles, {report.title_languages} title-languages: {report.released} released, {report.held} held, "
        f"{report.failed} failed, {report.unchanged} unchanged, {report.left} left; "
        f"lines: {segments['in']} in = {segments['spoken']} spoken + {segments['excused']} excused "
        f"+ {segments['failed']} failed; {'balanced' if report.balanced else 'DOES NOT BALANCE'}; {report.wall_seconds:.1f} s"
    )
    for problem in report.problems:
        print_line(f"problem: {problem}", "red")
    for engine in report.engines:
        print_line(f"engine changed: {engine}", "yellow")
    print_line(f"report: {home / 'report.html'}")


def _summary_row(row: TitleResult) -> tuple[str | Text, ...]:
    why = "; ".join(row.reasons) or (row.package if row.state == "released" else "")
    state = _state(row.state, "unchanged" if row.unchanged else "")
    return row.title, row.language, state, str(row.made), f"{row.cpu_seconds:.1f}", why


def _made_steps(report: NightReport) -> dict[str, int]:
    """Return step -> items made, over the whole night."""
    total: dict[str, int] = {}
    for row in report.results:
        for step, count in row.steps.items():
            total[step] = total.get(step, 0) + count
    return total


def show_engines(*, as_json: bool) -> int:
    """Print the engine table with what this machine lacks for each."""
    answers = [ask_engine(spec) for spec in TABLE]
    if as_json:
        print_json([msgspec.to_builtins(spec) | msgspec.to_builtins(answer) for spec, answer in zip(TABLE, answers, strict=True)])
        return 0
    rows = [_engine_row(spec, answer) for spec, answer in zip(TABLE, answers, strict=True)]
    print_rows(("verb", "engine", "languages", "licence", "commercial", "here"), rows)
    return 0


def _engine_row(spec: EngineSpec, answer: Answer) -> tuple[str | Text, ...]:
    here = Text(answer.fix, style="yellow") if answer.lacks else Text(answer.version, style="green")
    return spec.verb, spec.name, " ".join(spec.languages) or "any", spec.licence, "yes" if spec.commercial else "no", here


def _state(state: str, note: str = "") -> Text:
    return Text(f"{state} ({note})" if note else state, style=COLOURS.get(state, ""))
