"""Words in time: a script's lines laid onto the sound, or lines made of what a recogniser heard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.protocols import Aligner, Heard, Sound
from nightdub.tasks.rows import Dropped, Language, Seconds, Segment, Utterance, Word

MARGIN = 0.5  # seconds of sound beside a line in which its words are looked for: delivered times are rarely exact
LONG_PAUSE = 0.6  # seconds of silence inside an utterance at which a new line begins
_UNSPACED = re.compile(r"[A-Za-z0-9]+\W*|\w\W*")  # a "word" of Chinese or Japanese: one character, or a foreign word

Span = tuple[Seconds, Seconds]


def clip_spans(lines: Sequence[Segment], programme_end: Seconds) -> list[Span]:
    """Return the stretch of sound in which each line's words are looked for; `lines` are ordered by start.

    It reaches `MARGIN` beyond the line, but not past the middle of the gap to a neighbour, whose words would be taken for its own.
    """
    spans = []
    before = -2 * MARGIN  # end of what was said before: far enough to leave the first line its margin
    for index, line in enumerate(lines):
        after = lines[index + 1].start if index + 1 < len(lines) else programme_end + 2 * MARGIN
        start = max(0.0, line.start - min(MARGIN, max(0.0, line.start - before) / 2))
        end = min(programme_end, line.end + min(MARGIN, max(0.0, after - line.end) / 2))
        spans.append((start, max(start, end)))
        before = max(before, line.end)
    return spans


def align_lines(
    lines: Sequence[Segment], spans: Sequence[Span], clips: Sequence[Sound], aligner: Aligner, language: Language
) -> list[Segment]:
    """Return the lines with words found in their 16 kHz clips (cut at `spans`); see `place_words` for what cannot be found."""
    heard = aligner.align(clips, [line.text for line in lines], language)
    return place_words(lines, spans, heard, aligner.identity().name, language)


def place_words(
    lines: Sequence[Segment], spans: Sequence[Span], heard: Sequence[Heard | None], engine: str, language: Language
) -> list[Segment]:
    """Return the lines with words in programme time, each tightened to its first and last word.

    Where there is no aligner (None) or it failed, the line's own times stay, its words are spread over them by length and marked as
    `estimated`, and `engine` stays empty.
    """
    placed = [_placed(line, span, found, engine, language) for line, span, found in zip(lines, spans, heard, strict=True)]
    return sorted(placed, key=lambda line: (line.start, line.id))  # of two lines that overlap, the sound may have the other one first


def spread(text: str, start: Seconds, end: Seconds, language: Language) -> tuple[Word, ...]:
    """Return the words of a text spread over a stretch of time by their number of letters, marked as estimated."""
    words = text.split() if LANGUAGES[language].spaces else [word.strip() for word in _UNSPACED.findall(text)]
    total = sum(len(word) + 1 for word in words)
    edges = [start]
    for word in words:
        edges.append(edges[-1] + (len(word) + 1) / total * (end - start))
    return tuple(Word(word, first, last, estimated=True) for word, first, last in zip(words, edges, edges[1:], strict=False))


def from_recognition(utterances: Sequence[Utterance], heard: Sequence[Heard], engine: str) -> tuple[list[Segment], list[Dropped]]:
    """Return recognised lines, a new one beginning at each long pause, and the utterances in which nothing could be recognised.

    A line's id is its utterance's with the part's number: u0003-0. Dropped reasons: "nothing-heard", "recogniser-failed: CAUSE".
    """
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    for utterance, found in zip(utterances, heard, strict=True):
        if found.failed or not found.words:
            reason = f"recogniser-failed: {found.failed}" if found.failed else "nothing-heard"
            dropped.append(Dropped(utterance.id, found.text, reason))
        words = [] if found.failed else [_shifted(word, utterance.start) for word in found.words]
        for part, group in enumerate(_groups(words)):
            text = " ".join(word.text for word in group)
            segments.append(
                Segment(f"{utterance.id}-{part}", group[0].start, group[-1].end, text, words=group, origin="recognised", engine=engine)
            )
    return segments, dropped


def _placed(line: Segment, span: Span, found: Heard | None, engine: str, language: Language) -> Segment:
    if found is None or found.failed or not found.words:
        return replace(line, words=spread(line.text, line.start, line.end, language))
    words = tuple(_within(_shifted(word, span[0]), span) for word in found.words)
    if words[-1].end <= words[0].start:  # the engine's times lie outside the clip
        return _placed(line, span, None, engine, language)
    return replace(line, start=words[0].start, end=words[-1].end, words=words, engine=engine)


def _within(word: Word, span: Span) -> Word:
    """Return the word without what an engine says of it before or after its clip."""
    start, end = (round(min(max(moment, span[0]), span[1]), 6) for moment in (word.start, word.end))
    return word if (start, end) == (word.start, word.end) else replace(word, start=start, end=max(start, end))


def _shifted(word: Word, offset: Seconds) -> Word:
    """Return the word in programme time, to the microsecond, so that sums of seconds do not grow stray digits."""
    return replace(word, start=round(word.start + offset, 6), end=round(word.end + offset, 6))


def _groups(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    """Yield the words between long pauses."""
    first = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or words[index].start - words[index - 1].end >= LONG_PAUSE:
            if index > first:
                yield tuple(words[first:index])
            first = index
