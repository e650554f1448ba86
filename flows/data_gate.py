"""What a night does with the verdicts of data gates: a title-language that has a bad table is held, and the pages lie where people look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nightdub.flows.night import Books
from nightdub.flows.publish import link
from nightdub.infra.build import read_manifest
from nightdub.quality.data.gate import check_rows
from nightdub.quality.data.page import write_pages
from nightdub.tasks.rows import Language, Title

PAGE = "page."  # outputs of the step that are pages


def show_pages(books: Books, title: str, language: Language) -> str:
    """Lay the pages of a title-language's newest data gates below `review/`; return the index's path in the working folder, or nothing."""
    key = books.ledger.heads(title, language).get("data_gate")
    job = books.ledger.jobs([key]).get(key) if key else None
    if job is None or not job.manifest:
        return ""
    folder = Path("review") / title / language / "data"
    outputs = read_manifest(books.store, job.manifest).outputs
    pages = {name.removeprefix(PAGE): digest for name, digest in outputs.items() if name.startswith(PAGE)}
    shown = {name: link(books, digest, folder / f"{name}.html") for name, digest in pages.items()}
    return shown.get("index", "")


def check_catalogue(books: Books, titles: Sequence[Title]) -> tuple[str, ...]:
    """Check a night's titles as one table and write its page to `data/` in the working folder; return what is wrong, for the report.

    It stops no night: rows that cannot be built were refused one by one when the catalogue was read.
    """
    verdict = check_rows("catalogue", titles)
    folder = books.settings.home / "data"
    folder.mkdir(parents=True, exist_ok=True)
    write_pages(folder, [verdict], "catalogue")
    return (verdict.reason,) if verdict.reason else ()
