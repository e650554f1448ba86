"""Corrections: what a person settles about single lines, by command or by a review sheet, held against what stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from nightdub.flows.chain.settled import ANCHOR, anchor_of, find_lines
from nightdub.flows.night import Books
from nightdub.flows.shelf import stored
from nightdub.infra.errors import LedgerError
from nightdub.infra.ledger import ApprovedLine, Correction
from nightdub.tasks.formats.line import one_row
from nightdub.tasks.review_sheet import SheetRow, revision_of
from nightdub.tasks.rows import Clip, Language, MediaFacts, Placement, Seconds, Segment, Translation

SEGMENTS, LINES, CLIPS, PLACES = "cast.segments", "revise.lines", "convert.clips", "fit.placements"
LONGEST = 1_000  # characters of a line
NEAR = 0.0005  # seconds by which times differ that a sheet has rounded


@dataclass(frozen=True, slots=True)
class Standing:
    """One line as it stands: what the newest run made of it, and what a person settled before."""

    segment: Segment
    translation: Translation
    clip: Clip | None = None
    place: Placement | None = None
    settled: Correction | None = None

    @property
    def wording(self) -> str:
        """Return the text that the line has or, where a person settled another since, will have."""
        return (self.settled.text if self.settled else "") or self.translation.text

    @property
    def line(self) -> Segment:
        """Return the line with the time and speaker that it has or, where a person settled others since, will have."""
        if self.settled is None:
            return self.segment
        start, end = (
            old if new is None else new for old, new in ((self.segment.start, self.settled.start), (self.segment.end, self.settled.end))
        )
        return replace(self.segment, start=start, end=end, speaker=self.settled.speaker or self.segment.speaker)

    @property
    def built(self) -> bool:
        """Return whether what is settled of the line is what the newest run made."""
        return self.line == self.segment and self.wording == self.translation.text

    @property
    def locked(self) -> bool:
        return self.settled is not None and self.settled.locked

    @property
    def revision(self) -> str:
        return revision_of(self.line, self.wording, locked=self.locked)


@dataclass(frozen=True, slots=True)
class Change:
    """What a person wants of a line; None and False leave things as they are."""

    text: str | None = None
    speaker: str | None = None
    start: Seconds | None = None
    end: Seconds | None = None
    lock: bool | None = None
    approve: bool = False

    @property
    def of_line(self) -> bool:
        """Return whether the line itself becomes another one."""
        return any(value is not None for value in (self.text, self.speaker, self.start, self.end))


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a sheet: lines by what was done, and why others were not touched."""

    corrected: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """The lines of one title-language, open for corrections."""

    title: str
    language: Language
    source: Language
    length: Seconds
    lines: Mapping[str, Standing]
    moved: Mapping[str, str]  # line -> the id that its correction has in the ledger, where that is another one

    def find(self, line: str) -> Standing:
        """Return a line by its id. Raises: LedgerError naming some that there are."""
        if line not in self.lines:
            where, some = f"{self.title}/{self.language}", ", ".join(list(self.lines)[:5])
            raise LedgerError(f"no line {line!r}", where=where, allowed=f"{some}, ...", fix="nightdub sheet lists them")
        return self.lines[line]


def open_desk(books: Books, title: str, language: Language) -> Desk:
    """Return the lines of a title-language as its newest run left them. Raises: LedgerError where nothing was translated yet."""
    shelf, row = stored(books, title, language)
    if not shelf.has(LINES):
        raise LedgerError("no line was translated yet", where=f"{title}/{language}", fix="nightdub run builds it")
    segments = {segment.id: segment for segment in shelf.rows(SEGMENTS, Segment)}
    clips = {clip.segment: clip for clip in shelf.rows(CLIPS, Clip)}
    places = {place.segment: place for place in shelf.rows(PLACES, Placement)}
    known = books.ledger.corrections(title, language)
    settled = {row.segment: row for row in find_lines(list(segments.values()), known)[0]}
    moved = {line: old for row in known for line, now in settled.items() if now.id == row.id and (old := row.segment) != line}
    lines = {
        line.segment: Standing(segments[line.segment], line, clips.get(line.segment), places.get(line.segment), settled.get(line.segment))
        for line in shelf.rows(LINES, Translation)
    }
    length = shelf.rows("probe.facts", MediaFacts)[0].duration
    return Desk(title, language, row.inputs["title:language"], length, lines, moved)


