"""Lhotse's manifests, read as the plain JSON that they are: cuts, or recordings with supervisions; `.jsonl` or `.jsonl.gz`.

A recording may be a command or an address in that format. Here only files are read, by paths below the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nightdub.datasets.readers.checks import emotion_name
from nightdub.datasets.readers.corpus import Corpus, Defect, excused
from nightdub.datasets.readers.jsonl import decoded
from nightdub.datasets.readers.reader import Option, Reader, Rows
from nightdub.datasets.rows import Excused, SourceClip
from nightdub.infra.errors import ConfigError

ENDINGS = (".jsonl", ".jsonl.gz")
NEAR = 0.001  # seconds; a stretch that ends so near the recording's end is all of it


@dataclass(frozen=True, slots=True)
class Source:
    """Where the sound is."""

    type: str
    source: str | Any
    channels: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording."""

    id: str
    sources: list[Source]
    duration: float  # seconds
    transforms: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Supervision:
    """One stretch of a recording, or of a cut, with what is said in it."""

    id: str
    start: float
    duration: float
    recording_id: str = ""
    text: str | None = None
    language: str | None = None
    speaker: str | None = None
    gender: str | None = None
    custom: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """One stretch of a recording that carries both."""

    id: str
    start: float
    duration: float
    supervisions: list[Supervision] = field(default_factory=list)
    recording: Recording | None = None
    type: str = "MonoCut"


def read(corpus: Corpus, options: Mapping[str, str]) -> Rows:
    """Yield one row for each cut, else for each supervision; those that name an unread recording say so."""
    if cuts := options["cuts"] or ("" if options["supervisions"] else _one(corpus, "cuts")):
        yield from corpus.rows(cuts, lambda text, where: _of_cut(corpus, decoded(text, Cut), where, options))
        return
    supervisions = options["supervisions"] or _one(corpus, "supervisions")
    recordings = options["recordings"] or _one(corpus, "recordings")
    if not supervisions or not recordings:
        raise ConfigError("no cuts, and no recordings with supervisions", where=str(corpus.folder), allowed="*cuts*.jsonl, *.jsonl.gz")
    corpus.manifest(supervisions)
    found: dict[str, Recording] = {}
    yield from _recordings(corpus, recordings, found)

    def parse(text: str, where: str) -> SourceClip:
        line = decoded(text, Supervision)
        if line.recording_id not in found:
            raise Defect("no-audio", f"no recording {line.recording_id!r} in {recordings}", line.id)
        return _clip(corpus, line.id, found[line.recording_id], line, line.start, line.duration, where, options)

    yield from corpus.rows(supervisions, parse)


def _one(corpus: Corpus, kind: str) -> str:
    """Return the one manifest of a kind, or nothing. Raises: ConfigError where there are several."""
    names = corpus.matching(kind, ENDINGS)
    if len(names) > 1:
        raise ConfigError(f"several {kind}: {', '.join(names)}", where=str(corpus.folder), fix=f"say which: the option {kind}")
    return names[0] if names else ""


def _recordings(corpus: Corpus, name: str, found: dict[str, Recording]) -> Iterator[Excused]:
    for line in corpus.lines(name):
        if isinstance(line, Excused):
            yield line
            continue
        where, text = line
        try:
            recording = decoded(text, Recording)
        except Defect as defect:
            yield defect.row(where)
            continue
        if recording.id in found:
            yield excused(recording.id, "duplicate-id", where, f"an earlier recording has the id {recording.id!r}")
        else:
            found[recording.id] = recording


def _of_cut(corpus: Corpus, cut: Cut, where: str, options: Mapping[str, str]) -> SourceClip:
    if cut.type != "MonoCut" or cut.recording is None:
        raise Defect("bad-row", f"a {cut.type}, or a cut without its recording; only a MonoCut is one voice", cut.id)
    if len(cut.supervisions) != 1:
        code = "bad-row" if cut.supervisions else "no-text"
        raise Defect(code, f"{len(cut.supervisions)} supervisions; lhotse's trim_to_supervisions makes cuts with one", cut.id)
    return _clip(corpus, cut.id, cut.recording, cut.supervisions[0], cut.start, cut.duration, where, options)


def _clip(
    corpus: Corpus, clip: str, recording: Recording, said: Supervision, start: float, length: float, where: str, options: Mapping[str, str]
) -> SourceClip:
    custom = said.custom or {}
    emotion = custom.get("emotion") or ""
    try:
        audio = _audio(corpus, recording, options["prefix"])
        emotion = emotion_name(emotion if isinstance(emotion, int) else str(emotion))
    except Defect as defect:
        raise Defect(defect.code, defect.what, clip) from None
    whole = start == 0 and length >= recording.duration - NEAR
    return SourceClip(
        clip,
        audio,
        said.text or "",
        said.language or options["language"],
        said.speaker or "",
        emotion,
        start=start,
        end=None if whole else start + length,
        recording="" if recording.id == clip else recording.id,
        length=length,
        tags={"gender": said.gender or ""}
        | {name: value for name, value in custom.items() if name != "emotion" and isinstance(value, str)},
        where=where,
    )


def _audio(corpus: Corpus, recording: Recording, prefix: str) -> str:
    if strange := [source.type for source in recording.sources if source.type != "file" or not isinstance(source.source, str)]:
        raise Defect("unsafe-path", f"a source of type {strange[0]!r}; only files are read")
    if recording.transforms or len(recording.sources) != 1 or len(recording.sources[0].channels) > 1:
        raise Defect("bad-row", "a recording with a transform, of several files, or of several channels")
    return corpus.file(recording.sources[0].source.removeprefix(prefix))


READER = Reader(
    read,
    "`*cuts*.jsonl.gz`, or `*recordings*.jsonl.gz` with `*supervisions*.jsonl.gz`; also `.jsonl`",
    options={
        "cuts": Option("the manifest's name, where there are several"),
        "recordings": Option("the manifest's name, where there are several"),
        "supervisions": Option("the manifest's name, where there are several"),
        "prefix": Option("what the paths begin with, to be taken off: `/data/LJSpeech-1.1/`"),
        "language": Option("where a row names none"),
    },
)
