"""Faults of what is said: in the translation's rows, the subtitles, and where the voice says it, in the sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from nightdub.quality.dub import Dub
from nightdub.quality.faults.kinds import CannotPlant, Fault, Planted, Where, long_lines, one_of
from nightdub.quality.faults.lines import NOBODY_LISTENS
from nightdub.quality.faults.sound import RATE, change_lines, clip_sound
from nightdub.quality.faults.subtitles import with_cues
from nightdub.tasks.engines import load_engine
from nightdub.tasks.glossary import Glossary, Term
from nightdub.tasks.protocols import Request
from nightdub.tasks.rows import Language, Placement, Translation
from nightdub.tasks.sound import Samples, resample
from nightdub.tasks.stretch import stretch
from nightdub.tasks.subtitles import cut_frames, make_cues
from nightdub.tasks.voice import convert_line

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{5,}")
_WORD_GAP = "The check on texts asks for whole lines; single words are noted by the translating step, whose notes a fault does not touch"
_MEANING_GAP = "No shipped rule reads what a line means; BLEU and chrF compare lines of machines alone, a memory's lines are taken as right"
_ROOM, _OTHER = "47", "74"  # numbers that no line of a dub is likely to have

Pair = tuple[Placement, Translation]


def spoken_anew(dub: Dub, place: Placement, text: str, language: Language) -> Samples:
    """Return a text in a line's place, spoken by eSpeak NG and moved to the speaker's voice by WORLD, as long and as loud as the line was.

    Raises: CannotPlant where eSpeak NG has no such voice.
    """
    old = clip_sound(dub, place.segment)
    speaker = next((speaker for speaker in dub.speakers if place.segment in speaker.segments), None)
    spoken = load_engine("speak", "espeak-ng").speak([Request(text, language, speaker=speaker)])[0]
    if spoken.failed:
        raise CannotPlant(spoken.failed, where=place.segment, fix="plant it into another language")
    sound = spoken.sound
    if speaker:
        sound = convert_line(sound, spoken.sample_rate, speaker, load_engine("convert", "world")).sound
    new = stretch(resample(sound, spoken.sample_rate, RATE), old.size)
    was, is_now = (float(np.mean(np.square(sound, dtype=np.float64))) for sound in (old, new))
    return np.asarray(new * np.sqrt(was / max(is_now, 1e-12)), np.float32)


def with_text(dub: Dub, segment: str, folder: Path, *, text: str | None = None, source: str | None = None) -> Dub:
    """Return the dub with other words in one line's row and in the subtitles; nothing in the row admits it."""
    lines = [
        replace(line, text=line.text if text is None else text, source=line.source if source is None else source)
        if line.segment == segment
        else line
        for line in dub.translations
    ]
    segments = [replace(row, text=source) if source is not None and row.id == segment else row for row in dub.segments]
    speakers = {row.id: row.speaker for row in dub.segments}
    changed = replace(dub, translations=lines, segments=segments)
    if text is None:
        return changed
    cuts, length = cut_frames(dub.shots, dub.frame_rate), dub.source_facts.duration
    cues = make_cues(lines, dub.placements, dub.target, dub.subtitles, dub.frame_rate, duration=length, speakers=speakers, cuts=cuts)
    return with_cues(changed, cues, folder)


def _said(dub: Dub, place: Placement, text: str, language: Language, folder: Path) -> Dub:
    """Return the dub with other words in a line's row, in the subtitles and in the sound."""
    changed = with_text(dub, place.segment, folder, text=text)
    return change_lines(changed, {place.segment: spoken_anew(dub, place, text, language)}, folder)


