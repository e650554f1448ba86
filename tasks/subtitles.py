"""Subtitles of a dub: what is said, when it is said, in lines that can be read, by rules that a checker can state.

Rules: Netflix timed text style guide (general requirements and the guides of each language): lines, length on screen, reading
speed, gap of two frames. Times lie on frames, so that no player rounds them into each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.line_breaks import break_lines, halves, one_line, width
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Language, Placement, Seconds, Translation

_LEAD = Fraction(1, 2)  # seconds that a cue may come before its voice


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one cue breaks: "empty", "lines", "line-length", "too-short", "too-long", "gap", "order", "reading-speed"."""

    rule: str
    cue: int  # its index
    value: float
    allowed: float
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Text:
    """A piece of one or more lines with its time, in frames."""

    text: str
    first: int
    last: int
    segments: tuple[str, ...]
    speaker: str = ""
    lines: tuple[str, ...] = ()  # set where the breaking is given: two speakers


@dataclass(frozen=True, slots=True)
class _Grid:
    """The figures of one language on one frame rate, in frames."""

    language: Language
    rate: Fraction
    lines: int
    shortest: int
    longest: int
    gap: int
    end: int  # first frame after the programme

    def reading_time(self, text: str) -> int:
        """Return the frames that it takes to read a text."""
        return math.ceil(Fraction(width(text, self.language)) / Fraction(LANGUAGES[self.language].reading_speed) * self.rate)

    def earliest(self, first: int, previous: int) -> int:
        """Return the first frame at which a cue may show, given where its voice begins and where the cue before it ends."""
        return max(first - round(_LEAD * self.rate), previous + self.gap, 0)


def make_cues(
    translations: Sequence[Translation],
    placements: Sequence[Placement],
    language: Language,
    figures: SubtitleFigures,
    frame_rate: Fraction,
    *,
    duration: Seconds,
    speakers: Mapping[str, str] | None = None,
) -> list[Cue]:
    """Return the cues of a dub in order of time.

    A line too long for one cue is parted at its best places, its time shared out by length; a cue too short or too fast to read takes
    of the silence after it, then before it, then joins its neighbour (two speakers: one line each, with a dash). What still cannot be
    read stays in, and `check_cues` says so. `speakers` is segment -> speaker. Lines without text or place give no cue.
    """
    grid = _grid(language, figures, frame_rate, duration)
    texts = {translation.segment: one_line(translation.text) for translation in translations}
    pieces: list[_Text] = []
    for place in sorted(placements, key=lambda place: (place.start, place.segment)):
        if text := texts.get(place.segment, ""):
            first = max(round(place.start * frame_rate), pieces[-1].last if pieces else 0)
            last = min(max(round(place.end * frame_rate), first + 1), max(grid.end, first + 1))
            pieces += _part(_Text(text, first, last, (place.segment,), (speakers or {}).get(place.segment, "")), grid)
    return _cues(_spaced(_joined(pieces, grid), grid), grid)


def check_cues(cues: Sequence[Cue], language: Language, figures: SubtitleFigures, frame_rate: Fraction) -> list[Violation]:
    """Return every rule that is broken, cue by cue; times are judged in whole frames."""
    found: list[Violation] = []
    grid = _grid(language, figures, frame_rate, math.inf)
    previous = None
    for cue in cues:
        found += [Violation(rule, cue.index, value, allowed, cue.segments) for rule, value, allowed in _broken(cue, previous, grid)]
        previous = cue
    return found


def _broken(cue: Cue, previous: Cue | None, grid: _Grid) -> list[tuple[str, float, float]]:
    facts, rate = LANGUAGES[grid.language], float(grid.rate)
    first, last = round(cue.start * grid.rate), round(cue.end * grid.rate)
    frames = last - first
    letters = sum(width(line, grid.language) for line in cue.lines)
    longest_line = max((width(line, grid.language) for line in cue.lines), default=0.0)
    checks = [
        ("empty", letters, 1.0, not letters or not all(line.strip() for line in cue.lines)),
        ("lines", len(cue.lines), grid.lines, len(cue.lines) > grid.lines),
        ("line-length", longest_line, facts.line_length, longest_line > facts.line_length),
        ("too-short", frames / rate, grid.shortest / rate, frames < grid.shortest),
        ("too-long", frames / rate, grid.longest / rate, frames > grid.longest),
        ("reading-speed", letters * rate / max(frames, 1), facts.reading_speed, letters * rate > facts.reading_speed * frames * (1 + 1e-9)),
    ]
    if previous:
        rest = first - round(previous.end * grid.rate)
        checks.append(("order", rest / rate, 0.0, rest < 0))
        checks.append(("gap", float(rest), grid.gap, 0 <= rest < grid.gap))
    return [(rule, float(value), float(allowed)) for rule, value, allowed, broken in checks if broken]


