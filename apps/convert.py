"""The `convert` command: a script in another format, and a word on all that was lost."""

from __future__ import annotations

from pathlib import Path

import click

from nightdub.infra.errors import ScriptError
from nightdub.tasks.formats.convert import ENDINGS, Wanted, convert
from nightdub.tasks.timecode import FrameRate, clock, frames_of, is_code, named_rate, seconds_of


def convert_file(source: Path, out: Path, rate: str, offset: str, language: str, target: str) -> int:
    """Write `source` to `out` in the format of its ending and print what was lost; the exit code."""
    form = ENDINGS.get(out.suffix.lower().lstrip("."))
    if form is None:
        raise ScriptError(f"the ending {out.suffix!r}", where=str(out), allowed=", ".join(f".{ending}" for ending in ENDINGS))
    frames = named_rate(rate) if rate else None
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ScriptError(error.strerror or str(error), where=str(source), fix="check the path") from None
    made = convert(data, str(source), form, Wanted(frames, _moment(offset, frames), language, target))
    out.write_text(made.text, encoding="utf-8", newline="\n")
    click.echo(f"{out}: {made.count} lines")
    for what in made.lost:
        click.echo(f"  lost or changed: {what}")
    return 0


def _moment(text: str, rate: FrameRate | None) -> float:
    """Return the seconds of a clock or a time code, below zero with a "-" before it."""
    plain = text.removeprefix("-")
    if is_code(plain) and rate is None:
        raise ScriptError(f"offset {text!r} in frames", where="--offset", fix="name their rate: --frame-rate 25")
    moment = float(seconds_of(frames_of(plain, rate), rate)) if is_code(plain) and rate else clock(plain)
    if moment != moment:  # noqa: PLR0124 - not a number
        raise ScriptError(f"offset {text!r}", where="--offset", allowed="seconds, HH:MM:SS.mmm, HH:MM:SS:FF; with - before it to add")
    return -moment if text.startswith("-") else moment