def edit(books: Books, desk: Desk, line: str, change: Change, *, who: str, why: str) -> Correction | None:
    """Settle one line: what is changed now is added to what was settled before. Return the correction, None where only approved.

    Raises: LedgerError where the line is not there, is locked, or cannot be so.
    """
    standing = desk.find(line)
    found = _checked(desk, standing, _meant(standing, change), who, why)
    if found:
        _replace(books, desk, [found])
    if change.approve:
        _approve(books, desk, [_approved(desk, standing, found, who)])
    return found


def take_back(books: Books, desk: Desk, line: str) -> bool:
    """Leave a line to the machine again: its correction, its lock and its place in the memory end. Return whether there was anything."""
    forgotten = books.ledger.take_back_approved(desk.title, desk.language, [line])
    if line not in desk.moved and line in desk.moved.values():  # under this id stands what another line has now
        return bool(forgotten)
    return books.ledger.take_back_correction(desk.title, desk.language, desk.moved.get(line, line)) or bool(forgotten)


def sheet_rows(desk: Desk) -> list[SheetRow]:
    """Return every line as a row of the review sheet."""
    return [_sheet_row(standing) for standing in desk.lines.values()]


def apply_sheet(books: Books, desk: Desk, rows: Iterable[SheetRow], *, who: str, why: str) -> Applied:
    """Settle what a person changed in a sheet. A row whose line is another one than was exported is named, and not applied."""
    corrected, approved, refused, locked = [], [], [], []
    for row in rows:
        try:
            standing, change = desk.find(row.line), _wanted(desk, row)
            found = _checked(desk, standing, change, who, why)
        except LedgerError as error:
            refused.append(str(error))
            continue
        if found:
            corrected.append(found)
            locked += [row.line] if found.locked and not standing.locked else []
        if row.approve:
            approved.append(_approved(desk, standing, found, who))
    if corrected:
        _replace(books, desk, corrected)
    remembered = _approve(books, desk, approved)
    changed = tuple(row.segment for row in corrected if row.segment not in locked)
    return Applied(changed, tuple(locked), remembered, tuple(refused))


def _replace(books: Books, desk: Desk, corrected: Sequence[Correction]) -> None:
    """Write corrections; those whose lines have other ids now are written under these with them, so that none hides another."""
    fresh = {row.segment for row in corrected}
    followed = [row for name in desk.moved if name not in fresh and (row := desk.lines[name].settled)]
    taken = fresh | set(desk.moved)
    books.ledger.correct([*corrected, *followed], ended=[old for old in desk.moved.values() if old not in taken])


def _wanted(desk: Desk, row: SheetRow) -> Change:
    """Return what a sheet's row asks for. Raises: LedgerError where it was exported from another state of the line."""
    standing = desk.find(row.line)
    if row.revision != standing.revision:
        raise LedgerError(
            f"{row.line} is no longer as it was exported",
            where=f"{desk.title}/{desk.language}",
            allowed=f"revision {standing.revision}: {standing.wording!r}",
            fix="export the sheet again, and change the line there",
        )
    return _meant(standing, Change(row.text, row.speaker, row.start, row.end, row.lock))


def _meant(standing: Standing, change: Change) -> Change:
    """Return a change without what stands so already."""
    line, text = standing.line, one_row(change.text) if change.text is not None else None
    return replace(
        change,
        text=None if text == standing.wording else text,
        speaker=None if change.speaker == line.speaker else change.speaker,
        start=None if change.start is None or abs(change.start - line.start) <= NEAR else change.start,
        end=None if change.end is None or abs(change.end - line.end) <= NEAR else change.end,
        lock=None if change.lock == standing.locked else change.lock,
    )


