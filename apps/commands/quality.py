"""`measure`, `gate`, `faults`: numbers on a file, a table against its suite, and what the gate catches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdub.apps.commands.options import JSON, of_a_title_language, with_settings

if TYPE_CHECKING:
    from nightdub.infra.settings import Settings

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@click.argument("metric")
@FILE
@click.option("--reference", type=click.Path(path_type=Path), help="What FILE is compared with, where the metric compares.")
@click.option("--language", default="en", show_default=True, help="Language of the texts, for their normalisation.")
@JSON
def measure(metric: str, file: Path, reference: Path | None, language: str, *, as_json: bool) -> int:
    """Measure METRIC, or a family such as `loudness`, on FILE."""
    from nightdub.apps.measure import measure as measure_now

    return measure_now(metric, file, reference, language, as_json=as_json)


@click.command()
@click.argument("suite")
@FILE
@click.option("--page", type=click.Path(path_type=Path), help="Also write the verdict as an HTML page to this file.")
@JSON
def gate(suite: str, file: Path, page: Path | None, *, as_json: bool) -> int:
    """Check FILE (JSON lines) against the data gate SUITE."""
    from nightdub.apps.gate import run_gate

    return run_gate(suite, file, page, as_json=as_json)


@click.command()
@of_a_title_language
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind of fault or harmless change; may be given several times."
)
@click.option("--all", "everything", is_flag=True, help="Every severity and several places, not only the least that must be caught.")
@JSON
@with_settings
def faults(settings: Settings, title: str, language: str, kinds: tuple[str, ...], *, everything: bool, as_json: bool) -> int:
    """Plant faults into the dub of TITLE in LANGUAGE and show what the gate catches."""
    from nightdub.apps.faults import run_faults

    return run_faults(settings, title, language, kinds, everything=everything, as_json=as_json)
