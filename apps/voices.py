"""`nightdub voices` and `nightdub consents`: what the ledger keeps of characters' voices and of the people who lent theirs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from nightdub.apps.screen import print_json, print_line, print_rows
from nightdub.flows.consents import withdraw
from nightdub.flows.night import Books, open_books
from nightdub.flows.voices import entry_of, heard_in
from nightdub.infra.errors import ConfigError, LedgerError
from nightdub.infra.ledger import Consent, VoiceEntry
from nightdub.infra.settings import Settings
from nightdub.tasks.cast import EVERY, HEARD, acoustics_of, name_key
from nightdub.tasks.features import describe
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Speaker, Title
from nightdub.tasks.sound import SPEECH_RATE, read_mono, resample, write_sound
from nightdub.tasks.voice_clips import LONGEST, RATE, SHORT, score_clip

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SCOPE = re.compile(r"\*|(series|title):[a-z0-9][a-z0-9_-]{0,63}")


def show_voices(settings: Settings, series: str, *, as_json: bool) -> int:
    """Print the voice book."""
    with open_books(settings) as books:
        rows = books.ledger.voices(series or None)
    if as_json:
        print_json(msgspec.to_builtins(rows))
        return 0
    header = ("series", "character", "language", "voice", "gender", "pitch", "clip", "from", "model", "consent", "who")
    print_rows(header, [_cells(row) for row in rows])
    return 0


def settle_voice(settings: Settings, series: str, character: str, language: str, who: str, why: str, given: Mapping[str, Any]) -> int:
    """Add an entry to the voice book: the one that counts, with what is given put in. Raises: ConfigError, LedgerError, MediaError."""
    if language != EVERY and language not in LANGUAGES:
        raise ConfigError(f"unknown language {language!r}", allowed=f"*, {', '.join(LANGUAGES)}", fix="name one of these")
    with open_books(settings) as books:
        if (consent := given.get("consent")) and consent not in {row.id for row in books.ledger.consents()}:
            raise LedgerError(f"no consent {consent!r}", fix="nightdub consents add records it")
        change = {name: value for name, value in given.items() if not isinstance(value, Path)}
        change |= {name: books.store.put_file(given[name]) for name in ("model", "model_index") if name in given}
        if reference := given.get("reference"):
            change |= _own_voice(books, reference)
        if "consent" not in given and {"reference", "model"} & given.keys():
            change |= {"consent": ""}  # the record that is there is about another voice
        row = replace(entry_of(books, series, character, language), **change, who=who, why=why)
        books.ledger.put_voices([row])
    print_line(f"{row.series}: {row.character} ({row.language}) speaks with {row.voice or 'a voice chosen by pitch'}")
    return 0


def take_from_title(settings: Settings, title: str, series: str, who: str, why: str, *, anew: bool) -> int:
    """Enter a finished title's characters; print each with what became of it. Raises: LedgerError where the title was never perceived."""
    with open_books(settings) as books:
        made = {
            f"{step}.{artifact.name}": artifact.digest
            for step, key in books.ledger.heads(title, "").items()
            for artifact in books.ledger.artifacts_of(key)
        }
        if "voices.clips" not in made:
            raise LedgerError("nothing was perceived", where=title, fix="nightdub run builds it")
        heard = [replace(row, who=who, why=why) for row in heard_in(books, Title(title, "", "", (), series=series), made)]
        known = {name_key(row.character): row.character for row in books.ledger.voices(series or title) if row.language == HEARD}
        heard = [replace(row, character=known.get(name_key(row.character), row.character)) for row in heard]
        taken = heard if anew else [row for row in heard if name_key(row.character) not in known]
        books.ledger.put_voices(taken)
    for row in heard:
        print_line(f"{row.character}: {f'taken from {row.origin}' if row in taken else 'kept as it is'}")
    return 0


