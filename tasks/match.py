"""A delivered script held against the sound: its lines moved to where they are said, and what is only in one of the two named.

The map of times is `tasks.match_map`'s. A script that fits nowhere (another film's, another language's) is left as it was delivered and
reported as such: nothing is moved or left out on its word.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nightdub.infra.errors import ScriptError
from nightdub.tasks.match_evidence import EDGE, LEAD, Evidence, gather_evidence
from nightdub.tasks.match_map import FEWEST, TimeMap, find_map
from nightdub.tasks.match_words import Anchors, anchors_of, contradicts, plain_words
from nightdub.tasks.rows import Dropped, MatchedLine, MatchedStretch, ScriptMatch, Seconds, Segment, Unscripted, Utterance, Word
from nightdub.tasks.sound import SPEECH_RATE, read_mono

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.float32]

# Share of the evidence that a perfect script would have, without a recogniser: at the delivered times, and at times that were searched
# for, where chance has many tries. docs/alignment.md says what was measured.
FIT, FIT_MOVED = 0.2, 0.35
WORDS_HEARD = 0.2  # heard words for each word of the script, below which the recogniser heard too little to be asked
SILENT, ENOUGH = 0.15, 0.3  # share of a line's time, and seconds; with less speech than either nobody says the line
CHANGE = 2.0  # nats that it takes to go from lines that are said to lines that are not, and again to come back
CLEAR = 6.0  # nats; no line says more for or against
SHARES = (0.1, 0.8)  # what a recogniser's share of right words is taken to lie in
LONG = 1.0  # seconds of speech without a line that are worth reporting

LEVEL_STEP = 0.1  # seconds
QUIET = 25.0  # dB below the median level of the programme's speech: nobody whispers so softly

ALIGNED, NO_SPEECH, ABSENT, PAST, UNMATCHED = "aligned", "no-speech", "not-in-sound", "past-the-end", "unmatched"
LEFT_OUT = (ABSENT, PAST)


@dataclass(frozen=True, slots=True)
class Matched:
    """The lines that are said, moved to where they are said; the others with their reasons; and the report of both."""

    lines: tuple[Segment, ...]  # ordered by start; the delivered objects where nothing moved
    dropped: tuple[Dropped, ...]
    report: ScriptMatch


def match_script(
    lines: Sequence[Segment],
    utterances: Sequence[Utterance],
    words: Sequence[Word],
    length: Seconds,
    *,
    levels: Levels | None = None,
    listener: str = "",
) -> Matched:
    """Move a script's lines to where the sound has them.

    Args:
        lines: The script, ordered by start. Lines may overlap, and lie past the programme's end.
        utterances: Stretches of speech in the sound, by voice activity.
        words: What a recogniser heard in the whole sound; empty where there is none for the language.
        length: Seconds of the programme.
        levels: Of the dialogue, see `speech_levels`; None = a place without speech is taken to be silent.
        listener: The recogniser's name, for the report.

    Raises:
        ScriptError: not one line is in the sound.

    Returns:
        The lines to be dubbed; `dropped` with the reasons "not-in-sound" (silence there, other words, or a scene that the sound does
        not have) and "past-the-end"; and the report. All lines come back in one or the other. A line at whose place something is heard
        that is not known for speech stays, as "no-speech".
    """
    asked = sum(len(plain_words(line.text)) for line in lines) * WORDS_HEARD
    usable = words if len(words) >= max(asked, 1) else ()
    evidence = gather_evidence(lines, utterances, usable, length)
    found = find_map(evidence)
    offsets = _offsets(found, len(lines))
    fit = _fit(evidence, found, offsets)
    agree = float(_word_nats(evidence.anchors, found.rate, offsets).sum()) > 0 if usable else fit >= (FIT if found.delivered else FIT_MOVED)
    trusted = agree or (len(lines) < FEWEST and fit > 0)
    if not trusted:
        found, offsets = TimeMap(1.0, ()), np.zeros(len(lines))
    share = float(np.clip(evidence.anchors.share_heard(found.rate, offsets), *SHARES))
    nats = _word_nats(anchors_of(lines, usable, length, share), found.rate, offsets)
    nats[_misheard(lines, evidence.starts * found.rate + offsets, evidence.ends * found.rate + offsets, nats, usable)] = 0.0
    verdicts = _verdicts(evidence, found, offsets, nats, levels) if trusted else [UNMATCHED] * len(lines)
    rows = [_judged(line, found.rate, float(move), verdict, length) for line, move, verdict in zip(lines, offsets, verdicts, strict=True)]
    if lines and all(verdict in LEFT_OUT for _, verdict in rows):
        counts = ", ".join(f"{verdict}: {count}" for verdict, count in sorted(Counter(verdict for _, verdict in rows).items()))
        raise ScriptError(f"no line of the script is in the sound ({counts})", where="script", fix="is this the script of this programme?")
    kept = sorted((line for line, verdict in rows if verdict not in LEFT_OUT), key=lambda line: (line.start, line.id))
    dropped = tuple(Dropped(line.id, line.text, verdict) for line, verdict in rows if verdict in LEFT_OUT)
    moves = zip(lines, rows, strict=True)
    report = ScriptMatch(
        rate=round(found.rate, 6),
        trusted=trusted,
        fit=round(max(fit, 0.0), 3),
        listener=listener if usable else "",
        stretches=_stretches(lines, found),
        lines=tuple(MatchedLine(line.id, verdict, line.start, round(moved.start - line.start, 3)) for line, (moved, verdict) in moves),
        unscripted=_unscripted(kept, utterances),
        speech=round(sum(utterance.end - utterance.start for utterance in utterances), 3),
    )
    return Matched(tuple(kept), dropped, report)


def speech_levels(path: Path) -> Levels:
    """Return the RMS level of a sound file in dBFS for each `LEVEL_STEP`, read in blocks of ten minutes."""
    found: list[npt.NDArray[np.float32]] = []
    block, size = 600.0, round(LEVEL_STEP * SPEECH_RATE)
    while len(samples := read_mono(path, block * len(found), block * (len(found) + 1))):
        padded = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
        found.append(10 * np.log10(np.maximum(np.square(padded).mean(axis=1), 1e-12)))
    return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)


def follow(marks: Sequence[Segment], report: ScriptMatch, length: Seconds) -> tuple[list[Segment], list[Dropped]]:
    """Return marks of the script (text on screen, sounds) moved with the lines that they stand among, and those that are outside.

    A mark whose neighbours on both sides are not in the sound belongs to a scene that this version does not have.
    """
    starts = [line.delivered for line in report.lines]
    moved = []
    for mark in marks:
        place = bisect_right(starts, mark.start)
        line = report.lines[max(place - 1, 0)] if starts else None
        offset = round(line.moved + line.delivered * (1 - report.rate), 3) if line else 0.0
        beside = report.lines[max(place - 1, 0) : place + 1]
        gone = bool(beside) and all(row.verdict in LEFT_OUT for row in beside)  # its scene is not in the sound
        moved.append(_judged(mark, report.rate, offset, ABSENT if gone else ALIGNED, length))
    outside = [Dropped(mark.id, mark.text, verdict) for mark, verdict in moved if verdict != ALIGNED]
    return [mark for mark, verdict in moved if verdict == ALIGNED], outside


def _offsets(found: TimeMap, count: int) -> Floats:
    offsets = np.zeros(count)
    for stretch in found.stretches:
        offsets[stretch.first : stretch.last] = stretch.offset
    return offsets


def _fit(evidence: Evidence, found: TimeMap, offsets: Floats) -> float:
    """Return what the lines bring of what they could bring by voice activity alone, but for scenes that the sound does not have."""
    pauses = evidence.rest_before + evidence.rest_after
    possible = (
        (evidence.ends - evidence.starts) * (1 - evidence.density) + 0.5 * evidence.density * pauses + 0.5 * (1 - evidence.onset_mean)
    )
    brought = np.array([float(evidence.activity(line, found.rate, offsets[line : line + 1])[0]) for line in range(len(offsets))])
    room = np.ones(len(offsets), bool)
    room[_crowded(evidence, found, offsets)] = False
    return float(brought[room].sum() / possible[room].sum()) if room.any() else 0.0


def _word_nats(anchors: Anchors, rate: float, offsets: Floats) -> Floats:
    """Return what the words of each line say for its being there: above zero for, below zero against it; within `CLEAR`."""
    found = [float(anchors.of_line(line, rate, offsets[line : line + 1])[0]) for line in range(len(offsets))]
    return np.clip(found, -CLEAR, CLEAR)


def _misheard(lines: Sequence[Segment], starts: Floats, ends: Floats, nats: Floats, words: Sequence[Word]) -> list[int]:
    """Return the lines whose words were not heard, but something that sounds like them, or too little to tell."""
    ordered = sorted(words, key=lambda word: word.start)
    times = [word.start for word in ordered]
    doubtful: list[int] = np.flatnonzero(nats < 0).tolist()
    return [line for line in doubtful if not contradicts(lines[line], float(starts[line]), float(ends[line]), ordered, times)]


def _verdicts(evidence: Evidence, found: TimeMap, offsets: Floats, nats: Floats, levels: Levels | None) -> list[str]:
    starts, ends = evidence.starts * found.rate + offsets, evidence.ends * found.rate + offsets
    speechless = evidence.speech_until(ends) - evidence.speech_until(starts) < np.minimum(SILENT * (ends - starts), ENOUGH)
    crowded = np.zeros(len(nats), bool)
    crowded[_crowded(evidence, found, offsets)] = True
    absent = crowded | ~_said(np.where(speechless | crowded, 0.0, nats))
    absent |= speechless & (_quiet(evidence, starts, ends, levels) if levels is not None else True)
    return [ABSENT if gone else NO_SPEECH if without else ALIGNED for gone, without in zip(absent, speechless, strict=True)]


def _said(nats: Floats) -> npt.NDArray[np.bool_]:
    """Return which lines are said by their words: the likeliest sequence of said and unsaid lines (Viterbi), each change at `CHANGE`.

    So one short line that was misheard is not lost, and a scene of other words is.
    """
    best, back = np.array([0.0, -CHANGE]), np.zeros((len(nats), 2), np.int64)  # of sequences that end said, unsaid
    for line, own in enumerate(nats):
        stay = np.array([best[0] >= best[1] - CHANGE, best[1] > best[0] - CHANGE])
        back[line] = np.where(stay, [0, 1], [1, 0])
        best = np.maximum(best, best[::-1] - CHANGE) + np.array([own, 0.0])
    said, state = np.ones(len(nats), bool), int(best[1] > best[0])
    for line in range(len(nats) - 1, -1, -1):
        said[line] = state == 0
        state = int(back[line, state])
    return said


def _quiet(evidence: Evidence, starts: Floats, ends: Floats, levels: Levels) -> npt.NDArray[np.bool_]:
    """Return the lines at whose place nothing is heard: all of it lies `QUIET` below the programme's speech."""
    blocks: Floats = np.arange(len(levels), dtype=np.float64) * LEVEL_STEP
    spoken = evidence.speech_until(blocks + LEVEL_STEP) - evidence.speech_until(blocks) > LEVEL_STEP / 2
    limit = (float(np.median(levels[spoken])) if spoken.any() else 0.0) - QUIET
    first, last = (np.clip(np.rint(moments / LEVEL_STEP), 0, len(levels)).astype(np.int64) for moments in (starts, ends))
    return np.array([bool((levels[one:other] < limit).all()) for one, other in zip(first, last, strict=True)], bool)


