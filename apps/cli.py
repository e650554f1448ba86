"""The command line. Exit codes: 0 done, 1 something failed, 2 usage or catalogue errors, 3 this machine lacks something."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import click

from nightdub.infra.errors import CatalogueError, ConfigError, MachineLacks, NightdubError
from nightdub.infra.settings import Settings, load_settings

EXIT_FAILED, EXIT_USAGE, EXIT_MACHINE = 1, 2, 3

CATALOGUE = click.argument("catalogue", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
ONLY = click.option("--only", multiple=True, metavar="ID", help="Only this title; may be given several times.")


def main() -> None:
    """Run the command line; every known error ends as one message and an exit code."""
    try:
        sys.exit(cli(standalone_mode=False, prog_name="nightdub"))
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.Abort:
        sys.exit(130)
    except (CatalogueError, ConfigError) as error:
        _complain(error, EXIT_USAGE)
    except MachineLacks as error:
        _complain(error, EXIT_MACHINE)
    except NightdubError as error:
        _complain(error, EXIT_FAILED)


def _complain(error: NightdubError, code: int) -> None:
    click.echo(f"nightdub: {error}", err=True)
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nightdub")
@click.option("--home", type=click.Path(path_type=Path), help="Working folder (default: .nightdub, or as the settings say).")
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """Nightdub: a build system for dubs."""
    context.obj = home


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the effective settings as its first argument."""

    @click.pass_obj
    @wraps(command)
    def wrapped(home: Path | None, *args: Any, **kwargs: Any) -> Any:
        return command(load_settings(home=home) if home else load_settings(), *args, **kwargs)

    return wrapped


@cli.command()
@CATALOGUE
@ONLY
@click.option("--deadline-minutes", type=float, help="Start no title later than this.")
@click.option("--again", is_flag=True, help="Also try again what failed, although nothing has changed.")
@click.option("--keep-going", is_flag=True, help="Build the good rows of a catalogue that has bad ones.")
@click.option("--open", "show", is_flag=True, help="Open the report in a browser afterwards.")
@with_settings
def run(
    settings: Settings, catalogue: Path, only: tuple[str, ...], deadline_minutes: float | None, *, again: bool, keep_going: bool, show: bool
) -> int:
    """Run a night: build what is missing of CATALOGUE, gate it, release what passes."""
    from nightdub.apps.night import run_catalogue

    return run_catalogue(settings, catalogue, list(only), deadline_minutes, again=again, keep_going=keep_going, show=show)


