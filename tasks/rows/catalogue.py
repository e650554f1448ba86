"""What the catalogue says of a title."""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows.units import Language


@dataclass(frozen=True, slots=True)
class Title:
    """One row of the catalogue. Paths are absolute; an empty one was not delivered."""

    id: str
    source: str
    language: Language
    targets: tuple[Language, ...]
    script: str = ""
    memory: str = ""  # translation memory
    glossary: str = ""
    references: str = ""  # human translations that the dub is measured against, never used to make it
    cast: str = ""
    music_and_effects: str = ""
    dialogue: str = ""  # delivered dialogue stem
    series: str = ""  # titles of one series share their characters' voices
    episode: str = ""  # within the series, as "s01e02"
    profile: str = "preview"
    priority: int = 0  # higher first
    row: int = 0  # line of the catalogue file, for messages