def _wrong_language(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    place, line = _line(dub, seed)
    return Planted(change_lines(dub, {place.segment: spoken_anew(dub, place, line.source, dub.source)}, folder), _at(place, line.source))


def _untranslated(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    place, line = _line(dub, seed)
    return Planted(_said(dub, place, line.source, dub.source, folder), _at(place, line.source))


def _untranslated_word(dub: Dub, _severity: float, folder: Path, seed: int) -> Planted:
    """Leave the line's longest source word in place of the longest word of its translation."""
    place, line = _line(dub, seed, lambda line: bool(_WORD.search(line.source) and _WORD.search(line.text)))
    word, other = (max(_WORD.findall(text), key=len) for text in (line.source, line.text))
    return Planted(_said(dub, place, line.text.replace(other, word, 1), dub.target, folder), _at(place, f"{word} for {other}"))


def _mistranslated(dub: Dub, severity: float, folder: Path, seed: int) -> Planted:
    """Give so many lines the words of others, in rows, subtitles and sound."""
    pairs = _lines(dub)
    if len(pairs) <= severity:
        raise CannotPlant(f"{len(pairs)} lines have a sound", where="faults", fix="plant it into a dub that has more")
    changed, segments = dub, []
    for turn in range(round(severity)):
        place, line = pairs[(seed + turn) % len(pairs)]
        text = pairs[(seed + turn + 1) % len(pairs)][1].text
        inner = folder / str(turn)
        inner.mkdir()
        changed = _said(changed, place, text, dub.target, inner)
        segments.append(line.segment)
    return Planted(changed, Where(tuple(segments)))


def _number(dub: Dub, _severity: float, folder: Path, seed: int, *, dropped: bool) -> Planted:
    """Change or drop a number of the translation; where no line has one, the source's rows get one that the dub does not keep."""
    with_number = [pair for pair in _lines(dub) if _NUMBER.search(pair[1].source) and _NUMBER.search(pair[1].text)]
    if with_number:
        place, line = one_of(with_number, seed, "no line has a number")
        found = _NUMBER.search(line.text)
        number = found.group() if found else ""
        text = " ".join(line.text.replace(number, "" if dropped else str(int(number) + 2), 1).split())
        return Planted(_said(dub, place, text, dub.target, folder), _at(place, f"{number} in: {line.text}"))
    place, line = _line(dub, seed)
    changed = with_text(dub, place.segment, folder, source=f"{line.source} {_ROOM}")
    if not dropped:
        changed = _said(changed, place, f"{line.text} {_OTHER}", dub.target, folder)
    return Planted(changed, _at(place, f"{_ROOM} in the source's text"))


def _term_broken(dub: Dub, _severity: float, _folder: Path, seed: int, *, kept: bool) -> Planted:
    """Agree on a term that one line does not keep to; no line is changed."""
    place, line = _line(dub, seed, lambda line: any(word not in line.text for word in _WORD.findall(line.source)))
    word = max((word for word in _WORD.findall(line.source) if word not in line.text), key=len)
    term = Term(word, word if kept else f"{word[::-1]}", keep=kept)
    known = dict(dub.glossary.terms) if dub.glossary else {}
    known[dub.target] = (term, *known.get(dub.target, ()))
    return Planted(replace(dub, glossary=Glossary(known)), _at(place, f"{word} -> {term.target}"))


def _lines(dub: Dub) -> list[Pair]:
    rows = {line.segment: line for line in dub.translations if line.text and line.source}
    return [(place, rows[place.segment]) for place in long_lines(dub) if place.segment in rows]


def _line(dub: Dub, seed: int, wanted: Callable[[Translation], bool] = lambda _: True) -> Pair:
    return one_of([pair for pair in _lines(dub) if wanted(pair[1])], seed, "no such line has a sound")


def _at(place: Placement, detail: str) -> Where:
    return Where((place.segment,), place.start, place.end, detail=detail)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "wrong-language-line",
        "text",
        "a line is spoken in the original's language, as no row admits",
        "lines",
        (1,),
        (),
        _wrong_language,
        2,
        gap=NOBODY_LISTENS,
    ),
    Fault("untranslated-line", "text", "a line stands and is spoken as in the original", "lines", (1,), (1,), _untranslated, 2),
    Fault("untranslated-word", "text", "a word of the original stands in a line", "words", (1,), (), _untranslated_word, 2, gap=_WORD_GAP),
    Fault("mistranslated-lines", "text", "lines say what another line means", "lines", (1, 3), (), _mistranslated, gap=_MEANING_GAP),
    Fault("number-changed", "text", "a line says another number", "numbers", (1,), (1,), partial(_number, dropped=False), 2),
    Fault("number-dropped", "text", "a line lacks its number", "numbers", (1,), (1,), partial(_number, dropped=True), 2),
    Fault("glossary-broken", "text", "a line says an agreed term otherwise", "terms", (1,), (1,), partial(_term_broken, kept=False)),
    Fault(
        "do-not-translate-broken",
        "text",
        "a line translates a term that is to stay",
        "terms",
        (1,),
        (1,),
        partial(_term_broken, kept=True),
    ),
)
