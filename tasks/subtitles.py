"""Subtitles: what is said, when it is said, in lines that can be read, by rules that a checker can state.

Rules: Netflix timed text style guides (docs/subtitles.md). Times lie on frames, so that no player rounds them into each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from nightdub.tasks.cue_times import Clock, Wish, plan_times
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.line_breaks import break_lines, halves, one_line, rows_alone, width
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Language, Placement, Seconds, Segment, Shot, Translation
from nightdub.tasks.subtitle_rules import RULES, SubtitleRules, reading_speed
from nightdub.tasks.surroundings import find_cuts

LOOSE = ("shot-change", "open-gap")  # rules of style, which dense dialogue over fast cuts cannot always keep


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one cue breaks; docs/subtitles.md tells them all.

    "empty", "lines", "line-length", "too-short", "too-long", "reading-speed", "order", "gap", "open-gap", "shot-change".
    """

    rule: str
    cue: int  # its index
    value: float
    allowed: float
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Screen:
    """What subtitles are made for: a language, a film, and who reads them."""

    language: Language
    figures: SubtitleFigures
    rate: Fraction  # frames a second
    duration: Seconds = math.inf  # of the programme
    cuts: tuple[int, ...] = ()  # frames at which the picture cuts, in order
    sdh: bool = False  # for the deaf and hard of hearing

    @property
    def rules(self) -> SubtitleRules:
        """Return what the language asks for."""
        return RULES[self.language]

    @property
    def speed(self) -> float:
        """Return the characters that are read in a second."""
        return reading_speed(self.language, self.figures.audience, sdh=self.sdh)

    @cached_property
    def clock(self) -> Clock:
        """Return the figures of time in frames."""
        end = math.floor(self.duration * self.rate) if math.isfinite(self.duration) else 1 << 62
        shortest, longest = math.ceil(round(self.figures.shortest * self.rate, 6)), math.floor(self.figures.longest * self.rate)
        return Clock(round(self.rate / 2), self.figures.gap_frames, shortest, longest, end, self.cuts, self.rules.chains)

    def reading_time(self, lines: Sequence[str]) -> int:
        """Return the frames that it takes to read lines."""
        return math.ceil(Fraction(sum(width(line, self.language) for line in lines)) / Fraction(self.speed) * self.rate)

    def fits(self, line: str) -> bool:
        """Return whether a text is no longer than a line."""
        return width(line, self.language) <= self.rules.line_length


def cut_frames(shots: Sequence[Shot], rate: Fraction) -> tuple[int, ...]:
    """Return the frames at which the picture cuts."""
    return tuple(round(Fraction(cut) * rate) for cut in find_cuts(shots, rate))


# ---------------------------------------------------------------- making


@dataclass(frozen=True, slots=True)
class _Text:
    """A piece of one or more lines with its time, in frames."""

    text: str
    first: int
    last: int
    segments: tuple[str, ...]
    speaker: str = ""
    lines: tuple[str, ...] = ()  # set where the breaking is given: two speakers
    kind: str = ""
    position: str = ""


def make_cues(
    translations: Sequence[Translation],
    placements: Sequence[Placement],
    language: Language,
    figures: SubtitleFigures,
    frame_rate: Fraction,
    *,
    duration: Seconds,
    speakers: Mapping[str, str] | None = None,
    cuts: Sequence[int] = (),
) -> list[Cue]:
    """Return the cues of a dub's lines; see `make_screen`. `speakers` is segment -> speaker."""
    lines = spoken_lines(translations, {place.segment: (place.start, place.end) for place in placements}, speakers or {})
    return make_screen(lines, Screen(language, figures, frame_rate, duration, tuple(cuts)))


def spoken_lines(
    translations: Sequence[Translation], times: Mapping[str, tuple[Seconds, Seconds]], speakers: Mapping[str, str]
) -> list[Segment]:
    """Return the translated lines that have a time, with it."""
    return [
        Segment(line.segment, *times[line.segment], line.text, speakers.get(line.segment, ""))
        for line in translations
        if line.segment in times
    ]