def _crowded(evidence: Evidence, found: TimeMap, offsets: Floats) -> list[int]:
    """Return the lines between two stretches that the sound has no room for: a scene that was cut from it."""
    starts, ends = evidence.starts * found.rate + offsets, evidence.ends * found.rate + offsets
    crowded: list[int] = []
    taken = -np.inf  # moment up to which the stretches before have the sound
    for stretch in found.stretches:
        bound = [line for line in range(stretch.first, stretch.last) if line in found.bound]
        first = bound[0] if bound else stretch.last
        crowded += [line for line in range(stretch.first, first) if starts[line] < taken - EDGE]
        taken = max([taken, *(float(ends[line]) for line in bound)])
    return crowded


def _judged(line: Segment, rate: float, offset: Seconds, verdict: str, length: Seconds) -> tuple[Segment, str]:
    """Return the line in sound time and its verdict; what lies outside the sound is none of its lines."""
    moved = line
    if rate != 1.0 or offset != 0.0:
        moved = replace(line, start=round(max(0.0, line.start * rate + offset), 3), end=round(line.end * rate + offset, 3))
    if moved.start >= length:
        return moved, PAST
    if moved.end <= moved.start:
        return moved, ABSENT
    return (replace(moved, end=length) if moved.end > length else moved), verdict


def _stretches(lines: Sequence[Segment], found: TimeMap) -> tuple[MatchedStretch, ...]:
    return tuple(
        MatchedStretch(lines[stretch.first].id, lines[stretch.last - 1].id, round(stretch.offset, 3))
        for stretch in found.stretches
        if stretch.last > stretch.first
    )


def _unscripted(lines: Sequence[Segment], utterances: Sequence[Utterance]) -> tuple[Unscripted, ...]:
    """Return the stretches of speech longer than `LONG` that no line lies on, give or take `EDGE`."""
    found: list[Unscripted] = []
    index, covered = 0, -np.inf
    for utterance in utterances:
        start, stop = utterance.start + LEAD, utterance.end - LEAD
        while start < stop:
            while index < len(lines) and lines[index].start - EDGE <= start:
                covered = max(covered, lines[index].end + EDGE)
                index += 1
            if covered > start:
                start = covered
                continue
            end = min(stop, lines[index].start - EDGE) if index < len(lines) else stop
            if end - start > LONG:
                found.append(Unscripted(round(start, 3), round(end, 3)))
            start = end
    return tuple(found)
