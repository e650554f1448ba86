"""Text on screen: the delivered subtitle files against the rules of profile and language, and against what is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from pathlib import Path
from statistics import median

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.subtitle_match import Line, Matched, dialogue, is_shown, lines_of, match, signs_of
from nightdub.quality.metrics.subtitle_read import SubtitleFile, read_subtitles
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.profile import SubtitleFigures
from nightdub.tasks.rows import Cue, Language, Measurement, Placement, Segment, Translation, Worst
from nightdub.tasks.subtitles import LOOSE, Screen, Violation, check_cues

_ALONE = "nightdub.quality.metrics.subtitles:measure_file"
_NO_FILE = "no subtitle file was delivered"
_NO_LINES = "no line is spoken"

FACTS: dict[str, MetricFact] = {
    "subtitles.violations": MetricFact(
        "cues",
        0,
        inf,
        "breaches of the rules empty, lines, line-length, reading-speed, too-short, too-long, order and gap (docs/subtitles.md), in the "
        "worst of the delivered files; its name and the count of each rule stand beside it",
        "Netflix timed text style guides",
        "no cue was made",
        _ALONE,
    ),
    "subtitles.loose_times": MetricFact(
        "%",
        0,
        inf,
        "breaches of the rules shot-change and open-gap for each 100 cues, in the worst of the delivered files: cues that come or go near "
        "a cut and not with it, small gaps left open",
        "Netflix subtitle timing guidelines",
        "no cue was made",
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
        "lines of which less than half the letters stand in the worst of the files; the dub's files are held against what is spoken, "
        "translated ones against the whole translation",
        "rapidfuzz",
        f"{_NO_FILE}; {_NO_LINES}",
    ),
    "subtitles.text_difference": MetricFact(
        "%",
        0,
        inf,
        "letters inserted, lost and changed between lines and cues, of the lines' letters, in the worst of the files; spaces, line breaks, "
        "text of the picture, and names and sounds in brackets are left out",
        "Levenshtein distance by rapidfuzz",
        f"{_NO_FILE}; {_NO_LINES}",
    ),
    "subtitles.shift": MetricFact(
        "ms",
        -1e7,
        1e7,
        "median of a cue's start less the start of the line that it begins with, over cues with a pause after them, in the file of the "
        "dub's own set that is farthest off; above 0 = late. Half a second early is none for a cue that needs it to be read",
        "the placements of the dub",
        f"{_NO_FILE}; {_NO_LINES}; or no cue begins with a line",
    ),
    "subtitles.forced_missing": MetricFact(
        "lines",
        0,
        inf,
        "texts marked in the picture (kind `on-screen`) that are not translated, or of which less than half the letters stand at about "
        "their time in the forced file and in every other",
        "the script's marks",
        "no text in the picture is marked (not applicable)",
    ),
}

SETS = ("translated", "forced", "sdh")  # beside the dub's own: "forced.srt"
_RATE = Fraction(25)  # frames a second taken for a file alone: only the gap is counted in frames


@dataclass(frozen=True, slots=True)
class Beside:
    """What subtitles are held against beside the dubbed lines."""

    cuts: Sequence[int] = ()  # frames at which the picture cuts
    translated: Sequence[Translation] = ()  # the whole translation
    segments: Sequence[Segment] = ()  # the original's lines, with their times
    marks: Sequence[Segment] = ()  # of the script
    mark_lines: Sequence[Translation] = ()  # in the target language


_NOTHING = Beside()


def subtitle_measurements(
    files: Mapping[str, bytes],
    cues: Sequence[Cue],
    translations: Sequence[Translation],
    placements: Sequence[Placement],
    target: Language,
    figures: SubtitleFigures,
    frame_rate: Fraction,
    beside: Beside = _NOTHING,
) -> list[Measurement]:
    """Return every subtitle measure of one dub.

    Args:
        files: The delivered files by format or name: "srt", "vtt", "ttml", or anything that ends so; a name such as "forced.srt" begins
            with one of `SETS`.
        cues: What the files were made of.
        translations: The dubbed lines.
        placements: When they are spoken.
        target: Their language, which has line length and reading speed.
        figures: The profile's rules.
        frame_rate: Frames a second of the film; gaps are counted in its frames.
        beside: What else they are held against.
    """
    times = {place.segment: (place.start, place.end) for place in placements}
    heard = {line.id: (line.start, line.end) for line in beside.segments}
    lines = {
        "": lines_of(translations, times),
        "sdh": lines_of(translations, times, bracketed=False),
        "translated": lines_of(beside.translated, heard),
    }
    signs = signs_of(beside.marks, beside.mark_lines)
    known = " ".join(line.text for line in (*translations, *beside.translated, *beside.mark_lines))
    read = {name: read_subtitles(name, data, known) for name, data in sorted(files.items())}
    return [
        *_violations(cues, read, target, figures, frame_rate, beside.cuts),
        _problems(read),
        *_agreement(lines, read, signs, Screen(target, figures, frame_rate)),
        _forced(signs, read),
    ]


def _set_of(name: str) -> str:
    """Return the set that a file belongs to: "forced" of "forced.srt", "" of the dub's own."""
    return name.partition(".")[0] if name.startswith(tuple(f"{known}." for known in SETS)) else ""


def measure_file(path: Path, reference: Path | None, language: str) -> list[Measurement]:  # noqa: ARG001
    """Return problems of one subtitle file, and its breaches of the usual rules of `language` at 25 frames a second."""
    read = {path.name: read_subtitles(path.name, path.read_bytes())}
    if language in LANGUAGES:
        return [_violations((), read, language, SubtitleFigures(), _RATE)[0], _problems(read)]
    why = f"the rules of {language!r} are not known: name one of {', '.join(LANGUAGES)}"
    return [Measurement("subtitles.violations", None, "cues", not_measured=why), _problems(read)]


