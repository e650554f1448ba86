"""`tidy`, `backup`, `restore`, `metrics`: what keeps an installation in order, and what watches it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--grace-hours", type=click.FloatRange(min=0), default=48.0, show_default=True, help="How old garbage must be.")
@click.option("--dry-run", is_flag=True, help="Only count the garbage; change nothing.")
@JSON
@with_settings
def tidy(settings: Settings, grace_hours: float, *, dry_run: bool, as_json: bool) -> int:
    """Free expired leases, mend pointers, forget old jobs, delete what nothing refers to."""
    from nightdub.apps.upkeep import tidy_up

    return tidy_up(settings, grace_hours, dry_run=dry_run, as_json=as_json)


@click.command()
@click.argument("to", type=FILE)
@with_settings
def backup(settings: Settings, to: Path) -> int:
    """Copy the ledger, as it is at this moment, into the new file TO; a night may be running."""
    from nightdub.apps.upkeep import back_up

    return back_up(settings, to)


@click.command()
@click.argument("source", type=FILE, metavar="FROM")
@with_settings
def restore(settings: Settings, source: Path) -> int:
    """Put the backup FROM in the ledger's place; what was there is saved first."""
    from nightdub.apps.upkeep import restore as restore_now

    return restore_now(settings, source)


@click.command()
@click.option("--serve", "port", type=click.IntRange(0, 65535), help="Answer Prometheus on this port until stopped; 0 = a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on; whoever reaches it may read.")
@with_settings
def metrics(settings: Settings, port: int | None, host: str) -> int:
    """Print the state of ledger and store in Prometheus' text format."""
    from nightdub.apps.metrics import print_metrics, serve_metrics

    return print_metrics(settings) if port is None else serve_metrics(settings, host, port)
