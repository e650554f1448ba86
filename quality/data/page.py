"""Verdicts as pages: one file each, which opens anywhere, loads nothing from anywhere, and shows no value of the data.

Great Expectations' own pages fetch scripts and styles from five other servers and show samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2

from nightdub.quality.data.suites import SUITES
from nightdub.quality.data.verdict import DataVerdict

TEMPLATES = Path(__file__).parent / "templates"


def page(verdict: DataVerdict, about: str = "") -> str:
    """Return one verdict as HTML; `about` names the table's owner, such as "pilot / es"."""
    return _render("verdict.html", verdict=verdict, about=about, describes=SUITES[verdict.suite].describes)


def index(verdicts: Sequence[DataVerdict], about: str = "") -> str:
    """Return a page over several verdicts, which links to SUITE.html beside it."""
    return _render("index.html", verdicts=verdicts, about=about, suites=SUITES)


def write_pages(folder: Path, verdicts: Sequence[DataVerdict], about: str = "") -> dict[str, Path]:
    """Write every verdict's page and the index; return name -> path, "index" and the suites' names."""
    pages = {"index": index(verdicts, about)} | {verdict.suite: page(verdict, about) for verdict in verdicts}
    written = {}
    for name, content in pages.items():
        written[name] = folder / f"{name}.html"
        written[name].write_text(content, encoding="utf-8")
    return written


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)
