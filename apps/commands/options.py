"""What several commands have in common: options, arguments, and the settings as a first argument."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


def with_settings(command: Command) -> Command:
    """Give a command the effective settings as its first argument."""

    @click.pass_obj
    @wraps(command)
    def wrapped(home: Path | None, *args: Any, **kwargs: Any) -> Any:
        from nightdub.infra.settings import load_settings  # two thirds of what --help took

        return command(load_settings(home=home) if home else load_settings(), *args, **kwargs)

    return wrapped


def _told(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("it may not be empty")
    return text


def signed(command: Command) -> Command:
    """Give a command the name and the reason of the person who decides."""
    who = click.option("--who", required=True, callback=_told, help="Name of the person who takes the decision.")
    why = click.option("--why", required=True, callback=_told, help="The reason, kept with the decision.")
    return who(why(command))


def of_a_title_language(command: Command) -> Command:
    """Give a command a title and a language."""
    return click.argument("title")(click.argument("language")(command))