def make_screen(lines: Sequence[Segment], screen: Screen) -> list[Cue]:
    """Return the cues of lines in order of time; `start` and `end` of a line are when it is heard or seen.

    A line too long for one cue is parted at its best places, its time shared out by length; one too short or too fast to read takes
    of the silence around it, then joins its neighbour (two speakers: one line each, with a dash). Times follow the cuts of the
    picture. What still cannot be read stays in, and `check_cues` says so. Lines without text give no cue.
    """
    pieces: list[_Text] = []
    ordered = sorted(lines, key=lambda line: (line.start, line.id))
    following = [*(round(line.start * screen.rate) for line in ordered[1:]), screen.clock.end]
    for line, room in zip(ordered, following, strict=False):
        if text := one_line(line.text):
            begin, end = round(line.start * screen.rate), round(line.end * screen.rate)
            first = max(begin, pieces[-1].last if pieces else 0)
            late = min(first + end - begin, room) if first > begin else end  # said within another: it is read after that one
            last = min(max(end, late, first + 1), max(screen.clock.end, first + 1))
            pieces += _part(_Text(text, first, last, (line.id,), line.speaker, (), line.kind, line.position), screen)
    pieces = _joined(pieces, screen)
    shown = [rows_alone(piece.lines or break_lines(piece.text, screen.language, screen.figures.lines) or (piece.text,)) for piece in pieces]
    wishes = [Wish(piece.first, piece.last, screen.reading_time(rows)) for piece, rows in zip(pieces, shown, strict=True)]
    return [
        Cue(
            index,
            float(first / screen.rate),
            float(last / screen.rate),
            rows,
            piece.segments,
            piece.speaker if screen.sdh and not piece.lines else "",
            piece.kind,
            piece.position,
        )
        for index, (piece, rows, (first, last)) in enumerate(zip(pieces, shown, plan_times(wishes, screen.clock), strict=True), 1)
    ]


def _part(piece: _Text, screen: Screen) -> list[_Text]:
    """Part a text until every piece fits its lines and its time; one line spoken slowly stays whole, and leaves early."""
    fits = break_lines(piece.text, screen.language, screen.figures.lines) is not None
    brief = piece.last - piece.first <= screen.clock.longest or screen.fits(piece.text)
    parts = None if fits and brief else halves(piece.text, screen.language)
    if parts is None:
        return [piece]
    one, other = (width(part, screen.language) for part in parts)
    middle = piece.first + round((piece.last - piece.first) * Fraction(one) / (Fraction(one + other) or 1))
    return [
        *_part(replace(piece, text=parts[0], last=middle), screen),
        *_part(replace(piece, text=parts[1], first=middle), screen),
    ]


def _joined(pieces: Sequence[_Text], screen: Screen) -> list[_Text]:
    """Join a piece that would stay too short or too fast with the one before it, where both fit one cue."""
    joined: list[_Text] = []
    for index, piece in enumerate(pieces):
        following = pieces[index + 1].first if index + 1 < len(pieces) else screen.clock.end
        both = _together(joined[-1], piece, screen) if joined else None
        before = joined[-2].last if len(joined) > 1 else 0
        if both and (_hurried(piece, joined[-1].last, following, screen) or _hurried(joined[-1], before, piece.first, screen)):
            joined[-1] = both
        else:
            joined.append(piece)
    return joined


def _hurried(piece: _Text, previous: int, following: int, screen: Screen) -> bool:
    """Return whether a piece cannot be read, even with the silence that it may take on both sides."""
    clock = screen.clock
    room = following - clock.gap - max(piece.first - clock.half, previous + clock.gap, 0)
    return room < max(clock.shortest, screen.reading_time((piece.text,)))