def _violations(
    cues: Sequence[Cue],
    read: Mapping[str, SubtitleFile],
    target: Language,
    figures: SubtitleFigures,
    frame_rate: Fraction,
    cuts: Sequence[int] = (),
) -> list[Measurement]:
    """Judge the cues and every file by the rules, those of style by themselves."""
    versions: dict[str, Sequence[Cue]] = {"": cues} | {name: file.cues for name, file in read.items()}
    versions = {name: rows for name, rows in versions.items() if rows}
    units = {"subtitles.violations": "cues", "subtitles.loose_times": "%"}
    if not versions:
        return [Measurement(metric, None, unit, not_measured="no cue was made") for metric, unit in units.items()]
    broken = {name: check_cues(rows, target, figures, frame_rate, cuts=cuts, sdh=_set_of(name) == "sdh") for name, rows in versions.items()}
    firm, loose = (
        {name: [row for row in rows if (row.rule in LOOSE) == style] for name, rows in broken.items()} for style in (False, True)
    )
    counted = _worst_file("subtitles.violations", "cues", firm, versions)
    share = _worst_file("subtitles.loose_times", "%", loose, versions)
    return [counted, replace(share, value=100 * (share.value or 0) / share.n)]


def _worst_file(metric: str, unit: str, broken: Mapping[str, Sequence[Violation]], versions: Mapping[str, Sequence[Cue]]) -> Measurement:
    name = max(broken, key=lambda name: len(broken[name]))
    worst = tuple(Worst(_where(name, row), row.value, f"{row.rule}, allowed {row.allowed:g}") for row in broken[name][:WORST])
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(Counter(row.rule for row in broken[name]).items()))
    detail = ": ".join(filter(None, (name, rules)))
    return Measurement(metric, float(len(broken[name])), unit, len(versions[name]), "nightdub", worst=worst, detail=detail)


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


def _agreement(
    lines: Mapping[str, Sequence[Line]], read: Mapping[str, SubtitleFile], signs: Sequence[Line], screen: Screen
) -> list[Measurement]:
    """Hold every file against the lines of its set; `lines` is set -> its lines."""
    names = (("subtitles.missing_lines", "lines"), ("subtitles.text_difference", "%"), ("subtitles.shift", "ms"))
    pause = float((screen.clock.gap + 1) / screen.rate)

    def lead(cue: Cue) -> float:
        """Return half a second for a cue that has little more time than it takes to read it: it may come early for that."""
        return 0.5 if (cue.end - cue.start) * screen.rate <= 1.1 * screen.reading_time(cue.lines) else 0.0

    held = {name: file for name, file in read.items() if lines.get(_set_of(name))}
    if not held:
        return [Measurement(metric, None, unit, not_measured=_NO_LINES if read else _NO_FILE) for metric, unit in names]
    matched = {
        name: match(lines[_set_of(name)], dialogue(file.cues, signs, captioned=_set_of(name) == "sdh"), pause, lead)
        for name, file in held.items()
    }
    engine = "nightdub, rapidfuzz"
    lost = {name: [segment for segment, share in zip(file.lines, file.found, strict=True) if share < 0.5] for name, file in matched.items()}
    least = max(lost, key=lambda name: len(lost[name]))
    most = max(matched, key=lambda name: matched[name].distance / matched[name].letters)
    shares = sorted(((share, segment) for segment, share in zip(matched[most].lines, matched[most].found, strict=True) if share < 1))
    differing = tuple(Worst(segment, round(100 * (1 - share), 1)) for share, segment in shares[:WORST])
    missing = tuple(Worst(segment, 1.0) for segment in lost[least][:WORST])
    difference, count = 100 * matched[most].distance / matched[most].letters, len(matched[least].lines)
    return [
        Measurement("subtitles.missing_lines", float(len(lost[least])), "lines", count, engine, worst=missing, detail=least),
        Measurement("subtitles.text_difference", difference, "%", matched[most].letters, engine, worst=differing, detail=most),
        _shift(matched, engine),
    ]


def _shift(matched: Mapping[str, Matched], engine: str) -> Measurement:
    medians = {name: median(late for late, _ in file.shifts) for name, file in matched.items() if file.shifts and not _set_of(name)}
    if not medians:
        return Measurement("subtitles.shift", None, "ms", not_measured="no cue begins with a line")
    name = max(medians, key=lambda name: abs(medians[name]))
    rows = sorted(matched[name].shifts, key=lambda row: (-abs(row[0]), row[1]))
    worst = tuple(Worst(segment, round(late, 1)) for late, segment in rows[:WORST])
    return Measurement("subtitles.shift", round(medians[name], 3), "ms", len(rows), engine, worst=worst, detail=name)


def _forced(signs: Sequence[Line], read: Mapping[str, SubtitleFile]) -> Measurement:
    """Count the texts of the picture that any set lacks; a set without a file lacks them all."""
    metric = "subtitles.forced_missing"
    if not signs:
        return Measurement(metric, None, "lines", not_applicable="no text in the picture is marked")
    if not read:
        return Measurement(metric, None, "lines", not_measured=_NO_FILE)
    files = [*read.values()] if any(_set_of(name) == "forced" for name in read) else []
    lost = [sign for sign in signs if not files or not all(is_shown(sign, file.cues) for file in files)]
    worst = tuple(Worst(sign.segment, 1.0, "" if sign.text else "not translated") for sign in lost[:WORST])
    return Measurement(metric, float(len(lost)), "lines", len(signs), "nightdub", worst=worst)