def _grid(language: Language, figures: SubtitleFigures, rate: Fraction, duration: Seconds) -> _Grid:
    end = math.floor(duration * rate) if math.isfinite(duration) else 1 << 62
    shortest = math.ceil(round(figures.shortest * rate, 6))
    return _Grid(language, rate, figures.lines, shortest, math.floor(figures.longest * rate), figures.gap_frames, end)


def _part(piece: _Text, grid: _Grid) -> list[_Text]:
    """Part a text until every piece fits its lines and its time; one line spoken slowly stays whole, and leaves early."""
    fits = break_lines(piece.text, grid.language, grid.lines) is not None
    brief = piece.last - piece.first <= grid.longest or width(piece.text, grid.language) <= LANGUAGES[grid.language].line_length
    parts = None if fits and brief else halves(piece.text, grid.language)
    if parts is None:
        return [piece]
    share = Fraction(width(parts[0], grid.language)) / Fraction(width(parts[0], grid.language) + width(parts[1], grid.language))
    middle = piece.first + round((piece.last - piece.first) * share)
    one, other = replace(piece, text=parts[0], last=middle), replace(piece, text=parts[1], first=middle)
    return [*_part(one, grid), *_part(other, grid)]


def _joined(pieces: Sequence[_Text], grid: _Grid) -> list[_Text]:
    """Join a piece that would stay too short or too fast with the one before it, where both fit one cue."""
    joined: list[_Text] = []
    for index, piece in enumerate(pieces):
        following = pieces[index + 1].first if index + 1 < len(pieces) else grid.end
        both = _together(joined[-1], piece, grid) if joined else None
        if both and (_hurried(piece, joined[-1].last, following, grid) or _hurried(joined[-1], _end_before(joined), piece.first, grid)):
            joined[-1] = both
        else:
            joined.append(piece)
    return joined


def _end_before(pieces: Sequence[_Text]) -> int:
    return pieces[-2].last if len(pieces) > 1 else 0


def _hurried(piece: _Text, previous: int, following: int, grid: _Grid) -> bool:
    """Return whether a piece cannot be read, even with the silence that it may take on both sides."""
    room = following - grid.gap - grid.earliest(piece.first, previous)
    return room < max(grid.shortest, grid.reading_time(piece.text))


def _together(one: _Text, other: _Text, grid: _Grid) -> _Text | None:
    """Return two pieces as one cue, or None where they do not fit; a second of silence keeps them apart."""
    if other.last - one.first > grid.longest or other.first - one.last > grid.rate or one.lines or other.lines:
        return None
    segments = tuple(dict.fromkeys([*one.segments, *other.segments]))
    text = f"{one.text}{' ' if LANGUAGES[grid.language].spaces else ''}{other.text}"
    lines: tuple[str, ...] = ()
    if one.speaker != other.speaker:
        lines = (f"-{one.text}", f"-{other.text}")
        fits = grid.lines >= 2 and all(width(line, grid.language) <= LANGUAGES[grid.language].line_length for line in lines)
    else:
        fits = break_lines(text, grid.language, grid.lines) is not None
    return _Text(text, one.first, other.last, segments, one.speaker, lines) if fits else None


def _spaced(pieces: Sequence[_Text], grid: _Grid) -> list[_Text]:
    """Give every piece the time to be read out of the silence around it, and keep the gap."""
    spaced: list[_Text] = []
    for index, piece in enumerate(pieces):
        limit = pieces[index + 1].first - grid.gap if index + 1 < len(pieces) else grid.end
        wanted = max(piece.last - piece.first, grid.shortest, grid.reading_time(piece.text))
        wanted = min(wanted, grid.longest)
        last = max(min(piece.first + wanted, limit), piece.first + 1)
        earliest = grid.earliest(piece.first, spaced[-1].last if spaced else -grid.gap)
        first = min(piece.first, max(earliest, last - wanted))
        spaced.append(replace(piece, first=first, last=last))
    return spaced


def _cues(pieces: Sequence[_Text], grid: _Grid) -> list[Cue]:
    cues = []
    for index, piece in enumerate(pieces, start=1):
        lines = piece.lines or break_lines(piece.text, grid.language, grid.lines) or (piece.text,)
        cues.append(Cue(index, float(piece.first / grid.rate), float(piece.last / grid.rate), lines, piece.segments))
    return cues
