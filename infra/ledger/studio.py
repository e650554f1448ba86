"""What people settle for more than one night: voices of characters, consents, corrected lines, and approved ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, and_, func, or_, select, update

from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger.engine import Database, columns, insert, lock, values
from nightdub.infra.ledger.models import approved_lines, consents, corrections, voices
from nightdub.infra.ledger.rows import ApprovedLine, Consent, Correction, VoiceEntry

Kept = TypeVar("Kept", VoiceEntry, Correction, ApprovedLine)


class Studio(Database):
    """Rows are only ever added, and the newest counts; a correction or an approved line can be taken back, a consent withdrawn."""

    def put_voices(self, rows: Iterable[VoiceEntry]) -> None:
        """Add entries to the voice book; each replaces the one of its series, character and language."""
        self._add(voices, rows)

    def add_voices(self, rows: Iterable[VoiceEntry]) -> list[VoiceEntry]:
        """Add those entries whose series, character and language have none, and return them: whoever comes first is not overwritten."""
        added = []
        for series, group in groupby(sorted(rows, key=lambda row: row.series), key=lambda row: row.series):
            with self._write_safely() as connection:
                lock(connection, f"nightdub voices {series}")
                query = select(voices.c.character, voices.c.language).where(voices.c.series == series)
                known = {tuple(place) for place in connection.execute(query)}
                new = [row for row in group if (row.character, row.language) not in known]
                self._insert(connection, voices, new)
                added += new
        return added

    def voices(self, series: str | None = None) -> list[VoiceEntry]:
        """Return the entries that count, by series, character and language; None means every series."""
        place = (voices.c.series, voices.c.character, voices.c.language)
        query = select(*columns(voices, VoiceEntry)).where(voices.c.id.in_(select(func.max(voices.c.id)).group_by(*place)))
        if series is not None:
            query = query.where(voices.c.series == series)
        return self._read_rows(query.order_by(*place), VoiceEntry)

    def put_consent(self, row: Consent) -> None:
        """Add a consent record. Raises: LedgerError where its id is taken: a record is not rewritten, but withdrawn."""
        known = values(row) | {"created": self._clock(), "withdrawn": None}
        with self._write_safely() as connection:
            added = insert(connection, consents).values(known).on_conflict_do_nothing().returning(consents.c.id)
            if connection.scalar(added) is None:
                raise LedgerError(f"consent {row.id!r} is recorded already", fix="withdraw it, and record the new one under another id")

    def withdraw_consent(self, name: str) -> None:
        """End a consent now; one that was withdrawn before keeps its moment. Raises: LedgerError where there is no such record."""
        with self._write_safely() as connection:
            if connection.scalar(select(consents.c.id).where(consents.c.id == name)) is None:
                raise LedgerError(f"no consent {name!r}", fix="nightdub consents lists them")
            which = and_(consents.c.id == name, consents.c.withdrawn.is_(None))
            connection.execute(update(consents).where(which).values(withdrawn=self._clock()))

    def consents(self, at: datetime | None = None) -> list[Consent]:
        """Return the consents that hold at a moment, by id; None means every one."""
        query = select(*columns(consents, Consent)).order_by(consents.c.id)
        with self._read() as connection:
            found = [Consent(*row) for row in connection.execute(query)]
        return found if at is None else [consent for consent in found if consent.holds(at)]

    def correct(self, rows: Sequence[Correction], ended: Sequence[str] = ()) -> None:
        """Add corrections of one title-language, each replacing the one of its line, and end those of other lines, all at once."""
        with self._write_safely() as connection:
            if rows and ended:
                here = (corrections.c.title == rows[0].title, corrections.c.language == rows[0].language)
                which = and_(*here, corrections.c.segment.in_(ended), corrections.c.revoked.is_(None))
                connection.execute(update(corrections).where(which).values(revoked=self._clock()))
            self._insert(connection, corrections, rows)

    def corrections(self, title: str | None = None, language: str | None = None) -> list[Correction]:
        """Return the corrections that count, by title, language and line; None means every one."""
        place = (corrections.c.title, corrections.c.language, corrections.c.segment)
        newest = select(func.max(corrections.c.id)).group_by(*place)
        query = select(*columns(corrections, Correction)).where(corrections.c.id.in_(newest), corrections.c.revoked.is_(None))
        for column, wanted in ((corrections.c.title, title), (corrections.c.language, language)):
            query = query if wanted is None else query.where(column == wanted)
        return self._read_rows(query.order_by(*place), Correction)

    def take_back_correction(self, title: str, language: str, segment: str) -> bool:
        """Take back what was corrected of a line; return whether there was anything."""
        which = and_(corrections.c.title == title, corrections.c.language == language, corrections.c.segment == segment)
        with self._write_safely() as connection:
            known = connection.execute(update(corrections).where(which, corrections.c.revoked.is_(None)).values(revoked=self._clock()))
        return bool(known.rowcount)

    def approve(self, rows: Iterable[ApprovedLine]) -> None:
        """Add lines to the memory; a newer line for the same source text counts before an older one."""
        self._add(approved_lines, rows)

    def approved(self, source: str, target: str) -> list[ApprovedLine]:
        """Return the approved lines of a language pair that were not taken back, newest first."""
        pair = (approved_lines.c.source_language == source, approved_lines.c.target_language == target)
        query = select(*columns(approved_lines, ApprovedLine)).where(*pair, approved_lines.c.revoked.is_(None))
        return self._read_rows(query.order_by(approved_lines.c.id.desc()), ApprovedLine)

    def take_back_approved(self, title: str, language: str, segments: Iterable[str]) -> int:
        """Take lines that were approved in a title out of the memory and return how many."""
        which = and_(
            approved_lines.c.title == title,
            approved_lines.c.target_language == language,
            or_(*(approved_lines.c.segment == segment for segment in segments)),
            approved_lines.c.revoked.is_(None),
        )
        with self._write_safely() as connection:
            return int(connection.execute(update(approved_lines).where(which).values(revoked=self._clock())).rowcount)

    def _add(self, table: Table, rows: Iterable[Kept]) -> None:
        if known := list(rows):
            with self._write_safely() as connection:
                self._insert(connection, table, known)

    def _insert(self, connection: Connection, table: Table, rows: Sequence[Kept]) -> None:
        now = self._clock()
        known = [{name: value for name, value in values(row).items() if name != "id"} | {"created": now} for row in rows]
        if known:
            connection.execute(table.insert(), known)

    def _read_rows(self, query: Select[Any], kind: type[Kept]) -> list[Kept]:
        with self._read() as connection:
            return [kind(*row) for row in connection.execute(query)]
