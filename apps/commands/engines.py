"""`engines`, `evaluate`, `promote`, `demote`, `aliases`: which engines there are, how good they are, and which one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from nightdub.apps.commands.options import JSON, signed, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings

VERBS = ["recognise", "translate", "speak"]
SUBJECT = click.argument("subject", type=click.Choice([*VERBS, "profile"]), metavar="VERB|profile")


@click.command()
@JSON
def engines(*, as_json: bool) -> int:
    """List the engines: verb, languages, licence, and whether this machine has them."""
    from nightdub.apps.tables import show_engines

    return show_engines(as_json=as_json)


@click.command()
@click.argument("verb", type=click.Choice(VERBS))
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


@click.command()
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


@click.command()
@SUBJECT
@signed
@with_settings
def demote(settings: Settings, subject: str, who: str, why: str) -> int:
    """Take the stable engine or profile back to the one before; releases made since are to be judged again."""
    from nightdub.apps.evaluate import move_back

    return move_back(settings, subject, who, why)


@click.command()
@JSON
@with_settings
def aliases(settings: Settings, *, as_json: bool) -> int:
    """List what is and was stable or a candidate, by whom and on what evidence."""
    from nightdub.apps.evaluate import show_aliases

    return show_aliases(settings, as_json=as_json)
