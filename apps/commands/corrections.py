"""`edit` and `sheet`: what a person settles about lines, one by one or as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import of_a_title_language, signed, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings


@click.command()
@of_a_title_language
@click.argument("line")
@click.option("--text", help="What is said instead, in LANGUAGE.")
@click.option("--speaker", help="Who says it.")
@click.option("--start", type=float, help="Where its time begins, in seconds.")
@click.option("--end", type=float, help="Where its time ends, in seconds.")
@click.option("--lock/--unlock", default=None, help="Keep text, sound and place as they are in every later run, or no longer.")
@click.option("--approve", is_flag=True, help="Add the line to the translation memory.")
@click.option("--take-back", is_flag=True, help="Leave the line to the machine again.")
@signed
@with_settings
def edit(
    settings: Settings,
    title: str,
    language: str,
    line: str,
    text: str | None,
    speaker: str | None,
    start: float | None,
    end: float | None,
    who: str,
    why: str,
    *,
    lock: bool | None,
    approve: bool,
    take_back: bool,
) -> int:
    """Settle LINE of TITLE in LANGUAGE; the next run makes only what depends on it."""
    from nightdub.apps.corrections import edit_line
    from nightdub.flows.corrections import Change

    change = None if take_back else Change(text, speaker, start, end, lock, approve)
    return edit_line(settings, title, language, line, change, who, why)


@click.group()
def sheet() -> None:
    """Review sheets: all lines of a title-language as a table, out and back in."""


@sheet.command(name="out")
@of_a_title_language
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_settings
def sheet_out(settings: Settings, title: str, language: str, file: Path) -> int:
    """Write the lines of TITLE in LANGUAGE to FILE: .xlsx, .csv or .xlf."""
    from nightdub.apps.corrections import write_out

    return write_out(settings, title, language, file)


@sheet.command(name="in")
@of_a_title_language
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@signed
@with_settings
def sheet_in(settings: Settings, title: str, language: str, file: Path, who: str, why: str) -> int:
    """Settle what was changed in FILE; rows that cannot be used are named, and stop no other."""
    from nightdub.apps.corrections import read_in

    return read_in(settings, title, language, file, who, why)
