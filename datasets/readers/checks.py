"""What is asked of every row, whichever reader it comes from: an id that travels, a text, known labels, times that can be."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

from nightdub.datasets.readers.corpus import Defect, excused
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.tasks.emotions import EMOTIONS
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.rows import Language

LONGEST_ID = 160  # characters: an id becomes a file's name, with an ending and the name of a variant
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_OTHER = re.compile(r"[^A-Za-z0-9._/-]|(?<![^/])[.-]|/(?=/)|^/")
_BREAKS = re.compile(r"[\t\r\n]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAMES = {facts.name.casefold(): code for code, facts in LANGUAGES.items()} | {facts.iso639_2: code for code, facts in LANGUAGES.items()}


def checked(rows: Iterable[SourceClip | Excused]) -> Iterator[SourceClip | Excused]:
    """Yield the rows in their order, those that cannot be used as excused ones."""
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, Excused):
            yield replace(row, id=row.id and clip_id(row.id))
            continue
        try:
            clip = _fit(row)
        except Defect as defect:
            yield defect.row(row.where, row.id and clip_id(row.id))
            continue
        if clip.id in seen:
            yield excused(clip.id, "duplicate-id", row.where, f"an earlier row has the id {row.id!r}")
        else:
            seen.add(clip.id)
            yield clip


def clip_id(named: str) -> str:
    """Return an id of letters, digits and ._-/ for any name: itself where it is one, else with a digest, so that two stay two."""
    if len(named) <= LONGEST_ID and _ID.fullmatch(named):
        return named
    digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{_OTHER.sub('_', named)[: LONGEST_ID - 13].rstrip('/')}-{digest}"


def language_code(named: str) -> Language:
    """Return a language's key for its code, a code with a region (zh-CN), or its English name; Defect `bad-label` for another."""
    code = re.split(r"[-_]", named.strip().casefold(), maxsplit=1)[0]
    found = code if code in LANGUAGES else _NAMES.get(named.strip().casefold())
    if found is None:
        raise Defect("bad-label", f"unknown language {named!r}; allowed: {', '.join(LANGUAGES)}")
    return found


def emotion_name(named: str | int) -> str:
    """Return an emotion for its name or its number from 0, nothing for nothing; Defect `bad-label` for another."""
    text = str(named).strip().casefold()
    if text in ("", *EMOTIONS):
        return text
    if text in map(str, range(len(EMOTIONS))):
        return EMOTIONS[int(text)]
    raise Defect("bad-label", f"unknown emotion {named!r}; allowed: {', '.join(EMOTIONS)}")


def number(text: str, what: str) -> float:
    """Return a decimal number of 0 or more. Raises: Defect."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,12})?", text.strip(), re.ASCII):
        raise Defect("bad-row", f"{what} {text[:40]!r} is no number")
    return float(text)


def _fit(clip: SourceClip) -> SourceClip:
    """Return the clip as it goes on. Raises: Defect."""
    if not clip.id.strip():
        raise Defect("bad-row", "no id")
    text, speaker = _BREAKS.sub(" ", clip.text).strip(), unicodedata.normalize("NFC", clip.speaker).strip()
    tags = {name: value.strip() for name, value in clip.tags.items() if value.strip()}
    if _CONTROL.search("\t".join((clip.id, text, speaker, *tags, *tags.values()))):
        raise Defect("bad-row", "control characters")
    if not any(map(str.isalnum, text)):
        raise Defect("no-text", f"no word in {text[:40]!r}" if text else "the text is empty")
    times = [value for value in (clip.start, clip.end, clip.length) if value is not None]
    if (
        not all(map(math.isfinite, times))
        or clip.start < 0
        or (clip.end is not None and clip.end <= clip.start)
        or (clip.length is not None and clip.length <= 0)
    ):
        raise Defect("bad-row", f"no stretch of sound: start {clip.start}, end {clip.end}, length {clip.length}")
    try:
        clip.audio.encode()
    except UnicodeEncodeError:
        raise Defect("bad-row", "a file's name that is not UTF-8") from None
    found = clip_id(clip.id)
    if found != clip.id:
        tags["id"] = clip.id
    emotion, language = emotion_name(clip.emotion), language_code(clip.language)
    return replace(clip, id=found, text=text, speaker=speaker, emotion=emotion, language=language, tags=tags)
