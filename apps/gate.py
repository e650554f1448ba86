"""`nightdub gate`: one suite run over one file, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from nightdub.infra.errors import NightdubError
from nightdub.quality.data.gate import check_rows
from nightdub.quality.data.page import page as render
from nightdub.quality.data.suites import find_suite


def run_gate(suite: str, file: Path, page: Path | None, *, as_json: bool) -> int:
    """Check a file of JSON lines, print the verdict, and write its page where one is asked for. Return the exit code.

    Raises:
        NightdubError: the file cannot be read, or has a line that is no JSON object.
        ConfigError: there is no such suite.
    """
    find_suite(suite)  # before a long file is read
    verdict = check_rows(suite, _rows(file))
    if page:
        page.write_text(render(verdict, file.name), encoding="utf-8")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(verdict), indent=2).decode())
        return int(not verdict.success)
    for row in verdict.expectations:
        click.echo(f"{'pass' if row.success else 'FAIL'}  {row.expectation}{f': {row.message}' if row.message else ''}")
    for says in verdict.left_out:
        click.echo(f"-     {says}: needs another table")
    failed = f"{len(verdict.failed)} of {len(verdict.expectations)} expectations failed"
    click.echo(f"{suite}: {'pass' if verdict.success else 'fail'}, {verdict.n} rows, {failed}")
    return int(not verdict.success)


def _rows(file: Path) -> list[dict[str, Any]]:
    """Return a file's JSON objects, one a line; blank lines do not count."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise NightdubError(error.strerror or "unreadable", where=str(file), fix="give the path of a file of JSON lines") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                rows.append(msgspec.json.decode(line, type=dict[str, Any]))
            except (ValueError, RecursionError) as error:  # msgspec lets bytes that are no UTF-8 through as they are
                raise NightdubError(
                    "no JSON object", where=f"{file}, line {number}", allowed="one JSON object a line", fix="write it again"
                ) from error
    return rows
