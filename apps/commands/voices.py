"""`voices`, `consents`: the voice of every character, and who allowed theirs to be cloned."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, signed, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(invoke_without_command=True)
@click.option("--series", default="", metavar="ID", help="Only the characters of this series, or of this title of no series.")
@JSON
@click.pass_context
def voices(context: click.Context, series: str, *, as_json: bool) -> int | None:
    """List the voice book: character, language, voice, clip and consent."""
    if context.invoked_subcommand:
        return None
    from nightdub.apps.voices import show_voices

    return int(context.invoke(with_settings(show_voices), series=series, as_json=as_json))


@voices.command(name="set")
@click.argument("series")
@click.argument("character")
@click.option("--language", default="*", show_default=True, help='Only in this language; "*" = in every one without an entry of its own.')
@click.option("--voice", help="A synthesiser's voice; empty = chosen by pitch.")
@click.option("--gender", type=click.Choice(["", "female", "male"]), help="The register to choose a voice from.")
@click.option("--consent", help="Id of the consent record that allows cloning; empty = none.")
@click.option("--reference", type=FILE, help="A sound file with the character's own voice, at least 3 s of it.")
@click.option("--model", type=FILE, help="An RVC checkpoint of the character.")
@click.option("--model-index", type=FILE, help="The checkpoint's retrieval index.")
@signed
@with_settings
def set_voice(settings: Settings, series: str, character: str, language: str, who: str, why: str, **given: str | Path | None) -> int:
    """Settle the voice of CHARACTER in SERIES; what is not given stays as it is."""
    from nightdub.apps.voices import settle_voice

    return settle_voice(
        settings, series, character, language, who, why, {name: value for name, value in given.items() if value is not None}
    )


@voices.command(name="take")
@click.argument("title")
@click.option("--series", default="", metavar="ID", help="The series that TITLE belongs to; without it, TITLE's own characters.")
@click.option("--replace", "anew", is_flag=True, help="Also overwrite characters that the book has.")
@signed
@with_settings
def take_voices(settings: Settings, title: str, series: str, who: str, why: str, *, anew: bool) -> int:
    """Enter the characters of a finished TITLE into the voice book, as they sound in it."""
    from nightdub.apps.voices import take_from_title

    return take_from_title(settings, title, series, who, why, anew=anew)


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
def consents(context: click.Context, *, as_json: bool) -> int | None:
    """List the consent records, those that ended included."""
    if context.invoked_subcommand:
        return None
    from nightdub.apps.voices import show_consents

    return int(context.invoke(with_settings(show_consents), as_json=as_json))


@consents.command(name="add")
@click.argument("name", metavar="ID")
@click.option("--speaker", required=True, help="The person whose voice it is.")
@click.option("--scope", required=True, metavar="series:ID|title:ID|*", help="What the voice may be used in.")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Only in this language; several allowed; none = in every one.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="First day on which it no longer counts, UTC.")
@click.option("--document", type=FILE, help="The signed paper; it is kept in the store.")
@click.option("--who", required=True, help="Name of the person who records it.")
@with_settings
def add_consent(
    settings: Settings,
    name: str,
    speaker: str,
    scope: str,
    languages: tuple[str, ...],
    expires: datetime | None,
    document: Path | None,
    who: str,
) -> int:
    """Record that a person allows their voice to be cloned."""
    from nightdub.apps.voices import record_consent

    return record_consent(settings, name, speaker, scope, languages, expires, document, who)


@consents.command(name="withdraw")
@click.argument("name", metavar="ID")
@click.option("--who", required=True, help="Name of the person who records it.")
@with_settings
def withdraw_consent(settings: Settings, name: str, who: str) -> int:
    """End a consent now, and take down every release in which it was used."""
    from nightdub.apps.voices import end_consent

    return end_consent(settings, name, who)
