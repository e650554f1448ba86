"""`run`, `plan`, `status`, `report`: the night."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings

CATALOGUE = click.argument("catalogue", type=click.Path(path_type=Path))
ONLY = click.option("--only", multiple=True, metavar="ID", help="Only this title; may be given several times.")


@click.command()
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


@click.command()
@CATALOGUE
@ONLY
@JSON
@click.option("--lines", is_flag=True, help="Also show the lines that would be translated anew.")
@with_settings
def plan(settings: Settings, catalogue: Path, only: tuple[str, ...], *, as_json: bool, lines: bool) -> int:
    """Show what a night would build of CATALOGUE, and why."""
    from nightdub.apps.tables import show_plan

    return show_plan(settings, catalogue, list(only), as_json=as_json, lines=lines)


@click.command()
@JSON
@with_settings
def status(settings: Settings, *, as_json: bool) -> int:
    """Show every title-language that the ledger knows, and the last runs."""
    from nightdub.apps.tables import show_status

    return show_status(settings, as_json=as_json)


@click.command()
@JSON
@click.option("--open", "show", is_flag=True, help="Open the report in a browser.")
@with_settings
def report(settings: Settings, *, as_json: bool, show: bool) -> int:
    """Show the report of the last night."""
    from nightdub.apps.tables import show_report

    return show_report(settings, as_json=as_json, browser=show)
