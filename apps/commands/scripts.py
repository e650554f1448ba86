"""`convert`: scripts, subtitles, bilingual files and translation memories from one format into another."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--frame-rate", default="", help="Frame rate of time code: 23.976, 24, 25, 29.97, 29.97df, 30, 50, 59.94 or 59.94df.")
@click.option("--offset", default="0", help="Moment of SOURCE that becomes zero, as 01:00:00:00; with - before it that much is added.")
@click.option("--language", default="", help="Language of the lines, where SOURCE does not say it.")
@click.option("--target", default="", help="Language of the translations, in XLIFF and TMX.")
def convert(source: Path, out: Path, frame_rate: str, offset: str, language: str, target: str) -> int:
    """Write SOURCE to OUT in the format of OUT's ending, and say what is lost."""
    from nightdub.apps.convert import convert_file

    return convert_file(source, out, frame_rate, offset, language, target)
