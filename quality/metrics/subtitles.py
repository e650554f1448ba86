"""Text on screen: the delivered subtitle files against the rules of profile and language, and against what is said."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from statistics import median

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.subtitle_read import SubtitleFile, read_subtitles
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Language, Measurement, Placement, Seconds, Translation, Worst
from nightdub.tasks.subtitles import Violation, check_cues

_ALONE = "nightdub.quality.metrics.subtitles:measure_file"
_NO_FILE = "no subtitle file was delivered"
_NO_LINES = "no line is spoken"

FACTS: dict[str, MetricFact] = {
    "subtitles.violations": MetricFact(
        "cues",
        0,
        inf,
        "breaches of the subtitle rules of profile and language (lines, line length, time on screen, gap, order, reading speed), in the "
        "worst of the delivered files",
        "Netflix timed text style guides",
        "no cue was made",
        _ALONE,
    ),
    "subtitles.file_problems": MetricFact(
        "problems",
        0,
        inf,
        "what is wrong with the delivered files: not UTF-8, a byte order mark, UTF-8 read as Windows Latin, lost letters, cues that cannot "
        "be read, are empty, overlap, are out of order or out of number",
        "SubRip as players read it, W3C WebVTT and TTML",
        _NO_FILE,
        _ALONE,
    ),
    "subtitles.missing_lines": MetricFact(
        "lines",
        0,
        inf,
        "spoken lines of which less than half the letters stand in the worst of the files",
        "rapidfuzz",
        f"{_NO_FILE}; {_NO_LINES}",
    ),
    "subtitles.text_difference": MetricFact(
        "%",
        0,
        inf,
        "letters inserted, lost and changed between spoken lines and cues, of the lines' letters, spaces and line breaks left out, in the "
        "worst of the files",
        "Levenshtein distance by rapidfuzz",
        f"{_NO_FILE}; {_NO_LINES}",
    ),
    "subtitles.shift": MetricFact(
        "ms",
        -1e7,
        1e7,
        "median of a cue's start less the start of the line that it begins with, over cues with a pause after them (others may come early "
        "to be read), in the file farthest off; above 0 = late",
        "the placements of the dub",
        f"{_NO_FILE}; {_NO_LINES}; or no cue begins with a line",
    ),
}

_RATE = Fraction(25)  # frames a second taken for a file alone: only the gap is counted in frames


def subtitle_measurements(
    files: Mapping[str, bytes],
    cues: Sequence[Cue],
    translations: Sequence[Translation],
    placements: Sequence[Placement],
    target: Language,
    figures: SubtitleFigures,
    frame_rate: Fraction,
) -> list[Measurement]:
    """Return every subtitle measure of one dub.

    Args:
        files: The delivered files by format or name: "srt", "vtt", "ttml", or anything that ends so.
        cues: What the files were made of.
        translations: The dubbed lines.
        placements: When they are spoken.
        target: Their language, which has line length and reading speed.
        figures: The profile's rules.
        frame_rate: Frames a second of the film; gaps are counted in its frames.
    """
    spoken = _spoken(translations, placements)
    read = {name: read_subtitles(name, data, " ".join(line.text for line in spoken)) for name, data in sorted(files.items())}
    return [
        _violations(cues, read, target, figures, frame_rate),
        _problems(read),
        *_agreement(spoken, read, (figures.gap_frames + 1) / frame_rate),
    ]


def measure_file(path: Path, reference: Path | None, language: str) -> list[Measurement]:  # noqa: ARG001
    """Return problems of one subtitle file, and its breaches of the usual rules of `language` at 25 frames a second."""
    read = {path.name: read_subtitles(path.name, path.read_bytes())}
    if language in LANGUAGES:
        return [_violations((), read, language, SubtitleFigures(), _RATE), _problems(read)]
    why = f"the rules of {language!r} are not known: name one of {', '.join(LANGUAGES)}"
    return [Measurement("subtitles.violations", None, "cues", not_measured=why), _problems(read)]


def _violations(
    cues: Sequence[Cue], read: Mapping[str, SubtitleFile], target: Language, figures: SubtitleFigures, frame_rate: Fraction
) -> Measurement:
    versions: dict[str, Sequence[Cue]] = {"": cues} | {name: file.cues for name, file in read.items()}
    versions = {name: rows for name, rows in versions.items() if rows}
    if not versions:
        return Measurement("subtitles.violations", None, "cues", not_measured="no cue was made")
    broken = {name: check_cues(rows, target, figures, frame_rate) for name, rows in versions.items()}
    name = max(broken, key=lambda name: len(broken[name]))
    worst = tuple(Worst(_where(name, row), row.value, f"{row.rule}, allowed {row.allowed:g}") for row in broken[name][:WORST])
    return Measurement("subtitles.violations", float(len(broken[name])), "cues", len(versions[name]), "nightdub", worst=worst, detail=name)


def _where(name: str, row: Violation) -> str:
    return next(iter(row.segments), "") or f"{name} cue {row.cue}"


def _problems(read: Mapping[str, SubtitleFile]) -> Measurement:
    if not read:
        return Measurement("subtitles.file_problems", None, "problems", not_measured=_NO_FILE)
    found = [(name, problem) for name, file in read.items() for problem in file.problems]
    worst = tuple(Worst(f"{name} cue {problem.cue}" if problem.cue else name, 1.0, problem.what) for name, problem in found[:WORST])
    count = sum(len(file.cues) for file in read.values())
    return Measurement("subtitles.file_problems", float(len(found)), "problems", count, "nightdub", worst=worst)


# ---------------------------------------------------------------- files against lines


@dataclass(frozen=True, slots=True)
class _Line:
    segment: str
    start: Seconds
    text: str


@dataclass(frozen=True, slots=True)
class _Matched:
    """One file against the lines."""

    distance: int
    found: tuple[float, ...]  # share of each line's letters that stand in the file
    shifts: tuple[tuple[float, str], ...]  # ms by which a cue is late, and the line that it begins with


def _spoken(translations: Sequence[Translation], placements: Sequence[Placement]) -> list[_Line]:
    """Return the lines with text and a place in time, in order of time."""
    texts = {line.segment: _letters(line.text) for line in translations}
    places = sorted(placements, key=lambda place: (place.start, place.segment))
    return [_Line(place.segment, place.start, text) for place in places if (text := texts.get(place.segment, ""))]


def _letters(text: str) -> str:
    """Return text in NFC without spaces and control characters, which no cue need keep."""
    kept = (letter for letter in unicodedata.normalize("NFC", text) if not letter.isspace())
    return "".join(letter for letter in kept if unicodedata.category(letter) not in {"Cc", "Cf"})


def _agreement(spoken: Sequence[_Line], read: Mapping[str, SubtitleFile], pause: Fraction) -> list[Measurement]:
    names = (("subtitles.missing_lines", "lines"), ("subtitles.text_difference", "%"), ("subtitles.shift", "ms"))
    if not read or not spoken:
        return [Measurement(metric, None, unit, not_measured=_NO_LINES if read else _NO_FILE) for metric, unit in names]
    matched = {name: _match(spoken, sorted(file.cues, key=lambda cue: cue.start), float(pause)) for name, file in read.items()}
    engine, letters = "nightdub, rapidfuzz", sum(len(line.text) for line in spoken)
    lost = {name: [line.segment for line, share in zip(spoken, file.found, strict=True) if share < 0.5] for name, file in matched.items()}
    least = max(lost, key=lambda name: len(lost[name]))
    most = max(matched, key=lambda name: matched[name].distance)
    shares = sorted(((share, line.segment) for line, share in zip(spoken, matched[most].found, strict=True) if share < 1))
    differing = tuple(Worst(segment, round(100 * (1 - share), 1)) for share, segment in shares[:WORST])
    missing = tuple(Worst(segment, 1.0) for segment in lost[least][:WORST])
    difference = 100 * matched[most].distance / letters
    return [
        Measurement("subtitles.missing_lines", float(len(lost[least])), "lines", len(spoken), engine, worst=missing, detail=least),
        Measurement("subtitles.text_difference", difference, "%", letters, engine, worst=differing, detail=most),
        _shift(matched, engine),
    ]


def _shift(matched: Mapping[str, _Matched], engine: str) -> Measurement:
    medians = {name: median(late for late, _ in file.shifts) for name, file in matched.items() if file.shifts}
    if not medians:
        return Measurement("subtitles.shift", None, "ms", not_measured="no cue begins with a line")
    name = max(medians, key=lambda name: abs(medians[name]))
    rows = sorted(matched[name].shifts, key=lambda row: (-abs(row[0]), row[1]))
    worst = tuple(Worst(segment, round(late, 1)) for late, segment in rows[:WORST])
    return Measurement("subtitles.shift", round(medians[name], 3), "ms", len(rows), engine, worst=worst, detail=name)


def _match(spoken: Sequence[_Line], cues: Sequence[Cue], pause: Seconds) -> _Matched:
    """Lay all lines beside all cues, letter by letter."""
    from rapidfuzz.distance import Levenshtein

    wanted, shown = "".join(line.text for line in spoken), [_cue_text(cue) for cue in cues]
    starts = _starts([line.text for line in spoken])
    opens = {start: cue for cue, start in enumerate(_starts(shown)) if shown[cue]}  # letter of the file -> the cue that begins there
    hits, shifts, changed = [0] * len(wanted), [], 0
    begins = {start: line for line, start in enumerate(starts)}
    for step in Levenshtein.opcodes(wanted, "".join(shown)):
        if step.tag != "equal":
            changed += max(step.src_end - step.src_start, step.dest_end - step.dest_start)
            continue
        for offset in range(step.src_end - step.src_start):
            hits[step.src_start + offset] = 1
            line, cue = begins.get(step.src_start + offset), opens.get(step.dest_start + offset)
            if line is not None and cue is not None:
                calm = cue + 1 == len(cues) or cues[cue + 1].start - cues[cue].end > pause
                shifts.append((calm, 1000 * (cues[cue].start - spoken[line].start), spoken[line].segment))
    found = tuple(sum(hits[start : start + len(line.text)]) / len(line.text) for start, line in zip(starts, spoken, strict=True))
    chosen = [row for row in shifts if row[0]] or shifts
    return _Matched(changed, found, tuple((late, segment) for _, late, segment in chosen))


def _cue_text(cue: Cue) -> str:
    """Return a cue's letters; the dash before each of two speakers is no letter."""
    two = len(cue.lines) > 1 and all(line.startswith("-") for line in cue.lines)
    return _letters("".join(line[1:] if two else line for line in cue.lines))


def _starts(texts: Sequence[str]) -> list[int]:
    """Return where each text begins in all of them joined."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text)
    return starts
