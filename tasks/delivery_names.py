"""Names of delivered files and films from a profile's templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

from nightdub.infra.errors import ConfigError
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language

FIELDS = ("title", "series", "episode", "language", "language_name", "source_language")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # what every file system and player takes as it is


def fields_of(title: str, series: str, episode: str, source: Language, target: Language) -> dict[str, str]:
    """Return what may stand in a template; series and episode are empty where the title belongs to none."""
    values = (title, series, episode, target, LANGUAGES[target].name, source)
    return dict(zip(FIELDS, values, strict=True))


def filled(template: str, fields: Mapping[str, str], where: str) -> str:
    """Return a template with its fields filled in. Raises: ConfigError for a field that there is not, or broken braces."""
    try:
        parts = [(name, form, kind) for _, name, form, kind in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ConfigError(f"template {template!r}: {error}", where=where, fix="write {title}, and {{ for a brace") from None
    if strange := [name for name, form, kind in parts if name not in FIELDS or form or kind]:
        raise ConfigError(f"template {template!r}: no field {{{strange[0]}}}", where=where, allowed=", ".join(FIELDS))
    return template.format(**fields)


def file_name(template: str, fields: Mapping[str, str], where: str) -> str:
    """Return a file's name without its ending. Raises: ConfigError where it would not be a plain name."""
    name = filled(template, fields, where)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"file name {name!r}", where=where, allowed="1 to 128 of A-Z, a-z, 0-9, . _ and -, the first a letter or digit")
    return name