def show_consents(settings: Settings, *, as_json: bool) -> int:
    """Print the consent records, those that ended included."""
    with open_books(settings) as books:
        rows = books.ledger.consents()
    if as_json:
        print_json(msgspec.to_builtins(rows))
        return 0
    now = datetime.now(UTC)
    header = ("id", "speaker", "scope", "languages", "holds", "expires", "withdrawn", "document", "who")
    cells = [
        (
            *(row.id, row.speaker, row.scope, " ".join(row.languages) or "all", "yes" if row.holds(now) else "no"),
            *(f"{moment:%Y-%m-%d}" if moment else "" for moment in (row.expires, row.withdrawn)),
            *(row.document[:12], row.who),
        )
        for row in rows
    ]
    print_rows(header, cells)
    return 0


def record_consent(
    settings: Settings,
    name: str,
    speaker: str,
    scope: str,
    languages: Sequence[str],
    expires: datetime | None,
    document: Path | None,
    who: str,
) -> int:
    """Add a consent record; the document goes into the store. Raises: ConfigError, LedgerError where the id is taken."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"id {name!r}", allowed="1 to 64 letters, digits, '.', '_' and '-'", fix="choose another")
    if not SCOPE.fullmatch(scope):
        raise ConfigError(f"scope {scope!r}", allowed="series:ID, title:ID or *", fix="name what the voice may be used in")
    if wrong := [language for language in languages if language not in LANGUAGES]:
        raise ConfigError(f"unknown language {wrong[0]!r}", allowed=", ".join(LANGUAGES), fix="name some of these, or none for all")
    end = expires.replace(tzinfo=UTC) if expires else None
    with open_books(settings) as books:
        paper = books.store.put_file(document) if document else ""
        books.ledger.put_consent(Consent(name, speaker, scope, list(languages), expires=end, document=paper, who=who))
    print_line(
        f"consent {name}: {speaker}, {scope}, {' '.join(languages) or 'every language'}, {f'until {end:%Y-%m-%d}' if end else 'no end'}"
    )
    return 0


def end_consent(settings: Settings, name: str, who: str) -> int:
    """Withdraw a consent, take down what it was used in, and print what that was."""
    with open_books(settings) as books:
        taken = withdraw(books, name, who)
    print_line(f"consent {name} is withdrawn; the next night makes what it was used in with a neutral voice")
    for row in taken:
        print_line(f"taken down: {row.title}/{row.language}")
    return 0


def _own_voice(books: Books, path: Path) -> dict[str, Any]:
    """Return what an entry keeps of a sound file: the clip, how it sounds, and where it is from. Raises: MediaError, ConfigError."""
    sound = read_mono(path, rate=RATE)[: round(LONGEST * RATE)]
    if sound.size < SHORT * RATE or not (score := score_clip(sound, RATE)):
        raise ConfigError(
            "too short, noisy, clipped or faint", where=str(path), allowed=f"{SHORT:g} s and more of clean speech", fix="cut another clip"
        )
    low = describe(resample(sound, RATE, SPEECH_RATE), SPEECH_RATE, "")
    if not low.pitch_median:
        raise ConfigError("no voice found", where=str(path), allowed="speech", fix="cut another clip")
    with tempfile.TemporaryDirectory() as scratch:
        digest = books.store.put_file(write_sound(Path(scratch) / "voice.wav", sound, RATE))
    heard = Speaker("", (), low.pitch_median, low.pitch_low, low.pitch_high, low.formants)
    return {"reference": digest, "acoustics": acoustics_of(heard), "origin": f"{path.name} (score {score:.2f})"}


def _cells(row: VoiceEntry) -> tuple[str, ...]:
    pitch = row.acoustics.get("pitch_median", 0)
    return (
        *(row.series, row.character, row.language or "as first heard", row.voice, row.gender, f"{pitch:.0f} Hz" if pitch else ""),
        *(row.reference[:12], row.origin, row.model[:12], row.consent, row.who),
    )
