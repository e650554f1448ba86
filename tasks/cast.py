"""Who speaks a character's lines: the voice book first, then the cast list, then the character's own sound; and whether it may be cloned.

The book has three layers, and what is empty in one is taken from the next: an entry for the language, an entry for every language ("*"),
and the entry of the episode in which the character was first heard (""). Where the last one exists, the cast list no longer changes the
voice: what it says otherwise is noted, and the book is where a person changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nightdub.tasks.rows import BookVoice, Clip, Language, Permission, Speaker, VoiceClip

HEARD = ""  # language of the entry of the episode in which a character was first heard
EVERY = "*"
ACOUSTICS = ("pitch_median", "pitch_low", "pitch_high", "formants")


def cast_speakers(
    speakers: Sequence[Speaker],
    clips: Sequence[VoiceClip],
    book: Sequence[BookVoice],
    permissions: Sequence[Permission],
    language: Language,
) -> list[Speaker]:
    """Return the speakers with the voice, acoustics and clip that are theirs in a language, and the verdict on cloning them.

    A character's acoustics and clip are the book's where it has them, so that it sounds the same in every episode; else this title's.
    `consent` is left only where that record holds; else `refused` says why: "unnamed" (told apart by sound alone, so that nobody can
    say whose voice it is), "no-consent", "unknown-record", or what the permission says ("expired", "withdrawn", "other-series", ...).
    """
    own = {clip.speaker: clip.sound for clip in clips}
    known = {permission.id: permission for permission in permissions}
    return [_cast(replace(speaker, reference=own.get(speaker.id, "")), book, known, language) for speaker in speakers]


def clip_with_rights(clip: Clip, speaker: Speaker | None) -> Clip:
    """Return a line's clip with the consent record under which its voice was cloned, or with the reason why a neutral voice speaks."""
    if not clip.sound:
        return replace(clip, consent="", neutral="")
    if clip.cloned:
        own = speaker is not None and clip.cloned in (speaker.reference, speaker.model)  # a locked line may be of somebody else's voice
        return replace(clip, consent=speaker.consent if speaker and own else "", neutral="")
    if speaker is None or speaker.refused:
        return replace(clip, consent="", neutral=speaker.refused if speaker else "unnamed")
    return replace(clip, consent="", neutral=f"{clip.engine} does not clone" if speaker.reference else "no-clip")


def layers(character: str, book: Sequence[BookVoice], language: Language) -> list[BookVoice]:
    """Return a character's entries that count for a language, the most particular first; names are compared without case."""
    mine = [row for row in book if name_key(row.character) == name_key(character)]
    return [row for wanted in (language, EVERY, HEARD) for row in mine if row.language == wanted]


def name_key(name: str) -> str:
    """Return a character's name as names are compared: without case, and with single spaces."""
    return " ".join(name.casefold().split())


def acoustics_of(speaker: Speaker) -> dict[str, Any]:
    """Return what the voice book keeps of a speaker's sound, rounded to what nobody hears: 0.1 Hz of pitch, 1 Hz of formants."""
    pitch = {name: round(getattr(speaker, name), 1) for name in ACOUSTICS[:3]}
    return {**pitch, "formants": [round(value) for value in speaker.formants]}


def _cast(speaker: Speaker, book: Sequence[BookVoice], permissions: Mapping[str, Permission], language: Language) -> Speaker:
    entries = layers(speaker.id, book, language) if speaker.named else []
    heard = any(row.language == HEARD for row in entries)
    found = {name: _first(entries, name) for name in ("voice", "gender", "reference", "acoustics")}
    own = next((place for place, row in enumerate(entries) if row.language != HEARD and (row.reference or row.model)), None)
    voice: dict[str, Any] = {name: found[name] or ("" if heard else getattr(speaker, name)) for name in ("voice", "gender")}
    notes = tuple(
        f"{name}: cast list {mine}, voice book {voice[name] or 'none'}"
        for name in ("voice", "gender")
        if (mine := getattr(speaker, name)) and mine != voice[name]
    )
    sound = {name: value for name, value in (found["acoustics"] or {}).items() if name in ACOUSTICS and value}
    if "formants" in sound:
        sound["formants"] = tuple(float(value) for value in sound["formants"])
    # A record covers whom it names: the clip or model of its own entry or of a more general one, and the cast list's the title's own voice.
    consent = _first(entries if own is None else entries[: own + 1], "consent") or (speaker.consent if own is None else "")
    source = BookVoice("") if own is None else entries[own]
    refused = _refusal(speaker, consent, permissions)
    return replace(
        speaker,
        **voice,
        **sound,
        reference=source.reference or ("" if source.model else found["reference"] or speaker.reference),
        model=source.model,
        model_index=source.model_index,
        consent="" if refused else consent,
        refused=refused,
        notes=notes,
    )


def _first(entries: Sequence[BookVoice], name: str) -> Any:
    return next((value for row in entries if (value := getattr(row, name))), None)


def _refusal(speaker: Speaker, consent: str, permissions: Mapping[str, Permission]) -> str:
    if not speaker.named:
        return "unnamed"
    if not consent:
        return "no-consent"
    return permissions[consent].refused if consent in permissions else "unknown-record"