def _checked(desk: Desk, standing: Standing, change: Change, who: str, why: str) -> Correction | None:
    """Return the correction that makes a change, None where nothing changes. Raises: LedgerError where it must not be made."""
    if not change.of_line and change.lock is None:
        return None
    if problem := _problem(desk, standing, change):
        raise LedgerError(f"{standing.segment.id}: {problem[0]}", where=f"{desk.title}/{desk.language}", fix=problem[1])
    before = standing.settled or Correction(desk.title, desk.language, standing.segment.id)
    kept = {ANCHOR: before.pinned[ANCHOR]} if before.start is not None and ANCHOR in before.pinned else {}  # where the original says it
    wanted = {name: value for name in ("text", "speaker", "start", "end") if (value := getattr(change, name)) is not None}
    pinned = _pinned(standing) if change.lock else {} if change.lock is False else before.pinned
    locked = before.locked if change.lock is None else change.lock
    return replace(
        before,
        **wanted,
        segment=standing.segment.id,
        locked=locked,
        pinned=pinned | (kept or anchor_of(standing.segment)),
        who=who,
        why=why,
    )


def _problem(desk: Desk, standing: Standing, change: Change) -> tuple[str, str] | None:
    """Return why a change cannot be made and what to do instead."""
    line = standing.line
    start, end = (line.start if change.start is None else change.start), (line.end if change.end is None else change.end)
    unspoken = standing.clip is None or not standing.clip.sound or standing.place is None
    checks = (
        (change.of_line and standing.locked and change.lock is not False, "it is locked", "unlock it first: --unlock"),
        (change.text is not None and not 0 < len(change.text) <= LONGEST, "a text of no or too many characters", f"1 to {LONGEST}"),
        (change.speaker is not None and not change.speaker.strip(), "no speaker's name", "name one"),
        (
            not 0 <= start < end <= desk.length + NEAR,
            f"{start} to {end} s",
            f"0 <= start < end <= {desk.length:.3f}, the length",
        ),
        (change.lock and change.of_line, "it changes and is to be locked at once", "run the night, listen, then lock it"),
        (change.lock and not standing.built, "what was settled of it is not made yet", "run the night, listen, then lock it"),
        (change.lock and unspoken, "it was not spoken, and cannot be locked", "nightdub report says why"),
    )
    return next(((what, fix) for wrong, what, fix in checks if wrong), None)


def _pinned(standing: Standing) -> dict[str, object]:
    """Return a line as it is, for later runs to take over."""
    rows = {"line": standing.translation, "clip": standing.clip, "place": standing.place}
    return {name: msgspec.to_builtins(row) for name, row in rows.items()}


def _approved(desk: Desk, standing: Standing, corrected: Correction | None, who: str) -> ApprovedLine:
    text = corrected.text if corrected and corrected.text else standing.wording
    return ApprovedLine(desk.source, desk.language, standing.segment.text, text, desk.title, standing.segment.id, who)


def _approve(books: Books, desk: Desk, lines: Sequence[ApprovedLine]) -> tuple[str, ...]:
    """Add lines to the memory that it does not have yet, and return their ids."""
    known = {(line.source, line.target) for line in books.ledger.approved(desk.source, desk.language)} if lines else set()
    fresh = [line for line in lines if (line.source, line.target) not in known]
    books.ledger.approve(fresh)
    return tuple(line.segment for line in fresh)


def _sheet_row(standing: Standing) -> SheetRow:
    line, made = standing.line, standing.translation
    score = f" {100 * made.score:.0f} %" if 0 < made.score < 1 else ""
    held = standing.place.held if standing.place else "not spoken"
    notes = "; ".join(note for note in (*made.notes, held, line.notes) if note)
    return SheetRow(
        line=line.id,
        start=line.start,
        end=line.end,
        speaker=line.speaker,
        source=line.text,
        text=standing.wording,
        origin=made.origin + score,
        notes=notes,
        lock=standing.locked,
        revision=standing.revision,
    )
