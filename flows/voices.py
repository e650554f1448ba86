"""The voice book at work: a character is entered when a series is first heard to have it, and every language reads what the book says.

Entries of the chain itself are added, never changed: the first episode that has a character with a clean line decides how it sounds in
all others, whatever their cast lists say. Titles of no series are not entered unasked: nothing has to agree with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from nightdub.flows.kept import as_lines, book_of, refusal
from nightdub.flows.night import Books
from nightdub.infra.ledger import VoiceEntry
from nightdub.tasks.cast import EVERY, HEARD, acoustics_of, name_key
from nightdub.tasks.rows import Language, Permission, Speaker, Title, VoiceClip

SPEAKERS, CLIPS = "speakers.speakers", "voices.clips"

Row = TypeVar("Row")


def enter_characters(books: Books, title: Title, outputs: Mapping[str, str]) -> list[VoiceEntry]:
    """Add the characters of an episode that its series' book lacks, and return their entries."""
    if not title.series:
        return []
    known = {name_key(row.character) for row in books.ledger.voices(title.series) if row.language == HEARD}
    heard = [row for row in heard_in(books, title, outputs) if name_key(row.character) not in known]
    return books.ledger.add_voices(heard)


def heard_in(books: Books, title: Title, outputs: Mapping[str, str]) -> list[VoiceEntry]:
    """Return the entries of a title's characters as they sound in it: of those with a name and a clip of their own voice."""
    clips = {clip.speaker: clip for clip in _rows(books, outputs, CLIPS, VoiceClip) if clip.sound}
    return [
        VoiceEntry(
            book_of(title),
            speaker.id,
            HEARD,
            voice=speaker.voice,
            gender=speaker.gender,
            reference=clips[speaker.id].sound,
            origin=f"{title.id} {clips[speaker.id].start:.2f}-{clips[speaker.id].end:.2f} s (score {clips[speaker.id].score:.2f})",
            acoustics=acoustics_of(speaker),
            why=f"first heard in {title.id}",
        )
        for speaker in _rows(books, outputs, SPEAKERS, Speaker)
        if speaker.named and speaker.id in clips
    ]


def voice_inputs(books: Books, title: Title, language: Language, outputs: Mapping[str, str]) -> dict[str, bytes]:
    """Return the title's part of the voice book, and what the consent records that it names allow now, each as JSON lines."""
    entries = [row for row in books.ledger.voices(book_of(title)) if row.language in (HEARD, EVERY, language)]
    named = {row.consent for row in entries} | {speaker.consent for speaker in _rows(books, outputs, SPEAKERS, Speaker)}
    return {"voices": as_lines(entries), "consents": as_lines(permissions(books, title, language, named))}


def permissions(books: Books, title: Title, language: Language, names: Iterable[str]) -> list[Permission]:
    """Return what the named consent records allow in a title-language now; a name without a record is left out."""
    now, wanted = datetime.now(UTC), set(names)
    return [Permission(row.id, row.speaker, refusal(row, title, language, now)) for row in books.ledger.consents() if row.id in wanted]


def entry_of(books: Books, series: str, character: str, language: Language) -> VoiceEntry:
    """Return what the book holds for exactly this place, in the spelling that the book has of the name; else an empty entry."""
    rows = books.ledger.voices(series)
    found = [row for row in rows if name_key(row.character) == name_key(character)]
    exact = next((row for row in found if row.language == language), None)
    return exact or VoiceEntry(series, found[0].character if found else character, language)


def _rows(books: Books, outputs: Mapping[str, str], name: str, kind: type[Row]) -> list[Row]:
    return msgspec.json.Decoder(kind).decode_lines(books.store.get_bytes(outputs[name])) if name in outputs else []
