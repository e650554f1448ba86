"""A transcript without sound descriptions, repeats, loops and things that nobody said; every dropped line keeps its reason.

Run it on a script before its words are looked for in the sound, and on recognised lines after. Descriptions of sounds go from both;
repeats, loops and invented phrases are faults of recognisers, so that a script, where people do say "No!" three times, keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from nightdub.tasks.rows import Dropped, Segment

REPEATS_KEPT = 2  # of one text in a row: the third and later ones are dropped
LOOP = 3  # a phrase heard this often in a row inside one line is a loop, of which one turn is kept
LONGEST_PHRASE = 12  # words of a phrase that can loop

# What recognisers write over silence and music: the parting words and credits of the videos that they were trained on.
INVENTED = frozenset(
    (
        "thanks for watching",
        "thank you for watching",
        "please subscribe",
        "please subscribe to my channel",
        "like and subscribe",
        "dont forget to subscribe",
        "subtitles by the amaraorg community",
        "subtítulos realizados por la comunidad de amaraorg",
        "soustitres réalisés para la communauté damaraorg",
        "untertitel der amaraorgcommunity",
        "시청해 주셔서 감사합니다",
        "ご視聴ありがとうございました",
        "谢谢观看",
    )
)
_SUNG = re.compile(r"[♪♫♬][^♪♫♬]+[♪♫♬]?")
# [door slams] anywhere, (whispering) at the start, *sighs* alone
_SOUND = re.compile(r"\[[^\]]*\]|^\s*[(\uff08][^)\uff09]*[)\uff09]|^\s*\*[^*]+\*\s*$|[♪♫♬]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\u200b\u200e\u200f\u202a-\u202e\ufeff]")


def clean_segments(segments: Sequence[Segment]) -> tuple[list[Segment], list[Dropped]]:
    """Return the lines that are to be dubbed, and the others with their reasons; together they are as many as came in.

    Reasons: "empty", "sung" (between note signs), "non-speech" (nothing but the description of a sound), "invented" (a phrase that
    recognisers write over silence), "repeat" (a third or later line in a row with the same text; the kept line's end is extended).
    """
    dropped: list[Dropped] = []
    spoken: list[Segment] = []
    for segment in segments:
        line, reason = _cleaned(segment)
        if reason:
            dropped.append(Dropped(segment.id, segment.text, reason))
        else:
            spoken.append(line)
    kept, repeats = _without_repeats(spoken)
    return kept, dropped + repeats


def _cleaned(segment: Segment) -> tuple[Segment, str]:
    """Return the line with its text cleaned, and why it must go, if it must."""
    segment = replace(segment, text=_CONTROLS.sub("", segment.text))
    if not segment.text.strip():
        return segment, "empty"
    if not _SUNG.sub("", segment.text).strip():
        return segment, "sung"
    line = _with_text(segment, _SOUND.sub(_blank, _SUNG.sub(_blank, segment.text)))
    if not any(letter.isalnum() for letter in line.text):
        return segment, "non-speech"
    if segment.origin == "script":
        return line, ""
    return _without_loops(line), "invented" if _plain(line.text) in INVENTED else ""


def _with_text(segment: Segment, text: str) -> Segment:
    """Return the segment with the words of `text`, which has blanks where letters of its own text were taken out."""
    spans = [match.span() for match in re.finditer(r"\S+", segment.text)]
    left = [text[first:last].strip() for first, last in spans]
    return _with_tokens(segment, left, [index for index, token in enumerate(left) if token])


def _with_tokens(segment: Segment, tokens: Sequence[str], kept: Sequence[int]) -> Segment:
    """Return the segment with the kept ones of its tokens; words in time follow where there is one for each token."""
    words = tuple(replace(segment.words[index], text=tokens[index]) for index in kept) if len(segment.words) == len(tokens) else ()
    return replace(segment, text=" ".join(tokens[index] for index in kept), words=words)


def _without_loops(segment: Segment) -> Segment:
    """Return the line with every phrase that turns `LOOP` times or more said once."""
    tokens = segment.text.split()
    plain = [_plain(token) for token in tokens]
    kept: list[int] = []
    index = 0
    while index < len(tokens):
        size, turns = _loop_at(plain, index)
        kept += range(index, index + size)
        index += size * turns
    return _with_tokens(segment, tokens, kept) if len(kept) < len(tokens) else segment


def _loop_at(words: Sequence[str], index: int) -> tuple[int, int]:
    """Return the length of the phrase that begins here, and how often it is to be passed over: (1, 1) where nothing loops."""
    for size in range(1, min(LONGEST_PHRASE, (len(words) - index) // LOOP) + 1):
        phrase = words[index : index + size]
        turns = 1
        while words[index + turns * size : index + (turns + 1) * size] == phrase:
            turns += 1
        if turns >= LOOP:
            return size, turns
    return 1, 1


def _without_repeats(segments: Sequence[Segment]) -> tuple[list[Segment], list[Dropped]]:
    kept: list[Segment] = []
    dropped: list[Dropped] = []
    for (origin, _, _), run in groupby(segments, key=lambda line: (line.origin, line.speaker, _plain(line.text))):
        lines = list(run)
        repeats = [] if origin == "script" else lines[REPEATS_KEPT:]
        kept += lines[: len(lines) - len(repeats)]
        dropped += [Dropped(line.id, line.text, "repeat") for line in repeats]
        if repeats:
            kept[-1] = replace(kept[-1], end=max(line.end for line in lines))
    return kept, dropped


def _plain(text: str) -> str:
    """Return text as repeats are compared: lower case, no punctuation, single spaces."""
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split())


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