@cli.command()
@CATALOGUE
@ONLY
@JSON
@with_settings
def plan(settings: Settings, catalogue: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Show what a night would build of CATALOGUE, and why."""
    from nightdub.apps.tables import show_plan

    return show_plan(settings, catalogue, list(only), as_json=as_json)


@cli.command()
@JSON
@with_settings
def status(settings: Settings, *, as_json: bool) -> int:
    """Show every title-language that the ledger knows, and the last runs."""
    from nightdub.apps.tables import show_status

    return show_status(settings, as_json=as_json)


@cli.command()
@JSON
@click.option("--open", "show", is_flag=True, help="Open the report in a browser.")
@with_settings
def report(settings: Settings, *, as_json: bool, show: bool) -> int:
    """Show the report of the last night."""
    from nightdub.apps.tables import show_report

    return show_report(settings, as_json=as_json, browser=show)


def by_a_person(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a title, a language, and the name and reason of the person who decides."""
    who = click.option("--who", required=True, help="Name of the person who takes the decision.")
    why = click.option("--why", required=True, help="The reason, kept with the release.")
    return click.argument("title")(click.argument("language")(who(why(command))))


@cli.command()
@by_a_person
@with_settings
def release(settings: Settings, title: str, language: str, who: str, why: str) -> int:
    """Release a held TITLE in LANGUAGE by a person's word."""
    from nightdub.flows.release import release as release_now

    return _move(settings, release_now, title, language, who, why)


@cli.command()
@by_a_person
@with_settings
def rollback(settings: Settings, title: str, language: str, who: str, why: str) -> int:
    """Point TITLE in LANGUAGE back to the version that was released before."""
    from nightdub.flows.release import rollback as roll_back

    return _move(settings, roll_back, title, language, who, why)


def _move(settings: Settings, move: Callable[..., str], title: str, language: str, who: str, why: str) -> int:
    from nightdub.flows.night import open_books

    with open_books(settings) as books:
        click.echo(f"{title}/{language} now serves {move(books, title, language, who, why)[:12]}")
    return 0


@cli.command()
@click.argument("title")
@click.argument("language")
@click.option("--replay", is_flag=True, help="Decide again from the ledger's numbers, and fail where that differs.")
@JSON
@with_settings
def decision(settings: Settings, title: str, language: str, *, replay: bool, as_json: bool) -> int:
    """Show why the gate let TITLE in LANGUAGE out or kept it back, rule by rule."""
    from nightdub.apps.review import show_decision

    return show_decision(settings, title, language, again=replay, as_json=as_json)


@cli.command()
@by_a_person
@click.argument("metric")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day on which it counts, UTC.")
@with_settings
def override(settings: Settings, title: str, language: str, metric: str, who: str, why: str, until: datetime) -> int:
    """Set the rules on METRIC aside for TITLE in LANGUAGE, and decide again at once; "*" stands for all."""
    from nightdub.apps.review import add_override

    return add_override(settings, title, language, metric, who, why, until)


@cli.command()
@JSON
@with_settings
def overrides(settings: Settings, *, as_json: bool) -> int:
    """List the rules that reviewers set aside: by whom, why and until when."""
    from nightdub.apps.review import show_overrides

    return show_overrides(settings, as_json=as_json)


@cli.command()
@click.argument("number", type=int)
@with_settings
def revoke(settings: Settings, number: int) -> int:
    """End override NUMBER now."""
    from nightdub.apps.review import revoke as revoke_now

    return revoke_now(settings, number)


@cli.command()
@JSON
def engines(*, as_json: bool) -> int:
    """List the engines: verb, languages, licence, and whether this machine has them."""
    from nightdub.apps.tables import show_engines

    return show_engines(as_json=as_json)


@cli.command()
@JSON
@with_settings
def doctor(settings: Settings, *, as_json: bool) -> int:
    """Say what this machine lacks, and the command that mends it."""
    from nightdub.apps.doctor import examine

    return examine(settings, as_json=as_json)


@cli.command()
@JSON
@with_settings
def config(settings: Settings, *, as_json: bool) -> int:
    """Print the effective settings and where each comes from; secrets are masked."""
    rows = settings.effective()
    if as_json:
        click.echo(json.dumps([{"name": name, "value": value, "origin": origin} for name, value, origin in rows]))
    for name, value, origin in () if as_json else rows:
        click.echo(f"{name:22} {value}  ({origin})")
    return 0


@cli.command()
@click.argument("suite")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--page", type=click.Path(path_type=Path), help="Also write the verdict as an HTML page to this file.")
@JSON
def gate(suite: str, file: Path, page: Path | None, *, as_json: bool) -> int:
    """Check FILE (JSON lines) against the data gate SUITE."""
    from nightdub.apps.gate import run_gate

    return run_gate(suite, file, page, as_json=as_json)


@cli.command()
@click.argument("metric")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--reference", type=click.Path(path_type=Path), help="What FILE is compared with, where the metric compares.")
@click.option("--language", default="en", show_default=True, help="Language of the texts, for their normalisation.")
@JSON
def measure(metric: str, file: Path, reference: Path | None, language: str, *, as_json: bool) -> int:
    """Measure METRIC, or a family such as `loudness`, on FILE."""
    from nightdub.apps.measure import measure as measure_now

    return measure_now(metric, file, reference, language, as_json=as_json)


@cli.command()
@click.argument("verb", type=click.Choice(["recognise", "translate", "speak"]))
@click.option("--engine", required=True, help="NAME, NAME:SETTING=VALUE,..., `stable` or `candidate`.")
@click.option("--set", "sets", multiple=True, required=True, metavar="NAME", help="An evaluation set or a file *.jsonl; several allowed.")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Only this many lines of each set.")
@click.option("--against", default="", metavar="ENGINE", help="Hold the engine against this one: pass, fail or cannot tell.")
@JSON
@with_settings
def evaluate(settings: Settings, verb: str, engine: str, sets: tuple[str, ...], limit: int | None, against: str, *, as_json: bool) -> int:
    """Run an engine over evaluation sets and score what it recognises, translates or speaks."""
    from nightdub.apps.evaluate import show_evaluation

    return show_evaluation(settings, verb, engine, sets, limit or 0, against, as_json=as_json)


SUBJECT = click.argument("subject", type=click.Choice(["recognise", "translate", "speak", "profile"]), metavar="VERB|profile")


@cli.command()
@SUBJECT
@click.argument("target")
@click.option("--to", "alias", type=click.Choice(["stable", "candidate"]), default="stable", show_default=True, help="What is moved.")
@click.option("--who", default="", help="Name of the person who decides against or without evidence.")
@click.option("--why", default="", help="That person's reason, kept with the move.")
@with_settings
def promote(settings: Settings, subject: str, target: str, alias: Literal["stable", "candidate"], who: str, why: str) -> int:
    """Make TARGET the stable engine of a verb where a comparison passed, or the stable profile by a person's word."""
    from nightdub.apps.evaluate import move_to

    return move_to(settings, subject, target, alias, who, why)


@cli.command()
@SUBJECT
@click.option("--who", required=True, help="Name of the person who takes the decision.")
@click.option("--why", required=True, help="The reason, kept with the move.")
@with_settings
def demote(settings: Settings, subject: str, who: str, why: str) -> int:
    """Take the stable engine or profile back to the one before; releases made since are to be judged again."""
    from nightdub.apps.evaluate import move_back

    return move_back(settings, subject, who, why)


@cli.command()
@JSON
@with_settings
def aliases(settings: Settings, *, as_json: bool) -> int:
    """List what is and was stable or a candidate, by whom and on what evidence."""
    from nightdub.apps.evaluate import show_aliases

    return show_aliases(settings, as_json=as_json)


@cli.command()
@click.argument("title")
@click.argument("language")
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind of fault or harmless change; may be given several times."
)
@click.option("--all", "everything", is_flag=True, help="Every severity and several places, not only the least that must be caught.")
@JSON
@with_settings
def faults(settings: Settings, title: str, language: str, kinds: tuple[str, ...], *, everything: bool, as_json: bool) -> int:
    """Plant faults into the dub of TITLE in LANGUAGE and show what the gate catches."""
    from nightdub.apps.faults import run_faults

    return run_faults(settings, title, language, kinds, everything=everything, as_json=as_json)
