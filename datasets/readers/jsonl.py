"""The exchange format: one JSON object a line, `id`, `audio_path`, `text`, `language`, `speaker`, `emotion`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from nightdub.datasets.readers.checks import emotion_name
from nightdub.datasets.readers.corpus import Corpus, Defect
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import SourceClip

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Line:
    """One line; what else it has is not read."""

    id: str
    audio_path: str
    text: str
    language: str
    speaker: str | None = None
    emotion: str | int | None = None
    start: float | None = None  # seconds, of the recording; None = the whole of it
    end: float | None = None
    duration: float | None = None  # seconds, of the clip
    recording: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield the lines of the manifest."""

    def parse(text: str, where: str) -> SourceClip:
        line = decoded(text, Line)
        try:
            audio, emotion = corpus.file(line.audio_path), emotion_name("" if line.emotion is None else line.emotion)
        except Defect as defect:
            raise Defect(defect.code, defect.what, line.id) from None
        end = line.start + line.duration if line.end is None and line.start is not None and line.duration else line.end
        more = {"start": line.start or 0.0, "end": end, "length": line.duration, "recording": line.recording, "tags": line.tags}
        return SourceClip(line.id, audio, line.text, line.language, line.speaker or "", emotion, where=where, **more)  # type: ignore[arg-type]

    yield from corpus.rows(options["manifest"], parse)


def decoded(text: str, kind: type[Value]) -> Value:
    """Return a line of JSON as a value. Raises: Defect."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Defect("bad-row", str(error)) from None


READER = Reader(
    read,
    "`manifest.jsonl`, recordings beside it or below",
    options={"manifest": Option("the manifest's name", "manifest.jsonl")},
)
