"""`deliver` and `verify`: a released film as files, and whether such files are still what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import of_a_title_language, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings


@click.command()
@of_a_title_language
@click.option("--to", required=True, help="Folder, or s3://bucket/prefix, below which the delivery gets a folder of its own.")
@click.option("--form", "forms", multiple=True, help="mp4, mkv, hls, masters or subtitles; may be given again (default: mp4).")
@with_settings
def deliver(settings: Settings, title: str, language: str, to: str, forms: tuple[str, ...]) -> int:
    """Write what is released of TITLE in LANGUAGE as files, with a manifest of them all."""
    from nightdub.flows.deliver import deliver as deliver_now
    from nightdub.flows.night import open_books

    with open_books(settings) as books:
        place, names = deliver_now(books, title, language, forms or ("mp4",), to)
    for name in names:
        click.echo(f"{place}/{name}")
    return 0


@click.command()
@click.argument("place")
@with_settings
def verify(settings: Settings, place: str) -> int:
    """Hold the files of PLACE, a folder or s3://bucket/prefix, against their manifest and their signatures."""
    from nightdub.flows.delivered import check

    click.echo(f"{place}: {len(check(place, settings))} files as they were delivered")
    return 0
