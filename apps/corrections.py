"""`nightdub edit` and `nightdub sheet`: settle lines, and say what the next run will do."""

from __future__ import annotations

from pathlib import Path

from nightdub.apps.screen import print_line
from nightdub.flows.corrections import Change, apply_sheet, edit, open_desk, sheet_rows, take_back
from nightdub.flows.night import open_books
from nightdub.infra.settings import Settings
from nightdub.tasks.review_sheet import read_sheet, write_sheet

NEXT = "the next `nightdub run` makes what depends on it"


def edit_line(settings: Settings, title: str, language: str, line: str, change: Change | None, who: str, why: str) -> int:
    """Settle one line, or take back what was settled of it where `change` is None."""
    with open_books(settings) as books:
        desk = open_desk(books, title, language)
        if change is None:
            done = take_back(books, desk, line)
            print_line(f"{title}/{language} {line}: taken back; {NEXT}" if done else f"{title}/{language} {line}: nothing was settled")
            return 0
        found = edit(books, desk, line, change, who=who, why=why)
    if found is None and not change.approve:
        print_line(f"{title}/{language} {line}: it stands so already")
    if found:
        state = " and locked" if found.locked else ""
        print_line(f"{title}/{language} {line}: settled{state}; {NEXT}")
    if change.approve:
        print_line(f"{title}/{language} {line}: in the memory of {desk.source} -> {language}")
    return 0


def write_out(settings: Settings, title: str, language: str, file: Path) -> int:
    """Write the review sheet."""
    with open_books(settings) as books:
        desk = open_desk(books, title, language)
    rows = sheet_rows(desk)
    write_sheet(file, rows, title, desk.source, language)
    print_line(f"{file}: {len(rows)} lines; change start, end, speaker and text, write yes under approve or lock, then: nightdub sheet in")
    return 0


def read_in(settings: Settings, title: str, language: str, file: Path, who: str, why: str) -> int:
    """Settle what a sheet says; 1 where a row could not be used."""
    sheet = read_sheet(file)
    with open_books(settings) as books:
        done = apply_sheet(books, open_desk(books, title, language), sheet.rows, who=who, why=why)
    for what, lines in (("corrected", done.corrected), ("locked", done.locked), ("approved", done.approved)):
        print_line(f"{len(lines)} {what}{': ' if lines else ''}{', '.join(lines)}")
    for problem in (*sheet.problems, *done.refused):
        print_line(f"not used: {problem}", "red")
    return 1 if sheet.problems or done.refused else 0
