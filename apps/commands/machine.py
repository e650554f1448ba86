"""`doctor`, `config`: what this machine lacks, and the settings that count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings


@click.command()
@JSON
@with_settings
def doctor(settings: Settings, *, as_json: bool) -> int:
    """Say what this machine lacks, and the command that mends it."""
    from nightdub.apps.doctor import examine

    return examine(settings, as_json=as_json)


@click.command()
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
