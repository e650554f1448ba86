"""`release`, `rollback`, `decision`, `override`, `overrides`, `revoke`: what is out, why, and what people say to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, of_a_title_language, signed, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings


@click.command()
@of_a_title_language
@signed
@with_settings
def release(settings: Settings, title: str, language: str, who: str, why: str) -> int:
    """Release a held TITLE in LANGUAGE by a person's word."""
    from nightdub.flows.release import release as release_now

    return _move(settings, release_now, title, language, who, why)


@click.command()
@of_a_title_language
@signed
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


@click.command()
@of_a_title_language
@click.option("--replay", is_flag=True, help="Decide again from the ledger's numbers, and fail where that differs.")
@JSON
@with_settings
def decision(settings: Settings, title: str, language: str, *, replay: bool, as_json: bool) -> int:
    """Show why the gate let TITLE in LANGUAGE out or kept it back, rule by rule."""
    from nightdub.apps.review import show_decision

    return show_decision(settings, title, language, again=replay, as_json=as_json)


@click.command()
@of_a_title_language
@click.argument("metric")
@signed
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day on which it counts, UTC.")
@with_settings
def override(settings: Settings, title: str, language: str, metric: str, who: str, why: str, until: datetime) -> int:
    """Set the rules on METRIC aside for TITLE in LANGUAGE, and decide again at once; "*" stands for all."""
    from nightdub.apps.review import add_override

    return add_override(settings, title, language, metric, who, why, until)


@click.command()
@JSON
@with_settings
def overrides(settings: Settings, *, as_json: bool) -> int:
    """List the rules that reviewers set aside: by whom, why and until when."""
    from nightdub.apps.review import show_overrides

    return show_overrides(settings, as_json=as_json)


@click.command()
@click.argument("number", type=int)
@with_settings
def revoke(settings: Settings, number: int) -> int:
    """End override NUMBER now."""
    from nightdub.apps.review import revoke as revoke_now

    return revoke_now(settings, number)