def _together(one: _Text, other: _Text, screen: Screen) -> _Text | None:
    """Return two pieces as one cue, or None where they do not fit; a second of silence keeps them apart, and so does what they are."""
    apart = (one.kind, one.position) != (other.kind, other.position) or bool(one.kind)
    if apart or other.last - one.first > screen.clock.longest or other.first - one.last > screen.rate or one.lines or other.lines:
        return None
    segments = tuple(dict.fromkeys([*one.segments, *other.segments]))
    text = f"{one.text}{' ' if LANGUAGES[screen.language].spaces else ''}{other.text}"
    lines: tuple[str, ...] = ()
    if one.speaker != other.speaker:
        lines = tuple(f"{screen.rules.dash}{piece.text}" for piece in (one, other))
        fits = screen.figures.lines >= 2 and all(map(screen.fits, lines))
    else:
        fits = break_lines(text, screen.language, screen.figures.lines) is not None
    return replace(one, text=text, last=other.last, segments=segments, lines=lines) if fits else None


# ---------------------------------------------------------------- checking


def check_cues(
    cues: Sequence[Cue],
    language: Language,
    figures: SubtitleFigures,
    frame_rate: Fraction,
    *,
    cuts: Sequence[int] = (),
    sdh: bool = False,
) -> list[Violation]:
    """Return every rule that is broken, cue by cue; times are judged in whole frames, cues at the top and at the bottom by themselves.

    Args:
        cues: In order of time.
        language: Theirs.
        figures: The profile's.
        frame_rate: Frames a second.
        cuts: Frames at which the picture cuts; none = the rule "shot-change" is not asked.
        sdh: They are for the deaf and hard of hearing, who are given the reading speed of that guide.
    """
    screen = Screen(language, figures, frame_rate, cuts=tuple(cuts), sdh=sdh)
    found: list[Violation] = []
    before: dict[str, Cue] = {}
    for cue in cues:
        broken = [*_unreadable(cue, screen), *_ill_timed(cue, screen), *_too_near(cue, before.get(cue.position), screen)]
        found += [Violation(rule, cue.index, float(value), float(allowed), cue.segments) for rule, value, allowed in broken]
        before[cue.position] = cue
    return found


Broken = list[tuple[str, float, float]]  # rule, value, allowed


def _frames(cue: Cue, screen: Screen) -> tuple[int, int]:
    return round(cue.start * screen.rate), round(cue.end * screen.rate)


def _unreadable(cue: Cue, screen: Screen) -> Broken:
    widths = [width(line, screen.language) for line in cue.lines]
    letters, longest, rate = sum(widths), max(widths, default=0.0), float(screen.rate)
    first, last = _frames(cue, screen)
    speed = letters * rate / max(last - first, 1)
    checks = [
        ("empty", letters, 1.0, not letters or not all(line.strip() for line in cue.lines)),
        ("lines", len(cue.lines), screen.figures.lines, len(cue.lines) > screen.figures.lines),
        ("line-length", longest, screen.rules.line_length, longest > screen.rules.line_length),
        ("reading-speed", speed, screen.speed, letters * rate > screen.speed * (last - first) * (1 + 1e-9)),
    ]
    return [(rule, value, allowed) for rule, value, allowed, broken in checks if broken]


def _ill_timed(cue: Cue, screen: Screen) -> Broken:
    clock, rate = screen.clock, float(screen.rate)
    first, last = _frames(cue, screen)
    found: Broken = []
    if last - first < clock.shortest:
        found.append(("too-short", (last - first) / rate, clock.shortest / rate))
    if last - first > clock.longest:
        found.append(("too-long", (last - first) / rate, clock.longest / rate))
    off = [frame - (clock.cut_near(frame) or 0) for frame, well in ((first, clock.comes_well), (last, clock.goes_well)) if not well(frame)]
    return found + ([("shot-change", max(off, key=abs), 0.0)] if off else [])


def _too_near(cue: Cue, before: Cue | None, screen: Screen) -> Broken:
    """Return the rules that two cues of one place break together; a small gap may stay open where closing it would keep a cue too long."""
    if before is None:
        return []
    clock, (first, _), (start, end) = screen.clock, _frames(cue, screen), _frames(before, screen)
    rest = first - end
    if rest < 0:
        return [("order", float(rest / screen.rate), 0.0)]
    if rest < clock.gap:
        return [("gap", rest, clock.gap)]
    kept = first - clock.gap - start > clock.longest or not clock.goes_well(first - clock.gap)
    return [("open-gap", rest, clock.gap)] if clock.chains and clock.gap < rest < clock.half and not kept else []
